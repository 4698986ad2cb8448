"""The order in which people expect names: "group 2" before "group 10"."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping

_Part = tuple[int, int, str]
_PARTS = re.compile(r"[≤≥]\s*|\d+|[^\d≤≥]+")


def natural(text: str) -> tuple[tuple[_Part, ...], str]:
    """Sort key: "group 2" before "group 10", and ranges from "≤ 37" over "38–43" to "≥ 52"."""
    return tuple(_sort_key(found) for found in _PARTS.findall(text)), text


def _sort_key(found: str) -> _Part:
    if found.isdecimal():
        return (0, int(found), "")
    ends: Mapping[str, _Part] = {"≤": (0, -1, ""), "≥": (0, sys.maxsize, "")}
    return ends.get(found.strip()) or (1, 0, found.lower())
