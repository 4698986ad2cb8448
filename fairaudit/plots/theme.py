"""The look of charts: distinguishable colours, a marker shape per group, one layout for all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import plotly.graph_objects as go
import polars as pl

from fairaudit.inputs.group_codes import OVERALL
from fairaudit.text.ordering import natural

# Seven colours with a contrast of at least 3:1 on white and on the dark page, and at least 14
# CIE76 units apart for normal, deuteranope and protanope vision (the tests compute all of this).
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#8A4FE8", "#805919", "#3E9BCF")
NEUTRAL = "#808080"
SYMBOLS = (
    "circle",
    "square",
    "diamond",
    "triangle-up",
    "cross",
    "x",
    "triangle-down",
    "star",
)
DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
MAX_POINTS = 5_000
MAX_ROWS = 30  # groups drawn in one chart; the table below it has all of them
GRID = "rgba(128,128,128,0.25)"
DIVERGING = ((0.0, "#2166AC"), (0.5, "#F2F2F2"), (1.0, "#B2452B"))
SEQUENTIAL = ((0.0, "#F2F5F9"), (0.5, "#6BA3CE"), (1.0, "#0B3C6F"))
_BIDI_CONTROLS = dict.fromkeys([*range(0x202A, 0x202F), *range(0x2066, 0x206A)])


@dataclass(frozen=True)
class Style:
    """Colour, marker shape and dash of one group or model."""

    color: str
    symbol: str
    dash: str


@dataclass(frozen=True)
class Chart:
    """A figure, its alternative text, and the rows it was drawn from."""

    figure: go.Figure
    alt: str
    table: pl.DataFrame

    def bare(self) -> Chart:
        """The same chart without its table, for pages that show the table anyway."""
        return replace(self, table=pl.DataFrame())


def styles(labels: Iterable[str]) -> dict[str, Style]:
    """The style of each label; the same set of labels always gets the same styles.

    Colours repeat after seven labels and shapes after eight, so 56 labels are distinct.
    """
    known = sorted({label for label in labels if label != OVERALL}, key=natural)
    named = {label: _style(place) for place, label in enumerate(known)}
    return {**named, OVERALL: Style(NEUTRAL, "line-ns-open", "dash")}


def group_styles(errors: pl.DataFrame, attribute: str) -> dict[str, Style]:
    """Styles of an attribute's groups, from all splits, models and metrics of the result."""
    groups = errors.filter(pl.col("attribute") == attribute).get_column("group")
    return styles(groups.unique().to_list())


def model_styles(models: Sequence[str]) -> dict[str, Style]:
    """Styles of models in the order of the result; the method itself comes first."""
    return {model: _style(place) for place, model in enumerate(dict.fromkeys(models))}


def _style(place: int) -> Style:
    return Style(
        PALETTE[place % len(PALETTE)],
        SYMBOLS[place % len(SYMBOLS)],
        DASHES[place % len(DASHES)],
    )


def frame(
    *,
    x: str = "",
    y: str = "",
    height: int = 360,
    legend: bool = False,
    percent_x: bool = False,
    percent_y: bool = False,
) -> go.Figure:
    """An empty figure with axis titles, a faint grid and a transparent background."""
    figure = go.Figure()
    figure.update_layout(
        height=height,
        showlegend=legend,
        margin={"l": 8, "r": 16, "t": 28, "b": 8},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        legend={"orientation": "h", "y": 1.02, "yanchor": "bottom", "x": 0},
        hoverlabel={"align": "left"},
        xaxis=_axis(x, percent_x),
        yaxis=_axis(y, percent_y),
    )
    return figure


def _axis(title: str, percent: bool) -> dict[str, Any]:
    return {
        "title": {"text": plain(title)},
        "automargin": True,
        "gridcolor": GRID,
        "zeroline": False,
        "tickformat": ".0%" if percent else None,
        "exponentformat": "none",  # 0.0002 and 20,000, not 200µ and 20k
        "separatethousands": True,
    }


def faint(color: str, share: float = 0.3) -> str:
    """A colour (#rrggbb) made partly transparent."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{share})"


def name_rows(
    figure: go.Figure, names: Sequence[str], *, axis: str = "y", width: int = 34
) -> None:
    """Label positions 0, 1, … of an axis with names, the first at the top."""
    span = [len(names) - 0.5, -0.5] if axis == "y" else [-0.5, len(names) - 0.5]
    figure.update_layout(
        {
            f"{axis}axis": {
                "tickmode": "array",
                "tickvals": list(range(len(names))),
                "ticktext": [short(name, width) for name in names],
                "range": span,
                "tickformat": None,
            }
        }
    )


def short(text: str, width: int = 34) -> str:
    """The text, shortened in the middle if it is longer than `width`; markup is escaped."""
    if len(text) > width:
        half = (width - 1) // 2
        text = f"{text[:half]}…{text[-half:]}"
    return plain(text)


def plain(text: str) -> str:
    """Text from data, escaped so that Plotly shows it literally (it interprets some HTML)."""
    return upright(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def upright(text: str) -> str:
    """The text without invisible characters that change the direction of what follows."""
    return text.translate(_BIDI_CONTROLS)


def empty(sentence: str) -> Chart:
    """A chart that states why there is nothing to draw."""
    figure = frame(height=140)
    figure.update_xaxes(visible=False)
    figure.update_yaxes(visible=False)
    figure.add_annotation(
        text=plain(sentence), x=0.5, y=0.5, xref="paper", yref="paper", showarrow=False
    )
    return Chart(figure, sentence, pl.DataFrame())
