"""What is shown first follows from what the positive class means; the numbers never do."""

from __future__ import annotations

import pytest

from fairaudit.stats.metric_definitions import BINARY, first_metrics, higher_is_better


@pytest.mark.parametrize(
    ("meaning", "first"), [("good", "tpr"), ("bad", "fpr"), ("neutral", "error_rate")]
)
def test_the_first_metric_counts_what_hurts_people(meaning: str, first: str) -> None:
    shown = first_metrics(meaning, known=True, task="binary")
    assert shown[0] == first
    assert set(shown) <= set(BINARY)
    assert "selection_rate" in shown


def test_the_worst_group_is_lowest_only_where_the_class_is_good() -> None:
    firsts = [first_metrics(m, known=True, task="binary")[0] for m in ("good", "bad", "neutral")]
    assert [higher_is_better(metric) for metric in firsts] == [True, False, False]


@pytest.mark.parametrize("meaning", ["good", "bad", "neutral"])
@pytest.mark.parametrize("task", ["binary", "multiclass", "regression"])
def test_without_an_outcome_nothing_is_right_or_wrong(meaning: str, task: str) -> None:
    shown = first_metrics(meaning, known=False, task=task)
    assert set(shown) <= {"selection_rate", "mean_score", "mean_prediction"}
