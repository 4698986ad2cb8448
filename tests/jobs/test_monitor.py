"""Progress: few lines, forward only, and an ear for the wish to stop."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fairaudit.exceptions import Cancelled
from fairaudit.jobs.folder import JobFolder
from fairaudit.jobs.monitor import INTERVAL, LINES, FolderMonitor, share_done
from tests.jobs.conftest import quick_request


class Clock:
    """Seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> JobFolder:
    return JobFolder.create(tmp_path / "jobs", quick_request())


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_at_most_five_lines_a_second(folder: JobFolder, clock: Clock) -> None:
    monitor = FolderMonitor(folder, clock)
    monitor.start("training", 10_000)
    for step in range(10_000):
        clock.now += 0.001
        monitor.step(loss=float(step))
    times = [event["s"] for event in folder.events()]
    assert 40 <= len(times) <= 51
    assert all(b - a >= INTERVAL - 1e-6 for a, b in itertools.pairwise(times))


def test_a_day_of_steps_leaves_a_small_file(folder: JobFolder, clock: Clock) -> None:
    monitor = FolderMonitor(folder, clock)
    monitor.start("training", 86_400 * 2)
    for _ in range(86_400 * 2):
        clock.now += 0.5
        monitor.step()
    assert LINES < len(folder.events()) < 8 * LINES


def test_events_tell_tasks_progress_rate_metrics_and_time_left(
    folder: JobFolder, clock: Clock
) -> None:
    monitor = FolderMonitor(folder, clock)
    monitor.start("audit", 2)
    monitor.start("training", 10)
    for step in range(5):
        clock.now += 2.0
        monitor.step(loss=1.0 / (step + 1), worst_group=0.5)
    last = folder.last_event()
    assert last["tasks"] == [["audit", 0, 2], ["training", 5, 10]]
    assert last["progress"] == 0.25
    assert last["eta_s"] == 30.0
    assert last["rate"] == pytest.approx(0.5)
    assert last["metrics"] == {"loss": 0.2, "worst_group": 0.5}
    assert [e["n"] for e in folder.events()] == list(range(1, len(folder.events()) + 1))


def test_metrics_that_are_no_numbers_become_null(folder: JobFolder, clock: Clock) -> None:
    monitor = FolderMonitor(folder, clock)
    clock.now += 1
    monitor.step(loss=float("nan"), worst=float("inf"))
    assert folder.last_event()["metrics"] == {"loss": None, "worst": None}


def test_what_was_held_back_is_written_at_the_end(folder: JobFolder, clock: Clock) -> None:
    monitor = FolderMonitor(folder, clock)
    monitor.start("training", 3)
    monitor.step(loss=1.0)
    monitor.step(loss=0.5)
    assert folder.last_event()["metrics"] == {}
    monitor.close()
    assert folder.last_event()["metrics"] == {"loss": 0.5}


def test_the_cancel_file_stops_the_next_step(folder: JobFolder, clock: Clock) -> None:
    monitor = FolderMonitor(folder, clock)
    monitor.start("training", 3)
    monitor.step()
    folder.request_cancel()
    clock.now += 2
    with pytest.raises(Cancelled):
        monitor.step()
    with pytest.raises(Cancelled):
        monitor.start("more")


@pytest.mark.parametrize(
    ("tasks", "share"),
    [
        ([], None),
        ([(3, 10, 0)], 0.3),
        ([(1, 4, 0), (5, 10, 0)], 0.375),
        ([(1, 2, 0), (1, 2, 0), (1, 2, 0)], 0.875),
        ([(0, None, 0)], None),
        ([(0, None, 0), (1, 2, 0)], 0.02),
        ([(0, None, 1), (1, 2, 0)], 0.04 + 0.96 * 0.92 / 2),
        ([(12, 10, 0)], 1.0),
    ],
)
def test_share_done_of_nested_tasks(tasks, share) -> None:
    assert share_done(tasks) == (None if share is None else pytest.approx(share))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(st.sampled_from("se"), st.integers(0, 5)), max_size=60))
def test_progress_lies_between_0_and_1_and_moves_forward_only(moves) -> None:
    class Ear:
        def __init__(self) -> None:
            self.seen: list[float] = []

        def append(self, event) -> None:
            if event.get("progress") is not None:
                self.seen.append(event["progress"])

        def cancel_requested(self) -> bool:
            return False

    ear, clock = Ear(), Clock()
    monitor = FolderMonitor(ear, clock)
    monitor.start("audit")
    for move, number in moves:
        clock.now += 1
        if move == "s":
            monitor.start("task", number or None)
            monitor.step(number)
        else:
            monitor.end()
    assert all(0 <= share <= 1 for share in ear.seen)
    assert ear.seen == sorted(ear.seen)
