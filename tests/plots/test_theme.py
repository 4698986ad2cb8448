"""Colours anyone can tell apart, styles that stay with their group, text that stays text."""

from __future__ import annotations

import tomllib
from itertools import combinations
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.plots import theme
from fairaudit.text.ordering import natural

# Machado, Oliveira & Fernandes (2009), severity 1, on linear RGB
SIGHT = {
    "normal": np.eye(3),
    "deuteranope": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "protanope": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
}
TO_XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])


def linear(color: str) -> np.ndarray:
    channel = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(channel <= 0.04045, channel / 12.92, ((channel + 0.055) / 1.055) ** 2.4)


def contrast(a: str, b: str) -> float:
    bright, dark = sorted((float(linear(c) @ TO_XYZ[1]) for c in (a, b)), reverse=True)
    return (bright + 0.05) / (dark + 0.05)


def lab(rgb: np.ndarray) -> np.ndarray:
    xyz = TO_XYZ @ np.clip(rgb, 0, 1) / np.array([0.9505, 1.0, 1.089])
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


CONFIG = Path(__file__).resolve().parents[2] / ".streamlit" / "config.toml"
PAGES = tomllib.loads(CONFIG.read_text("utf-8"))["theme"]


@pytest.mark.parametrize("ground", [PAGES[mode]["backgroundColor"] for mode in ("light", "dark")])
def test_every_colour_stands_out_on_both_pages(ground: str) -> None:
    assert all(contrast(color, ground) >= 3 for color in (*theme.PALETTE, theme.NEUTRAL))


@pytest.mark.parametrize("sight", SIGHT)
def test_colours_differ_for_every_kind_of_sight(sight: str) -> None:
    seen = [lab(SIGHT[sight] @ linear(color)) for color in theme.PALETTE]
    assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) >= 14


def test_fifty_six_groups_have_fifty_six_styles() -> None:
    known = theme.styles([f"group {i}" for i in range(56)])
    assert len({(s.color, s.symbol) for name, s in known.items() if name != "all"}) == 56


@given(st.lists(st.text(min_size=1, max_size=6), min_size=1, max_size=20, unique=True), st.data())
def test_a_group_keeps_its_style_however_the_labels_come(labels: list[str], data) -> None:
    labels = [*labels, "a", "A", "1", "01"]  # alike to the eye, or as numbers
    shuffled = data.draw(st.permutations(labels))
    assert theme.styles(labels) == theme.styles(shuffled)


def test_styles_do_not_depend_on_split_or_metric() -> None:
    errors = pl.DataFrame(
        {"attribute": ["sex"] * 3 + ["race"], "group": ["F", "M", "F", "X"]},
    )
    assert theme.group_styles(errors, "sex") == theme.styles(["M", "F"])


def test_numbers_in_names_are_ordered_as_numbers() -> None:
    assert sorted(["group 10", "group 2", "b", "A"], key=natural) == [
        "A", "b", "group 2", "group 10",
    ]  # fmt: skip


@pytest.mark.parametrize("before", ["", "female × "])
def test_ranges_go_from_the_lowest_to_the_highest(before: str) -> None:
    ranges = [f"{before}{text}" for text in ("≤ 37", "38–43", "44–51", "≥ 52")]
    mixed = [ranges[place] for place in (2, 3, 0, 1)]
    assert sorted(mixed, key=natural) == ranges


@given(st.text(max_size=80))
def test_text_from_data_is_never_markup(text: str) -> None:
    assert not set(theme.short(text)) & {"<", ">"}


def test_the_title_of_an_axis_is_never_markup() -> None:
    figure = theme.frame(x="Gap by <a href='http://evil'>sex</a>", y="R&D")
    assert "<" not in figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text == "R&amp;D"


def test_no_name_turns_the_direction_of_what_follows() -> None:
    assert theme.plain("\u202ertl\u2066") == "rtl"


def test_names_of_rows_are_shown_from_top_to_bottom() -> None:
    figure = go.Figure()
    theme.name_rows(figure, ["a", "b"])
    assert tuple(figure.layout.yaxis.range) == (1.5, -0.5)
    assert tuple(figure.layout.yaxis.ticktext) == ("a", "b")


def test_an_empty_chart_says_why() -> None:
    chart = theme.empty("There are <no> scores.")
    assert chart.alt == "There are <no> scores."
    assert chart.figure.layout.annotations[0].text == "There are &lt;no&gt; scores."
