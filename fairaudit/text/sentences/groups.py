"""Sentences about latent groups: how many, who they are, and which of them differ."""

from __future__ import annotations

import polars as pl

from fairaudit.audit.latent.rules import DESCRIBES, NO_RULE
from fairaudit.audit.result import AuditResult
from fairaudit.text import numbers
from fairaudit.text.metric_words import in_sentence
from fairaudit.text.sentences.evidence import NO_EVIDENCE, evidence_lead
from fairaudit.text.sentences.phrases import joined
from fairaudit.text.voice import voice_of


def groups_page_lead(result: AuditResult, groups: pl.DataFrame) -> str:
    """Whether there are latent groups at all, then who they are."""
    tests = result.tables.get("latent_tests")
    evidence = evidence_lead(result) if tests is None else tests_evidence(result)
    one = "One common model is shown: all rows are in **1 group**."
    return joined([evidence, one if groups.height == 1 else groups_lead(groups)])


def tests_evidence(result: AuditResult) -> str:
    """Whether an existing system errs more in any group that was searched for."""
    tests = adjusted_tests(result)
    known = tests["p_adjusted"].drop_nulls().to_list()
    p = min(known, default=0.0)
    if p < voice_of(result).alpha:
        return ""
    return f"{NO_EVIDENCE} in which the system errs differently (adjusted p = {p:.2g})."


def groups_lead(groups: pl.DataFrame) -> str:
    """How many groups, the smallest and its rule."""
    by_size = groups.sort("share")
    small, large = by_size.row(0, named=True), by_size.row(-1, named=True)
    words = f"**{groups.height} latent groups** hold from {small['share']:.0%} to "
    words += f"{large['share']:.0%} of the rows. The smallest, {small['group']}"
    fidelity = small.get("fidelity")
    if small.get("rule") and fidelity is not None and fidelity < DESCRIBES:
        words += f": {NO_RULE}"
    elif small.get("rule"):
        words += f", is best described by: {small['rule']}"
        if fidelity:
            words += f" (fidelity of the rule {fidelity:.2f}; 0.5 = chance, 1 = perfect)"
    return f"{words}."


def adjusted_tests(result: AuditResult) -> pl.DataFrame:
    """The tests of latent groups, their p-values adjusted for all systems that were examined.

    Results stored before the number of systems was recorded hold p-values that are adjusted for
    the groups of one system only.
    """
    tests = result.tables["latent_tests"]
    if "latent_systems" in result.summary:
        return tests
    systems = max(len(result.summary.get("latent_findings") or {}), 1)
    return tests.with_columns(p_adjusted=(systems * pl.col("p_adjusted")).clip(upper_bound=1.0))


def tested_lead(result: AuditResult, n_groups: int | None) -> str:
    """Which latent groups differ from the rest on held-out rows, adjusted for all tests.

    Parameters
    ----------
    n_groups : int or None
        The number of groups that is shown; all of them were tested.
    """
    tests, voice = adjusted_tests(result), voice_of(result)
    shown = tests.filter(pl.col("p_adjusted").is_not_null())
    if shown.is_empty():
        return "No latent group could be tested on held-out rows."
    systems = max(len(result.summary.get("latent_findings") or {}), 1)
    adjusted = f"adjusted for {numbers.count(systems * tests.height, 'test')}"
    if n_groups is not None:
        shown = shown.filter(pl.col("n_groups") == n_groups)
    found = shown.filter(pl.col("p_adjusted") < voice.alpha).sort("p_adjusted")
    if found.is_empty():
        return f"No latent group differs significantly from the rest on held-out rows, {adjusted}."
    row = found.row(0, named=True)
    metric = str(row["metric"])
    span = numbers.points_interval(row["low"], row["high"], metric)
    inside = ", ".join(
        part
        for part in (
            f"simultaneous {voice.ci} {span}" if span else "",
            f"adjusted p {row['p_adjusted']:.2g}",
        )
        if part
    )
    return (
        f"{numbers.count(found.height, 'latent group')} "
        f"{'differs' if found.height == 1 else 'differ'} significantly from the rest on held-out "
        f"rows, {adjusted}; most clearly {row['group']}: {in_sentence(metric)} "
        f"**{numbers.points(row['difference'], metric, signed=True)}** ({inside})."
    )


def findings(result: AuditResult) -> list[str]:
    """What the search for groups in which an existing system errs has found, by system."""
    found = result.summary.get("latent_findings") or {}
    return [f"**{system}**: {sentence}" for system, lines in found.items() for sentence in lines]
