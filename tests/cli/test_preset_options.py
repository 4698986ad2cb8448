"""Rules about who is chosen, computed from the command line: known tables, known numbers."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from tests.cli.test_cli import typed

# 20 of 200 of race A and 180 of 800 of race B are chosen
CHOSEN = {("A", "yes"): 20, ("A", "no"): 180, ("B", "yes"): 180, ("B", "no"): 620}


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [key for key, n in CHOSEN.items() for _ in range(n)]
    place = tmp_path / "people.csv"
    pl.DataFrame(rows, schema=["race", "hired"], orient="row").write_csv(place)
    return place


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("preset", "column", "value"),
    [
        # 40 expected, √(200 × 0.2 × 0.8) = 5.657 their standard deviation
        ("two-standard-deviations", "standard_deviations", -20 / 5.65685),
        ("two-standard-deviations", "expected", 40.0),
        ("fair-cross-section", "absolute_disparity", 0.2 - 0.1),
        ("fair-cross-section", "comparative_disparity", 0.5),
        ("idea-risk-ratio", "risk_ratio", (20 / 200) / (180 / 800)),
    ],
)
def test_each_rule_is_computed_from_the_command_line(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    table: Path,
    preset: str,
    column: str,
    value: float,
    *,
    streamed: bool,
) -> None:
    if streamed:
        monkeypatch.setattr("fairaudit.cli.commands.STREAMED_BYTES", 0)
    out = tmp_path / "out"
    words = ["--no-target", "--prediction", "hired", "--positive", "yes", "--meaning", "good"]
    words += ["--sensitive", "race", "--preset", preset, "--out", str(out)]
    assert typed(monkeypatch, "audit", str(table), *words) == 0
    rows = pl.read_csv(out / "csv" / "preset_race.csv")
    assert rows.filter(group="A")[column].item() == pytest.approx(value, rel=1e-4)
    rule = json.loads((out / "summary.json").read_text("utf-8"))["preset"]
    assert rule["name"] == preset
    assert rule["title"] in (out / "report.html").read_text("utf-8")


def test_small_categories_are_left_out_for_a_reason_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    rows = [("a", "f", "yes")] * 300 + [("a", "m", "no")] * 300 + [("b", "f", "yes")] * 300
    rows += [("b", "m", "yes")] * 300 + [("c", "m", "yes")] * 6
    place = tmp_path / "people.csv"
    pl.DataFrame(rows, schema=["race", "sex", "hired"], orient="row").write_csv(place)
    words = ["--no-target", "--prediction", "hired", "--positive", "yes", "--meaning", "good"]
    words += ["--sensitive", "race,sex", "--preset", "nyc-ll144"]
    left_out = {}
    for name, more in (("plain", ()), ("reasoned", ("--leave-out-reason", "too few to tell"))):
        out = tmp_path / name
        assert typed(monkeypatch, "audit", str(place), *words, *more, "--out", str(out)) == 0
        left_out[name] = pl.read_csv(out / "csv" / "preset_race.csv")["left_out"].sum()
        said = json.loads((out / "summary.json").read_text("utf-8"))["preset"]["sentences"]
        assert ("Reason: too few to tell" in " ".join(said)) is bool(more)
    assert left_out == {"plain": 0, "reasoned": 1}
