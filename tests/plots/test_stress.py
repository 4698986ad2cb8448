"""Charts of stress tests: every number where the table says, and the sentence beside it."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from fairaudit.audit.result import AuditResult
from fairaudit.plots import stress

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
        for rule in stress.RULES
    ]  # fmt: skip
    return pl.DataFrame(rows)


def test_the_curve_goes_through_the_harm_of_each_strength() -> None:
    figure = stress.shift(shifted(), group="b").figure
    drawn = {t.name: t for t in figure.data}
    points = drawn["chosen on point estimates"]
    assert list(points.y) == pytest.approx([0.0, 0.03, 0.054])
    ends = [y + up for y, up in zip(points.y, points.error_y.array, strict=True)]
    assert ends == pytest.approx([0.06, 0.06, 0.06])
    assert list(drawn["chosen with the bound"].y) == [0.0, 0.0, 0.0]


def test_zero_harm_is_marked_and_inside_the_frame() -> None:
    figure = stress.shift(shifted(), group="a").figure
    [line] = figure.layout.shapes
    low, high = figure.layout.yaxis.range
    assert (line.y0, line.y1) == (0, 0)
    assert low < 0 < high


def test_a_curve_that_stays_at_zero_is_not_blown_up() -> None:
    low, high = stress.shift(shifted(harm=0.0), group="a").figure.layout.yaxis.range
    assert -0.01 < low < 0 < high < 0.05


def test_the_sentence_holds_harm_and_interval_at_the_strongest_shift() -> None:
    said = stress.shift(shifted(), group="b").alt
    assert "5.4 points (0.0 to 6.0 points in nine draws of ten) at 90%" in said
    assert "worse off in 50% of those draws" in said


def test_the_group_with_the_largest_loss_comes_first() -> None:
    assert stress.shifted_groups(shifted()) == ["b", "a"]


def test_shares_leave_out_draws_without_a_shift() -> None:
    shares = stress.harmed_shares(shifted())
    assert shares["bound"][:2] == (0.0, 0.0)
    assert shares["point estimates"][0] == pytest.approx(0.5)
    assert shares["bound"][2] == 8


def test_a_shift_that_was_not_made_says_so() -> None:
    assert "not shifted" in stress.shift(shifted(), group="nobody").alt


def ablated(harmed: int = 0) -> pl.DataFrame:
    flags = [(d, c, v) for d in (True, False) for c in (True, False) for v in (True, False)]
    return pl.DataFrame(
        [
            {
                "discriminator": d, "centres": c, "divergence": v, "selection": selection,
                "overall": 0.8, "worst": 0.7, "gap": 0.1 + 0.01 * place, "metric": "accuracy",
                "harmed": harmed if selection == "none" and not d else 0,
            }
            for place, (d, c, v) in enumerate(flags)
            for selection in stress.CHOICES
        ]
    )  # fmt: skip


def test_each_training_has_its_line_in_words() -> None:
    figure = stress.ablation(ablated()).figure
    names = list(figure.layout.yaxis.ticktext)
    assert names[0] == "all three losses"
    assert names[-1] == "none of the three"
    assert {"without divergence", "centres only"} <= set(names)
    assert len(names) == 8


def test_every_way_of_choosing_is_a_dot_at_its_value() -> None:
    table = ablated()
    drawn = sorted(t.x[0] for t in stress.ablation(table).figure.data if t.x[0] is not None)
    assert drawn == pytest.approx(sorted(table["gap"]))


def test_a_combination_that_harms_somebody_is_hollow() -> None:
    figure = stress.ablation(ablated(harmed=2)).figure
    hollow = [t for t in figure.data if str(t.marker.symbol).endswith("-open") and t.x[0]]
    assert len(hollow) == 4
    assert "hollow: somebody harmed" in {t.name for t in figure.data}
    assert "harm a group beyond its bound: 4" in stress.ablation(ablated(harmed=2)).alt


def test_the_sentence_names_both_ends_of_the_ablation() -> None:
    said = stress.ablation(ablated()).alt
    assert "10.0 points (all three losses" in said
    assert "17.0 points (none of the three" in said


def test_objectives_of_a_real_run_stand_where_the_table_says(result_of: ResultOf) -> None:
    table = result_of("stress").tables["stress_objectives"]
    rows = table.filter((pl.col("rule") == "bound") & (pl.col("split") == "test"))
    chart = stress.objectives(table)
    drawn = [t.x[0] for t in chart.figure.data if t.x[0] is not None]
    expected = rows["value"].drop_nulls().to_list()
    baselines = rows.filter(pl.col("objective") == rows["objective"][0])["baseline"].to_list()
    assert sorted(drawn) == pytest.approx(sorted([*expected, *baselines]))
    for aim in ("min_gap", "max_min", "max_mean"):
        assert aim in chart.alt


def test_time_is_on_a_scale_of_tens_and_its_ends_are_told() -> None:
    table = pl.DataFrame(
        {"n_groups": [2, 64, 2, 64], "objective": ["min_gap"] * 2 + ["max_min"] * 2,
         "seconds": [0.0001, 0.2, 0.0003, 0.1]}
    )  # fmt: skip
    chart = stress.time(table)
    assert chart.figure.layout.yaxis.type == "log"
    assert "64 groups took 0.2 s, among 2 groups 0.3 ms" in chart.alt


def test_probes_stand_at_their_ranks(result_of: ResultOf) -> None:
    table = result_of("search").tables["probes"]
    figure = stress.probes(table).figure
    drawn = sorted(t.x[0] for t in figure.data if t.x[0] is not None)
    assert drawn == sorted(table["rank"].to_list())
    assert stress.best_ranks(table) == dict(
        table.group_by("model").agg(pl.col("rank").min()).rows()
    )


def test_only_tables_with_rows_are_held() -> None:
    tables = {"stress_shift": pl.DataFrame(), "stress_time": pl.DataFrame({"n_groups": [2]})}
    assert list(stress.held(tables)) == ["stress_time"]
    assert stress.views(stress.held(tables), guessed=True) == ["Time", "Group not known"]
