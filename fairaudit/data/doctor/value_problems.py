"""Problems of the values of a column: mixed writing, codes, missing and infinite values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import numpy as np

from fairaudit.data.doctor.key_guesses import is_number_text
from fairaudit.data.doctor.problem import ExaminedTable, Problem
from fairaudit.data.mends import AsMissing, AsNumbers


def mixed_types(evidence: ExaminedTable) -> Iterator[Problem]:
    for c in evidence.used:
        if c.number or c.dtype != "String" or not c.values:
            continue
        total = sum(c.values.values())
        numeric = sum(n for v, n in c.values.items() if is_number_text(v))
        if 0.5 * total <= numeric < total and c.name not in evidence.roles.predictions:
            word = next(v for v in c.values if not is_number_text(v))
            yield Problem(
                "mixed_types", "warning", c.name,
                f"column '{c.name}' mixes numbers with text such as '{word}'",
                "read the column as numbers; as it stands every number is a category",
                (AsNumbers(column=c.name),), numeric >= 0.9 * total,
            )  # fmt: skip


def number_text(evidence: ExaminedTable) -> Iterator[Problem]:
    for c in evidence.used:
        if c.number or c.dtype != "String" or c.name == evidence.roles.target or not c.values:
            continue
        signed = [v for v in c.values if re.search(r"[%$€£,]", v)]
        if signed and all(is_number_text(v) for v in c.values):
            yield Problem(
                "number_text", "warning", c.name,
                f"column '{c.name}' contains numbers written as text, such as '{signed[0]}'",
                "read the column as numbers; as it stands every number is a category",
                (AsNumbers(column=c.name),), True,
            )  # fmt: skip


def infinite_values(evidence: ExaminedTable) -> Iterator[Problem]:
    for c in evidence.used:
        if c.infinite:
            yield Problem(
                "infinite", "warning", c.name,
                f"column '{c.name}' has {c.infinite:,} infinite values",
                "correct them (perhaps a division by zero); they are treated as missing",
            )  # fmt: skip


def many_missing(evidence: ExaminedTable) -> Iterator[Problem]:
    for c in evidence.used:
        share = c.missing / max(c.rows, 1)
        if c.name == evidence.roles.target or share <= 0.3 or not c.distinct:
            continue
        yield Problem(
            "many_missing", "warning" if share > 0.6 else "note", c.name,
            f"column '{c.name}' is missing in {share:.0%} of the rows",
            "check that missingness does not depend on the group, or exclude the column",
        )  # fmt: skip


_CODES = frozenset(("-9", "-99", "-999", "-9999", "99", "999", "9999", "99999"))


def coded_missing(evidence: ExaminedTable) -> Iterator[Problem]:
    for c in evidence.used:
        if not c.number or c.name == evidence.roles.target or c.distinct < 5:
            continue
        values = [float(v) for v in c.levels if v not in _CODES and _plain(v)]
        codes = [
            v
            for v in c.levels
            if v in _CODES and c.values[v] >= 5 and values and _outlying(float(v), values)
        ]
        if codes:
            yield Problem(
                "coded_missing", "note", c.name,
                f"column '{c.name}' has the value {codes[0]} in {c.values[codes[0]]:,} rows, far "
                "from the others",
                "if it means missing, read it as missing",
                (AsMissing(column=c.name, values=tuple(codes)),),
            )  # fmt: skip


def _plain(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _outlying(value: float, others: Sequence[float]) -> bool:
    low, high = min(others), max(others)
    return value < low - (high - low) * 0.5 or value > high + (high - low) * 0.5
