"""Charts of what each part contributes: every number where the table says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest

from fairaudit.audit.result import AuditResult
from fairaudit.plots import ablation

ResultOf = Callable[[str], AuditResult]


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
            for selection in ablation.CHOICES
        ]
    )  # fmt: skip


def test_each_training_has_its_line_in_words() -> None:
    figure = ablation.by_loss(ablated()).figure
    names = list(figure.layout.yaxis.ticktext)
    assert names[0] == "all three losses"
    assert names[-1] == "none of the three losses"
    assert {"without divergence", "centres only"} <= set(names)
    assert len(names) == 8


def test_every_way_of_choosing_is_a_dot_at_its_value() -> None:
    table = ablated()
    drawn = sorted(t.x[0] for t in ablation.by_loss(table).figure.data if t.x[0] is not None)
    assert drawn == pytest.approx(sorted(table["gap"]))


def test_a_combination_that_harms_somebody_is_hollow() -> None:
    figure = ablation.by_loss(ablated(harmed=2)).figure
    hollow = [t for t in figure.data if str(t.marker.symbol).endswith("-open") and t.x[0]]
    assert len(hollow) == 4
    assert "hollow: a group is harmed" in {t.name for t in figure.data}
    assert "harm a group beyond its bound: 4" in ablation.by_loss(ablated(harmed=2)).alt


def test_the_sentence_names_both_ends_of_the_ablation() -> None:
    said = ablation.by_loss(ablated()).alt
    assert "10.0 points (all three losses" in said
    assert "17.0 points (none of the three" in said


def test_objectives_of_a_real_run_stand_where_the_table_says(result_of: ResultOf) -> None:
    table = result_of("stress").tables["stress_objectives"]
    rows = table.filter((pl.col("rule") == "bound") & (pl.col("split") == "test"))
    chart = ablation.objectives(table)
    drawn = [t.x[0] for t in chart.figure.data if t.x[0] is not None]
    expected = rows["value"].drop_nulls().to_list()
    baselines = rows.filter(pl.col("objective") == rows["objective"][0])["baseline"].to_list()
    assert sorted(drawn) == pytest.approx(sorted([*expected, *baselines]))
    for aim in ("smallest gap", "best worst group", "best mean"):
        assert aim in chart.alt
    assert not {"min_gap", "max_min", "max_mean"} & {t.name for t in chart.figure.data}


def test_time_is_on_a_scale_of_tens_and_its_ends_are_told() -> None:
    table = pl.DataFrame(
        {"n_groups": [2, 64, 2, 64], "objective": ["min_gap"] * 2 + ["max_min"] * 2,
         "seconds": [0.0001, 0.2, 0.0003, 0.1]}
    )  # fmt: skip
    chart = ablation.time(table)
    assert chart.figure.layout.yaxis.type == "log"
    assert "0.2 s with 64 groups and 0.3 ms with 2 groups" in chart.alt


@pytest.mark.parametrize("measure", ["gap", "worst", "overall", "harmed"])
def test_each_measure_is_drawn_from_its_own_column(measure: str) -> None:
    table = ablated(harmed=2)
    drawn = [t.x[0] for t in ablation.by_loss(table, measure=measure).figure.data]
    known = sorted(float(x) for x in drawn if x is not None)
    assert known == pytest.approx(sorted(map(float, table[measure])))


def spanned() -> pl.DataFrame:
    ends = [
        (pl.col(name) + shift).alias(f"{name}_{end}")
        for name in ("overall", "worst", "gap")
        for end, shift in (("low", -0.05), ("high", 0.03))
    ]
    return ablated().with_columns(ends)


def whiskers(figure: go.Figure) -> list[tuple[float, float]]:
    """Ends of every error bar."""
    return [
        (t.x[0] - t.error_x.arrayminus[0], t.x[0] + t.error_x.array[0])
        for t in figure.data
        if t.error_x.array is not None
    ]


@pytest.mark.parametrize("measure", ["gap", "worst", "overall"])
def test_every_mark_of_the_ablation_has_its_interval(measure: str) -> None:
    table = spanned()
    chart = ablation.by_loss(table, measure=measure)
    ends = table.select(f"{measure}_low", f"{measure}_high").rows()
    drawn = np.array(sorted(whiskers(chart.figure)))
    assert drawn == pytest.approx(np.array(sorted(ends)))
    said = {
        "gap": "10.0 points (5.0 to 13.0)",
        "worst": "70.0% (65.0% to 73.0%)",
        "overall": "80.0% (75.0% to 83.0%)",
    }[measure]
    assert said in chart.alt
    assert any(said in t.hovertemplate for t in chart.figure.data if t.hovertemplate)
    assert "variation between training runs" in chart.alt


def test_counts_and_older_results_have_no_whiskers() -> None:
    assert whiskers(ablation.by_loss(spanned(), measure="harmed").figure) == []
    assert whiskers(ablation.by_loss(ablated()).figure) == []
    assert "gap_low" in ablation.readable_ablation(spanned()).columns


def test_objectives_are_drawn_with_the_intervals_of_the_table(result_of: ResultOf) -> None:
    table = result_of("stress").tables["stress_objectives"]
    rows = table.filter((pl.col("rule") == "bound") & (pl.col("split") == "test"))
    chart = ablation.objectives(table)
    ends = np.array(sorted(rows.drop_nulls("low").select("low", "high").rows()))
    assert len(ends) == rows.height
    assert np.array(sorted(whiskers(chart.figure))) == pytest.approx(ends)
    row = rows.row(0, named=True)
    before = [f"{100 * row[f'gap_before{end}']:.1f}" for end in ("", "_low", "_high")]
    assert f"{before[0]} points ({before[1]} to {before[2]}) for the baseline" in chart.alt
    older = table.drop(pl.selectors.ends_with("low", "high"))
    assert whiskers(ablation.objectives(older).figure) == []
    assert f"the gap on test rows is {before[0]} points for" in ablation.objectives(older).alt
