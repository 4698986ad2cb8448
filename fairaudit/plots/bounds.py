"""Rates whose outcome is known for some rows only: bars from the lower to the upper bound."""

from __future__ import annotations

import plotly.graph_objects as go

from fairaudit.audit.result import AuditResult
from fairaudit.plots.interval_dots import Row, note, several
from fairaudit.plots.theme import (
    MAX_ROWS,
    NEUTRAL,
    Chart,
    empty,
    frame,
    group_styles,
    name_rows,
    plain,
)
from fairaudit.text import meaning, metric_words, numbers, table_rows
from fairaudit.text.charts import bounds as wording
from fairaudit.text.voice import voice_of

_BAR = 12  # pixels of a bar


def by_group(result: AuditResult, *, attribute: str, metric: str, model: str, split: str) -> Chart:
    """A bar for each group from the lower to the upper bound, with the interval around both.

    Nothing is assumed of the unknown outcomes: every value on a bar is possible.
    """
    table = table_rows.bounds_of(
        result, attribute=attribute, metric=metric, model=model, split=split
    )
    title = meaning.title(metric, voice_of(result))
    if table.is_empty():
        return empty(wording.no_bounds(title, attribute))
    groups = table["group"].to_list()[:MAX_ROWS]
    figure = frame(
        x=f"{title}: between the bounds", height=90 + 38 * len(groups),
        percent_x=metric_words.is_rate(metric),
    )  # fmt: skip
    known = group_styles(result.errors, attribute)
    for y, row in enumerate(table.head(MAX_ROWS).iter_rows(named=True)):
        if row["lower"] is None:
            note(figure, y, f"{row['status']} ({numbers.rows(row['n'])})")
            continue
        words = _words(row, metric)
        hover = f"<b>{plain(str(row['group']))}</b><br>{words}<extra></extra>"
        _line(figure, (row["low"], row["high"]), y, NEUTRAL, 2, hover)
        _line(figure, (row["lower"], row["upper"]), y, known[row["group"]].color, _BAR, hover)
    name_rows(figure, groups)
    parts = [
        f"{row['group']} {_words(row, metric)}"
        for row in table.drop_nulls("lower").iter_rows(named=True)
    ]
    alt = wording.bounds(title, model, attribute, several(parts))
    shown = table.drop("model", "split", "attribute", "metric", "kind")
    return Chart(figure, alt, table_rows.readable_bounds(shown))


def _line(
    figure: go.Figure,
    ends: tuple[float | None, float | None],
    y: float,
    color: str,
    width: int,
    hover: str,
) -> None:
    if None in ends:
        return
    figure.add_scatter(
        x=list(ends), y=[y, y], mode="lines+markers",
        line={"color": color, "width": width},
        marker={"color": color, "size": max(width, 7), "symbol": "line-ns"},
        showlegend=False, hovertemplate=hover,
    )  # fmt: skip


def _words(row: Row, metric: str) -> str:
    low, high = (numbers.value(row[end], metric) for end in ("lower", "upper"))
    return low if low == high else f"{low} to {high}"
