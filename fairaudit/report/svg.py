"""A figure as static SVG: the report shows the figures of the screen without a script.

It draws what this package's figures are made of: points, lines, error bars, bars, heat maps,
flows, lines across and notes. Colours of text and grid come from the page's style sheet, so that
one drawing serves light and dark.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import plotly.graph_objects as go

from fairaudit.plots import heat
from fairaudit.report.axes import Axis, axis, finite, whiskers, width_of
from fairaudit.report.flows import flows

WIDTH = 760
DASHES: Mapping[str, str] = {
    "dash": "7 4",
    "dot": "2 4",
    "dashdot": "7 4 2 4",
    "longdash": "12 4",
    "longdashdot": "12 4 2 4",
}
SHAPES: Mapping[str, Sequence[tuple[float, float]]] = {
    "square": ((-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)),
    "diamond": ((0, -1.3), (1.3, 0), (0, 1.3), (-1.3, 0)),
    "triangle-up": ((0, -1.2), (1.1, 0.8), (-1.1, 0.8)),
    "triangle-down": ((0, 1.2), (1.1, -0.8), (-1.1, -0.8)),
    "cross": (
        *((-0.35, -1.1), (0.35, -1.1), (0.35, -0.35), (1.1, -0.35), (1.1, 0.35), (0.35, 0.35)),
        *((0.35, 1.1), (-0.35, 1.1), (-0.35, 0.35), (-1.1, 0.35), (-1.1, -0.35), (-0.35, -0.35)),
    ),
    "x": (
        *((-0.5, -1.0), (0, -0.5), (0.5, -1.0), (1.0, -0.5), (0.5, 0), (1.0, 0.5), (0.5, 1.0)),
        *((0, 0.5), (-0.5, 1.0), (-1.0, 0.5), (-0.5, 0), (-1.0, -0.5)),
    ),
    "star": (
        *((0, -1.3), (0.3, -0.4), (1.2, -0.4), (0.5, 0.15), (0.75, 1.1), (0, 0.55)),
        *((-0.75, 1.1), (-0.5, 0.15), (-1.2, -0.4), (-0.3, -0.4)),
    ),
}


def svg(figure: go.Figure, alt: str, *, width: int = WIDTH) -> str:
    """The figure as one `<svg>` element with `alt` as its title."""
    height = int(figure.layout.height or 360)
    if any(trace.type == "sankey" for trace in figure.data):
        body = "".join(flows(figure, width, height))
    else:
        body = "".join(_plot(figure, width, height))
    label = html.escape(alt, quote=True)
    return (
        f'<svg viewBox="0 0 {width} {height}" role="img" aria-label="{label}" '
        f'xmlns="http://www.w3.org/2000/svg"><title>{label}</title>{body}</svg>'
    )


def _plot(figure: go.Figure, width: int, height: int) -> Iterator[str]:
    legend = _legend_entries(figure)
    rough = axis(figure, "y", 0, 1)
    left = 14.0 + max((width_of(words(t)) for _, t in rough.ticks), default=0)
    left = min(left + (24 if rough.title else 0), 0.45 * width)
    rows = list(_legend_rows(legend, left, width))
    top = 24.0 + 18 * (rows[-1][2] + 1 if rows else 0)
    down = axis(figure, "y", height - 40, top)
    across = axis(figure, "x", left, width - 18)
    visible = figure.layout.xaxis.visible is not False
    if visible:
        yield from _grid(across, down, width, height)
    yield from _shapes(figure, across, down)
    yield from _traces(figure, across, down)
    yield from _notes(figure, across, down)
    yield from _legend(rows)


def words(text: str) -> str:
    """A chart's text without its markup."""
    for mark in ("<b>", "</b>", "<i>", "</i>"):
        text = text.replace(mark, "")
    return html.unescape(text)


def text_at(x: float, y: float, text: str, *, anchor: str = "start", extra: str = "") -> str:
    """Text at a pixel, one line for each `<br>`, centred around `y`."""
    lines = [html.escape(words(line), quote=True) for line in text.split("<br>")]
    first = y - 7.0 * (len(lines) - 1) + 4
    return "".join(
        f'<text x="{x:.1f}" y="{first + 14 * i:.1f}" text-anchor="{anchor}"{extra}>{line}</text>'
        for i, line in enumerate(lines)
    )


