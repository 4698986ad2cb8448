"""Flows between columns of boxes: which group of G splits into which of G + 1."""

from __future__ import annotations

import html
from collections.abc import Iterator
from typing import Any

import plotly.graph_objects as go

PAD = 14.0
BOX = 14.0


def flows(figure: go.Figure, width: int, height: int) -> Iterator[str]:
    """Drawing of the figure's one flow diagram; boxes stand in the columns their x gives."""
    trace = figure.data[0]
    sizes = _sizes(trace)
    columns = sorted(set(trace.node.x))
    tops = _tops(trace, sizes, columns, height)
    scale = _scale(trace, sizes, columns, height)
    left = {i: 20 + (width - 150) * float(x) for i, x in enumerate(trace.node.x)}
    yield from _links(trace, left, tops, scale)
    for i, label in enumerate(trace.node.label):
        tall = max(2.0, sizes[i] * scale)
        color = trace.node.color[i]
        yield (
            f'<rect x="{left[i]:.1f}" y="{tops[i]:.1f}" width="{BOX}" height="{tall:.1f}" '
            f'fill="{color}"/>'
        )
        yield (
            f'<text x="{left[i] + BOX + 5:.1f}" y="{tops[i] + tall / 2 + 4:.1f}">'
            f"{html.escape(html.unescape(label))}</text>"
        )


def _sizes(trace: Any) -> list[float]:
    into = [0.0] * len(trace.node.label)
    out = [0.0] * len(trace.node.label)
    for source, target, value in zip(
        trace.link.source, trace.link.target, trace.link.value, strict=True
    ):
        out[source] += value
        into[target] += value
    return [max(a, b) for a, b in zip(into, out, strict=True)]


def _scale(trace: Any, sizes: list[float], columns: list[float], height: int) -> float:
    def fits(x: float) -> float:
        inside = [s for s, place in zip(sizes, trace.node.x, strict=True) if place == x]
        return (height - 30 - PAD * (len(inside) - 1)) / (sum(inside) or 1.0)

    return min(fits(x) for x in columns)


def _tops(trace: Any, sizes: list[float], columns: list[float], height: int) -> dict[int, float]:
    scale = _scale(trace, sizes, columns, height)
    tops: dict[int, float] = {}
    for x in columns:
        y = 15.0
        inside = [i for i, place in enumerate(trace.node.x) if place == x]
        for i in sorted(inside, key=lambda i: float(trace.node.y[i])):
            tops[i] = y
            y += sizes[i] * scale + PAD
    return tops


def _links(
    trace: Any, left: dict[int, float], tops: dict[int, float], scale: float
) -> Iterator[str]:
    used_out, used_in = dict(tops), dict(tops)
    for i, (source, target, value) in enumerate(
        zip(trace.link.source, trace.link.target, trace.link.value, strict=True)
    ):
        thick = value * scale
        y0, y1 = used_out[source], used_in[target]
        used_out[source] += thick
        used_in[target] += thick
        x0, x1 = left[source] + BOX, left[target]
        middle = (x0 + x1) / 2
        color = trace.node.color[source] if trace.link.color is None else trace.link.color[i]
        yield (
            f'<path d="M{x0:.1f},{y0:.1f} C{middle:.1f},{y0:.1f} {middle:.1f},{y1:.1f} '
            f"{x1:.1f},{y1:.1f} L{x1:.1f},{y1 + thick:.1f} C{middle:.1f},{y1 + thick:.1f} "
            f'{middle:.1f},{y0 + thick:.1f} {x0:.1f},{y0 + thick:.1f} Z" '
            f'fill="{color}" fill-opacity="0.3"/>'
        )
