"""Problems of the values of a column: mixed writing, codes, missing and infinite values."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from fairaudit.data.doctor.column_profile import ColumnProfile
from fairaudit.data.doctor.key_guesses import is_birth_as_text, is_number_text
from fairaudit.data.doctor.problem import ExaminedTable, Problem
from fairaudit.data.mends import AsMissing, AsNumbers, AsYears, LeaveOut, as_years

FEW_LABELS = 20  # a target or decision with so few values has labels, not numbers
MOSTLY_NUMBERS = 0.8
_NO_YEAR = 0.1  # share of dates whose year has two digits or is missing


def mixed_types(evidence: ExaminedTable) -> Iterator[Problem]:
    labels = (*evidence.roles.predictions, evidence.roles.target)
    for c in evidence.used:
        if c.number or c.dtype != "String" or (c.name in labels and c.distinct <= FEW_LABELS):
            continue
        counts = _counts(c, evidence)
        others = {v: n for v, n in counts.items() if not is_number_text(v)}
        total = sum(counts.values())
        numeric = total - sum(others.values())
        if others and 0.5 * total <= numeric and not any(_is_code(v) for v in others):
            word = next(iter(others))
            if numeric < MOSTLY_NUMBERS * total:
                yield Problem(
                    "mixed_types", "note", c.name,
                    f"column '{c.name}' mixes numbers with text such as '{word}'",
                    "every number is a category; if it measures something, give it numbers only",
                )  # fmt: skip
                continue
            yield Problem(
                "mixed_types", "warning", c.name,
                f"column '{c.name}' mixes numbers with text such as '{word}'",
                "read the column as numbers; as it stands every number is a category",
                (AsNumbers(column=c.name),), numeric >= 0.9 * total,
            )  # fmt: skip


def _counts(c: ColumnProfile, evidence: ExaminedTable) -> Mapping[str, int]:
    """Rows by value; of the drawn rows where the profile holds the most frequent values only."""
    if c.distinct <= len(c.values):
        return c.values
    values = evidence.sample.rows[c.name].drop_nulls().value_counts()
    return dict(values.iter_rows())


def _is_code(text: str) -> bool:
    """Whether a text holds digits: a code ("V57", "2A") or a range ("<20%"), not a remark."""
    return any(sign.isdigit() for sign in text)


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


def births_as_text(evidence: ExaminedTable) -> Iterator[Problem]:
    for c in evidence.columns.values():
        if not is_birth_as_text(c):
            continue
        written = evidence.sample.rows[c.name].drop_nulls()
        if as_years(written).null_count() > _NO_YEAR * len(written):
            continue
        yield Problem(
            "birth_text", "warning", c.name,
            f"column '{c.name}' holds dates of birth as text, so that nobody is compared by age",
            "read the column as years",
            (AsYears(column=c.name),),
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
            (LeaveOut(column=c.name),) if c.name in evidence.roles.features else (),
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