def _grid(across: Axis, down: Axis, width: int, height: int) -> Iterator[str]:
    low, high = down.start, down.end
    room = (across.end - across.start) / max(len(across.ticks), 1)
    for value, label in across.ticks:
        x = across.at(value)
        if x is not None and across.start - 1 <= x <= across.end + 1:
            yield f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{low:.1f}" y2="{high:.1f}"/>'
            yield text_at(x, low + 13, _fit(label, room), anchor="middle")
    for value, label in down.ticks:
        y = down.at(value)
        if y is not None and min(low, high) - 1 <= y <= max(low, high) + 1:
            span = f'x1="{across.start:.1f}" x2="{across.end:.1f}"'
            yield f'<line class="grid" {span} y1="{y:.1f}" y2="{y:.1f}"/>'
            yield text_at(across.start - 6, y, label, anchor="end")
    if across.title:
        yield text_at((across.start + across.end) / 2, height - 10, across.title, anchor="middle")
    if down.title:
        turned = f' transform="rotate(-90 12 {(low + high) / 2:.1f})"'
        yield text_at(12, (low + high) / 2, down.title, anchor="middle", extra=turned)


def _fit(label: str, room: float) -> str:
    most = max(3, int(room / 6.6))
    known = words(label)
    return label if len(known) <= most else html.escape(known[: most - 1] + "…")


def _shapes(figure: go.Figure, across: Axis, down: Axis) -> Iterator[str]:
    for shape in figure.layout.shapes:
        corners = [
            _reference(across, shape.xref, shape.x0),
            _reference(across, shape.xref, shape.x1),
            _reference(down, shape.yref, shape.y0),
            _reference(down, shape.yref, shape.y1),
        ]
        if None in corners:
            continue
        x0, x1, y0, y1 = (float(e) for e in corners if e is not None)
        if shape.type == "rect":
            yield rectangle(x0, y0, x1 - x0, y1 - y0, shape.fillcolor, shape.opacity)
        else:
            yield segment(x0, y0, x1, y1, shape.line.color, shape.line.width, shape.line.dash)


def _reference(line: Axis, reference: str | None, value: Any) -> float | None:
    if reference == "paper":
        number = finite(value)
        return None if number is None else line.start + number * (line.end - line.start)
    return line.at(value)


def segment(
    x0: float, y0: float, x1: float, y1: float,
    color: str | None, width: float | None = 1, dash: str | None = None,
) -> str:  # fmt: skip
    """A straight line."""
    return (
        f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" '
        f'stroke="{color or "currentColor"}" stroke-width="{width or 1}"{_dashed(dash)}/>'
    )


def rectangle(
    x: float, y: float, width: float, height: float, color: str | None, opacity: float | None = 1
) -> str:
    """A filled rectangle; negative sizes reach to the left or up."""
    x, width = (x, width) if width >= 0 else (x + width, -width)
    y, height = (y, height) if height >= 0 else (y + height, -height)
    alpha = 1 if opacity is None else opacity
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" '
        f'fill="{color or "gray"}" fill-opacity="{alpha}"/>'
    )


def _dashed(dash: str | None) -> str:
    pattern = DASHES.get(dash or "")
    return f' stroke-dasharray="{pattern}"' if pattern else ""


def _traces(figure: go.Figure, across: Axis, down: Axis) -> Iterator[str]:
    bars = [trace for trace in figure.data if trace.type == "bar"]
    yield from _bars(bars, figure.layout.barmode or "group", across, down)
    for trace in figure.data:
        if trace.type == "heatmap":
            yield from _heat(trace, across, down)
        elif trace.type == "scatter" and trace.meta != heat.WORDS:
            yield from _scatter(trace, across, down)


