"""The decision as a picture: baseline, expert, bound and choice are those of the table."""

from __future__ import annotations

from collections.abc import Callable

import plotly.graph_objects as go
import polars as pl
import pytest

from fairaudit.audit.result import AuditResult
from fairaudit.plots import selection
from fairaudit.plots.theme import MAX_POINTS

ResultOf = Callable[[str], AuditResult]

DECIDED = pl.DataFrame(
    {
        "split": ["validation"] * 3 + ["test"] * 3,
        "group": ["a", "b", "c"] * 2,
        "metric": ["accuracy"] * 6,
        "n": [100, 90, 3] * 2,
        "baseline": [0.70, 0.80, None, 0.71, 0.79, None],
        "expert": [0.80, 0.81, None, 0.78, 0.77, None],
        "difference": [0.10, 0.01, None, 0.07, -0.02, None],
        "lower": [0.04, -0.05, None, 0.01, -0.08, None],
        "upper": [0.16, 0.07, None, 0.13, 0.04, None],
        "admissible": [True, False, False] * 2,
        "chosen": ["expert", "baseline", "baseline"] * 2,
        "verdict": ["improves", "no evidence", "cannot be judged"] * 2,
        "reason": ["", "", "3 rows are too few"] * 2,
        "binding": [False] * 6,
    }
)
CHOICES = pl.DataFrame(
    {
        "id": [0, 1, 2, 3],
        "experts": ["", "a", "b", "a + b"],
        "gap": [0.10, 0.02, 0.11, 0.01],
        "worst": [0.70, 0.79, 0.70, 0.80],
        "mean": [0.75, 0.80, 0.755, 0.805],
        "feasible": [True, True, False, False],
        "chosen": [False, True, False, False],
        "split": ["validation"] * 4,
    }
)


def at(figure: go.Figure, line: int, symbol: str, size: int) -> list[float]:
    """Where marks of a symbol and size stand on a line."""
    return [
        t.x[0]
        for t in figure.data
        if t.y is not None and t.y[0] == line and len(t.x) == 1 and t.marker.symbol == symbol
        and t.marker.size == size
    ]  # fmt: skip


def test_each_group_shows_baseline_and_expert_and_rings_the_choice() -> None:
    figure = selection.decision(DECIDED).figure
    assert at(figure, 0, "circle-open", 12) == [0.70]  # a: baseline
    assert at(figure, 0, "diamond", 12) == [0.80]  # a: expert
    assert at(figure, 0, "circle-open", 24) == [0.80]  # a: the expert is chosen
    assert at(figure, 1, "circle-open", 24) == [0.80]  # b: the baseline is chosen


def test_the_choice_is_written_out_and_not_only_coloured() -> None:
    labels = selection.decision(DECIDED).figure.layout.yaxis.ticktext
    assert list(labels) == [
        "<b>a</b><br>expert chosen",
        "<b>b</b><br>baseline kept",
        "<b>c</b><br>baseline kept",
    ]


def test_the_bound_is_laid_from_the_baseline() -> None:
    figure = selection.decision(DECIDED).figure
    expert = next(t for t in figure.data if t.error_x.array is not None and t.y[0] == 0)
    assert expert.x[0] - expert.error_x.arrayminus[0] == pytest.approx(0.70 + 0.04)
    assert expert.x[0] + expert.error_x.array[0] == pytest.approx(0.70 + 0.16)


def test_a_group_that_cannot_be_judged_has_a_line_and_no_mark() -> None:
    chart = selection.bounds(DECIDED)
    assert list(chart.figure.layout.yaxis.ticktext) == ["a", "b", "c"]
    assert [n.text for n in chart.figure.layout.annotations] == ["cannot be judged (3 rows)"]


def test_the_limit_moves_with_the_tolerance() -> None:
    shape = selection.bounds(DECIDED, tolerance=0.02).figure.layout.shapes[0]
    assert shape.x0 == shape.x1 == -0.02


def test_validation_stands_beside_test() -> None:
    chart = selection.validation_beside_test(DECIDED)
    drawn = {
        (round(t.y[0] - 0.01), t.marker.symbol.endswith("-open")): t.x[0]
        for t in chart.figure.data
        if t.x[0] is not None and t.y[0] is not None
    }
    assert drawn == {(0, False): 0.10, (0, True): 0.07, (1, False): 0.01, (1, True): -0.02}
    assert "a +10.0 points and +7.0 points" in chart.alt


def test_without_test_rows_nothing_is_claimed_about_them() -> None:
    only = DECIDED.filter(pl.col("split") == "validation")
    assert "no test rows" in selection.validation_beside_test(only).alt


def test_every_alternative_is_a_point_and_the_chosen_one_a_star() -> None:
    figure = selection.alternatives(CHOICES, "accuracy").figure
    drawn = {t.name: list(zip(t.x, t.y, strict=True)) for t in figure.data}
    assert drawn == {
        "not harmless": [(0.11, 0.70), (0.01, 0.80)],
        "baseline for all": [(0.10, 0.70)],
        "chosen": [(0.02, 0.79)],
    }


