"""Heat maps: every word can be read, and the numbers are where they belong."""

from __future__ import annotations

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.plots.heat import WORDS, heat, ink, luminance, mixed, share
from fairaudit.plots.theme import DIVERGING, SEQUENTIAL
from fairaudit.report.svg import svg

CHANNEL = st.integers(0, 255)


def contrast(a: float, b: float) -> float:
    return (max(a, b) + 0.05) / (min(a, b) + 0.05)


def test_colours_between_stops_are_mixed() -> None:
    assert mixed([[0, "#000000"], [0.5, "#ffffff"], [1, "#000000"]], 0.25) == (128, 128, 128)


@pytest.mark.parametrize(
    ("color", "expected"), [((255, 255, 255), 1.0), ((0, 0, 0), 0.0), ((255, 0, 0), 0.2126)]
)
def test_luminance_is_that_of_the_guidelines(color: tuple[int, int, int], expected: float) -> None:
    assert luminance(color) == pytest.approx(expected)


@given(st.tuples(CHANNEL, CHANNEL, CHANNEL))
def test_words_stand_out_from_any_colour(color: tuple[int, int, int]) -> None:
    chosen = {"#000000": 0.0, "#ffffff": 1.0}[ink(color)]
    assert contrast(luminance(color), chosen) >= 4.5


@pytest.mark.parametrize("scale", [SEQUENTIAL, DIVERGING])
def test_every_cell_has_its_words_once(scale: tuple[tuple[float, str], ...]) -> None:
    figure = go.Figure()
    z = [[0.0, 0.5, None], [1.0, 0.7, 0.2]]
    text = [["a", "b", "–"], ["c", "d", "e"]]
    heat(figure, z, text, scale)
    words = {
        (x, y): (said, trace.textfont.color)
        for trace in figure.data[1:]
        for x, y, said in zip(trace.x, trace.y, trace.text, strict=True)
    }
    assert [trace.meta for trace in figure.data[1:]] == [WORDS] * (len(figure.data) - 1)
    for (x, y), (said, color) in words.items():
        assert said == text[y][x]
        place = share(z[y][x], 0.0, 1.0)
        assert color == (None if place is None else ink(mixed(scale, place)))
    assert len(words) == 6


def test_the_report_draws_the_words_of_a_cell_once() -> None:
    figure = go.Figure()
    heat(figure, [[0.1, 0.9]], [["left words", "right words"]], SEQUENTIAL)
    drawn = svg(figure, "two cells")
    assert drawn.count("left words") == drawn.count("right words") == 1


def test_a_value_off_the_scale_has_the_colour_of_its_end() -> None:
    assert share(5.0, 0.0, 1.0) == 1.0
    assert share(0.3, 2.0, 2.0) == 0.5
    assert share(float("nan"), 0.0, 1.0) is None
