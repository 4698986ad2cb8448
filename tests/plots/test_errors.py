"""Charts of errors hold exactly the numbers of the tables, and hide nothing that is unknown."""

from __future__ import annotations

from collections.abc import Callable

import plotly.graph_objects as go
import polars as pl
import pytest

from fairaudit.audit import reanalysis
from fairaudit.audit.result import ERRORS, AuditResult
from fairaudit.audit.whatif import thresholds
from fairaudit.plots import errors
from fairaudit.plots.theme import MAX_POINTS, MAX_ROWS, Chart
from fairaudit.text.table_rows import worst_first
from fairaudit.text.voice import Voice

ResultOf = Callable[[str], AuditResult]
VOICE = Voice(0.95, "yes", "no", "good", target="repaid")


def made(*rows: tuple[str, float | None, str]) -> AuditResult:
    """A result with one metric of one model: (group, value, status)."""
    full = [
        ("m", "test", "sex", g, "tpr", 40, v, None if v is None else v - 0.1,
         None if v is None else v + 0.1, status, 30.0, "Wilson")
        for g, v, status in rows
    ]  # fmt: skip
    return AuditResult({"errors": pl.DataFrame(full, schema=ERRORS, orient="row")})


def points(figure: go.Figure) -> dict[str, tuple[float, float, float]]:
    """Name of a row to the value and the ends of its interval, as drawn."""
    names = figure.layout.yaxis.ticktext
    drawn = {}
    for trace in figure.data:
        if trace.x[0] is not None:
            bar = trace.error_x
            value = trace.x[0]
            drawn[names[round(trace.y[0])]] = (
                value, value - bar.arrayminus[0], value + bar.array[0],
            )  # fmt: skip
    return drawn


def count(chart: Chart) -> int:
    return sum(len(t.x) for t in chart.figure.data if t.x is not None)


def test_dots_and_intervals_are_those_of_the_table(result_of: ResultOf) -> None:
    result = result_of("linear")
    chart = errors.by_group(result, attribute="ethnicity", metric="tpr", models=["linear"])
    drawn = points(chart.figure)
    rows = chart.table.filter(pl.col("value").is_not_null())
    assert rows.height == len(drawn) >= 3
    for row in rows.iter_rows(named=True):
        assert drawn[row["group"]] == pytest.approx((row["value"], row["low"], row["high"]))


@pytest.mark.parametrize(
    ("metric", "first"), [("tpr", "lowest"), ("fpr", "highest"), ("mean_error", "far")]
)
def test_the_worst_group_is_on_top(metric: str, first: str) -> None:
    result = made(("lowest", 0.1, "estimated"), ("far", -0.9, "estimated"),
                  ("highest", 0.8, "estimated"))  # fmt: skip
    table = result.errors.with_columns(metric=pl.lit(metric))
    if metric != "mean_error":
        table = table.filter(pl.col("group") != "far")
    order = worst_first(table, "m", metric, VOICE)
    assert order[0] == first


def test_a_group_that_cannot_be_judged_keeps_its_line_and_says_so() -> None:
    result = made(("a", 0.5, "estimated"), ("tiny", None, "cannot be judged"))
    chart = errors.by_group(result, attribute="sex", metric="tpr")
    assert list(chart.figure.layout.yaxis.ticktext) == ["a", "tiny"]
    notes = [n.text for n in chart.figure.layout.annotations]
    assert "cannot be judged (40 rows)" in notes
    assert "1 cannot be judged" in chart.alt


def test_unstable_values_are_hollow() -> None:
    chart = errors.by_group(
        made(("a", 0.5, "estimated"), ("b", 0.4, "unstable")), attribute="sex", metric="tpr"
    )
    hollow = {t.x[0]: t.marker.symbol.endswith("-open") for t in chart.figure.data}
    assert hollow == {0.5: False, 0.4: True}


def test_the_text_for_those_who_cannot_see_names_worst_and_best_with_numbers() -> None:
    chart = errors.by_group(
        made(("a", 0.5, "estimated"), ("b", 0.7, "estimated")), attribute="sex", metric="tpr"
    )
    assert "worst a 50.0% (95% CI 40.0% to 60.0%, 40 rows)" in chart.alt
    assert "best b 70.0%" in chart.alt


def test_several_models_stand_beside_each_other_on_one_line(result_of: ResultOf) -> None:
    chart = errors.by_group(result_of("systems"), attribute="sex", metric="fpr", split="all")
    places = sorted(t.y[0] for t in chart.figure.data if t.x[0] is not None)
    assert len(places) == len(set(places)) == 4
    assert {t.name for t in chart.figure.data if t.x[0] is None} == {"decision_a", "decision_b"}


