"""Sentences about groups keep one comparison, and claim nothing that chance explains."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy import stats

from fairaudit import AuditResult, AuditSpec, ColumnRoles, Dataset, audit_predictions, run_audit
from fairaudit.report.sections import sections
from fairaudit.text.findings import Finding, finding_of, gap_of
from fairaudit.text.sentences import errors
from fairaudit.text.voice import Voice
from tests.sizes import size


def audited(wrong: dict[str, float], n: int = 3000, seed: int = 0, **asked: Any) -> AuditResult:
    """One system that rejects the good of each group wrongly with these probabilities."""
    rng = np.random.default_rng(seed)
    group = rng.choice(list(wrong), n)
    y = rng.integers(0, 2, n)
    chance = np.where(y == 1, np.array([wrong[g] for g in group]), 0.1)
    answer = np.where(rng.random(n) < chance, 1 - y, y)
    found = audit_predictions(
        y, {"m": answer}, sensitive_features={"sex": group}, n_boot=200, **asked
    )
    return meant(found, "good")


def meant(result: AuditResult, meaning: str) -> AuditResult:
    """The same audit of an outcome that means something else for a person."""
    facts = {"target": "hired", "positive": "1", "negative": "0", "meaning": meaning}
    return replace(result, summary={**result.summary, "outcome": facts})


@pytest.fixture(scope="module")
def unequal() -> AuditResult:
    return audited({"women": 0.4, "men": 0.1, "others": 0.25})


@pytest.fixture(scope="module")
def equal() -> AuditResult:
    return audited({"women": 0.2, "men": 0.2, "others": 0.2})


def lead(result: AuditResult, metric: str = "tpr") -> str:
    split = result.errors["split"].item(0)
    return errors.errors_lead(result, attribute="sex", metric=metric, model="m", split=split)


def test_the_times_are_those_of_the_two_groups_named_first(unequal: AuditResult) -> None:
    text = lead(unequal)
    split = unequal.errors["split"].item(0)
    row = gap_of(unequal, attribute="sex", metric="fnr", model="m", split=split, kind="ratio")
    assert row is not None
    assert row["group"] == "men vs women"
    assert re.search(
        r"m rightly selects \*\*[\d.]+%\*\* \(95% CI [\d.% to]+, \d+ rows\) of women who were "
        r"hired, against \*\*[\d.]+%\*\* \([\d.% to]+, \d+ rows\) of (men|people with "
        r"sex others): the lowest "
        r"share by sex",
        text,
    )
    assert (
        f"Wrong rejections are {1 / row['value']:.2g} times as frequent for women as for men "
        f"(95% CI {1 / row['high']:.2g} to {1 / row['low']:.2g})."
    ) in text


def test_groups_within_chance_are_not_ranked(equal: AuditResult) -> None:
    text = lead(equal)
    assert "no difference beyond chance by sex" in text
    assert "times as" not in text
    assert "lowest" not in text


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("metric", ["tpr", "fpr", "accuracy", "selection_rate"])
def test_nothing_is_once_as_frequent(seed: int, metric: str) -> None:
    text = lead(audited({"a": 0.2, "b": 0.25}, n=800, seed=seed), metric)
    assert not re.search(r"\b1(\.0)? times", text)


def test_a_sentence_holds_at_most_two_intervals(unequal: AuditResult) -> None:
    for metric in ("tpr", "fpr", "accuracy"):
        for sentence in re.split(r"(?<=\.) (?=[A-Z])", lead(unequal, metric)):
            assert len(re.findall(r"\d%? to \d", sentence)) <= 2


def test_the_interval_has_the_level_of_the_audit() -> None:
    text = lead(audited({"a": 0.1, "b": 0.4}, confidence=0.8))
    assert "80% CI" in text
    assert "95%" not in text


def test_the_adjusted_decision_counts_not_the_single_interval(unequal: AuditResult) -> None:
    split = unequal.errors["split"].item(0)
    asked = {"attribute": "sex", "metric": "tpr", "model": "m", "split": split}
    assert finding_of(unequal, **asked) is Finding.SIGNIFICANT
    pairs = unequal.tables["pairs"].with_columns(p_adjusted=pl.lit(0.06))
    looked = AuditResult({**unequal.tables, "pairs": pairs}, {"confidence": 0.95})
    assert finding_of(looked, **asked) is Finding.UNADJUSTED
    assert "once adjusted for multiple testing" in lead(looked)
    lenient = AuditResult(looked.tables, {"confidence": 0.9})
    assert finding_of(lenient, **asked) is Finding.SIGNIFICANT


def test_an_attribute_of_noise_has_no_gap_in_words(equal: AuditResult) -> None:
    gaps = equal.gaps.filter(kind="difference", metric="tpr")
    said = errors.gap_leads(equal, gaps)
    assert len(said) == 1
    assert said[0].startswith("No gap between groups is statistically significant")
    assert errors.gap_leads(equal, gaps.clear()) == []


def noise(seed: int, n: int = 500) -> tuple[Dataset, AuditSpec]:
    """Eight systems that err at random, two attributes and three features that mean nothing."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    wrong = rng.random((8, n)) < 0.2
    systems = {f"s{i}": np.where(wrong[i], 1 - y, y) for i in range(8)}
    people = {"sex": rng.choice(["f", "m"], n), "age": rng.choice(["y", "m", "o"], n)}
    features = {f"x{j}": rng.normal(size=n) for j in range(3)}
    table = pl.DataFrame({"row": np.arange(n), "y": y, **systems, **people, **features})
    roles = ColumnRoles(
        target="y",
        positive="1",
        sensitive=tuple(people),
        predictions=tuple(systems),
        features=tuple(features),
    )
    spec = AuditSpec(roles=roles, kind="predictions", metrics=("tpr", "fpr"), n_boot=100)
    return Dataset(table, roles), spec


