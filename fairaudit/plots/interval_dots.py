"""Dots with intervals on labelled lines, shared by most charts of this package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from fairaudit.plots.theme import NEUTRAL, Style, plain, short
from fairaudit.stats.estimates import UNSTABLE
from fairaudit.text import numbers
from fairaudit.text.sentences.phrases import value
from fairaudit.text.voice import Voice, level_words

Row = dict[str, Any]
UNCERTAIN = UNSTABLE


def offsets(count: int) -> list[float]:
    """Positions of `count` marks around a line so that they do not overlap."""
    step = 0.62 / max(count, 1)
    return [(i - (count - 1) / 2) * step for i in range(count)]


def dots(
    figure: go.Figure,
    shown: pl.DataFrame,
    groups: Sequence[str],
    names: Sequence[str],
    marks: Mapping[tuple[str, str], Style],
    metric: str,
    voice: Voice | None = None,
) -> None:
    """Add the dots of `shown` (columns model, group, n, value, low, high, status).

    The hover texts name the confidence level of `voice`.
    """
    place = {group: i for i, group in enumerate(groups)}
    aside = dict(zip(names, offsets(len(names)), strict=True))
    for row in shown.iter_rows(named=True):
        y = place[row["group"]] + aside[row["model"]]
        if row["value"] is None:
            note(figure, y, f"{row['status']} ({numbers.rows(row['n'])})")
        else:
            dot(figure, row, y, marks[row["model"], row["group"]], metric, voice)
    if len(names) > 1:
        for name in names:
            legend_mark(figure, name, marks[_any(marks, name)])


def _any(marks: Mapping[tuple[str, str], Style], name: str) -> tuple[str, str]:
    return next(pair for pair in marks if pair[0] == name)


def note(figure: go.Figure, y: float, text: str) -> None:
    """Text in place of a dot."""
    figure.add_annotation(
        x=0.01, xref="paper", xanchor="left", y=y, showarrow=False,
        text=plain(text), font={"size": 12},
    )  # fmt: skip


def dot(
    figure: go.Figure, row: Row, y: float, style: Style, metric: str, voice: Voice | None = None
) -> None:
    """One value with its interval; hollow if it is unstable."""
    symbol = style.symbol
    if row.get("status") == UNCERTAIN and not symbol.endswith("-open"):
        symbol += "-open"
    figure.add_scatter(
        x=[row["value"]],
        y=[y],
        mode="markers",
        error_x=whisker(row["value"], row["low"], row["high"], style.color),
        marker=mark(style.color, symbol, 11),
        name=short(str(row["group"])),
        showlegend=False,
        hovertemplate=_hover(row, metric, voice),
    )  # fmt: skip


def mark(color: str, symbol: str, size: int, *, hollow: bool = False) -> dict[str, Any]:
    """A marker with an outline in its own colour."""
    open_ = "-open" if hollow and not symbol.endswith("-open") else ""
    return {
        "color": color,
        "symbol": symbol + open_,
        "size": size,
        "line": {"width": 2, "color": color},
    }


def several(parts: Sequence[str], most: int = 5) -> str:
    """The first few parts of a description, and how many more are in the table."""
    shown = "; ".join(parts[:most])
    more = len(parts) - most
    return f"{shown}; and {more} more in the table" if more > 0 else shown


def whisker(
    value: float, low: float | None, high: float | None, color: str = NEUTRAL
) -> dict[str, object] | None:
    """The interval of one value as an error bar, or None without an interval."""
    if low is None or high is None or low != low or high != high:
        return None
    return {
        "type": "data",
        "symmetric": False,
        "array": [high - value],
        "arrayminus": [value - low],
        "thickness": 2,
        "width": 5,
        "color": color,
    }


def _hover(row: Row, metric: str, voice: Voice | None) -> str:
    lines = [
        f"<b>{plain(str(row['group']))}</b> · {plain(str(row['model']))}",
        value(row["value"], row["low"], row["high"], metric, voice),
        f"{numbers.rows(row['n'])} · {row.get('status') or ''}",
    ]  # fmt: skip
    return "<br>".join(lines) + "<extra></extra>"


def legend_mark(figure: go.Figure, name: str, style: Style) -> None:
    """A legend entry without a point in the chart."""
    figure.add_scatter(
        x=[None],
        y=[None],
        mode="markers",
        name=short(name),
        marker={"color": style.color, "symbol": style.symbol, "size": 10},
    )


def limit_line(figure: go.Figure, tolerance: float) -> None:
    """The line at the tolerated loss: right of it lies no harm."""
    figure.add_shape(
        type="line", x0=-tolerance, x1=-tolerance, y0=0, y1=1, yref="paper",
        line={"color": NEUTRAL, "width": 2, "dash": "dash"},
    )  # fmt: skip


def difference_hover(row: Row, metric: str, title: str, more: str = "") -> str:
    """A difference from the baseline with its bound, the confidence of that, and the rows."""
    change = numbers.points(row["difference"], metric, signed=True)
    level = row.get("level")
    sure = "" if level is None else f" with {level_words(1 - level)} confidence"
    low = numbers.points(row["lower"], metric, signed=True)
    bound = "" if row["lower"] is None else f", at least {low}{sure}"
    return f"{title}<br>{change}{bound}<br>n = {row['n']:,}{more}<extra></extra>"