def test_many_groups_are_cut_in_the_chart_and_whole_in_the_table() -> None:
    result = made(*((f"g{i}", i / 100, "estimated") for i in range(80)))
    chart = errors.by_group(result, attribute="sex", metric="tpr")
    assert len(chart.figure.layout.yaxis.ticktext) == MAX_ROWS
    assert chart.table.height == 80
    assert chart.figure.layout.yaxis.ticktext[0] == "g0"


def test_no_values_is_said_and_not_drawn_as_zero() -> None:
    chart = errors.by_group(made(("a", 0.5, "estimated")), attribute="age", metric="tpr")
    assert len(chart.figure.data) == 0
    assert "not available" in chart.alt


def test_cells_of_a_crossing_are_those_of_the_table(result_of: ResultOf) -> None:
    result = result_of("linear")
    chart = errors.intersection(
        result, attribute="sex × ethnicity", metric="accuracy", model="linear"
    )
    heat = chart.figure.data[0]
    down, across = chart.figure.layout.yaxis.ticktext, chart.figure.layout.xaxis.ticktext
    drawn = {f"{d} × {a}": heat.z[i][j] for i, d in enumerate(down) for j, a in enumerate(across)}
    for row in chart.table.iter_rows(named=True):
        assert drawn[row["group"]] == row["value"]


def test_curves_by_group_come_from_the_stored_tables(result_of: ResultOf) -> None:
    result = result_of("linear")
    roc = errors.roc(result, attribute="sex", model="linear")
    assert {t.name for t in roc.figure.data} == {"female", "male"}
    assert count(roc) <= MAX_POINTS
    calibration = errors.calibration(result, attribute="sex", model="linear")
    female = calibration.table.filter(pl.col("group") == "female")
    trace = next(t for t in calibration.figure.data if t.name == "female")
    assert list(trace.y) == female["rate"].to_list()


def test_without_scores_the_curves_say_so(result_of: ResultOf) -> None:
    bare = AuditResult({"errors": result_of("linear").errors})
    assert "no scores" in errors.roc(bare, attribute="sex", model="linear").alt
    assert "no scores" in errors.calibration(bare, attribute="sex", model="linear").alt


def test_the_threshold_chart_names_the_values_at_the_threshold(result_of: ResultOf) -> None:
    ladder = reanalysis.ladder_of(
        result_of("linear"), model="linear", split="test", attribute="sex"
    )
    curve = thresholds.sweep(ladder, "tpr", confidence=0.95)
    chart = errors.threshold(curve, metric="tpr", at=0.5, voice=VOICE, attribute="sex")
    at_half, _ = thresholds.at_threshold(ladder, 0.5, metrics=("tpr",), confidence=0.95)
    female = at_half.filter((pl.col("group") == "female") & (pl.col("metric") == "tpr"))
    assert f"female {100 * female['value'].item():.1f}%" in chart.alt
    assert chart.figure.layout.shapes[0].x0 == 0.5
    at = curve.filter(pl.col("group") == "female").sort((pl.col("threshold") - 0.5).abs())
    low, high = (100 * at[name][0] for name in ("low", "high"))
    assert f"(95% CI {low:.1f}% to {high:.1f}%)" in chart.alt


def test_each_curve_over_thresholds_lies_in_the_band_of_its_intervals(result_of: ResultOf) -> None:
    ladder = reanalysis.ladder_of(
        result_of("linear"), model="linear", split="test", attribute="sex"
    )
    curve = thresholds.sweep(ladder, "tpr", confidence=0.95)
    drawn = errors.threshold(curve, metric="tpr", at=0.5, voice=VOICE, attribute="sex").figure.data
    band, line = drawn[0], drawn[1]
    half = len(band.x) // 2
    assert list(band.x[:half]) == list(reversed(band.x[half:])) == list(line.x)
    ends = zip(reversed(band.y[half:]), line.y, band.y[:half], strict=True)
    assert all(low <= value <= high for low, value, high in ends)
    unsure = errors.threshold(
        thresholds.sweep(ladder, "f1", confidence=0.95), metric="f1", at=0.5, voice=VOICE
    )
    assert not any(len(trace.x) for trace in unsure.figure.data if trace.fill == "toself")


def test_columns_that_say_nothing_new_are_left_out_of_the_table(result_of: ResultOf) -> None:
    chart = errors.by_group(result_of("linear"), attribute="sex", metric="tpr", models=["linear"])
    columns = errors.readable(chart.table).columns
    assert "split" not in columns
    assert {"group", "n", "value", "low", "high", "status"} <= set(columns)