def _scatter(trace: Any, across: Axis, down: Axis) -> Iterator[str]:
    xs, ys = list(trace.x or ()), list(trace.y or ())
    places = [(across.at(x), down.at(y)) for x, y in zip(xs, ys, strict=True)]
    mode = trace.mode or "lines"
    if "lines" in mode:
        yield from _path(trace, places)
    yield from _error_bars(trace, "x", xs, places, across)
    yield from _error_bars(trace, "y", ys, places, down)
    known = [(i, p) for i, p in enumerate(places) if p[0] is not None and p[1] is not None]
    for i, (x, y) in known:
        if "markers" in mode:
            yield marker(x or 0, y or 0, *_mark(trace, i))
        if "text" in mode and trace.text is not None:
            yield _label(trace, i, x or 0, y or 0)


def _mark(trace: Any, i: int) -> tuple[str, str, float]:
    color, symbol = _each(trace.marker.color, i), _each(trace.marker.symbol, i)
    size = _each(trace.marker.size, i)
    return color or "gray", symbol or "circle", float(size or 8) / 2


def _each(value: Any, i: int) -> Any:
    return value[i] if isinstance(value, list | tuple) or hasattr(value, "dtype") else value


def _label(trace: Any, i: int, x: float, y: float) -> str:
    text = trace.text if isinstance(trace.text, str) else trace.text[i]
    if "right" in (trace.textposition or ""):
        return text_at(x + 9, y, text or "")
    up = 12 if "markers" in trace.mode else 0
    return text_at(x, y - up, text or "", anchor="middle")


def _path(trace: Any, places: Sequence[tuple[float | None, float | None]]) -> Iterator[str]:
    known = [f"{x:.1f},{y:.1f}" for x, y in places if x is not None and y is not None]
    if len(known) < 2:
        return
    color = trace.line.color or "gray"
    if trace.fill == "toself":
        yield f'<polygon points="{" ".join(known)}" fill="{color}" fill-opacity="0.18"/>'
        return
    yield (
        f'<polyline points="{" ".join(known)}" fill="none" stroke="{color}" '
        f'stroke-width="{trace.line.width or 2}"{_dashed(trace.line.dash)}/>'
    )


def _error_bars(
    trace: Any,
    letter: str,
    values: Sequence[Any],
    places: Sequence[tuple[float | None, float | None]],
    line: Axis,
) -> Iterator[str]:
    tips = iter(whiskers(trace, letter, values))
    color = trace[f"error_{letter}"].color or _mark(trace, 0)[0]
    for place, value in zip(places, values, strict=True):
        if finite(value) is None:
            continue
        low, high = line.at(next(tips, None)), line.at(next(tips, None))
        other = place[1] if letter == "x" else place[0]
        if low is None or high is None or other is None:
            continue
        if letter == "x":
            yield segment(low, other, high, other, color, 2)
        else:
            yield segment(other, low, other, high, color, 2)


def marker(x: float, y: float, color: str, symbol: str, radius: float) -> str:
    """A marker: filled, hollow where its symbol says "-open", a tick for "line-ns"."""
    kind = symbol.removesuffix("-open")
    ink = f'fill="{"none" if symbol != kind else color}" stroke="{color}" stroke-width="2"'
    if kind == "line-ns":
        return segment(x, y - radius, x, y + radius, color, 3)
    if kind not in SHAPES:
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" {ink}/>'
    corners = " ".join(f"{x + radius * a:.1f},{y + radius * b:.1f}" for a, b in SHAPES[kind])
    return f'<polygon points="{corners}" {ink}/>'


def _bars(bars: Sequence[Any], mode: str, across: Axis, down: Axis) -> Iterator[str]:
    reached: dict[tuple[str, Any], float] = {}
    for place, trace in enumerate(bars):
        flat = trace.orientation == "h"
        lengths, names = (trace.x, trace.y) if flat else (trace.y, trace.x)
        line, base = (across, down) if flat else (down, across)
        for i, (name, length) in enumerate(zip(names, lengths, strict=True)):
            number, middle = finite(length), base.number(name)
            if number is None or middle is None:
                continue
            stacked = mode in ("stack", "relative")
            key = ("+" if number >= 0 else "-", name)
            begin = reached.get(key, 0.0) if stacked else 0.0
            reached[key] = begin + number
            thick = 0.7 if stacked else 0.7 / len(bars)
            low = middle - 0.35 + (0 if stacked else place * thick)
            edges = (line.at(begin), line.at(begin + number), base.at(low), base.at(low + thick))
            yield _bar(edges, flat, _each(trace.marker.color, i))


