"""Axes of a static drawing: range, ticks, and conversion from value to pixel."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

CHARACTER = 6.6  # pixels a character of the drawing's 12 px font takes on average


@dataclass(frozen=True)
class Axis:
    """One axis: its span in data, its span in pixels, its ticks and title."""

    low: float
    high: float
    start: float
    end: float
    ticks: tuple[tuple[float, str], ...]
    title: str
    names: tuple[str, ...] = ()
    log: bool = False

    def at(self, value: Any) -> float | None:
        """The pixel of a value; None for what cannot be drawn."""
        number = self.number(value)
        if number is None or self.high == self.low:
            return None
        share = (number - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def number(self, value: Any) -> float | None:
        """The value as a number on the axis: the place of a name, the logarithm on a log axis."""
        if isinstance(value, str):
            return float(self.names.index(value)) if value in self.names else None
        return finite(math.log10(value) if self.log and value and value > 0 else value)


def finite(value: Any) -> float | None:
    """The value as a float, None where it is missing or infinite."""
    if value is None or isinstance(value, str):
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def axis(figure: go.Figure, letter: str, start: float, end: float) -> Axis:
    """The axis "x" or "y" of a figure, drawn from pixel `start` to `end`."""
    spec = figure.layout[f"{letter}axis"]
    names = tuple(dict.fromkeys(v for v in _values(figure, letter) if isinstance(v, str)))
    log = spec.type == "log"
    low, high = _span(figure, letter, spec, names, log)
    ticks = _named_ticks(spec, names) or _number_ticks(low, high, spec.tickformat, log)
    title = spec.title.text or ""
    return Axis(low, high, start, end, tuple(ticks), title, names, log)


def _span(
    figure: go.Figure, letter: str, spec: Any, names: Sequence[str], log: bool
) -> tuple[float, float]:
    if spec.range is not None and None not in spec.range:
        return float(spec.range[0]), float(spec.range[1])
    if names:
        return -0.5, len(names) - 0.5
    values = [v for v in map(finite, _values(figure, letter)) if v is not None]
    values += _stacks(figure, letter)
    if log:
        values = [math.log10(v) for v in values if v > 0]
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if any(t.type == "bar" and _length_axis(t) == letter for t in figure.data):
        low, high = min(low, 0.0), max(high, 0.0)
    pad = 0.05 * (high - low) or 0.5
    return low - pad, high + pad


def _stacks(figure: go.Figure, letter: str) -> list[float]:
    """Total length of stacked bars."""
    if figure.layout.barmode != "stack":
        return []
    reached: dict[Any, float] = {}
    for trace in figure.data:
        if trace.type == "bar" and _length_axis(trace) == letter:
            names, lengths = (trace.y, trace.x) if letter == "x" else (trace.x, trace.y)
            for name, length in zip(names, lengths, strict=True):
                reached[name] = reached.get(name, 0.0) + (finite(length) or 0.0)
    return list(reached.values())


def _length_axis(trace: Any) -> str:
    return "x" if trace.orientation == "h" else "y"


def _values(figure: go.Figure, letter: str) -> Iterable[Any]:
    for trace in figure.data:
        values = getattr(trace, letter, None) if trace.type != "sankey" else None
        if values is None:
            continue
        yield from values
        if trace.type == "scatter":
            yield from whiskers(trace, letter, values)
    for shape in figure.layout.shapes:
        if getattr(shape, f"{letter}ref") in (None, letter):
            yield from (shape[f"{letter}0"], shape[f"{letter}1"])


def whiskers(trace: Any, letter: str, values: Sequence[Any]) -> list[float]:
    """The tips of the error bars of a trace, low and high in turn."""
    bars = trace[f"error_{letter}"]
    if bars is None or bars.array is None:
        return []
    down = bars.arrayminus if bars.arrayminus is not None else bars.array
    tips: list[float] = []
    for value, minus, plus in zip(values, down, bars.array, strict=True):
        middle, below, above = finite(value), finite(minus), finite(plus)
        if middle is not None and below is not None and above is not None:
            tips += [middle - below, middle + above]
    return tips


def _named_ticks(spec: Any, names: Sequence[str]) -> list[tuple[float, str]]:
    if spec.tickvals is not None:
        texts = spec.ticktext if spec.ticktext is not None else spec.tickvals
        return [(float(v), str(t)) for v, t in zip(spec.tickvals, texts, strict=True)]
    return [(float(i), name) for i, name in enumerate(names)]


def _number_ticks(low: float, high: float, form: str | None, log: bool) -> list[tuple[float, str]]:
    low, high = min(low, high), max(low, high)
    if log:
        whole = range(math.ceil(low), math.floor(high) + 1)
        return [(float(p), f"{10.0**p:g}") for p in whole]
    step = nice(high - low)
    first = math.ceil(low / step - 1e-9)
    places = [step * k for k in range(first, math.floor(high / step + 1e-9) + 1)]
    return [(p, tick_text(p, step, form)) for p in places]


def nice(span: float, wanted: int = 5) -> float:
    """A step of 1, 2 or 5 times a power of ten that cuts `span` into about `wanted` pieces."""
    rough = span / wanted
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1.0, 2.0, 5.0, 10.0) if m * power >= rough * 0.999)


def tick_text(value: float, step: float, form: str | None) -> str:
    """A tick's number with as many decimals as its step needs."""
    if form and form.endswith("%"):
        value, step, end = 100 * value, 100 * step, "%"
    else:
        end = ""
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    text = f"{value:,.{decimals}f}"
    return ("0" if float(text.replace(",", "")) == 0 else text) + end


def width_of(text: str) -> float:
    """About how many pixels a text takes."""
    return CHARACTER * len(text)
