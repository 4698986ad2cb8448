"""The search of the five weights: front, choice, resumption, cancellation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl
import pytest

from fairaudit.exceptions import Cancelled, InputError, SpecError
from fairaudit.methods.fair_medl.search import FILE, WEIGHTS, _study, search_weights


def trade(weights: Mapping[str, float]) -> tuple[float, float]:
    """More fairness weight: less unfair and less accurate."""
    push = weights["lambda_fair_mixed"]
    return 0.1 + 0.05 * push, 1 / (1 + push)


class Ear:
    """Remembers every step, and stops after some."""

    def __init__(self, stop_after: int = 10**6) -> None:
        self.heard: list[dict[str, float]] = []
        self.stop_after = stop_after

    def start(self, task: str, total: int | None = None) -> None:
        self.total = total

    def step(self, done: int = 1, **metrics: float) -> None:
        if metrics:
            self.heard.append(metrics)
        if len(self.heard) > self.stop_after:
            raise Cancelled("asked to stop")

    def end(self) -> None:
        self.total = None


def test_front_and_choice_follow_the_objectives() -> None:
    found = search_weights(trade, n_trials=25, budget=0.02, seed=1)
    table = found.trials
    assert table.columns == ["trial", "error", "unfairness", *WEIGHTS, "front", "chosen"]
    assert table.height == 25
    for row in table.iter_rows(named=True):
        better = table.filter(
            (pl.col("error") <= row["error"]) & (pl.col("unfairness") < row["unfairness"])
        )
        assert row["front"] == (better.height == 0)
    allowed = table.filter(pl.col("error") <= table["error"].min() + 0.02)
    chosen = table.filter("chosen")
    assert chosen["unfairness"].item() == allowed["unfairness"].min()
    assert found.weights["lambda_kl"] == chosen["lambda_kl"].item()


def test_the_front_is_heard_live() -> None:
    ear = Ear()
    search_weights(trade, n_trials=4, monitor=ear)
    assert len(ear.heard) == 4
    assert set(ear.heard[0]) == {"error", "unfairness", "front"}
    assert ear.heard[0]["front"] == 1


def test_the_given_weights_are_tried_first() -> None:
    start = dict.fromkeys(WEIGHTS, 0.5)
    found = search_weights(trade, n_trials=1, start=start)
    assert found.weights == pytest.approx(start)


def test_the_given_weights_are_tried_even_where_their_first_trial_was_broken_off(
    tmp_path: Path,
) -> None:
    start = dict.fromkeys(WEIGHTS, 0.5)
    broken = _study(tmp_path, 0)
    broken.enqueue_trial(start)
    broken.ask()  # and no end: the process was killed
    found = search_weights(trade, n_trials=2, start=start, folder=tmp_path)
    assert [found.trials[name][0] for name in WEIGHTS] == pytest.approx([0.5] * 5)
    assert found.trials.height == 2


def test_weights_that_cannot_be_judged_end_the_search_with_the_remedy() -> None:
    with pytest.raises(InputError, match="give more validation rows"):
        search_weights(lambda _: (0.1, float("nan")), n_trials=2)
    with pytest.raises(SpecError, match="search_trials=0"):
        search_weights(trade, n_trials=0)


def test_a_search_goes_on_where_it_was_stopped(tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        search_weights(trade, n_trials=8, folder=tmp_path, monitor=Ear(stop_after=2))
    assert (tmp_path / FILE).exists()
    calls = []

    def counted(weights: Mapping[str, float]) -> tuple[float, float]:
        calls.append(weights)
        return trade(weights)

    found = search_weights(counted, n_trials=8, folder=tmp_path)
    assert len(calls) == 5  # three were finished before
    assert found.trials.height == 8
    assert found.trials["lambda_kl"].n_unique() == 8
    again = search_weights(counted, n_trials=8, folder=tmp_path)
    assert len(calls) == 5
    assert again.trials.equals(found.trials)


def test_a_failing_trial_is_recorded_and_raised(tmp_path: Path) -> None:
    def broken(weights: Mapping[str, float]) -> tuple[float, float]:
        raise ValueError("no model")

    with pytest.raises(ValueError, match="no model"):
        search_weights(broken, n_trials=2, folder=tmp_path)
    assert search_weights(trade, n_trials=2, folder=tmp_path).trials.height == 2
