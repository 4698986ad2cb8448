"""Training curves: the history's values, thinned without losing the end."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.plots import curves
from fairaudit.plots.theme import MAX_POINTS


def long(count: int) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "part": ["main"] * count,
            "epoch": range(count),
            "metric": ["loss"] * count,
            "value": [1 / (1 + i) for i in range(count)],
        }
    )


def test_a_short_history_is_drawn_whole() -> None:
    trace = curves.history(long(10), metric="loss").figure.data[0]
    assert list(trace.y) == long(10)["value"].to_list()


def test_a_long_history_keeps_its_last_value() -> None:
    trace = curves.history(long(20_000), metric="loss").figure.data[0]
    assert len(trace.y) <= MAX_POINTS + 1
    assert trace.y[-1] == 1 / 20_000


def test_losses_that_ran_away_are_left_out() -> None:
    table = long(3).with_columns(value=pl.Series([1.0, float("nan"), float("inf")]))
    assert len(curves.history(table, metric="loss").figure.data[0].y) == 1


def test_parts_of_a_real_history_have_a_curve_each(
    result_of: Callable[[str], AuditResult],
) -> None:
    table = result_of("medl").tables["history"]
    metric = curves.metrics_of(table)[0]
    parts = table.filter(pl.col("metric") == metric)["part"].n_unique()
    assert len(curves.history(table, metric=metric).figure.data) == min(parts, 12)


def test_a_metric_nobody_logged_is_said_to_be_missing() -> None:
    assert "no training curve of auroc" in curves.history(long(3), metric="auroc").alt
