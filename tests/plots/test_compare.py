"""Models side by side: nobody is dominated without reason, and differences are the table's."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.audit.result import AuditResult
from fairaudit.plots import compare
from fairaudit.plots.theme import model_styles
from fairaudit.text.model_front import front_of
from fairaudit.text.voice import Voice

ResultOf = Callable[[str], AuditResult]


def frame(values: list[float], name: str = "m") -> pl.DataFrame:
    return pl.DataFrame(
        {
            "model": [f"{name}{i}" for i in range(len(values))],
            "value": values,
            "low": [v - 0.1 for v in values],
            "high": [v + 0.1 for v in values],
        }
    )


def test_a_model_is_dominated_where_another_is_no_worse_on_both() -> None:
    table = front_of(frame([0.9, 0.8, 0.9, 0.7]), frame([0.2, 0.1, 0.3, 0.15]), "accuracy")
    assert table["dominated"].to_list() == [False, False, True, True]


def test_equal_models_do_not_dominate_each_other() -> None:
    table = front_of(frame([0.9, 0.9]), frame([0.2, 0.2]), "accuracy")
    assert not table["dominated"].any()


def test_for_an_error_small_is_good() -> None:
    table = front_of(frame([1.0, 2.0]), frame([0.1, 0.2]), "mse")
    assert table["dominated"].to_list() == [False, True]


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=8))
def test_somebody_is_never_dominated(points: list[tuple[float, float]]) -> None:
    table = front_of(frame([p[0] for p in points]), frame([p[1] for p in points]), "accuracy")
    assert not table["dominated"].all()


def test_a_model_without_a_gap_is_left_out_and_not_set_to_zero() -> None:
    gaps = frame([0.1, 0.2]).with_columns(
        value=pl.when(pl.col("model") == "m0").then(None).otherwise(pl.col("value"))
    )
    table = front_of(frame([0.9, 0.8]), gaps, "accuracy")
    assert table["model"].to_list() == ["m1"]


def test_dominated_models_are_hollow_and_say_so() -> None:
    table = front_of(frame([0.9, 0.75]), frame([0.1, 0.2]), "accuracy")
    figure = compare.front(table, quality="accuracy", gap_title="Gap", voice=Voice(0.95)).figure
    assert [(t.name, t.marker.symbol.endswith("-open")) for t in figure.data] == [
        ("m0", False),
        ("m1 (dominated, not significantly)", True),
    ]


def test_domination_within_the_intervals_may_be_chance() -> None:
    table = front_of(frame([0.9, 0.75]), frame([0.1, 0.25]), "accuracy")
    assert table["sure"].to_list() == [None, "neither"]


def test_domination_is_sure_where_intervals_lie_apart() -> None:
    table = front_of(frame([0.9, 0.6, 0.85, 0.5]), frame([0.1, 0.2, 0.4, 0.5]), "accuracy")
    assert table["sure"].to_list() == [None, "quality", "gap", "both"]


def test_a_paired_interval_tells_apart_what_two_intervals_do_not() -> None:
    asked = frame([0.9, 0.75]), frame([0.1, 0.15]), "accuracy"
    assert front_of(*asked)["sure"].to_list() == [None, "neither"]
    table = front_of(*asked, proven=frozenset({("m0", "m1")}))
    assert table["sure"].to_list() == [None, "quality"]


def test_what_is_sure_comes_from_one_and_the_same_model() -> None:
    """m0 is surely better in quality only, m1 in the gap only: nobody in both."""
    table = front_of(frame([0.9, 0.65, 0.6]), frame([0.45, 0.1, 0.5]), "accuracy")
    assert table["sure"].to_list() == [None, None, "quality"]


def test_an_axis_without_intervals_is_never_sure() -> None:
    blind = frame([0.1, 0.9]).with_columns(low=None, high=None)
    table = front_of(frame([0.9, 0.85]), blind, "accuracy")
    assert table["sure"].to_list() == [None, "neither"]


def test_the_two_systems_are_told_apart_by_their_paired_difference(result_of: ResultOf) -> None:
    result = result_of("systems")
    asked = {"quality": "accuracy", "gap": "tpr", "attribute": "sex", "split": "all"}
    table = compare.front_table(result, **asked)
    pair = compare.differences(result, metric="accuracy", attribute="all", split="all")
    [low, high] = pair.select("low", "high").row(0)
    lost = table.filter(pl.col("dominated"))
    assert lost.height == 1
    assert (lost["sure"].item(0) in ("quality", "both")) == (low > 0 or high < 0)


def test_the_front_of_one_audit_comes_from_errors_and_gaps(result_of: ResultOf) -> None:
    result = result_of("linear")
    table = compare.front_table(
        result, quality="accuracy", gap="tpr", attribute="sex", split="test"
    )
    gaps = result.gaps.filter(
        (pl.col("attribute") == "sex")
        & (pl.col("metric") == "tpr")
        & (pl.col("split") == "test")
        & (pl.col("kind") == "difference")
    )
    assert dict(table.select("model", "gap").iter_rows()) == pytest.approx(
        dict(gaps.select("model", "value").iter_rows())
    )


def test_over_seeds_the_numbers_are_means_over_seeds(result_of: ResultOf) -> None:
    result = result_of("compare")
    values = compare.values(result, metric="accuracy", split="test")
    own = result.tables["comparison"].filter(
        (pl.col("attribute") == "all") & (pl.col("metric") == "accuracy")
        & (pl.col("kind") == "overall")
    )  # fmt: skip
    assert values["value"].to_list() == own["value"].to_list()


def test_paired_differences_are_drawn_with_their_intervals(result_of: ResultOf) -> None:
    rows = compare.differences(
        result_of("linear"), metric="accuracy", attribute="sex", split="test"
    )
    chart = compare.paired(rows, metric="accuracy", voice=Voice(0.95))
    drawn = [t.x[0] for t in chart.figure.data]
    known = rows.filter(pl.col("difference").is_not_null())["difference"].to_list()
    assert drawn == known[: len(drawn)]
    assert any("overall" in name for name in chart.figure.layout.yaxis.ticktext)


def test_a_model_keeps_its_colour_from_the_front_to_the_differences(result_of: ResultOf) -> None:
    result = result_of("systems")
    models = compare.models_of(result)
    rows = compare.differences(result, metric="accuracy", attribute="sex", split="all")
    drawn = compare.paired(rows, metric="accuracy", voice=Voice(0.95), models=[*reversed(models)])
    known = model_styles([*reversed(models)])
    colours = {trace.marker.color for trace in drawn.figure.data}
    assert colours == {known[name].color for name in rows["model_a"].unique()}


def test_without_pairs_the_chart_says_so(result_of: ResultOf) -> None:
    bare = AuditResult({"errors": result_of("linear").errors})
    rows = compare.differences(bare, metric="accuracy", attribute="sex", split="test")
    assert (
        "no paired differences" in compare.paired(rows, metric="accuracy", voice=Voice(0.95)).alt
    )


def test_models_keep_the_order_of_the_result(result_of: ResultOf) -> None:
    assert compare.models_of(result_of("systems")) == ["decision_a", "decision_b"]
