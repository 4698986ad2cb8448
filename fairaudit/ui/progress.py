"""How far a job is, live: bar with the time left, curves, log, cancel; stops when it ends."""

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
from fairaudit.text.quantities import ago, duration
from fairaudit.ui import cache, layout, session

_CURVES = 3  # charts beside each other
_POINTS = 300  # of one curve
_TRIAL = frozenset({"error", "unfairness", "front"})  # what a search tells of each trial
_PATIENCE = 5  # seconds a job may wait before the page asks whether anybody runs jobs
STATES = {
    "queued": ("Waiting", "gray", ":material/hourglass_empty:"),
    "running": ("Running", "blue", ":material/progress_activity:"),
    "cancelling": ("Stopping", "orange", ":material/stop_circle:"),
    "succeeded": ("Done", "green", ":material/check_circle:"),
    "failed": ("Failed", "red", ":material/error:"),
    "cancelled": ("Cancelled", "gray", ":material/cancel:"),
}


def follow(job_id: str) -> None:
    """The card of a job; while it works the card renews itself every second.

    A fragment draws inside a container of its own. The card of a job that has ended gets one
    too: otherwise it would take the container's place and show the old card inside the new one
    until the rest has come.
    """
    job = session.workspace().job(job_id)
    if job.final:
        with st.container():
            card(job)
    else:
        _live(job_id)


@st.fragment(run_every="1s")
def _live(job_id: str) -> None:
    with layout.guarded():
        job = session.workspace().job(job_id)
        if job.final:
            cache.forget_jobs()
            st.rerun()
        card(job)


def badge(job: JobInfo) -> None:
    """The state in words, colour and shape."""
    words, colour, icon = STATES[job.state]
    st.badge(words, color=colour, icon=icon)  # type: ignore[arg-type]


