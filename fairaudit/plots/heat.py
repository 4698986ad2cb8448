"""Heat maps with legible text in every cell."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import plotly.graph_objects as go

WORDS = "cell text"  # marks the traces that repeat the heat map's own text
BLACK, WHITE = "#000000", "#ffffff"
Grid = Sequence[Sequence[float | None]]
Color = tuple[int, int, int]


def heat(
    figure: go.Figure,
    z: Grid,
    text: Sequence[Sequence[str]],
    scale: Sequence[Sequence[Any]],
    *,
    hover: Sequence[Sequence[str]] | None = None,
    low: float | None = None,
    high: float | None = None,
) -> None:
    """Add cells with their text in black or white, whichever contrasts more with the cell.

    Cells without a number use the page's text colour. `low` and `high` limit the colour
    scale, by default those of the numbers.
    """
    figure.add_heatmap(
        z=z,
        x=list(range(len(z[0]))),
        y=list(range(len(z))),
        text=text,
        hovertext=text if hover is None else hover,
        hovertemplate="%{hovertext}<extra></extra>",
        colorscale=[list(stop) for stop in scale],
        zmin=low,
        zmax=high,
        showscale=False,
        xgap=2,
        ygap=2,
    )
    limits = span(z, low, high)
    cells = [(c, r, share(v, *limits)) for r, row in enumerate(z) for c, v in enumerate(row)]
    inks = [None if s is None else ink(mixed(scale, s)) for _, _, s in cells]
    for color in dict.fromkeys(inks):
        own = [(x, y) for (x, y, _), used in zip(cells, inks, strict=True) if used == color]
        figure.add_scatter(
            x=[x for x, _ in own],
            y=[y for _, y in own],
            text=[text[y][x] for x, y in own],
            mode="text",
            textfont={} if color is None else {"color": color},
            hoverinfo="skip",
            showlegend=False,
            meta=WORDS,
        )


def span(z: Grid, low: float | None, high: float | None) -> tuple[float, float]:
    """The limits of the colour scale: the given ones, else those of the numbers."""
    known = [v for row in z for v in row if v is not None and v == v]
    least = min(known, default=0.0) if low is None else low
    return least, max(known, default=1.0) if high is None else high


def share(value: float | None, low: float, high: float) -> float | None:
    """The position of a value on the scale, in [0, 1]."""
    if value is None or value != value:
        return None
    return 0.5 if high == low else min(1.0, max(0.0, (value - low) / (high - low)))


def mixed(scale: Sequence[Sequence[Any]], place: float) -> Color:
    """The colour of a colour scale at position `place` in [0, 1]."""
    stops = [(float(at), _channels(color)) for at, color in scale]
    pairs = pairwise(stops)
    (a, first), (b, second) = next((p for p in pairs if place <= p[1][0]), (stops[-1], stops[-1]))
    t = 0.0 if b == a else (place - a) / (b - a)
    red, green, blue = (round(u + t * (v - u)) for u, v in zip(first, second, strict=True))
    return red, green, blue


def _channels(color: str) -> Color:
    return int(color[1:3], 16), int(color[3:5], 16), int(color[5:7], 16)


def ink(background: Color) -> str:
    """Black or white, whichever contrasts more: 4.5 to 1 or better on any colour (WCAG 2.2)."""
    light = luminance(background)
    return BLACK if (light + 0.05) / 0.05 >= 1.05 / (light + 0.05) else WHITE


def luminance(color: Color) -> float:
    """Relative luminance of an sRGB colour (WCAG 2.2)."""
    linear = [
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4
        for c in (channel / 255 for channel in color)
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
