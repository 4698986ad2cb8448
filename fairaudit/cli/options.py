"""Parses values of command-line options."""

from __future__ import annotations

import csv


def names(text: str | None) -> tuple[str, ...]:
    """Column names of a comma-separated option; a name with a comma must be quoted."""
    parts = [part for row in csv.reader([text or ""], skipinitialspace=True) for part in row]
    return tuple(part.strip() for part in parts if part.strip())
