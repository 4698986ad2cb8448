"""Charts of latent groups: shares, profiles, memberships and overlaps as in the tables."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from fairaudit.audit.result import AuditResult
from fairaudit.plots import groups
from fairaudit.plots.theme import MAX_POINTS
from fairaudit.text.voice import Voice

ResultOf = Callable[[str], AuditResult]


def test_bars_are_the_shares_of_the_groups(result_of: ResultOf) -> None:
    table = result_of("rome").tables["groups"]
    bar = groups.sizes(table).figure.data[0]
    assert dict(zip(("group 1", "group 2"), bar.x, strict=True)) == pytest.approx(
        dict(table.select("group", "share").iter_rows())
    )


def test_groups_stand_in_the_order_of_their_numbers() -> None:
    table = pl.DataFrame({"group": ["group 10", "group 2"], "share": [0.4, 0.6]})
    assert list(groups.sizes(table).figure.layout.yaxis.ticktext) == ["group 2", "group 10"]


def test_the_profile_shows_the_features_that_tell_groups_apart(result_of: ResultOf) -> None:
    table = result_of("rome").tables["group_profile"]
    chart = groups.profile(table, most=3)
    heat = chart.figure.data[0]
    top = table.sort(pl.col("standardised").abs(), descending=True).row(0, named=True)
    assert chart.figure.layout.yaxis.ticktext[0] == top["feature"]
    assert max(abs(v) for row in heat.z for v in row) == pytest.approx(abs(top["standardised"]))
    assert heat.zmax == -heat.zmin == pytest.approx(abs(top["standardised"]))


def test_shares_of_membership_sum_to_one_in_each_group(result_of: ResultOf) -> None:
    latent = result_of("rome").tables["latent"]
    chart = groups.membership(latent, split="test")
    per_group = chart.table.group_by("group").agg(pl.col("share").sum(), pl.col("rows").sum())
    assert per_group["share"].to_list() == pytest.approx([1.0] * per_group.height)
    assert per_group["rows"].sum() == latent.filter(pl.col("split") == "test").height


def test_the_overlap_is_the_share_of_each_level(result_of: ResultOf) -> None:
    table = result_of("rome").tables["overlap"]
    chart = groups.overlap(table, attribute="sex")
    heat, down = chart.figure.data[0], chart.figure.layout.yaxis.ticktext
    for i, level in enumerate(down):
        own = table.filter((pl.col("attribute") == "sex") & (pl.col("level") == level))
        assert sorted(heat.z[i]) == pytest.approx(sorted(own["share_of_level"].to_list()))


def test_the_overlap_says_who_a_group_consists_of() -> None:
    table = pl.DataFrame(
        {
            "group": ["group 1", "group 1", "group 2", "group 2"],
            "attribute": ["sex"] * 4,
            "level": ["female", "male"] * 2,
            "share_of_group": [0.6, 0.4, 11 / 432, 421 / 432],
            "share_of_level": [0.98, 0.5, 0.02, 0.5],
            "n": [600.0, 421.0, 11.0, 421.0],
        }
    )
    alt = groups.overlap(table, attribute="sex").alt
    assert "group 2 consists of 421 male and 11 female" in alt
    assert "98% of female are in group 1" in alt


def test_one_number_of_groups_is_taken_from_a_sweep(result_of: ResultOf) -> None:
    table = result_of("sweep").tables["groups"]
    assert groups.of_count(table, 3).height == 3
    assert groups.of_count(result_of("rome").tables["groups"], None).height == 2


def test_a_membership_of_two_groups_ignores_the_columns_of_larger_sweeps(
    result_of: ResultOf,
) -> None:
    latent = groups.of_count(result_of("sweep").tables["latent"], 2)
    chart = groups.membership(latent)
    assert set(chart.table["group"]) <= {"group 1", "group 2"}


def test_a_projection_never_draws_too_many_points() -> None:
    count = MAX_POINTS + 500
    table = pl.DataFrame(
        {
            "row": range(count),
            "x": [float(i % 7) for i in range(count)],
            "y": [float(i % 5) for i in range(count)],
            "group": ["group 1", "group 2"] * (count // 2),
            "explained": [0.4] * count,
        }
    )
    chart = groups.projection(table)
    assert sum(len(t.x) for t in chart.figure.data) == MAX_POINTS
    assert "40% of their variance" in chart.alt


def test_held_out_tests_are_drawn_with_their_intervals(result_of: ResultOf) -> None:
    tests = result_of("systems").tables["latent_tests"]
    chart = groups.tests(tests, voice=Voice(0.9))
    known = tests.filter(pl.col("difference").is_not_null() & pl.col("chosen"))
    drawn = [t.x[0] for t in chart.figure.data if t.x[0] is not None]
    assert sorted(drawn) == sorted(known["difference"].to_list())
    assert "(90% CI " in chart.alt


@pytest.mark.parametrize("name", ["group_profile", "overlap"])
def test_nothing_is_drawn_from_an_empty_table(result_of: ResultOf, name: str) -> None:
    blank = result_of("rome").tables[name].clear()
    chart = (
        groups.profile(blank)
        if name == "group_profile"
        else groups.overlap(blank, attribute="sex")
    )
    assert len(chart.figure.data) == 0
    assert chart.alt.startswith("There is no")


def test_numbers_of_rows_are_whole_and_the_rule_comes_last(result_of: ResultOf) -> None:
    table = groups.readable(result_of("rome").tables["groups"])
    assert table["n_train"].dtype == pl.Int64
    assert table.columns[-1] == "rule"