def test_sixteen_groups_of_alternatives_stay_drawable() -> None:
    many = pl.concat([CHOICES, *[CHOICES.tail(1)] * (MAX_POINTS + 10)])
    figure = selection.alternatives(many, "accuracy").figure
    assert sum(len(t.x) for t in figure.data) <= MAX_POINTS
    assert {"chosen", "baseline for all"} <= {t.name for t in figure.data}


def test_a_real_decision_is_drawn_whole(result_of: ResultOf) -> None:
    tables = result_of("sde").tables
    decided = tables["selection"].filter(pl.col("split") == "validation")
    chart = selection.decision(tables["selection"])
    assert len(chart.figure.layout.yaxis.ticktext) == decided.height
    assert (
        chart.table["difference"].to_list()
        == selection.of_split(tables["selection"], "validation")["difference"].to_list()
    )
    drawn = selection.alternatives(tables["alternatives"], "accuracy")
    assert sum(len(t.x) for t in drawn.figure.data) == tables["alternatives"].height


def test_long_descriptions_name_a_few_groups_and_count_the_rest() -> None:
    many = pl.concat([DECIDED.head(1).with_columns(group=pl.lit(f"g{i}")) for i in range(20)])
    assert "and 15 more in the table" in selection.decision(many).alt


def test_the_readable_table_keeps_what_decides() -> None:
    columns = selection.readable(DECIDED).columns
    assert columns[:4] == ["split", "group", "chosen", "verdict"]
    assert "lower" in columns


GAPS = pl.DataFrame(
    {
        "split": ["validation", "test"],
        "gap_before": [0.10, 0.5], "gap_before_low": [0.04, 0.4], "gap_before_high": [0.15, 0.6],
        "gap_after": [0.02, 0.5], "gap_after_low": [0.0, 0.4], "gap_after_high": [0.07, 0.6],
        "worst_before": [0.70, 0.5], "worst_before_low": [0.6, 0.4],
        "worst_before_high": [0.78, 0.6],
        "worst_after": [0.79, 0.5], "worst_after_low": [0.71, 0.4],
        "worst_after_high": [0.85, 0.6],
    }
)  # fmt: skip


def bars(figure: go.Figure) -> dict[str, list[float]]:
    """Ends of the error bars by mark: gap low, gap high, worst low, worst high."""
    return {
        t.name: [
            t.x[0] - t.error_x.arrayminus[0], t.x[0] + t.error_x.array[0],
            t.y[0] - t.error_y.arrayminus[0], t.y[0] + t.error_y.array[0],
        ]
        for t in figure.data
        if t.error_x.array is not None
    }  # fmt: skip


def test_the_choice_and_the_baseline_have_their_intervals_among_the_alternatives() -> None:
    chart = selection.alternatives(CHOICES, "accuracy", GAPS)
    drawn = bars(chart.figure)
    assert set(drawn) == {"baseline for all", "chosen"}
    assert drawn["baseline for all"] == pytest.approx([0.04, 0.15, 0.6, 0.78])
    assert drawn["chosen"] == pytest.approx([0.0, 0.07, 0.71, 0.85])
    assert "chosen: gap 2.0 points (0.0 to 7.0), worst group 79.0% (71.0% to 85.0%)" in chart.alt


def test_intervals_over_other_groups_than_the_point_s_are_not_drawn() -> None:
    other = GAPS.with_columns(gap_after=pl.lit(0.03))
    assert set(bars(selection.alternatives(CHOICES, "accuracy", other).figure)) == {
        "baseline for all"
    }


@pytest.mark.parametrize("gaps", [None, GAPS.select("split", "gap_before", "gap_after")])
def test_alternatives_of_older_results_are_drawn_without_intervals(
    gaps: pl.DataFrame | None,
) -> None:
    assert bars(selection.alternatives(CHOICES, "accuracy", gaps).figure) == {}


def test_baseline_and_expert_say_their_intervals() -> None:
    ends = {"baseline_low": 0.6, "baseline_high": 0.79, "expert_low": 0.71, "expert_high": 0.87}
    told = DECIDED.with_columns(**{name: pl.lit(v) for name, v in ends.items()})
    chart = selection.decision(told)
    said = [t.hovertemplate for t in chart.figure.data if t.hovertemplate]
    assert any("baseline 70.0% (60.0% to 79.0%)" in words for words in said)
    assert any("expert 80.0% (71.0% to 87.0%)" in words for words in said)
    assert "a: baseline 70.0% (60.0% to 79.0%), expert 80.0% (71.0% to 87.0%)" in chart.alt
    assert set(ends) <= set(selection.readable(told).columns)
    assert "a: baseline 70.0%, expert 80.0%," in selection.decision(DECIDED).alt
