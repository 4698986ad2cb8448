"""Sentences say the numbers of their row, and say when there is nothing to say."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
import pytest

from fairaudit import AuditResult, audit_predictions
from fairaudit.text import row_sentences


@pytest.fixture(scope="module")
def result() -> AuditResult:
    rng = np.random.default_rng(0)
    n = 4000
    sex = rng.choice(["women", "men"], n)
    y = rng.integers(0, 2, n)
    wrong = np.where(sex == "women", 0.4, 0.1)
    p = np.where(rng.random(n) < np.where(y == 1, wrong, 0.1), 1 - y, y)
    q = np.where(rng.random(n) < 0.2, 1 - y, y)
    sex[:3] = "other"
    return audit_predictions(y, {"a": p, "b": q}, sensitive_features={"sex": sex}, n_boot=300)


def _row(table: pl.DataFrame, **where: Any) -> dict[str, Any]:
    return table.filter(*[pl.col(k) == v for k, v in where.items()]).row(0, named=True)


def test_a_pair_says_how_many_times_as_often(result: AuditResult) -> None:
    pairs = result.tables["pairs"]
    row = _row(pairs, model="a", metric="fnr", group="women")
    other = row["reference"]
    if other == "men":
        text = row_sentences.times_sentence(row)
    else:
        row = _row(pairs, model="a", metric="fnr", group="men")
        text = row_sentences.times_sentence(row)
    assert "wrongly rejected" in text
    assert f"{row['ratio']:.2g} times as often" in text
    assert f"{row['ratio_low']:.2g} to {row['ratio_high']:.2g}" in text
    assert "chance" not in text


def test_an_error_says_its_interval_and_its_rows(result: AuditResult) -> None:
    row = _row(result.errors, model="a", metric="fnr", group="women")
    text = row_sentences.error_sentence(row)
    assert f"{100 * row['value']:.1f}%" in text
    assert f"{100 * row['low']:.1f}% to {100 * row['high']:.1f}%" in text
    assert f"from {row['denominator']:.0f} of {row['n']} rows" in text


def test_a_tiny_group_is_said_to_be_too_small(result: AuditResult) -> None:
    text = row_sentences.error_sentence(
        _row(result.errors, model="a", metric="accuracy", group="other")
    )
    assert "too few rows to judge" in text
    undefined = {**_row(result.errors, model="a", metric="tpr", group="other"), "value": None}
    assert "cannot be judged" in row_sentences.error_sentence(undefined)
    hidden = {**undefined, "status": "suppressed"}
    assert "not shown" in row_sentences.error_sentence(hidden)


def test_a_gap_says_what_the_bias_of_extremes_adds(result: AuditResult) -> None:
    row = _row(result.gaps, model="a", metric="fnr", kind="difference_stable")
    text = row_sentences.gap_sentence(row)
    assert f"{100 * row['value']:.1f} points" in text
    assert "upward bias" in text
    assert "enough rows only" in text
    ratio = row_sentences.gap_sentence(
        _row(result.gaps, model="a", metric="fnr", kind="ratio_stable")
    )
    assert "interval 0." in ratio


def test_a_comparison_says_who_is_better_and_whether_it_can_be_told(result: AuditResult) -> None:
    row = _row(result.tables["comparisons"], attribute="all", metric="fpr")
    text = row_sentences.comparison_sentence(row)
    assert text.startswith("False-positive rate overall: a is")
    assert "below b" in text
    assert "more than chance" in text
    same = {**row, "p_adjusted": 0.7}
    assert "may be chance" in row_sentences.comparison_sentence(same)


def test_a_detectable_gap_reads_as_in_the_brief() -> None:
    row = {
        "group": "women",
        "metric": "tpr",
        "n": 41,
        "gap_detectable": 0.21,
        "rows_needed": 400,
        "gap_wanted": 0.07,
    }
    assert row_sentences.detectable_sentence(row) == (
        "With 41 rows of women, gaps in true-positive rate below 21.0 points cannot be seen; "
        "400 rows would show 7.0 points."
    )
    never = row_sentences.detectable_sentence({**row, "rows_needed": None})
    assert "no number of its rows" in never
    assert "no gap" in row_sentences.detectable_sentence({**row, "gap_detectable": None})


def test_the_worst_group_is_named_only_among_those_that_can_be_judged(
    result: AuditResult,
) -> None:
    errors = result.errors.filter(pl.col("model") == "a")
    text = row_sentences.worst_sentence(errors, "fnr")
    assert "highest for women" in text
    assert "other" not in text
    few = errors.filter(pl.col("group") == "other")
    assert "No group has enough rows" in row_sentences.worst_sentence(few, "fnr")


def test_every_row_of_every_table_has_a_sentence(result: AuditResult) -> None:
    made = [row_sentences.error_sentence(r) for r in result.errors.to_dicts()]
    made += [row_sentences.gap_sentence(r) for r in result.gaps.to_dicts()]
    made += [row_sentences.times_sentence(r) for r in result.tables["pairs"].to_dicts()]
    made += [row_sentences.comparison_sentence(r) for r in result.tables["comparisons"].to_dicts()]
    made += [row_sentences.detectable_sentence(r) for r in result.tables["detectable"].to_dicts()]
    for text in made:
        assert text.endswith(".")
        assert "nan" not in text.split()
        assert "None" not in text


def test_numbers_read_as_people_write_them() -> None:
    assert row_sentences.number(0.3456, "tpr") == "34.6%"
    assert (
        row_sentences.number(0.8765, "auroc") == "0.876"
        or row_sentences.number(0.8765, "auroc") == "0.877"
    )
    assert row_sentences.number(12.3456, "mse") == "12.35"
    assert row_sentences.number(None, "tpr") == "not known"
    assert row_sentences.metric_words("tpr [cat]") == "true-positive rate for 'cat'"


def test_looks_are_counted_aloud() -> None:
    assert "12 comparisons" in row_sentences.looks_sentence(12)
    assert row_sentences.looks_sentence(0) == "No tests were made."


def test_the_reliability_of_an_interval_is_said_where_it_is_poor() -> None:
    assert row_sentences.coverage_note({"status": "estimated"}) == ""
    assert "may miss its 95%" in row_sentences.coverage_note({"status": "unstable"})
    assert "90–98%" in row_sentences.coverage_note({"status": "unstable", "kind": "worst"})
    assert "no conclusion" in row_sentences.coverage_note({"status": "cannot be judged"})
