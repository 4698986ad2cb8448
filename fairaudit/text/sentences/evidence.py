"""Are there latent groups? The first sentence wherever latent groups are shown."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.text import numbers
from fairaudit.text.sentences.phrases import joined
from fairaudit.text.voice import Voice, voice_of

NO_EVIDENCE = "**No evidence of latent groups**"


def evidence_lead(result: AuditResult) -> str:
    """Whether held-out rows speak for latent groups at all, and for how many."""
    sweep = result.tables.get("sweep")
    if sweep is not None:
        return sweep_evidence(sweep, voice_of(result))
    if "latent_p" in result.summary:
        return _of_p(result.summary["latent_p"], voice_of(result))
    return ""


def sweep_evidence(sweep: pl.DataFrame, voice: Voice) -> str:
    """Whether any number of groups predicts held-out rows better, and which are plausible."""
    if "p" not in sweep.columns:
        return ""
    return joined([_of_p(sweep["p"].min(), voice), plausible_counts(sweep)])


def _of_p(p: object, voice: Voice) -> str:
    if p is None:
        return (
            "**Whether there are latent groups cannot be judged**: held-out rows of at least 10 "
            "clusters without training rows are needed (split by whole clusters), and a model "
            "with more than one group."
        )
    number = float(str(p))
    if number < voice.alpha:
        return (
            "There is **evidence of latent groups**: models with groups predict held-out rows "
            f"better than one common model (adjusted p = {number:.2g})."
        )
    return (
        f"{NO_EVIDENCE}: on held-out rows no model with groups predicts significantly better "
        f"than one common model (adjusted p = {number:.2g})."
    )


def plausible_counts(sweep: pl.DataFrame) -> str:
    """Which numbers of groups held-out rows cannot tell apart, and which one is shown."""
    if "plausible" not in sweep.columns:
        return ""
    counts = sorted(sweep.filter("plausible")["n_groups"].to_list())
    chosen = sweep.filter("chosen")["n_groups"].to_list()
    if not counts or not chosen:
        return ""
    if len(counts) == 1:
        return f"Plausible number of groups by held-out likelihood: {counts[0]}."
    return (
        f"Plausible numbers of groups by held-out likelihood: {alternatives(counts)}; the "
        f"simplest that is not clearly worse is {chosen[0]}."
    )


def alternatives(counts: Sequence[int]) -> str:
    """`2 or 3`, `2 to 5`, `1, 3 or 4`."""
    if len(counts) > 2 and counts[-1] - counts[0] == len(counts) - 1:
        return f"{counts[0]} to {counts[-1]}"
    first, last = [str(g) for g in counts[:-1]], str(counts[-1])
    return f"{', '.join(first)} or {last}" if first else last


def worst_beyond_chance(row: dict[str, object], metric: str, voice: Voice) -> str:
    """Whether the worst group of one number of groups is worse than one common model explains."""
    limit, p = row.get("worst_null"), row.get("worst_p")
    if limit is None or p is None:
        return ""
    usual = numbers.value(float(str(limit)), metric)
    if float(str(p)) < voice.alpha:
        return (
            f"That is more than chance: without latent groups it would stay below {usual} "
            f"(adjusted p = {float(str(p)):.2g})."
        )
    return (
        "That the worst of several groups is worse than overall is not significant: without "
        f"latent groups it would stay below {usual} with {voice.percent} probability "
        f"(adjusted p = {float(str(p)):.2g})."
    )
