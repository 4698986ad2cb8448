"""Phrases that the sentences of several pages share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairaudit.text import numbers
from fairaudit.text.voice import Voice

Row = Mapping[str, Any]
SPLITS: Mapping[str, str] = {
    "test": "On test rows",
    "validation": "On validation rows",
    "all": "Over all rows",
}


def on(split: str, voice: Voice) -> str:
    """ "On test rows", "Over all rows", "Over the 266 of 400 rows with a known outcome"."""
    if split == "all" and voice.scope:
        return f"Over {voice.scope}"
    return SPLITS.get(split, f"On {split} rows")


def joined(sentences: Sequence[str]) -> str:
    """Sentences one behind the other, without those that say nothing."""
    return " ".join(sentence for sentence in sentences if sentence)


def estimate(row: Row, metric: str, voice: Voice | None = None) -> str:
    """`**76.5%** (95% CI 65.1% to 85.0%, 106 rows)`; without a voice the level is not repeated."""
    span = ci(numbers.interval(row["low"], row["high"], metric), voice)
    inside = ", ".join(part for part in (span, numbers.rows(row["n"])) if part)
    return f"**{numbers.value(row['value'], metric)}** ({inside})"


def value(
    number: float | None,
    low: float | None,
    high: float | None,
    metric: str,
    voice: Voice | None = None,
    *,
    mark: str = "",
) -> str:
    """`82.3% (95% CI 79.0% to 85.1%)`; `mark` surrounds the value."""
    span = ci(numbers.interval(low, high, metric), voice)
    text = f"{mark}{numbers.value(number, metric)}{mark}"
    return f"{text} ({span})" if span else text


def points(
    number: float | None,
    low: float | None,
    high: float | None,
    metric: str,
    voice: Voice | None = None,
    *,
    mark: str = "",
) -> str:
    """`12.3 points (95% CI 8.0 to 16.1)`; `mark` surrounds the difference."""
    span = ci(numbers.points_interval(low, high, metric), voice)
    text = f"{mark}{numbers.points(number, metric)}{mark}"
    return f"{text} ({span})" if span else text


def ci(span: str, voice: Voice | None) -> str:
    """An interval with its name, where there is one."""
    return f"{voice.ci} {span}" if span and voice is not None else span
