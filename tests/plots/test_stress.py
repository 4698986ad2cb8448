"""Charts of stress tests: every number where the table says, and the sentence beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import polars as pl
import pytest

from fairaudit.audit.result import AuditResult
from fairaudit.plots import stress
from fairaudit.text import table_rows

ResultOf = Callable[[str], AuditResult]


def shifted(*, harm: float = 0.03) -> pl.DataFrame:
    """Two groups, both kinds, three strengths; only point estimates harm."""
    rows = [
        {
            "group": group, "kind": kind, "strength": strength, "rule": rule,
            "harm": harm * strength * (rule != "bound") * (2 if group == "b" else 1),
            "low": 0.0, "high": 2 * harm * (rule != "bound"),
            "harmed": 0.5 * (rule != "bound") * (strength > 0), "changed": strength, "gap": 0.1,
            "metric": "accuracy",
        }
        for group in ("a", "b")
        for kind in stress.SHIFTS
        for strength in (0.0, 0.5, 0.9)
        for rule in table_rows.RULES
    ]  # fmt: skip
    return pl.DataFrame(rows)


def test_the_curve_goes_through_the_harm_of_each_strength() -> None:
    figure = stress.shift(shifted(), group="b").figure
    drawn = {t.name: t for t in figure.data}
    points = drawn["choice on point estimates"]
    assert list(points.y) == pytest.approx([0.0, 0.03, 0.054])
    ends = [y + up for y, up in zip(points.y, points.error_y.array, strict=True)]
    assert ends == pytest.approx([0.06, 0.06, 0.06])
    assert list(drawn["choice with the bound"].y) == [0.0, 0.0, 0.0]


def test_zero_harm_is_marked_and_inside_the_frame() -> None:
    figure = stress.shift(shifted(), group="a").figure
    [line] = figure.layout.shapes
    low, high = figure.layout.yaxis.range
    assert (line.y0, line.y1) == (0, 0)
    assert low < 0 < high


def test_a_curve_that_stays_at_zero_is_not_blown_up() -> None:
    axis = stress.shift(shifted(harm=0.0), group="a").figure.layout.yaxis
    low, high = axis.range
    assert axis.tickformat == ".1%"
    assert -0.01 < low < 0 < high < 0.05


def test_the_sentence_holds_harm_and_interval_at_the_strongest_shift() -> None:
    said = stress.shift(shifted(), group="b").alt
    assert "5.4 points (in 90% of the draws 0.0 to 6.0 points) at 90%" in said
    assert "worse off in 50% of the draws" in said


def test_the_group_with_the_largest_loss_comes_first() -> None:
    assert stress.shifted_groups(shifted()) == ["b", "a"]


def test_shares_leave_out_draws_without_a_shift() -> None:
    shares = table_rows.harmed_shares(shifted())
    assert shares["bound"][:2] == (0.0, 0.0)
    assert shares["point estimates"][0] == pytest.approx(0.5)
    assert shares["bound"][2] == 8


def test_losses_of_a_regression_are_numbers_not_points() -> None:
    table = shifted().with_columns(metric=pl.lit("neg_mse"))
    chart = stress.shift(table, group="b")
    assert "0.054 (in 90% of the draws 0.000 to 0.060)" in chart.alt
    assert chart.figure.layout.yaxis.tickformat is None


def test_a_shift_that_was_not_made_says_so() -> None:
    assert "not shifted" in stress.shift(shifted(), group="nobody").alt


def test_probes_stand_at_their_ranks(result_of: ResultOf) -> None:
    table = result_of("search").tables["probes"]
    figure = stress.probes(table).figure
    drawn = sorted(t.x[0] for t in figure.data if t.x[0] is not None)
    assert drawn == sorted(table["rank"].to_list())
    assert table_rows.best_ranks(table) == dict(
        table.group_by("model").agg(pl.col("rank").min()).rows()
    )


def test_each_group_has_a_line_of_its_gains(result_of: ResultOf) -> None:
    table = wrong()
    figure = stress.wrong_groups(table).figure
    drawn = {t.name: list(t.y) for t in figure.data}
    for name in ("a", "b"):
        own = table.filter((pl.col("group") == name) & (pl.col("kind") == "wrong"))
        assert drawn[name] == own["difference"].to_list()


def test_the_sentence_of_wrong_groups_is_about_the_one_that_gains_least() -> None:
    said = stress.wrong_groups(wrong()).alt
    assert "the smallest gain over the baseline, -4.0 points (-5.0 to -3.0 points)" in said
    assert "against 0.0 points with the correct group" in said
    assert "interval is below zero: 1 of 2" in said


def test_few_lines_are_drawn_and_all_groups_are_in_the_table() -> None:
    names = [f"g{i}" for i in range(20)]
    chart = stress.wrong_groups(wrong(names))
    assert len(chart.figure.data) == 6
    assert chart.table["group"].n_unique() == 20
    assert chart.figure.data[0].name == "g19"


def test_groups_without_rows_are_left_out() -> None:
    table = wrong().with_columns(difference=pl.lit(None, pl.Float64))
    assert "enough test rows" in stress.wrong_groups(table).alt


def wrong(names: Sequence[str] = ("a", "b")) -> pl.DataFrame:
    """Each further group loses more as more people come with a wrong group."""
    return pl.DataFrame(
        [
            {
                "kind": kind, "share": share, "group": name, "n": 50, "metric": "accuracy",
                "difference": -0.1 * share * place, "low": -0.1 * share * place - 0.01,
                "high": -0.1 * share * place + 0.01,
            }
            for kind in stress.WRONG
            for share in (0.0, 0.1, 0.4)
            for place, name in enumerate(names)
        ]
    )  # fmt: skip


@pytest.mark.parametrize("kind", ["rome", "medl", "regression"])
def test_flips_are_drawn_with_their_intervals(result_of: ResultOf, kind: str) -> None:
    table = result_of(kind).tables["flips"]
    for measure in table_rows.flip_measures(table):
        chart = stress.flips(table, measure=measure)
        own = table.filter(pl.col("measure") == measure).drop_nulls("value")
        drawn = sorted(t.x[0] for t in chart.figure.data if t.x[0] is not None)
        assert drawn == pytest.approx(sorted(own["value"]))
        assert set(chart.figure.layout.yaxis.ticktext) == set(own["attribute"])


def test_models_that_do_not_move_are_told_together() -> None:
    table = pl.DataFrame(
        [
            {"model": model, "attribute": "sex", "measure": "label", "value": value,
             "low": value, "high": value, "n": 9, "levels": 2}
            for model, value in (("a", 0.0), ("b", 0.25), ("c", 0.0))
        ]
    )  # fmt: skip
    said = stress.flips(table).alt
    assert "b: sex 25.0% (25.0% to 25.0%). No prediction changes for a, c." in said


def test_decisions_come_before_probabilities() -> None:
    table = pl.DataFrame({"measure": ["score", "label"]})
    assert table_rows.flip_measures(table) == ["label", "score"]


def test_only_tables_with_rows_are_held() -> None:
    tables = {"stress_shift": pl.DataFrame(), "stress_time": pl.DataFrame({"n_groups": [2]})}
    assert list(table_rows.stress_tables(tables)) == ["stress_time"]
    assert stress.views(table_rows.stress_tables(tables), guessed=True) == [
        "Time",
        "Group not known",
    ]


def test_a_flip_without_interval_says_so() -> None:
    table = pl.DataFrame(
        {
            "model": ["m"],
            "attribute": ["sex"],
            "measure": ["label"],
            "value": [0.1],
            "low": [None],
            "high": [None],
            "n": [5],
            "levels": [2],
        },
        schema_overrides={"low": pl.Float64, "high": pl.Float64},
    )
    assert "sex 10.0% (no interval)" in stress.flips(table, measure="label").alt
