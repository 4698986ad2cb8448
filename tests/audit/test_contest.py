"""Comparisons over seeds: the corrected interval, pairing and the front."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from scipy import stats

from fairaudit.audit import seed_comparison
from fairaudit.exceptions import SpecError


def _measured(values: dict[str, list[float | None]]) -> pl.DataFrame:
    rows = [
        (model, "all", "accuracy", "overall", value, seed)
        for model, series in values.items()
        for seed, value in enumerate(series)
    ]
    names = ["model", "attribute", "metric", "kind", "value", "seed"]
    return pl.DataFrame(rows, schema=names, orient="row")


def test_corrected_interval_equals_the_formula_worked_by_hand():
    values = np.array([0.1, 0.2, 0.4])
    mean, low, high = seed_comparison.corrected_interval(values, 1 / 3, 0.95)
    spread = np.sqrt((1 / 3 + 1 / 3) * np.var(values, ddof=1))
    half = stats.t.ppf(0.975, 2) * spread
    assert mean == pytest.approx(0.7 / 3)
    assert (low, high) == pytest.approx((mean - half, mean + half))


def test_without_shared_rows_the_p_value_is_the_plain_t_test():
    values = np.array([0.3, -0.1, 0.2, 0.25])
    assert seed_comparison.corrected_p(values, 0.0) == pytest.approx(
        stats.ttest_1samp(values, 0).pvalue
    )


def test_one_seed_gives_a_value_without_an_interval():
    table = seed_comparison.comparison_table(_measured({"a": [0.7]}), 0.3, 0.95)
    row = table.row(0, named=True)
    assert row["value"] == 0.7
    assert row["low"] is None
    assert row["status"] == "unstable"


def test_a_seed_without_a_value_makes_the_number_unjudgeable_not_an_average_of_the_rest():
    table = seed_comparison.comparison_table(_measured({"a": [0.7, None, 0.8]}), 0.3, 0.95)
    assert table["value"][0] is None


def test_pairing_removes_what_seeds_share():
    seeds = [0.1, 0.5, 0.9]
    measured = _measured({"base": seeds, "better": [s + 0.05 for s in seeds]})
    paired = seed_comparison.paired_table(measured, "base", 0.3, 0.95).row(0, named=True)
    assert paired["difference"] == pytest.approx(0.05)
    assert paired["high"] - paired["low"] == pytest.approx(0, abs=1e-9)


def test_naive_interval_would_be_narrower_when_splits_share_rows():
    values = np.array([0.1, 0.2, 0.4])
    _, low, high = seed_comparison.corrected_interval(values, 0.25, 0.95)
    _, naive_low, naive_high = seed_comparison.corrected_interval(values, 0.0, 0.95)
    assert high - low > naive_high - naive_low


def test_an_interval_of_a_rate_ends_where_rates_end():
    table = seed_comparison.comparison_table(_measured({"a": [0.99, 0.9, 1.0]}), 0.3, 0.95)
    assert table["high"][0] == 1.0
    assert table["low"][0] < 0.99
    assert seed_comparison.possible("mse", "overall") == (0.0, float("inf"))
    assert seed_comparison.possible("mcc", "overall") == (-1.0, 1.0)
    assert seed_comparison.possible("accuracy", "difference") == (0.0, 1.0)


def test_a_comparison_of_one_method_is_refused():
    with pytest.raises(SpecError, match="at least two"):
        seed_comparison.contestants({"methods": ["erm"]})


def test_each_method_of_a_comparison_gets_the_parameters_that_it_has():
    _, _, shared = seed_comparison.contestants(
        {"methods": ["erm", "rome-em"], "max_epochs": 3, "tol": 1e-4, "n_groups": 2}
    )
    assert seed_comparison.own_parameters("erm", shared) == {"max_epochs": 3}
    # `tol` has no knob, but the estimator has it: it was left out silently
    assert seed_comparison.own_parameters("rome-em", shared) == {"tol": 1e-4, "n_groups": 2}


@pytest.mark.parametrize("name", ["nonsense", "random_state", "task", "N_GROUPS"])
def test_a_parameter_that_no_method_has_is_refused(name):
    with pytest.raises(SpecError, match=f"'{name}' is known to none of erm, rome-em"):
        seed_comparison.contestants({"methods": ["erm", "rome-em"], name: 3})
