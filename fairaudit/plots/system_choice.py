"""The chart of a choice between systems: each candidate's difference from the baseline."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from fairaudit.plots.interval_dots import (
    Row,
    difference_hover,
    legend_mark,
    limit_line,
    mark,
    note,
    offsets,
    several,
    whisker,
)
from fairaudit.plots.theme import (
    MAX_ROWS,
    NEUTRAL,
    Chart,
    Style,
    empty,
    frame,
    model_styles,
    name_rows,
    plain,
)
from fairaudit.stats.estimates import UNJUDGED
from fairaudit.text import metric_words, numbers
from fairaudit.text.charts import system_choice as wording
from fairaudit.text.ordering import natural
from fairaudit.text.sentences.system_reasons import reason
from fairaudit.text.voice import level_words

_WORSE, _BETTER = "worse than the baseline", "better"


def differences(
    table: pl.DataFrame, *, confidence: float, tolerance: float, where: str = ""
) -> Chart:
    """Each candidate minus the baseline by group; right of the line means no harm.

    Parameters
    ----------
    table : columns `CHOICE` of `fairaudit.audit.no_harm.system_tables`
    confidence : of all bounds together
    tolerance : loss that is tolerated, where the line stands
    where : which rows, such as "on rows that took no part"
    """
    if table.drop_nulls("difference").is_empty():
        return empty(wording.no_difference(where))
    metric = str(table["metric"].item(0))
    groups = sorted(table["group"].unique().to_list(), key=natural)[:MAX_ROWS]
    systems = table["system"].unique(maintain_order=True).to_list()
    known, aside = model_styles(systems), dict(zip(systems, offsets(len(systems)), strict=True))
    figure = frame(
        x=f"Change in {metric_words.title(metric)} against the baseline",
        height=130 + (26 + 22 * len(systems)) * len(groups), legend=True,
        percent_x=metric_words.is_rate(metric),
    )  # fmt: skip
    _sides(figure, tolerance)
    for row in table.filter(pl.col("group").is_in(groups)).iter_rows(named=True):
        y = groups.index(row["group"]) + aside[row["system"]]
        _mark(figure, row, y, known[row["system"]], metric)
    for name in systems:
        legend_mark(figure, name, known[name])
    legend_mark(figure, "hollow: not used", Style(NEUTRAL, "circle-open", "solid"))
    name_rows(figure, groups)
    return Chart(figure, _alt(table, metric, confidence, where), table)


def _sides(figure: go.Figure, tolerance: float) -> None:
    """The tolerated loss, and what lies on either side of it."""
    limit_line(figure, tolerance)
    for text, anchor in ((f"← {_WORSE}", "right"), (f"{_BETTER} →", "left")):
        figure.add_annotation(
            x=-tolerance, y=1.0, yref="paper", yanchor="bottom", text=text, showarrow=False,
            xanchor=anchor, font={"size": 12}, xshift=-6 if anchor == "right" else 6,
        )  # fmt: skip


def _mark(figure: go.Figure, row: Row, y: float, style: Style, metric: str) -> None:
    if row["difference"] is None or row["verdict"] == UNJUDGED:
        note(figure, y, f"{row['verdict']} ({numbers.rows(row['n'])})")
        return
    bar = None
    if row["lower"] is not None:
        bar = whisker(row["difference"], row["lower"], row["upper"], style.color)
    figure.add_scatter(
        x=[row["difference"]],
        y=[y],
        mode="markers",
        error_x=bar,
        marker=mark(style.color, style.symbol, 11, hollow=row["chosen"] != row["system"]),
        showlegend=False,
        hovertemplate=_hover(row, metric),
    )


def _hover(row: Row, metric: str) -> str:
    title = f"<b>{plain(row['group'])}</b>: {plain(row['system'])}"
    return difference_hover(row, metric, title, f"<br>{plain(reason(row))}")


def _alt(table: pl.DataFrame, metric: str, confidence: float, where: str) -> str:
    parts = []
    for row in table.iter_rows(named=True):
        if row["verdict"] == UNJUDGED:
            parts.append(f"{row['system']} for {row['group']} {UNJUDGED}")
            continue
        change = numbers.points(row["difference"], metric, signed=True)
        low = numbers.points(row["lower"], metric, signed=True)
        bound = "" if row["lower"] is None else f", at least {low}"
        used = " (used)" if row["chosen"] == row["system"] else ""
        parts.append(f"{row['system']} for {row['group']}{used} {change}{bound}")
    place = f" {where}" if where else ""
    return wording.changes(
        metric_words.title(metric), place, level_words(confidence), several(parts)
    )
