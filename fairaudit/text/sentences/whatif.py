"""Sentences about other numbers of groups."""

from __future__ import annotations

import polars as pl

from fairaudit.text import numbers, table_rows
from fairaudit.text.metric_words import in_sentence
from fairaudit.text.sentences.evidence import sweep_evidence, worst_beyond_chance
from fairaudit.text.sentences.phrases import Row, joined, value
from fairaudit.text.voice import Voice


def whatif_lead(sweep: pl.DataFrame, metric: str, at: int, voice: Voice) -> str:
    """Whether there are groups at all; worst group and overall with this number of them."""
    here = sweep.row(sweep["n_groups"].to_list().index(at), named=True)
    losses = (
        f"With **{numbers.count(at, 'group')}** the {in_sentence(metric)} of the worst group is "
        f"{_swept(here, 'worst', metric, voice, mark='**')} and overall "
        f"{_swept(here, 'overall', metric)}."
    )
    beyond = worst_beyond_chance(here, metric, voice) if at > 1 else ""
    return joined([sweep_evidence(sweep, voice), losses, beyond])


def _swept(row: Row, name: str, metric: str, voice: Voice | None = None, *, mark: str = "") -> str:
    """The loss of the worst group, or overall, at one number of groups, with its interval."""
    number = row["worst_group" if name == "worst" else name]
    limits = (row.get(f"{name}_low"), row.get(f"{name}_high"))
    return value(number, *limits, metric, voice, mark=mark)


def preferences(sweep: pl.DataFrame) -> str:
    """What other criteria say: BIC is a second opinion, ICL speaks of separation only."""
    parts = []
    if _known(sweep, "bic"):
        parts.append(f"BIC, a second opinion, prefers {table_rows.best_count(sweep, 'bic')}.")
    if _known(sweep, "icl"):
        best = table_rows.best_count(sweep, "icl")
        parts.append(f"Clearly separated groups (ICL): {best if best > 1 else 'none'}.")
    return joined(parts)


def _known(sweep: pl.DataFrame, name: str) -> bool:
    return name in sweep.columns and not sweep[name].is_null().all()


def held_lead(table: pl.DataFrame, metric: str, at: int, voice: Voice) -> str:
    """Whether the groups of one partition gain from models with more groups.

    The groups stay the same people whatever the model, so that models can be compared.
    """
    own = table.filter((pl.col("n_groups") == at) & (pl.col("models") == at))
    rows = own.filter(pl.col("difference").is_not_null())
    if at == 1 or rows.is_empty():
        return "With one common model there are no groups to be kept."
    better = rows.filter(pl.col("difference_high") < 0)["group"].to_list()
    worse = rows.filter(pl.col("difference_low") > 0)["group"].to_list()
    change = min(rows.iter_rows(named=True), key=lambda r: r["difference"])
    parts = [
        f"The {numbers.count(at, 'group')} stay the same people under every model.",
        _changed(better, "have", "a significantly lower"),
        _changed(worse, "have", "a significantly higher"),
    ]
    if not better and not worse:
        parts.append("No group changes significantly from one common model to theirs.")
    span = numbers.interval(change["difference_low"], change["difference_high"], metric)
    parts.append(
        f"The {in_sentence(metric)} of {change['group']} changes by "
        f"**{numbers.value(change['difference'], metric)}** (simultaneous {voice.ci} {span})."
    )
    return joined(parts)


def _changed(names: list[str], verb: str, how: str) -> str:
    if not names:
        return ""
    listed = ", ".join(names)
    return f"{listed[:1].upper()}{listed[1:]} {'has' if len(names) == 1 else verb} {how} loss."
