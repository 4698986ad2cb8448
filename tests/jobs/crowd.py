"""A submitter or a supervisor of the crowd: `crowd.py submit|supervise ROOT MARKS COUNT`.

The supervisors here take no lock, so that only the claim stands between a job and two starts.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fairaudit.jobs import supervisor
from fairaudit.jobs.engines.base import Slot
from fairaudit.jobs.folder import JobFolder, Outcome, Request, new_id
from fairaudit.jobs.ledger import Ledger


class Instant:
    """An engine whose jobs end as they start; every start leaves a mark."""

    slots = tuple(Slot(f"cpu-{i}") for i in range(8))

    def __init__(self, marks: Path) -> None:
        self.marks = marks

    def start(self, folder: JobFolder, slot: Slot) -> None:
        (self.marks / f"{folder.id}-{os.getpid()}").touch()
        with folder.hold():
            folder.append({"n": 1, "t": 0.0, "kind": "started"})
            folder.finish(Outcome("failed", "instant"))

    def alive(self, folder: JobFolder) -> bool | None:
        return None

    def stop(self, folder: JobFolder, *, force: bool) -> None: ...

    def rest(self) -> None: ...

    def close(self) -> None: ...


def submit(root: Path, owner: str, count: int) -> None:
    ledger = Ledger(root)
    for _ in range(count):
        job = {"dataset": "0" * 64, "audit": {"kind": "train", "method": "instant", "params": {}}}
        request = Request(new_id(), owner, time.time(), job)
        JobFolder.create(ledger.jobs, request)
        ledger.add(request)


def supervise(root: Path, marks: Path, count: int) -> None:
    ledger, engine, memory = Ledger(root), Instant(marks), supervisor.Memory()
    while sum(entry.final for entry in ledger.all()) < count:
        supervisor.tick(ledger, engine, memory)


if __name__ == "__main__":
    what, root, marks, count = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4])
    if what == "submit":
        submit(root, f"owner-{os.getpid()}", count)
    else:
        supervise(root, marks, count)
