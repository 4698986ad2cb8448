"""Tables as CSV that a spreadsheet cannot be tricked into running."""

from __future__ import annotations

import polars as pl

from fairaudit.jobs import csv


def safe_csv(frame: pl.DataFrame) -> bytes:
    """UTF-8 CSV; text a spreadsheet would take for a formula starts with an apostrophe.

    Numbers stay numbers: -0.5 in a numeric column is no formula.
    """
    return csv.safe_csv(frame).encode()
