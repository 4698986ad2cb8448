"""The debiased calibration error: nothing is found in a calibrated score, and what is there is."""

from __future__ import annotations

import numpy as np
import pytest

from fairaudit.audit.metrics import calibration_error
from fairaudit.inputs.group_codes import Grouping, everybody
from fairaudit.stats.estimates import EstimateOptions, Measured
from fairaudit.stats.influence import Frame
from tests.sizes import binomial_error, size

RUNS = size(400, 2000)


def _measured(n: int, shift: float, confidence: float = 0.95) -> Measured:
    """RUNS groups of n rows whose outcome is more likely than the score by `shift`."""
    rng = np.random.default_rng([n, int(100 * shift)])
    score = rng.beta(2, 3, RUNS * n)
    y = (rng.random(RUNS * n) < np.clip(score + shift, 0, 1)).astype(np.int64)
    names = tuple(map(str, range(RUNS)))
    frame = Frame(Grouping("g", names, np.repeat(np.arange(RUNS), n)), None, None)
    everyone = Frame(everybody(len(y)), None, None)
    options = EstimateOptions(confidence)
    return calibration_error.measure_ece(score, y, frame, everyone, options)


@pytest.mark.parametrize("n", [30, 100, 1000])
def test_a_calibrated_score_is_seldom_called_miscalibrated(n: int) -> None:
    m = _measured(n, 0.0)
    assert (m.low <= 1e-9).mean() >= 0.95 - binomial_error(0.95, RUNS)
    assert 0.4 <= (m.value == 0).mean() <= 0.65  # median-unbiased: chance alone half of the time


@pytest.mark.parametrize("n", [30, 100, 1000])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_intervals_hold_a_miscalibration_of_ten_points(n: int, confidence: float) -> None:
    truth = 0.0999  # the clipped shift in ten bins, from a million rows
    m = _measured(n, 0.1, confidence)
    error = binomial_error(confidence, RUNS)
    held = ((m.low <= truth) & (truth <= m.high)).mean()
    assert confidence - 0.02 - error <= held <= 0.99
    # at 30 rows the errors of the bins are estimated too roughly for more
    assert abs(np.median(m.value) - truth) < (0.03 if n == 30 else 0.02)


def test_a_perfect_score_is_not_taken_for_certain() -> None:
    y = np.array([0, 1] * 15)
    frame = Frame(Grouping("g", ("a",), np.zeros(30, dtype=np.int64)), None, None)
    m = calibration_error.measure_ece(
        y.astype(float), y, frame, Frame(everybody(30), None, None), EstimateOptions(0.95)
    )
    assert (m.value[0], m.low[0]) == (0.0, 0.0)
    assert m.high[0] > 0.05  # 30 rows cannot show more


def test_whole_clusters_count_as_one() -> None:
    rng = np.random.default_rng(3)
    score = rng.beta(2, 3, 300)
    y = (rng.random(300) < score).astype(np.int64)
    codes = np.zeros(300, dtype=np.int64)
    once = calibration_error.miscalibration(
        score, y, Frame(Grouping("g", ("a",), codes), None, None)
    )
    many = np.repeat(np.arange(300), 7)
    repeated = Frame(Grouping("g", ("a",), codes[many]), many, None)
    often = calibration_error.miscalibration(score[many], y[many], repeated)
    assert often.distance == pytest.approx(once.distance)
    assert often.error == pytest.approx(once.error, rel=0.03)


def test_a_group_without_weight_has_no_calibration_error_and_no_warning() -> None:
    codes = np.repeat([0, 1], 50)
    rng = np.random.default_rng(4)
    score, y = rng.random(100), rng.integers(0, 2, 100)
    weight = np.where(codes == 1, 0.0, 1.0)
    everyone = Frame(everybody(100), None, weight)
    frame = Frame(Grouping("g", ("a", "b"), codes), None, weight)
    m = calibration_error.measure_ece(score, y, frame, everyone, EstimateOptions(0.95))
    assert np.isnan([m.value[1], m.low[1], m.high[1]]).all()
    assert np.isfinite([m.value[0], m.low[0], m.high[0]]).all()
