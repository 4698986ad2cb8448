"""Latency and throughput of jobs, and the cost of an idle supervisor and dashboard.

    python benchmarks/jobs.py [--repeats 10] [--idle 20] [--out benchmarks/results/jobs.json]

Latency is measured from the call of `Workspace.submit` to the first event in the job's folder,
with the real worker; throughput with audits of predictions of 200 rows.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import psutil

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fairaudit.audit.spec import AuditSpec
from fairaudit.data.roles import ColumnRoles
from fairaudit.jobs import supervisor
from fairaudit.jobs.engines.local import LocalEngine, numbered_slots
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace

ROLES = ColumnRoles(
    target="y", features=("x",), sensitive=("sex",), predictions=("p",), positive="1"
)
ROWS = 200


def _workspace(root: str) -> tuple[Workspace, JobSpec]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=ROWS)
    frame = pl.DataFrame(
        {
            "x": x,
            "sex": rng.choice(["f", "m"], ROWS),
            "y": (x + rng.normal(size=ROWS) > 0).astype(int),
            "p": (x > 0).astype(int),
        }
    )
    workspace = Workspace(root)
    data = workspace.ingest(frame.write_csv().encode(), name="people.csv")
    roles = ROLES.model_copy(update={"features": ()})  # no search for latent groups
    audit = AuditSpec(roles=roles, kind="predictions", n_boot=200)
    return workspace, JobSpec(dataset=data.sha256, audit=audit, device="cpu")


def _wait(true: Callable[[], bool], patience: float = 300.0) -> None:
    deadline = time.monotonic() + patience
    while not true():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.005)


@contextlib.contextmanager
def _supervised(workspace: Workspace, engine: LocalEngine) -> Iterator[None]:
    stop = threading.Event()
    run = threading.Thread(
        target=supervisor.run, args=(workspace.root, engine), kwargs={"stop": stop}
    )
    run.start()
    try:
        yield
    finally:
        stop.set()
        run.join()


def latency(standby: bool, repeats: int) -> dict[str, float]:
    """Seconds from submission to the first event, and to the end."""
    first, whole = [], []
    with tempfile.TemporaryDirectory() as root:
        workspace, spec = _workspace(root)
        engine = LocalEngine(numbered_slots(1), standby=standby)
        with _supervised(workspace, engine):
            for _ in range(repeats):
                _wait(lambda: engine.warm or not standby)
                began = time.monotonic()
                job = workspace.submit(spec)
                folder = workspace.ledger.folder(job)
                _wait(lambda folder=folder: folder.first_event() is not None)
                first.append(time.monotonic() - began)
                _wait(lambda folder=folder: folder.outcome() is not None)
                whole.append(time.monotonic() - began)
    return {
        "first_event_median_s": round(statistics.median(first), 3),
        "first_event_max_s": round(max(first), 3),
        "result_median_s": round(statistics.median(whole), 3),
    }


def throughput(slots: int, jobs: int) -> dict[str, float]:
    """Audits of predictions a minute, no warm worker."""
    with tempfile.TemporaryDirectory() as root:
        workspace, spec = _workspace(root)
        ids = [workspace.submit(spec) for _ in range(jobs)]
        engine = LocalEngine(numbered_slots(slots), standby=False, threads=1)
        began = time.monotonic()
        with _supervised(workspace, engine):
            _wait(lambda: all(workspace.ledger.get(id).final for id in ids))
        seconds = time.monotonic() - began
        assert all(workspace.job(id).state == "succeeded" for id in ids)
    return {"slots": slots + 1, "jobs": jobs, "per_minute": round(60 * jobs / seconds, 1)}


def submissions(count: int) -> dict[str, float]:
    """Milliseconds of one submission (a folder that survives a power cut, and a row)."""
    with tempfile.TemporaryDirectory() as root:
        workspace, spec = _workspace(root)
        began = time.monotonic()
        for _ in range(count):
            workspace.submit(spec)
        return {"ms_each": round(1000 * (time.monotonic() - began) / count, 2)}


def idle(process: psutil.Process, seconds: float) -> dict[str, float]:
    """CPU share and memory of a process that has nothing to do."""
    before = process.cpu_times()
    time.sleep(seconds)
    after = process.cpu_times()
    used = after.user + after.system - before.user - before.system
    return {
        "cpu_percent": round(100 * used / seconds, 2),
        "memory_mb": round(process.memory_info().rss / 2**20, 1),
    }


def idle_supervisor(seconds: float) -> dict[str, Any]:
    """A supervisor and its warm worker without jobs."""
    with tempfile.TemporaryDirectory() as root:
        process = supervisor.ensure_supervisor(root)
        assert process is not None
        me = psutil.Process(process.pid)
        try:
            _wait(lambda: bool(me.children()))
            time.sleep(12)  # the warm worker imports torch meanwhile
            found = {"supervisor": idle(me, seconds)}
            found["warm worker"] = idle(me.children()[0], min(seconds, 5))
        finally:
            supervisor.end_supervisor(process)
    return found


def idle_dashboard(seconds: float) -> dict[str, float] | None:
    """The dashboard without a visitor; None where app.py is not there."""
    app = Path(__file__).resolve().parents[1] / "app.py"
    if not app.exists():
        return None
    with socket.socket() as probe, tempfile.TemporaryDirectory() as root:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        process = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(app), "--server.headless=true",
             f"--server.port={port}", "--server.address=127.0.0.1",
             "--browser.gatherUsageStats=false"],
            env={**os.environ, "FAIRAUDIT_WORKSPACE": root},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=app.parent,
        )  # fmt: skip
        try:
            _wait(lambda: _listens(port))
            time.sleep(3)
            return idle(psutil.Process(process.pid), seconds)
        finally:
            process.terminate()
            process.wait(20)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--jobs", type=int, default=30)
    parser.add_argument("--idle", type=float, default=20.0)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/jobs.json"))
    words = parser.parse_args()
    found = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "latency with a warm worker": latency(True, words.repeats),
        "latency without": latency(False, words.repeats),
        "throughput": throughput(2, words.jobs),
        "submission": submissions(100),
        **idle_supervisor(words.idle),
        "dashboard": idle_dashboard(words.idle),
    }
    for name, value in found.items():
        print(f"{name:28} {value}")
    words.out.parent.mkdir(parents=True, exist_ok=True)
    words.out.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
