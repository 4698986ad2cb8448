"""The live progress of a job: progress bar, time left, training curves, cancel button."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import polars as pl
import streamlit as st

from fairaudit.jobs.info import JobInfo
from fairaudit.jobs.supervisor import is_supervised
from fairaudit.plots import effects
from fairaudit.plots.theme import PALETTE, frame
from fairaudit.text.numbers import ago, duration
from fairaudit.text.screens import jobs as wording
from fairaudit.ui import cache, layout, session

_CURVES = 3  # charts side by side
_POINTS = 300  # of one curve
_TRIAL = frozenset({"error", "unfairness", "front"})  # what a search reports for each trial
_PATIENCE = 5  # seconds a job may wait before the page checks whether a worker is running
STATES = {
    "queued": ("Waiting", "gray", ":material/hourglass_empty:"),
    "running": ("Running", "blue", ":material/progress_activity:"),
    "cancelling": ("Stopping", "orange", ":material/stop_circle:"),
    "succeeded": ("Done", "green", ":material/check_circle:"),
    "failed": ("Failed", "red", ":material/error:"),
    "cancelled": ("Cancelled", "gray", ":material/cancel:"),
}


def follow(job_id: str) -> None:
    """The card of a job; it refreshes itself every second until the job ends.

    A fragment draws inside a container of its own. The card of a job that has ended gets one
    too: otherwise it would take the fragment's place and show the old card inside the new one
    until the rest of the page has arrived.
    """
    job = session.workspace().job(job_id)
    if job.final:
        with st.container():
            card(job)
    else:
        _live(job_id)


@st.fragment(run_every="1s")
def _live(job_id: str) -> None:
    with layout.error_messages():
        job = session.workspace().job(job_id)
        if job.final:
            cache.forget_jobs()
            st.rerun()
        card(job)


def badge(job: JobInfo) -> None:
    """The state as text, colour and icon."""
    label, colour, icon = STATES[job.state]
    st.badge(label, color=colour, icon=icon)  # type: ignore[arg-type]


def card(job: JobInfo) -> None:
    """Title, state and progress, and what went wrong if the job failed."""
    with st.container(border=True, key=f"card-{job.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            badge(job)
            st.markdown(f"**{layout.escaped(job.title or job.method)}**", width="content")
        if not job.final:
            share = job.progress or 0.0
            st.progress(min(max(share, 0.0), 1.0), text=layout.escaped(status_line(job)))
        _warn_without_worker(job)
        _outcome(job)
        _training(job)
        _cancel(job)


def status_line(job: JobInfo) -> str:
    """One line: what the job is doing and how long it will take."""
    if job.state == "queued":
        return f"Waiting for a free slot (queued {ago(job.created)})"
    if job.state == "cancelling":
        return "Stopping at the next safe point …"
    parts = [job.task or "Starting"]
    if job.progress is not None:
        parts.append(f"{job.progress:.0%}")
    if job.eta_s is not None:
        parts.append(f"about {duration(job.eta_s)} left")
    return " · ".join(parts)


def _warn_without_worker(job: JobInfo) -> None:
    """Warn when a job waits and no worker is running."""
    waits = job.state == "queued" and time.time() - job.created > _PATIENCE
    if waits and not is_supervised(session.root()):
        st.warning(
            wording.NO_WORKER,
            icon=":material/power_off:",
        )


def _outcome(job: JobInfo) -> None:
    if job.state == "succeeded":
        layout.note(f"Finished {ago(job.finished)} after {duration(job.seconds)}.")
    elif job.state == "failed":
        st.error(layout.escaped(wording.failed(job.reason or "the worker stopped")))
        layout.note(wording.AFTER_FAILURE)
    elif job.state == "cancelled":
        layout.note(wording.stopped(job.reason or "on request"))


def _training(job: JobInfo) -> None:
    """Live metrics and curves; in an expander once the job has ended."""
    events = session.workspace().events(job.id)
    if not job.final:
        _progress_metrics(job)
        curves(events)
    elif metric_series(events):
        with st.expander("Training curves", icon=":material/show_chart:"):
            _progress_metrics(job)
            curves(events)


def _progress_metrics(job: JobInfo) -> None:
    values = {k.replace("_", " "): f"{v:.4g}" for k, v in list(job.metrics.items())[:6]}
    if job.peak_mb is not None:
        values["peak memory"] = f"{job.peak_mb:,.0f} MB"
    if values:
        layout.note(" · ".join(f"{name} **{value}**" for name, value in values.items()))


def _cancel(job: JobInfo) -> None:
    if job.mine and job.state in ("queued", "running"):
        st.button(
            "Cancel",
            key=f"cancel-{job.id}",
            icon=":material/stop_circle:",
            on_click=_request_cancel,
            args=(job.id,),
        )


def _request_cancel(job_id: str) -> None:
    with layout.error_messages():
        session.workspace().cancel(job_id)
        cache.forget_jobs()


class _Point(NamedTuple):
    seconds: float
    value: float | None
    task: tuple[str, ...]


def curves(events: Sequence[dict[str, Any]]) -> None:
    """Metrics over time, up to three side by side; for a search, its Pareto front so far."""
    trials = search_trials(events)
    if trials:
        _front(trials)
    series = {n: t for n, t in metric_series(events).items() if not (trials and n in _TRIAL)}
    drawn = [name for name, table in series.items() if table.height > 2][:_CURVES]
    if not drawn:
        return
    for cell, name in zip(st.columns(len(drawn)), drawn, strict=True):
        with cell:
            _curve(name.replace("_", " "), series[name])


def _curve(name: str, table: pl.DataFrame) -> None:
    known = table.get_column("value").drop_nulls()
    first, last = known[0], known[-1]
    st.caption(f"{layout.escaped(name)}, now {last:.4g}")
    figure = frame(x="Seconds", height=170)
    figure.add_scatter(
        x=table.get_column("seconds").to_list(),
        y=table.get_column("value").to_list(),
        mode="lines",
        line={"color": PALETTE[0], "width": 2},
    )
    st.plotly_chart(
        figure,
        alt=f"{name} over {table.height} updates, from {first:.4g} to {last:.4g}",
        config={"displayModeBar": False},
        key=f"curve-{name}",
    )


def _front(trials: Sequence[tuple[float, float]]) -> None:
    drawn = effects.search(effects.search_so_far(trials))
    drawn.figure.update_layout(height=300)
    layout.described_chart(drawn.bare(), key="search-so-far")


def search_trials(events: Sequence[dict[str, Any]]) -> list[tuple[float, float]]:
    """Error and unfairness of each reported trial, in order; consecutive repeats count once."""
    trials: list[tuple[float, float]] = []
    for event in events:
        metrics = event.get("metrics") or {}
        if metrics.get("error") is None or metrics.get("unfairness") is None:
            continue
        trial = (float(metrics["error"]), float(metrics["unfairness"]))
        if not trials or trials[-1] != trial:
            trials.append(trial)
    return trials


def metric_series(events: Sequence[dict[str, Any]]) -> dict[str, pl.DataFrame]:
    """Each live metric as a table seconds, value; evenly thinned.

    A null separates the fits of one job, so that the curve of the baseline does not continue
    that of the method. A value that a new task merely repeats from the previous one is dropped.
    """
    start = events[0].get("t", 0.0) if events else 0.0
    points: dict[str, list[_Point]] = {}
    for event in events:
        task = tuple(name for name, *_ in event.get("tasks") or ())
        for name, value in (event.get("metrics") or {}).items():
            if value is not None:
                _append(points.setdefault(name, []), event["t"] - start, float(value), task)
    return {name: _thinned(curve) for name, curve in points.items()}


def _append(curve: list[_Point], seconds: float, value: float, task: tuple[str, ...]) -> None:
    if curve and curve[-1].task != task:
        if curve[-1].value == value:
            return
        curve.append(_Point(seconds, None, task))
    curve.append(_Point(seconds, value, task))


def _thinned(points: Sequence[_Point]) -> pl.DataFrame:
    step = -(-len(points) // _POINTS)
    thinned = [p for i, p in enumerate(points) if i % step == 0 or p.value is None]
    return pl.DataFrame(
        {"seconds": [p.seconds for p in thinned], "value": [p.value for p in thinned]},
        schema={"seconds": pl.Float64, "value": pl.Float64},
    )
