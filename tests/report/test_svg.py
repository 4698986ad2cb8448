"""Static drawings show the figure's own numbers: places, ends of intervals, lengths, colours."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable

import plotly.graph_objects as go
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.audit.result import AuditResult
from fairaudit.plots import (
    ablation,
    compare,
    effects,
    errors,
    groups,
    selection,
    stress,
    whatif,
)
from fairaudit.plots.theme import Chart, frame, name_rows
from fairaudit.report.axes import axis, nice, tick_text
from fairaudit.report.svg import WIDTH, svg
from fairaudit.text.voice import Voice
from tests import audits

SVG = "{http://www.w3.org/2000/svg}"


def drawn(figure: go.Figure, alt: str = "alt") -> ET.Element:
    return ET.fromstring(svg(figure, alt))


def texts(root: ET.Element) -> list[str]:
    return [t.text or "" for t in root.iter(f"{SVG}text")]


def dots(xs: list[float], **more: object) -> go.Figure:
    figure = frame()
    figure.add_scatter(
        x=xs, y=list(range(len(xs))), mode="markers", marker={"symbol": "circle"}, **more
    )
    return figure


def test_points_lie_where_their_values_say() -> None:
    centres = [float(c.get("cx", "")) for c in drawn(dots([0.0, 1.0, 4.0])).iter(f"{SVG}circle")]
    assert (centres[1] - centres[0]) * 4 == pytest.approx(centres[2] - centres[0], abs=0.5)


def test_points_and_ticks_share_one_scale() -> None:
    figure = dots([0.0, 5.0, 10.0])
    root = drawn(figure)
    centre = float([c.get("cx", "") for c in root.iter(f"{SVG}circle")][1])
    shown = {t.text: float(t.get("x", "")) for t in root.iter(f"{SVG}text")}
    assert centre == pytest.approx(shown["5"], abs=0.2)
    assert {text for _, text in axis(figure, "x", 100, 700).ticks} <= set(shown)


def test_an_interval_reaches_both_ends() -> None:
    bar = {"type": "data", "symmetric": False, "array": [2.0], "arrayminus": [1.0]}
    figure = dots([3.0], error_x=bar)
    figure.add_scatter(x=[2.0, 5.0], y=[0, 0], mode="markers", marker={"symbol": "circle"})
    root = drawn(figure)
    centres = [float(c.get("cx", "")) for c in root.iter(f"{SVG}circle")]
    whiskers = [e for e in root.iter(f"{SVG}line") if e.get("stroke-width") == "2"]
    ends = sorted(float(whiskers[0].get(k, "")) for k in ("x1", "x2"))
    assert ends == pytest.approx(centres[1:], abs=0.2)


def test_bars_are_as_long_as_their_values() -> None:
    figure = frame()
    figure.add_bar(x=[1.0, 3.0], y=[0, 1], orientation="h", marker={"color": "#0072B2"})
    name_rows(figure, ["a", "b"])
    widths = [float(r.get("width", "")) for r in drawn(figure).iter(f"{SVG}rect")]
    assert widths[1] == pytest.approx(3 * widths[0], abs=0.5)


def test_stacked_bars_follow_each_other() -> None:
    figure = frame()
    figure.update_layout(barmode="stack")
    for share in (0.25, 0.75):
        figure.add_bar(x=[share], y=[0], orientation="h", marker={"color": "#0072B2"})
    root = drawn(figure)
    first, second = list(root.iter(f"{SVG}rect"))
    assert float(second.get("x", "")) + float(second.get("width", "")) <= WIDTH
    end = float(first.get("x", "")) + float(first.get("width", ""))
    assert float(second.get("x", "")) == pytest.approx(end, abs=0.2)


def test_cells_of_a_heat_map_carry_text_and_colour() -> None:
    figure = frame()
    figure.add_heatmap(
        z=[[0.0, 1.0], [None, 0.5]], text=[["zero", "one"], ["unknown", "half"]],
        colorscale=[[0, "#ffffff"], [1, "#000000"]],
    )  # fmt: skip
    root = drawn(figure)
    fills = [r.get("fill") for r in root.iter(f"{SVG}rect")]
    assert fills == ["rgb(255,255,255)", "rgb(0,0,0)", "rgb(128,128,128)"]
    assert {"zero", "one", "unknown", "half"} <= set(texts(root))


def test_flows_are_as_thick_as_their_rows() -> None:
    figure = go.Figure(
        go.Sankey(
            node={"label": ["a", "b", "c"], "x": [0.001, 0.999, 0.999], "y": [0.5, 0.3, 0.8],
                  "color": ["#0072B2"] * 3},
            link={"source": [0, 0], "target": [1, 2], "value": [30, 10]},
        )
    )  # fmt: skip
    boxes = [float(r.get("height", "")) for r in drawn(figure).iter(f"{SVG}rect")]
    assert boxes[1] == pytest.approx(3 * boxes[2], abs=0.3)
    assert boxes[0] == pytest.approx(boxes[1] + boxes[2], abs=0.3)


def test_what_cannot_be_drawn_is_left_out() -> None:
    root = drawn(dots([1.0, None, float("nan"), 2.0]))
    assert len(list(root.iter(f"{SVG}circle"))) == 2


@given(st.text(max_size=40))
def test_names_from_data_never_become_elements(name: str) -> None:
    from fairaudit.plots.theme import plain

    clean = "".join(c for c in name if c.isprintable())
    figure = dots([1.0])
    name_rows(figure, [clean or "x"])
    root = drawn(figure, plain(clean))
    assert {e.tag for e in root.iter()} <= {
        f"{SVG}{tag}" for tag in ("svg", "title", "text", "line", "circle")
    }


def test_hostile_names_are_shown_as_text() -> None:
    figure = dots([1.0])
    name_rows(figure, ["<script>alert(1)</script>"])
    assert "<script>alert(1)</script>" in texts(drawn(figure))


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_there_are_neither_too_few_nor_too_many_ticks(low: float, span: float) -> None:
    step = nice(span)
    assert 2 <= span / step <= 10.01
    assert low <= low + step * int(span / step) <= low + span + 1e-9 * abs(low) + 1e-12


@pytest.mark.parametrize(
    ("value", "step", "form", "text"),
    [(0.25, 0.05, ".0%", "25%"), (1234.5, 0.5, None, "1,234.5"), (-0.0, 0.1, None, "0")],
)  # fmt: skip
def test_ticks_have_the_decimals_they_need(
    value: float, step: float, form: str | None, text: str
) -> None:
    assert tick_text(value, step, form) == text


def _charts() -> dict[str, Callable[[], Chart]]:
    linear: Callable[[], AuditResult] = lambda: audits.result("linear")  # noqa: E731
    rome: Callable[[str], object] = lambda name: audits.result("rome").tables[name]  # noqa: E731
    sde: Callable[[], object] = lambda: audits.result("sde").tables["selection"]  # noqa: E731
    sweep: Callable[[], object] = lambda: audits.result("sweep").tables["sweep"]  # noqa: E731
    medl: Callable[[str], object] = lambda name: audits.result("medl").tables[name]  # noqa: E731
    found: Callable[[str], object] = lambda name: audits.result("search").tables[name]  # noqa: E731
    stressed: Callable[[str], object] = lambda name: audits.result("stress").tables[name]  # noqa: E731
    return {
        "errors": lambda: errors.by_group(linear(), attribute="sex × ethnicity", metric="tpr"),
        "crossing": lambda: errors.intersection(
            linear(), attribute="sex × ethnicity", metric="tpr", model="linear"
        ),
        "roc": lambda: errors.roc(linear(), attribute="sex", model="linear"),
        "calibration": lambda: errors.calibration(linear(), attribute="sex", model="linear"),
        "sizes": lambda: groups.sizes(rome("groups")),
        "profile": lambda: groups.profile(rome("group_profile")),
        "membership": lambda: groups.membership(rome("latent")),
        "overlap": lambda: groups.overlap(rome("overlap"), attribute="sex"),
        "decision": lambda: selection.decision(sde()),
        "bounds": lambda: selection.bounds(sde()),
        "beside": lambda: selection.validation_beside_test(sde()),
        "trade-off": lambda: whatif.trade_off(sweep(), "log_loss"),
        "bic": lambda: whatif.criterion(sweep(), "bic"),
        "lineage": lambda: whatif.lineage(audits.result("sweep").tables["lineage"]),
        "caterpillar": lambda: effects.caterpillar(medl("effects")),
        "importance": lambda: effects.importance(medl("importance")),
        "front": lambda: compare.front(
            compare.front_table(
                linear(), quality="auroc", gap="tpr", attribute="sex", split="test"
            ),
            quality="auroc", gap_title="Gap", voice=Voice(0.95),
        ),
        "variance": lambda: effects.variance(medl("variance")),
        "search": lambda: effects.search(found("search")),
        "shift": lambda: stress.shift(stressed("stress_shift"), group="female"),
        "wrong": lambda: stress.wrong_groups(stressed("stress_groups")),
        "ablation": lambda: ablation.by_loss(stressed("stress_ablation")),
        "objectives": lambda: ablation.objectives(stressed("stress_objectives")),
        "time": lambda: ablation.time(stressed("stress_time")),
        "probes": lambda: stress.probes(found("probes")),
    }  # fmt: skip


@pytest.mark.parametrize("name", _charts())
def test_every_kind_of_chart_is_drawn_inside_its_frame(name: str) -> None:
    chart = _charts()[name]()
    root = drawn(chart.figure, chart.alt)
    _, _, width, height = map(float, root.get("viewBox", "").split())
    assert root.find(f"{SVG}title").text == chart.alt
    marks = [e for e in root.iter() if e.tag in (f"{SVG}circle", f"{SVG}rect", f"{SVG}line")]
    assert marks or root.find(f"{SVG}polyline") is not None
    for mark in marks:
        for key in ("cx", "x", "x1", "x2"):
            assert -1 <= float(mark.get(key, 0)) <= width + 1
        assert float(mark.get("x", 0)) + float(mark.get("width", 0)) <= width + 1
        for key in ("cy", "y", "y1", "y2"):
            assert -1 <= float(mark.get(key, 0)) <= height + 1