def claims_a_group(sentence: str) -> bool:
    """Whether a sentence says of a group that it differs."""
    if "No group" in sentence or "No latent group" in sentence or "does not differ" in sentence:
        return False
    return bool(
        re.search(
            r"the (lowest|highest)|, against |differs? significantly|wrong against", sentence
        )
    )


@pytest.mark.slow
def test_noise_systems_rarely_claim_a_group(unequal: AuditResult) -> None:
    """The report of eight noise systems claims a group in few audits, declared or latent.

    The target is 5%. The limit is the number that 5% exceed in fewer than one of twenty series of
    that length (15 of 200): the seeds are fixed, so the stricter limit costs no false failures
    night after night, and it finds a true 10% in 86% of cases, where the limit of a 99% band (17)
    finds it in 72%.
    """
    assert any(claims_a_group(s) for part in sections(unequal) for s in part.sentences)
    claims, runs = 0, size(2, 200)
    for seed in range(runs):
        result = run_audit(*noise(seed))
        assert "latent_tests" in result.tables
        claims += any(claims_a_group(s) for part in sections(result) for s in part.sentences)
    assert claims <= size(0, int(stats.binom.ppf(0.95, runs, 0.05)))


def test_a_detectable_gap_reads_as_in_the_brief() -> None:
    row = {
        "group": "women",
        "attribute": "sex",
        "metric": "tpr",
        "n": 41,
        "gap_detectable": 0.21,
        "rows_needed": 400,
        "gap_wanted": 0.07,
    }
    assert errors.detectable_sentence(row, Voice(0.95)) == (
        "With 41 rows of women, a gap in true-positive rate below 21.0 points would probably go "
        "undetected; 400 rows would detect 7.0 points."
    )
    other = {**row, "group": "Native American", "attribute": "race", "n": 18}
    assert errors.detectable_sentence(other, Voice(0.95)).startswith(
        "With 18 rows of Native American people, "
    )
    never = errors.detectable_sentence({**row, "rows_needed": None}, Voice(0.95))
    assert "no number of its rows" in never
    none = errors.detectable_sentence({**row, "gap_detectable": None}, Voice(0.95))
    assert "no gap" in none


def test_the_reliability_of_an_interval_is_stated_where_it_is_poor() -> None:
    assert errors.coverage_note({"status": "estimated"}) == ""
    assert "may cover less often" in errors.coverage_note({"status": "unstable"})
    assert "5 points less" in errors.coverage_note({"status": "unstable", "kind": "worst"})
    assert "no conclusion" in errors.coverage_note({"status": "cannot be judged"})


def test_a_level_reads_as_a_percentage() -> None:
    assert Voice(0.95).ci == "95% CI"
    assert Voice(0.995).percent == "99.5%"
    assert Voice(0.8).significant(0.19)
    assert not Voice(0.8).significant(None)
