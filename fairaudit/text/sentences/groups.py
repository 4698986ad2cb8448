"""Sentences about latent groups: how many, who they are, and which of them differ."""

from __future__ import annotations

import polars as pl

from fairaudit.audit.latent.rules import DESCRIBES, NO_RULE
from fairaudit.audit.latent.tests import MIN_FLIPS, MIN_UNITS
from fairaudit.audit.result import AuditResult
from fairaudit.text import numbers
from fairaudit.text.metric_words import in_sentence
from fairaudit.text.sentences.evidence import NO_EVIDENCE, evidence_lead
from fairaudit.text.sentences.phrases import Row, joined
from fairaudit.text.voice import level_words, voice_of


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
    significant = shown.filter(pl.col("p_adjusted") < voice.alpha).sort("p_adjusted")
    if significant.is_empty():
        return f"No latent group differs significantly from the rest on held-out rows, {adjusted}."
    row = significant.row(0, named=True)
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
        f"{numbers.count(significant.height, 'latent group')} "
        f"{'differs' if significant.height == 1 else 'differ'} significantly from the rest on "
        f"held-out rows, {adjusted}; most clearly {row['group']}: {in_sentence(metric)} "
        f"**{numbers.points(row['difference'], metric, signed=True)}** ({inside})."
    )


def findings(result: AuditResult) -> list[str]:
    """What the search for groups in which an existing system errs has found, by system."""
    return [f"**{system}**: {s}" for system, lines in finding_words(result) for s in lines]


def finding_words(result: AuditResult) -> list[tuple[str, list[str]]]:
    """Each system with the sentences about its search.

    Results stored by earlier versions hold the sentences themselves.
    """
    stored = result.summary.get("latent_findings") or {}
    return [
        (system, list(facts) if isinstance(facts, (list, tuple)) else _finding(facts))
        for system, facts in stored.items()
    ]


def _finding(facts: Row) -> list[str]:
    if not facts.get("searched", True):
        return [
            "not searched: more than half of all rows are in one cluster, so no clusters can be "
            "set aside for the evaluation."
        ]
    if not facts["judged"]:
        return [
            f"No group can be judged: held-out rows of at least {MIN_FLIPS} clusters are needed, "
            f"{MIN_UNITS} of them inside a group and {MIN_UNITS} outside."
        ]
    systems = f" and {facts['systems']} systems" if facts["systems"] > 1 else ""
    if not facts["groups"]:
        return [
            "No group differs significantly in error from the rest on held-out rows, adjusted for "
            f"{facts['n_tests']:,} tests over {facts['n_numbers']} numbers of groups{systems}."
        ]
    adjusted = f"adjusted for {facts['n_tests']:,} tests{systems}"
    return [
        f"{group['group'].capitalize()} ({group['rule']}): "
        f"{_against_rest(group, facts['confidence'])} "
        f"(held-out rows, p = {group['p_adjusted']:.3f}, {adjusted})."
        for group in facts["groups"]
    ]


def _against_rest(group: Row, confidence: float) -> str:
    if group["metric"] in ("mse", "mae"):
        return f"{group['metric']} {group['value']:.4g} against {group['rest']:.4g} elsewhere"
    return (
        f"{100 * group['value']:.1f}% wrong against {100 * group['rest']:.1f}% elsewhere, "
        f"a difference of {100 * group['difference']:.1f} points (simultaneous "
        f"{level_words(confidence)} CI {100 * group['low']:.1f} to {100 * group['high']:.1f})"
    )
