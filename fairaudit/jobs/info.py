"""What screens show of a job: its state and its progress."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from fairaudit.jobs.folder import JobFolder
from fairaudit.jobs.ledger import Entry

State = Literal["queued", "running", "cancelling", "succeeded", "failed", "cancelled"]


@dataclass(frozen=True)
class JobInfo:
    """One job as users see it.

    Attributes
    ----------
    progress : float or None
        Share completed, 0 to 1.
    task : str
        Current task, outermost first: "audit › training › epoch".
    eta_s : float or None
        Estimated seconds left.
    metrics : mapping of str to float
        Latest metrics; `steps_per_second` is the throughput.
    reason : str or None
        Why it failed or was cancelled.
    seconds, peak_mb : float or None
        Run time and peak memory of the worker.
    mine : bool
        Whether the current user may cancel and delete it.
    """

    id: str
    state: State
    title: str
    method: str
    kind: str
    dataset: str
    owner: str
    created: float
    started: float | None = None
    finished: float | None = None
    progress: float | None = None
    task: str = ""
    eta_s: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str | None = None
    seconds: float | None = None
    peak_mb: float | None = None
    mine: bool = True

    @property
    def final(self) -> bool:
        """Whether the job has ended."""
        return self.state in ("succeeded", "failed", "cancelled")


def from_ledger(entry: Entry, *, mine: bool = True) -> JobInfo:
    """A job that has ended, from the ledger alone: for lists, without opening its folder."""
    return JobInfo(
        **_fixed(entry, mine),
        state=entry.state,  # type: ignore[arg-type]
        started=entry.started,
        finished=entry.finished,
        progress=1.0 if entry.state == "succeeded" else None,
        reason=entry.reason,
        seconds=entry.seconds,
        peak_mb=entry.peak_mb,
    )


def _fixed(entry: Entry, mine: bool) -> dict[str, Any]:
    return {
        "id": entry.id,
        "title": entry.title,
        "method": entry.method,
        "kind": entry.kind,
        "dataset": entry.dataset,
        "owner": entry.owner,
        "created": entry.created,
        "mine": mine,
    }


def describe(
    entry: Entry, folder: JobFolder, parts: Sequence[JobFolder] = (), *, mine: bool = True
) -> JobInfo:
    """The job from its folder or, before it has started, from the ledger."""
    fixed = _fixed(entry, mine)
    first, last = folder.first_event(), folder.last_event()
    started = first["t"] if first else entry.started
    outcome = folder.outcome()
    if outcome is not None:
        ended: dict[str, Any] = {
            "state": outcome.state,
            "finished": outcome.finished,
            "reason": outcome.reason,
            "seconds": outcome.seconds,
            "peak_mb": outcome.peak_mb,
        }
        progress = 1.0 if outcome.state == "succeeded" else (last or {}).get("progress")
        live: dict[str, Any] = {"metrics": _metrics(last), "progress": progress}
        return JobInfo(**fixed, **ended, **live, started=started)
    return JobInfo(
        **fixed,
        state=_state(entry, folder),
        started=started,
        reason=entry.reason,
        **(_of_parts(parts) if parts else _live(last)),
    )


def _state(entry: Entry, folder: JobFolder) -> State:
    if entry.final:  # the folder lost its outcome; the supervisor's next tick settles it
        return "failed"
    if folder.cancel_requested():
        return "cancelling"
    return "queued" if entry.state == "queued" else "running"


def _live(last: Mapping[str, Any] | None) -> dict[str, Any]:
    if last is None:
        return {}
    eta = last.get("eta_s")
    since = max(0.0, time.time() - last.get("t", time.time()))
    return {
        "progress": last.get("progress"),
        "task": " › ".join(task[0] for task in last.get("tasks", ())),
        "eta_s": None if eta is None else max(0.0, eta - since),
        "metrics": _metrics(last),
    }


def _metrics(last: Mapping[str, Any] | None) -> dict[str, float]:
    if last is None:
        return {}
    metrics = {k: v for k, v in last.get("metrics", {}).items() if v is not None}
    rate = last.get("rate")
    return metrics if rate is None else {**metrics, "steps_per_second": rate}


def _of_parts(parts: Sequence[JobFolder]) -> dict[str, Any]:
    """Progress of a split job: the mean over its parts, and the longest time left."""
    done = [1.0 if p.outcome() else (p.last_event() or {}).get("progress") or 0.0 for p in parts]
    etas = [(p.last_event() or {}).get("eta_s") for p in parts if p.outcome() is None]
    known = [eta for eta in etas if eta is not None]
    ended = sum(p.outcome() is not None for p in parts)
    return {
        "progress": sum(done) / len(done),
        "task": f"{ended} of {len(parts)} parts done",
        "eta_s": max(known) if known and len(known) == len(etas) else None,
    }
