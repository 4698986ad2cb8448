"""Charts of clusters: effects with their intervals, paths and rankings as in the tables."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from fairaudit.audit.result import AuditResult
from fairaudit.plots import effects

ResultOf = Callable[[str], AuditResult]


def many(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "cluster": [f"c{i}" for i in range(count)],
            "effect": ["intercept"] * count,
            "mean": [i / count - 0.5 for i in range(count)],
            "sd": [0.1] * count,
            "low": [i / count - 0.7 for i in range(count)],
            "high": [i / count - 0.3 for i in range(count)],
            "n": [5] * count,
            "seen": [i % 2 == 0 for i in range(count)],
        }
    )


def test_effects_are_drawn_with_their_intervals(result_of: ResultOf) -> None:
    table = result_of("medl").tables["effects"]
    chart = effects.caterpillar(table)
    own = table.filter(pl.col("effect") == "intercept")
    drawn = {
        value: (value - below, value + above)
        for t in chart.figure.data
        for value, below, above in zip(t.x, t.error_x.arrayminus, t.error_x.array, strict=True)
    }
    for row in own.iter_rows(named=True):
        assert drawn[row["mean"]] == pytest.approx((row["low"], row["high"]))


def test_clusters_go_from_the_lowest_to_the_highest() -> None:
    chart = effects.caterpillar(many(10).sample(fraction=1, shuffle=True, seed=1))
    assert chart.table["mean"].is_sorted()


def test_unseen_clusters_are_told_apart_by_shape() -> None:
    figure = effects.caterpillar(many(10)).figure
    assert {t.name: t.marker.symbol for t in figure.data} == {
        "seen in training": "circle",
        "not seen in training": "diamond-open",
    }


def test_thousands_of_clusters_keep_their_ends() -> None:
    chart = effects.caterpillar(many(3_000))
    drawn = sorted(x for t in chart.figure.data for x in t.x)
    assert len(drawn) == effects.MOST_CLUSTERS
    assert (drawn[0], drawn[-1]) == (chart.table["mean"].min(), chart.table["mean"].max())
    assert chart.table.height == 3_000


def test_the_text_counts_intervals_that_leave_out_zero() -> None:
    table = many(10)
    sure = table.filter((pl.col("low") > 0) | (pl.col("high") < 0)).height
    assert f"{sure} intervals exclude zero" in effects.caterpillar(table).alt


def test_importance_stands_side_by_side_for_both_models(result_of: ResultOf) -> None:
    table = result_of("medl").tables["importance"]
    figure = effects.importance(table).figure
    assert [t.name for t in figure.data] == table["model"].unique(maintain_order=True).to_list()
    first = table.filter(pl.col("model") == figure.data[0].name).sort("rank")
    assert list(figure.data[0].x) == first["importance"].to_list()


def test_the_path_pairs_quality_and_unfairness_of_each_strength(result_of: ResultOf) -> None:
    table = result_of("medl").tables["path"]
    good, unfair = effects.path_metrics(table)
    assert good
    assert unfair
    rows = effects.path_rows(table, quality=good[0], unfairness=unfair[0], split="validation")
    for row in rows.iter_rows(named=True):
        own = table.filter((pl.col("lam") == row["lam"]) & (pl.col("split") == "validation"))
        values = dict(own.select("metric", "value").iter_rows())
        assert (row["y"], row["x"]) == (values[good[0]], values[unfair[0]])


def test_the_chosen_strength_is_a_star(result_of: ResultOf) -> None:
    table = result_of("medl").tables["path"]
    good, unfair = effects.path_metrics(table)
    figure = effects.path(table, quality=good[0], unfairness=unfair[0]).figure
    stars = [t for t in figure.data if t.marker.symbol == "star" and t.x[0] is not None]
    chosen = table.filter(pl.col("chosen") & (pl.col("metric") == unfair[0]) & (
        pl.col("split") == "validation"))  # fmt: skip
    assert [t.x[0] for t in stars] == chosen["value"].to_list()


def test_fixed_and_mixed_answers_are_drawn_for_each_cluster(result_of: ResultOf) -> None:
    table = result_of("medl").tables["clusters"]
    chart = effects.by_cluster(table, metric="accuracy", most=4)
    assert len(chart.figure.layout.yaxis.ticktext) == 4
    biggest = table.sort("n", descending=True)["cluster"].item(0)
    assert biggest in chart.figure.layout.yaxis.ticktext
    assert {t.name for t in chart.figure.data if t.x[0] is None} == set(table["model"])


def test_without_unseen_clusters_the_chart_says_how_to_get_some(result_of: ResultOf) -> None:
    chart = effects.seen_and_unseen(result_of("medl"), metric="accuracy")
    assert "split by whole clusters" in chart.alt


def test_the_intercept_comes_before_the_slopes(result_of: ResultOf) -> None:
    assert effects.kinds(result_of("medl").tables["effects"])[0] == "intercept"


def test_variance_is_drawn_as_its_shares(result_of: ResultOf) -> None:
    table = result_of("search").tables["variance"]
    chart = effects.variance(table)
    assert list(chart.figure.data[0].x) == table["share"].to_list()
    for share in table["share"]:
        assert f"{share:.1%}" in chart.alt


def test_the_front_of_a_search_is_joined_and_the_chosen_trial_a_star(result_of: ResultOf) -> None:
    table = result_of("search").tables["search"]
    chart = effects.search(table)
    line = next(t for t in chart.figure.data if t.mode == "lines")
    front = table.filter(pl.col("front")).sort("unfairness", "error")
    assert list(line.x) == front["unfairness"].to_list()
    [star] = [t for t in chart.figure.data if t.marker.symbol == "star"]
    chosen = table.filter(pl.col("chosen")).row(0, named=True)
    assert (star.x[0], star.y[0]) == (chosen["unfairness"], chosen["error"])
    assert f"lambda_kl {chosen['lambda_kl']:.3g}" in star.hovertext[0]
    assert f"trial {chosen['trial']}" in chart.alt


def test_every_trial_of_a_search_is_drawn_once(result_of: ResultOf) -> None:
    table = result_of("search").tables["search"]
    drawn = [x for t in effects.search(table).figure.data if t.mode == "markers" for x in t.x]
    assert sorted(drawn) == sorted(table["unfairness"])


def test_the_front_so_far_holds_what_no_other_trial_beats() -> None:
    table = effects.search_so_far([(0.3, 0.1), (0.2, 0.2), (0.35, 0.15), (0.2, 0.25), (0.2, 0.2)])
    assert table["front"].to_list() == [True, True, False, False, True]
    assert not table["chosen"].any()
    assert "front" in effects.search(table).alt


def test_trials_that_are_all_equally_fair_have_a_readable_axis() -> None:
    figure = effects.search(effects.search_so_far([(0.3, 0.0), (0.2, 0.0)])).figure
    low, high = figure.layout.xaxis.range
    assert -0.01 < low < 0 < high < 0.1


def test_views_are_those_of_the_tables(result_of: ResultOf) -> None:
    assert "Search" not in effects.views(result_of("medl"))
    assert {"Variance", "Search"} <= set(effects.views(result_of("search")))
    assert "Debiasing" not in effects.views(result_of("search"))
    assert any("performance budget" in words for words in effects.hints(result_of("search")))
