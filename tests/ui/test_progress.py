"""What a job card says, from the job's state and its events."""

from __future__ import annotations

from typing import Any

from fairaudit.jobs.info import JobInfo
from fairaudit.ui.progress import metric_series, search_trials, status_line


def job(**told: Any) -> JobInfo:
    """A job as the workspace would tell of it."""
    fixed = {"id": "j", "title": "t", "method": "m", "kind": "train", "dataset": "d"}
    return JobInfo(**{**fixed, "owner": "o", "created": 0.0, "state": "running", **told})


def test_a_running_job_says_task_share_and_time_left() -> None:
    said = status_line(job(task="audit › training", progress=0.425, eta_s=75))
    assert said == "audit › training · 42% · about 1 min 15 s left"


def test_a_job_that_only_just_began_says_so() -> None:
    assert status_line(job()) == "Starting"


def test_a_waiting_job_says_since_when() -> None:
    assert status_line(job(state="queued")).startswith("Waiting for a free slot")


def test_curves_come_from_the_events_and_skip_what_is_missing() -> None:
    events = [
        {"n": 1, "t": 10.0, "kind": "started"},
        {"n": 2, "t": 11.0, "metrics": {"loss": 2.0}},
        {"n": 3, "t": 12.0, "metrics": {"loss": None, "worst_group": 0.7}},
        {"n": 4, "t": 13.0, "metrics": {"loss": 1.0}},
    ]
    series = metric_series(events)
    assert series["loss"].rows() == [(1.0, 2.0), (3.0, 1.0)]
    assert series["worst_group"].rows() == [(2.0, 0.7)]


def test_long_curves_are_thinned() -> None:
    events = [{"n": n, "t": float(n), "metrics": {"loss": 1 / (n + 1)}} for n in range(5000)]
    assert metric_series(events)["loss"].height <= 300


def test_the_losses_of_two_fits_are_two_curves() -> None:
    told = [("method", 3.0), ("method", 2.0), ("baseline", 2.0), ("baseline", 9.0),
            ("baseline", 8.0), ("judging", 8.0)]  # fmt: skip
    events = [
        {
            "n": n,
            "t": float(n),
            "tasks": [["audit", 0, None], [task, 0, 1]],
            "metrics": {"loss": v},
        }
        for n, (task, v) in enumerate(told)
    ]  # fmt: skip
    assert metric_series(events)["loss"].rows() == [
        (0.0, 3.0), (1.0, 2.0), (3.0, None), (3.0, 9.0), (4.0, 8.0),
    ]  # fmt: skip


def test_no_events_no_curves() -> None:
    assert metric_series([]) == {}


def test_trials_of_a_search_are_read_from_the_events() -> None:
    told = [{}, {"loss": 1.0}, {"error": 0.3, "unfairness": 0.1, "front": 1.0},
            {"error": 0.3, "unfairness": 0.1, "front": 1.0, "loss": 0.5},
            {"error": 0.2, "unfairness": 0.2, "front": 2.0}]  # fmt: skip
    events = [{"n": n, "t": float(n), "metrics": metrics} for n, metrics in enumerate(told)]
    assert search_trials(events) == [(0.3, 0.1), (0.2, 0.2)]


def test_a_fit_without_a_search_has_no_trials() -> None:
    assert search_trials([{"n": 1, "t": 0.0, "metrics": {"error": 0.1}}]) == []
    assert search_trials([]) == []


def test_a_running_search_shows_its_front() -> None:
    from streamlit.testing.v1 import AppTest

    def script() -> None:
        from fairaudit.ui.progress import curves

        pairs = [(0.3, 0.1), (0.2, 0.2), (0.4, 0.3)]
        curves(
            [
                {"n": n, "t": float(n), "metrics": {"error": e, "unfairness": u, "front": 1.0}}
                for n, (e, u) in enumerate(pairs)
            ]
        )

    app = AppTest.from_function(script).run()
    assert not app.exception
    said = "".join(element.proto.body for element in app.get("html"))
    assert "3 trials of loss weights, 2 on the Pareto front" in said
    assert len(app.get("plotly_chart")) == 1, "the front stands in the place of its curves"
