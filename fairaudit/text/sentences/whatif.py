"""Sentences about other numbers of groups."""

from __future__ import annotations

import polars as pl

from fairaudit.text import numbers, table_rows
from fairaudit.text.metric_words import in_sentence
from fairaudit.text.sentences.phrases import Row, joined, value
from fairaudit.text.voice import Voice


def whatif_lead(sweep: pl.DataFrame, metric: str, at: int, voice: Voice) -> str:
    """What this number of groups does for the worst group and overall, against the fewest."""
    rows = {row["n_groups"]: row for row in sweep.iter_rows(named=True)}
    here, fewest = rows[at], rows[min(rows)]
    first = (
        f"With **{numbers.count(at, 'group')}** the {in_sentence(metric)} of the worst group is "
        f"{_swept(here, 'worst', metric, voice, mark='**')} and overall "
        f"{_swept(here, 'overall', metric)}."
    )
    second = (
        f"With {numbers.count(min(rows), 'group')} it is {_swept(fewest, 'worst', metric)} and "
        f"{_swept(fewest, 'overall', metric)}."
    )
    return joined([first, second if here is not fewest else "", preferences(sweep)])


def _swept(row: Row, name: str, metric: str, voice: Voice | None = None, *, mark: str = "") -> str:
    """The loss of the worst group, or overall, at one number of groups, with its interval."""
    number = row["worst_group" if name == "worst" else name]
    ends = (row.get(f"{name}_low"), row.get(f"{name}_high"))
    return value(number, *ends, metric, voice, mark=mark)


def preferences(sweep: pl.DataFrame) -> str:
    """Which number of groups each criterion prefers; none of them is obeyed silently."""
    known = [n for n in ("heldout", "bic", "icl") if n in sweep and not sweep[n].is_null().all()]
    named = [f"{_lower(table_rows.CRITERIA[n])} {table_rows.best_count(sweep, n)}" for n in known]
    return f"Preferred number of groups: {', '.join(named)}." if named else ""


def _lower(title: str) -> str:
    return title if title[:2].isupper() else title[:1].lower() + title[1:]
