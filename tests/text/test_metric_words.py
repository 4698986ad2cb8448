"""How values read: percentages for rates, decimals else, a dash for what is undefined."""

from __future__ import annotations

import math

import pytest

from fairaudit.stats import metric_definitions
from fairaudit.text import metric_words, numbers


@pytest.mark.parametrize(
    ("number", "metric", "text"),
    [
        (0.1234, "tpr", "12.3%"),
        (0.1234, "auroc", "0.123"),
        (None, "tpr", "–"),
        (math.nan, "mse", "–"),
        (1234.5, "mse", "1,234"),
        (0.00012, "mse", "0.0001"),
        (0.0000012, "mse", "1.20e-06"),
        (0.0, "mse", "0.000"),
        (0.25, "tpr [cat]", "25.0%"),
    ],
)
def test_values_read_as_people_say_them(number: float | None, metric: str, text: str) -> None:
    assert numbers.value(number, metric) == text


def test_differences_of_rates_are_points() -> None:
    assert numbers.points(0.031, "fpr") == "3.1 points"
    assert numbers.points(0.031, "auroc") == "0.031"


def test_an_undefined_interval_is_no_text() -> None:
    assert numbers.interval(None, 0.2, "tpr") == ""
    assert numbers.interval(0.1, 0.2, "tpr") == "10.0% to 20.0%"


@pytest.mark.parametrize(
    "metric",
    sorted(
        {*metric_definitions.BINARY, *metric_definitions.SCORES, *metric_definitions.REGRESSION}
    ),
)
def test_every_metric_has_a_title(metric: str) -> None:
    title = metric_words.title(metric)
    assert title[0].isupper() or not title[0].isalpha()
    assert "_" not in title


def test_the_class_of_a_metric_stays_in_its_title() -> None:
    assert metric_words.title("tpr [cat]") == "True-positive rate [cat]"


def test_good_and_bad_ends_agree_with_the_audit() -> None:
    assert all(metric_words.lower_is_better(m) for m in metric_definitions.LOWER_IS_BETTER)
    assert not metric_words.lower_is_better("accuracy")


def test_one_row_is_not_rows() -> None:
    assert [numbers.rows(n) for n in (1, 2_000, None)] == ["1 row", "2,000 rows", "no rows"]


@pytest.mark.parametrize(
    ("metric", "unfair"), [("tpr_sd", True), ("equalized_odds", True), ("auroc", False)]
)
def test_metrics_of_unfairness_are_told_from_those_of_quality(metric: str, unfair: bool) -> None:
    assert metric_words.speaks_of_unfairness(metric) is unfair


def test_what_rounds_to_zero_has_no_minus() -> None:
    assert numbers.points(-0.0001, "accuracy") == "0.0 points"
    assert numbers.value(-0.0, "accuracy") == "0.0%"
    assert numbers.value(-0.0001, "accuracy", signed=True) == "+0.0%"
    assert numbers.number_text(-0.0) == "0.000"


def test_numbers_are_told_with_their_intervals() -> None:
    assert numbers.points_with_interval(0.041, 0.01, 0.072, "tpr") == "4.1 points (1.0 to 7.2)"
    assert numbers.points_with_interval(2.5, 1.0, 4.0, "neg_mse") == "2.500 (1.000 to 4.000)"
    assert numbers.points_with_interval(0.041, None, 0.072, "tpr") == "4.1 points"
    assert numbers.value_with_interval(0.8, 0.7, 0.9, "tpr") == "80.0% (70.0% to 90.0%)"
    assert numbers.value_with_interval(None, None, None, "tpr") == "–"