def card(job: JobInfo) -> None:
    """Title, state, progress and what went wrong, if anything did."""
    with st.container(border=True, key=f"card-{job.id}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            badge(job)
            st.markdown(f"**{layout.plain(job.title or job.method)}**", width="content")
        if not job.final:
            share = job.progress or 0.0
            st.progress(min(max(share, 0.0), 1.0), text=layout.plain(saying(job)))
        _unattended(job)
        _ended(job)
        _course(job)
        _cancel(job)


def saying(job: JobInfo) -> str:
    """One line that says what a job does and how long it will take."""
    if job.state == "queued":
        return f"Waiting for a free slot (asked for {ago(job.created)})"
    if job.state == "cancelling":
        return "Stopping at the next safe point …"
    parts = [job.task or "Starting"]
    if job.progress is not None:
        parts.append(f"{job.progress:.0%}")
    if job.eta_s is not None:
        parts.append(f"about {duration(job.eta_s)} left")
    return " · ".join(parts)


def _unattended(job: JobInfo) -> None:
    """Say so when a job waits and nobody is there to start it."""
    waits = job.state == "queued" and time.time() - job.created > _PATIENCE
    if waits and not is_supervised(session.root()):
        st.warning(
            "Nothing runs jobs for this workspace at the moment. Start `fairaudit up`, or "
            "`fairaudit supervise` beside this dashboard.",
            icon=":material/power_off:",
        )


def _ended(job: JobInfo) -> None:
    if job.state == "succeeded":
        layout.quiet(f"Finished {ago(job.finished)}, in {duration(job.seconds)}.")
    elif job.state == "failed":
        st.error(layout.plain(f"What happened: {job.reason or 'the worker ended'}."))
        layout.quiet(
            "Kept: the data, the request and the log below. What to do: change what the message "
            "names, then run it again; nothing else was touched."
        )
    elif job.state == "cancelled":
        layout.quiet(f"Stopped: {job.reason or 'on request'}. The data and the request are kept.")


def _course(job: JobInfo) -> None:
    """Live numbers and curves; once a job has ended they are for those who ask."""
    events = session.workspace().events(job.id)
    if not job.final:
        _progress_metrics(job)
        curves(events)
    elif metric_series(events):
        with st.expander("How the training went", icon=":material/show_chart:"):
            _progress_metrics(job)
            curves(events)


def _progress_metrics(job: JobInfo) -> None:
    told = {k.replace("_", " "): f"{v:.4g}" for k, v in list(job.metrics.items())[:6]}
    if job.peak_mb is not None:
        told["peak memory"] = f"{job.peak_mb:,.0f} MB"
    if told:
        layout.quiet(" · ".join(f"{name} **{value}**" for name, value in told.items()))


def _cancel(job: JobInfo) -> None:
    if job.mine and job.state in ("queued", "running"):
        st.button(
            "Cancel",
            key=f"cancel-{job.id}",
            icon=":material/stop_circle:",
            on_click=_ask_cancel,
            args=(job.id,),
        )


def _ask_cancel(job_id: str) -> None:
    with layout.guarded():
        session.workspace().cancel(job_id)
        cache.forget_jobs()


class _Point(NamedTuple):
    seconds: float
    value: float | None
    task: tuple[str, ...]


def curves(events: Sequence[dict[str, Any]]) -> None:
    """Metrics over time, up to three beside each other; a search as its front so far."""
    trials = search_trials(events)
    if trials:
        _front(trials)
    series = {n: t for n, t in metric_series(events).items() if not (trials and n in _TRIAL)}
    worth = [name for name, table in series.items() if table.height > 2][:_CURVES]
    if not worth:
        return
    for cell, name in zip(st.columns(len(worth)), worth, strict=True):
        with cell:
            _curve(name.replace("_", " "), series[name])


def _curve(name: str, table: pl.DataFrame) -> None:
    known = table.get_column("value").drop_nulls()
    first, last = known[0], known[-1]
    st.caption(f"{layout.plain(name)}, now {last:.4g}")
    figure = frame(x="seconds", height=170)
    figure.add_scatter(
        x=table.get_column("seconds").to_list(),
        y=table.get_column("value").to_list(),
        mode="lines",
        line={"color": PALETTE[0], "width": 2},
    )
    st.plotly_chart(
        figure,
        alt=f"{name} over {table.height} reports, from {first:.4g} to {last:.4g}",
        config={"displayModeBar": False},
        key=f"curve-{name}",
    )


def _front(trials: Sequence[tuple[float, float]]) -> None:
    drawn = effects.search(effects.search_so_far(trials))
    drawn.figure.update_layout(height=300)
    layout.told(drawn.bare(), key="search-so-far")


def search_trials(events: Sequence[dict[str, Any]]) -> list[tuple[float, float]]:
    """Error and unfairness of each trial heard of, in order; two alike in a row count once."""
    trials: list[tuple[float, float]] = []
    for event in events:
        said = event.get("metrics") or {}
        if said.get("error") is None or said.get("unfairness") is None:
            continue
        trial = (float(said["error"]), float(said["unfairness"]))
        if not trials or trials[-1] != trial:
            trials.append(trial)
    return trials


def metric_series(events: Sequence[dict[str, Any]]) -> dict[str, pl.DataFrame]:
    """Each live metric as a table seconds, value; thinned evenly.

    A null parts the fits of one job: losses of the baseline do not go on from the method's. A
    number that a new task only carries on from the one before is not its own.
    """
    began = events[0].get("t", 0.0) if events else 0.0
    points: dict[str, list[_Point]] = {}
    for event in events:
        task = tuple(name for name, *_ in event.get("tasks") or ())
        for name, value in (event.get("metrics") or {}).items():
            if value is not None:
                _heard(points.setdefault(name, []), event["t"] - began, float(value), task)
    return {name: _thinned(found) for name, found in points.items()}


def _heard(found: list[_Point], seconds: float, value: float, task: tuple[str, ...]) -> None:
    if found and found[-1].task != task:
        if found[-1].value == value:
            return
        found.append(_Point(seconds, None, task))
    found.append(_Point(seconds, value, task))


def _thinned(points: Sequence[_Point]) -> pl.DataFrame:
    step = -(-len(points) // _POINTS)
    kept = [p for i, p in enumerate(points) if i % step == 0 or p.value is None]
    return pl.DataFrame(
        {"seconds": [p.seconds for p in kept], "value": [p.value for p in kept]},
        schema={"seconds": pl.Float64, "value": pl.Float64},
    )