def _bar(ends: tuple[float | None, ...], flat: bool, color: str | None) -> str:
    begin, end, low, high = (e or 0.0 for e in ends)
    if flat:
        return rectangle(begin, low, end - begin, high - low, color)
    return rectangle(low, begin, high - low, end - begin, color)


def _heat(trace: Any, across: Axis, down: Axis) -> Iterator[str]:
    limits = heat.span([[finite(v) for v in row] for row in trace.z], trace.zmin, trace.zmax)
    xs = list(trace.x) if trace.x is not None else list(range(len(trace.z[0])))
    ys = list(trace.y) if trace.y is not None else list(range(len(trace.z)))
    for r, y in enumerate(ys):
        for c, x in enumerate(xs):
            share = heat.share(finite(trace.z[r][c]), *limits)
            text = str(trace.text[r][c]) if trace.text is not None else ""
            yield _tile((across, across.number(x)), (down, down.number(y)), share, trace, text)


def _tile(
    x: tuple[Axis, float | None],
    y: tuple[Axis, float | None],
    share: float | None,
    trace: Any,
    text: str,
) -> str:
    across, down = x[0], y[0]
    column, row = x[1] or 0.0, y[1] or 0.0
    left, right = across.at(column - 0.5) or 0.0, across.at(column + 0.5) or 0.0
    top, bottom = down.at(row - 0.5) or 0.0, down.at(row + 0.5) or 0.0
    middle = ((left + right) / 2, (top + bottom) / 2)
    if share is None:
        return text_at(*middle, text, anchor="middle")
    color = heat.mixed(trace.colorscale, share)
    paint = "rgb({},{},{})".format(*color)
    box = rectangle(left + 1, top + 1, right - left - 2, bottom - top, paint)
    style = f' style="fill:{heat.ink(color)}"'
    return box + text_at(*middle, text, anchor="middle", extra=style)


def _notes(figure: go.Figure, across: Axis, down: Axis) -> Iterator[str]:
    anchors = {"left": "start", "right": "end"}
    for note in figure.layout.annotations:
        x = _reference(across, note.xref, note.x)
        y = _reference(down, note.yref, note.y)
        if x is not None and y is not None:
            up = 10.0 if note.yanchor == "bottom" else 0.0
            anchor = anchors.get(note.xanchor or "", "middle")
            yield text_at(x, y - up, note.text or "", anchor=anchor)


Entry = tuple[str, Callable[[float, float], str]]


def _legend_entries(figure: go.Figure) -> list[Entry]:
    if figure.layout.showlegend is False:
        return []
    return [
        (words(trace.name), _swatch(trace))
        for trace in figure.data
        if trace.name and trace.showlegend is not False and trace.type in ("scatter", "bar")
    ]


def _swatch(trace: Any) -> Callable[[float, float], str]:
    def draw(x: float, y: float) -> str:
        if trace.type == "bar":
            return rectangle(x - 6, y - 6, 12, 12, _each(trace.marker.color, 0))
        drawn = ""
        if "lines" in (trace.mode or "lines"):
            drawn += segment(x - 10, y, x + 10, y, trace.line.color, 2, trace.line.dash)
        if "markers" in (trace.mode or ""):
            drawn += marker(x, y, *_mark(trace, 0))
        return drawn

    return draw


def _legend_rows(
    entries: Sequence[Entry], left: float, width: int
) -> Iterator[tuple[Entry, float, int]]:
    x, row = left, 0
    for entry in entries:
        needed = 40 + width_of(entry[0])
        if x > left and x + needed > width - 18:
            x, row = left, row + 1
        yield entry, x, row
        x += needed


def _legend(rows: Sequence[tuple[Entry, float, int]]) -> Iterator[str]:
    for (name, swatch), x, row in rows:
        y = 12.0 + 18 * row
        yield swatch(x + 10, y) + text_at(x + 24, y, html.escape(name))
