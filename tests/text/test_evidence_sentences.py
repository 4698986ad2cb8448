"""The first sentence about latent groups: evidence, none, or not to be judged."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest

from fairaudit.audit.result import AuditResult
from fairaudit.text.sentences.evidence import (
    NO_EVIDENCE,
    alternatives,
    evidence_lead,
    plausible_counts,
    sweep_evidence,
    worst_beyond_chance,
)
from fairaudit.text.sentences.groups import groups_page_lead
from fairaudit.text.sentences.whatif import held_lead, whatif_lead
from fairaudit.text.voice import voice_of

VOICE = voice_of(AuditResult({}, {"task": "regression", "confidence": 0.95}))


def sweep(p: float | None) -> pl.DataFrame:
    """Numbers of groups 1 to 3, with the p of any gain."""
    return pl.DataFrame(
        {
            "n_groups": [1, 2, 3], "bic": [3.0, 2.0, 1.0], "icl": [1.0, 2.0, 3.0],
            "worst_group": [1.0, 1.2, 1.4], "worst_low": [0.9] * 3, "worst_high": [1.5] * 3,
            "overall": [1.0] * 3, "overall_low": [0.9] * 3, "overall_high": [1.1] * 3,
            "p": [None, p, None if p is None else 1.0], "plausible": [False, True, True],
            "chosen": [False, True, False], "worst_null": [None, 1.1, 1.3],
            "worst_p": [None, 0.01, 0.5],
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.4, NO_EVIDENCE), (0.005, "There is **evidence of latent groups**"), (None, "cannot be")],
)
def test_whether_there_are_groups_is_said_first(p: float | None, text: str) -> None:
    lead = whatif_lead(sweep(p), "mse", 2, VOICE)
    assert text in lead.split(":")[0] + ":"
    assert "2 or 3" in lead


def test_the_level_of_the_audit_decides() -> None:
    strict = replace(VOICE, confidence=0.999)
    assert NO_EVIDENCE in sweep_evidence(sweep(0.005), strict)


def test_a_worst_group_stands_out_only_beyond_chance() -> None:
    rows = sweep(0.005).to_dicts()
    assert "more than chance" in worst_beyond_chance(rows[1], "mse", VOICE)
    assert "not significant" in worst_beyond_chance(rows[2], "mse", VOICE)
    assert worst_beyond_chance(rows[0], "mse", VOICE) == ""


@pytest.mark.parametrize(
    ("counts", "text"),
    [([2], "2"), ([2, 3], "2 or 3"), ([2, 3, 4], "2 to 4"), ([1, 2, 4], "1, 2 or 4")],
)
def test_plausible_numbers_are_named_together(counts: list[int], text: str) -> None:
    assert alternatives(counts) == text


def test_one_plausible_number_is_no_alternative() -> None:
    alone = sweep(0.5).with_columns(plausible=pl.col("chosen"))
    assert plausible_counts(alone) == "Plausible number of groups by held-out likelihood: 2."


def test_results_of_older_versions_claim_nothing() -> None:
    old = sweep(0.5).drop("p", "plausible", "worst_null", "worst_p")
    assert "latent groups" not in whatif_lead(old, "mse", 2, VOICE)
    assert evidence_lead(AuditResult({}, {})) == ""


def test_one_group_is_one_common_model() -> None:
    result = AuditResult({"sweep": sweep(0.5)}, {"task": "regression"})
    lead = groups_page_lead(result, pl.DataFrame({"group": ["group 1"], "share": [1.0]}))
    assert lead.startswith(NO_EVIDENCE)
    assert "One common model is shown" in lead


def test_no_finding_about_a_system_is_said_first() -> None:
    tests = pl.DataFrame({"p_adjusted": [0.3, 0.8]})
    result = AuditResult({"latent_tests": tests}, {"latent_systems": 1})
    groups = pl.DataFrame({"group": ["group 1", "group 2"], "share": [0.4, 0.6]})
    assert groups_page_lead(result, groups).startswith(NO_EVIDENCE)


@pytest.mark.parametrize(("ends", "text"), [((-0.9, -0.1), "lower"), ((-0.5, 0.5), "No group")])
def test_groups_that_stay_the_same_gain_or_do_not(ends: tuple[float, float], text: str) -> None:
    low, high = ends
    table = pl.DataFrame(
        {
            "n_groups": [2, 2], "models": [2, 2], "group": ["group 1", "group 2"],
            "difference": [-0.5, 0.0], "difference_low": [low, -0.2],
            "difference_high": [high, 0.2],
        }
    )  # fmt: skip
    lead = held_lead(table, "mse", 2, VOICE)
    assert "stay the same people" in lead
    assert text in lead
    assert "no groups" in held_lead(table, "mse", 1, VOICE)
