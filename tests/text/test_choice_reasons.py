"""Why a group got the expert: a code and numbers in tables, a sentence on screens."""

from __future__ import annotations

from typing import get_args

import numpy as np
import polars as pl
import pytest

from fairaudit.methods.no_harm_reasons import Reason
from fairaudit.methods.no_harm_table import ChoiceRules, check_on, decide
from fairaudit.stats.paired_differences import Answers, evidence
from fairaudit.text.sentences.choice_reasons import reason, with_reasons


def chosen(objective="min_gap", confidence=0.95, gains=(0.2, 0.0), metric="accuracy", n=400):
    """The choice for groups a, b, …, in which the expert is right on so many rows more."""
    codes, y = np.repeat(np.arange(len(gains)), n), np.ones(n * len(gains))
    place = np.tile(np.arange(n) / n, len(gains))
    baseline = (place < 0.5).astype(float)
    expert = (place < 0.5 + np.repeat(gains, n)).astype(float)
    if metric == "neg_mse":
        y, baseline, expert = y * 10, 10 + place, 10 + place * (1 - np.repeat(gains, n))
    found = evidence(y, Answers(expert, None), Answers(baseline, None), codes, len(gains), metric)
    names = [chr(ord("a") + g) for g in range(len(gains))]
    rules = ChoiceRules(objective, confidence, 0.95)
    choice, table = decide(found, names, rules)
    return table, check_on("test", found, names, rules, choice)


@pytest.mark.parametrize("metric", ["accuracy", "neg_mse"])
@pytest.mark.parametrize("confidence", [0.95, 0.8, None])
@pytest.mark.parametrize("objective", ["min_gap", "max_min", "max_mean"])
def test_every_code_of_a_choice_has_a_sentence(objective, confidence, metric):
    for table in chosen(objective, confidence, (0.3, 0.1, 0.0, -0.2), metric):
        assert set(table["reason"]) <= set(get_args(Reason))
        for row in with_reasons(table).iter_rows(named=True):
            assert row["reason"].endswith(".")
            assert row["reason"][0].isupper()
            assert "None" not in row["reason"]
            assert "nan" not in row["reason"]


@pytest.mark.parametrize("n", [3, 4])
def test_a_group_too_small_says_how_many_rows_would_do(n):
    table, later = chosen(gains=(0.3, 0.1), n=n)
    row = table.row(0, named=True)
    assert row["reason"] == "unjudged"
    assert row["obstacle"] in reason(row)
    assert f"about {row['rows_needed']} rows would show an improvement of 5.0 points" in reason(
        row
    )
    assert reason(later.row(0, named=True)).startswith("The baseline is used. These rows cannot")


def test_a_gain_that_widens_the_gap_is_named_with_both_gaps():
    table, _ = chosen("min_gap", gains=(0.3, 0.0))
    row = table.row(0, named=True)
    assert (row["reason"], row["gap"]) == ("wider gap", 0.0)
    assert row["gap_with"] == pytest.approx(0.3)
    assert "the gap 30.0 points instead of 0.0 points" in reason(row)


@pytest.mark.parametrize("sentence", ["The expert is used: +3.0 points on 9 rows.", "", "Kept."])
def test_sentences_that_earlier_versions_stored_are_shown_as_they_are(sentence):
    old = pl.DataFrame({"group": ["a"], "metric": ["accuracy"], "reason": [sentence]})
    assert with_reasons(old)["reason"].item() == sentence
