"""Charts of what each part contributes: every number where the table says."""

from __future__ import annotations

from collections.abc import Callable

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
    assert names[-1] == "none of the three"
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
    assert "hollow: somebody harmed" in {t.name for t in figure.data}
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
    for aim in ("min_gap", "max_min", "max_mean"):
        assert aim in chart.alt


def test_time_is_on_a_scale_of_tens_and_its_ends_are_told() -> None:
    table = pl.DataFrame(
        {"n_groups": [2, 64, 2, 64], "objective": ["min_gap"] * 2 + ["max_min"] * 2,
         "seconds": [0.0001, 0.2, 0.0003, 0.1]}
    )  # fmt: skip
    chart = ablation.time(table)
    assert chart.figure.layout.yaxis.type == "log"
    assert "64 groups took 0.2 s, among 2 groups 0.3 ms" in chart.alt


@pytest.mark.parametrize("measure", ["gap", "worst", "overall", "harmed"])
def test_each_measure_is_drawn_from_its_own_column(measure: str) -> None:
    table = ablated(harmed=2)
    drawn = [t.x[0] for t in ablation.by_loss(table, measure=measure).figure.data]
    known = sorted(float(x) for x in drawn if x is not None)
    assert known == pytest.approx(sorted(map(float, table[measure])))
