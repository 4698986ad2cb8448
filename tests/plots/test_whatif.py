"""Charts over the number of groups: the sweep's numbers, and flows that lose no row."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from fairaudit.audit.result import AuditResult
from fairaudit.plots import whatif
from fairaudit.text.table_rows import best_count

ResultOf = Callable[[str], AuditResult]

SWEEP = pl.DataFrame(
    {
        "n_groups": [1, 2, 3],
        "bic": [10.0, 8.0, 8.0],
        "heldout": [-3.0, -2.0, -2.5],
        "worst_group": [0.9, 0.5, 0.45],
        "worst_low": [0.8, 0.4, 0.3],
        "worst_high": [1.0, 0.6, 0.6],
        "overall": [0.6, 0.55, 0.56],
        "overall_low": [0.5, 0.5, 0.5],
        "overall_high": [0.7, 0.6, 0.62],
        "stability": [1.0, 0.8, None],
    }
)
LINEAGE = pl.DataFrame(
    {
        "n_groups": [1, 1, 2, 2, 2],
        "source": ["group 1", "group 1", "group 1", "group 2", "group 2"],
        "target": ["group 1", "group 2", "group 1", "group 2", "group 3"],
        "rows": [60.0, 40.0, 60.0, 30.0, 10.0],
    }
)


def test_worst_group_and_everybody_carry_their_intervals() -> None:
    worst, everybody = whatif.trade_off(SWEEP, "mse", at=2).figure.data
    assert list(worst.y) == [0.9, 0.5, 0.45]
    assert list(worst.error_y.arrayminus) == pytest.approx([0.1, 0.1, 0.15])
    assert list(everybody.error_y.array) == pytest.approx([0.1, 0.05, 0.06])


def test_the_chosen_number_is_marked() -> None:
    shape = whatif.trade_off(SWEEP, "mse", at=2).figure.layout.shapes[0]
    assert shape.x0 == 2


def test_the_smaller_number_wins_a_tie() -> None:
    assert best_count(SWEEP, "bic") == 2
    assert best_count(SWEEP, "heldout") == 2


def test_a_criterion_that_was_not_computed_is_said_to_be_missing() -> None:
    assert "ICL is not available" in whatif.criterion(SWEEP, "icl").alt


def test_stability_leaves_out_what_is_not_known() -> None:
    assert "3 groups" not in whatif.stability(SWEEP).alt


def test_flows_keep_every_row() -> None:
    link = whatif.lineage(LINEAGE).figure.data[0].link
    label = whatif.lineage(LINEAGE).figure.data[0].node.label
    from_one = sum(v for s, v in zip(link.source, link.value, strict=True) if label[s] == (
        "group 1 of 1"))  # fmt: skip
    assert from_one == 100
    into_three = [
        v for t, v in zip(link.target, link.value, strict=True) if label[t].endswith("of 3")
    ]
    assert sum(into_three) == 100


def test_the_lineage_says_where_a_new_group_comes_from() -> None:
    assert "from 2 to 3 groups, 100% of group 3 comes from group 2" in whatif.lineage(LINEAGE).alt


def test_the_lineage_stops_at_the_chosen_number() -> None:
    label = whatif.lineage(LINEAGE, up_to=2).figure.data[0].node.label
    assert all(name.endswith(("of 1", "of 2")) for name in label)


def test_boxes_of_one_column_do_not_overlap() -> None:
    node = whatif.lineage(LINEAGE).figure.data[0].node
    third = sorted(y for x, y in zip(node.x, node.y, strict=True) if x > 0.9)
    assert third == sorted(set(third))
    assert len(third) == 3


def test_one_number_of_groups_has_no_lineage() -> None:
    assert "at least two" in whatif.lineage(LINEAGE.clear()).alt


def test_a_real_sweep_is_drawn(result_of: ResultOf) -> None:
    result = result_of("sweep")
    sweep = result.tables["sweep"]
    metric = whatif.metric_of(result)
    drawn = whatif.trade_off(sweep, metric).figure.data[0]
    assert list(drawn.y) == sweep.sort("n_groups")["worst_group"].to_list()
    assert len(whatif.lineage(result.tables["lineage"]).figure.data) == 1
