"""Multicalibration error: known answers, few false claims, coverage, and what is said of it."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fairaudit import audit_predictions
from fairaudit.audit.metrics.calibration_error import bins_of
from fairaudit.audit.metrics.multicalibration import cells_of, multicalibration_table
from fairaudit.inputs.group_codes import everybody, groupings
from fairaudit.report.sections import sections
from fairaudit.stats.estimates import EstimateOptions
from fairaudit.stats.influence import Frame
from fairaudit.text.sentences.calibration import multicalibration_sentence
from tests.sizes import binomial_error, nightly, size

ASKED = EstimateOptions(0.95)


def _frames(columns: dict[str, np.ndarray], cluster: np.ndarray | None = None) -> list[Frame]:
    n = len(next(iter(columns.values())))
    found = groupings({name: values.astype(str) for name, values in columns.items()}, 2)
    return [Frame(g, cluster, None) for g in (everybody(n), *found)]


def _sample(
    rng: np.random.Generator, n: int, off: float, others: float = 0.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Score, chance, outcome and groups; one of two groups is off, the other by `others`."""
    score = rng.random(n)
    columns = {"a": rng.integers(0, 2, n), "b": rng.integers(0, 3, n)}
    chance = np.clip(score + np.where(columns["a"] == 1, off, others), 0, 1)
    return score, chance, (rng.random(n) < chance).astype(np.int64), columns


def _plain(score: np.ndarray, moves: np.ndarray, frames: list[Frame]) -> float:
    """The definition, cell by cell."""
    sums = [
        abs(moves[(f.grouping.codes == g) & (bins_of(score) == v)].sum())
        for f in frames
        for g in range(f.G)
        for v in range(10)
    ]
    return max(sums) / len(score)


def test_the_value_is_that_of_the_definition() -> None:
    score, _, y, columns = _sample(np.random.default_rng(3), 400, 0.1)
    frames = _frames(columns)
    row = multicalibration_table(score, y, frames, ASKED).row(0, named=True)
    assert row["value"] == pytest.approx(_plain(score, y - score, frames))
    assert row["value"] == pytest.approx(row["share"] * abs(row["observed"] - row["mean_score"]))
    assert row["low"] <= row["value"] <= row["high"]


@pytest.mark.parametrize("n", [60, 300, *nightly(2000)])
@pytest.mark.parametrize("clustered", [False, True])
def test_a_calibrated_score_is_rarely_called_miscalibrated(n: int, clustered: bool) -> None:
    rng, runs = np.random.default_rng(n), size(60, 1000)
    cluster, claims = (np.arange(n) % 20 if clustered else None), 0
    for _ in range(runs):
        score, _, y, columns = _sample(rng, n, 0.0)
        table = multicalibration_table(score, y, _frames(columns, cluster), ASKED)
        claims += table.is_empty() or table["low"][0] > 0
    assert claims / runs <= 0.05 + binomial_error(0.05, runs)


@pytest.mark.parametrize("n", [300, *nightly(60, 2000)])
@pytest.mark.parametrize("off", [0.0, 0.1, -0.2])
def test_the_interval_covers_the_truth(n: int, off: float) -> None:
    rng, runs, covered = np.random.default_rng(n), size(60, 1000), 0
    for _ in range(runs):
        score, chance, y, columns = _sample(rng, n, off)
        frames = _frames(columns)
        row = multicalibration_table(score, y, frames, ASKED).row(0, named=True)
        truth = _plain(score, chance - score, frames)
        covered += row["low"] - 1e-12 <= truth <= row["high"] + 1e-12
    assert covered / runs >= 0.93 - binomial_error(0.05, runs)


def test_equal_weights_change_nothing_and_counted_rows_are_surer() -> None:
    score, _, y, columns = _sample(np.random.default_rng(1), 200, 0.2)
    one = multicalibration_table(score, y, _frames(columns), ASKED)
    heavy = [Frame(f.grouping, None, np.full(200, 3.0)) for f in _frames(columns)]
    again = multicalibration_table(score, y, heavy, ASKED)
    for name in ("value", "low", "high"):
        assert again[name][0] == pytest.approx(one[name][0])
    counted = [Frame(f.grouping, None, None, np.full(200, 4.0)) for f in _frames(columns)]
    more = multicalibration_table(score, y, counted, ASKED).row(0, named=True)
    row = one.row(0, named=True)
    assert more["value"] == pytest.approx(row["value"])
    assert more["high"] - more["low"] < row["high"] - row["low"]


def test_groups_that_are_not_shown_have_no_cells() -> None:
    rng = np.random.default_rng(0)
    frame = _frames({"a": np.repeat([0, 1], [900, 10])})[1]
    cells = cells_of(
        rng.random(910),
        rng.integers(0, 2, 910),
        frame,
        0,
        EstimateOptions(0.95, suppress_below=20),
    )
    assert set(cells.group.tolist()) == {0}


def _audited(off: float) -> tuple[object, str]:
    score, _, y, columns = _sample(np.random.default_rng(2), 6000, off, -off / 2)
    sex = np.where(columns["a"] == 1, "female", "male")
    result = audit_predictions(
        y, y_score={"risk": score}, sensitive_features={"sex": sex}, positive=1, n_boot=0
    )
    said = multicalibration_sentence(result, model="risk", split="test")
    section = next(s for s in sections(result) if s.table == "calibration_tests")
    assert said in section.sentences
    return result, said


def test_the_cell_that_is_off_is_named() -> None:
    _, said = _audited(0.2)
    assert "women with scores of" in said
    assert "multicalibration error of risk is **" in said


def test_nothing_is_claimed_of_a_calibrated_score() -> None:
    result, said = _audited(0.0)
    assert "in none of the 30 cells" in said
    assert result.tables["multicalibration"].height == 1  # type: ignore[attr-defined]


def test_one_number_stands_for_all_rows_where_levels_are_controlled() -> None:
    score, _, y, columns = _sample(np.random.default_rng(2), 400, 0.0)
    result = audit_predictions(
        y, y_score=score, sensitive_features=columns["a"].astype(str), positive=1, n_boot=0,
        control_features=pl.Series("b", columns["b"].astype(str)),
    )  # fmt: skip
    assert result.tables["multicalibration"].height == 1
