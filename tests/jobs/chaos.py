"""Break everything at random moments, then ask whether every promise was kept.

Used by the suite (small) and by `benchmarks/chaos.py` (long).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from fairaudit.exceptions import JobError
from fairaudit.jobs import _disk, folder, supervisor
from fairaudit.jobs.folder import JobFolder
from fairaudit.jobs.workspace import Workspace

HERE = Path(__file__).resolve().parent


@dataclass
class Report:
    """What happened and what was found afterwards."""

    jobs: int = 0
    states: Counter[str] = field(default_factory=Counter)
    kills: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    broken: list[str] = field(default_factory=list)


class Chaos:
    """Submitters, a supervisor and workers, all of them killed now and then."""

    def __init__(self, root: Path, jobs: int, seed: int, *, submitters: int = 2) -> None:
        self.root = root / "workspace"
        self.marks = root / "marks"
        self.marks.mkdir(parents=True)
        self.workspace = Workspace(self.root)
        self.dice = random.Random(seed)
        self.report = Report(jobs)
        self.killed: set[str] = set()
        self.cancelled: set[str] = set()
        self.share = [jobs // submitters] * submitters
        self.share[0] += jobs - sum(self.share)
        self.roles: dict[str, subprocess.Popen[bytes]] = {}

    # -- breaking -------------------------------------------------------------------------------

    def run(self, patience: float) -> Report:
        """Break until all jobs have ended, then look at what is left."""
        began = time.monotonic()
        self._start("supervisor")
        for number in range(len(self.share)):
            self._start(f"submitter-{number}")
        while not self._all_ended():
            if time.monotonic() - began > patience:
                self.report.broken.append("it did not come to an end")
                break
            self._break_something()
            time.sleep(self.dice.uniform(0.05, 0.2))
        self._calm_down()
        self.report.seconds = time.monotonic() - began
        self._judge()
        return self.report

    def _start(self, role: str) -> None:
        kind, _, number = role.partition("-")
        words = [str(self.root), str(self.dice.randrange(10**9))]
        if kind == "submitter":
            words += [str(self.marks), number, str(self.share[int(number)])]
        self.roles[role] = subprocess.Popen(
            [sys.executable, str(HERE / f"chaos_{kind}.py"), *words], start_new_session=True
        )

    def _break_something(self) -> None:
        for role, process in list(self.roles.items()):
            if process.poll() is not None and (role == "supervisor" or process.returncode != 0):
                self._start(role)
        what = self.dice.choices(
            ["worker", "supervisor", "submitter", "cancel", "nothing"], [4, 1, 1, 2, 6]
        )[0]
        if what == "worker":
            self._kill_a_worker()
        elif what == "cancel":
            self._cancel_one()
        elif what != "nothing":
            role = self.dice.choice([r for r in self.roles if r.startswith(what)])
            if self.roles[role].poll() is None:
                self.roles[role].kill()
                self.roles[role].wait()
                self.report.kills[what] += 1

    def _workers(self) -> list[tuple[psutil.Process, str]]:
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            words = process.info["cmdline"] or []
            if len(words) > 2 and words[-1].startswith(str(self.root / "jobs")):
                found.append((process, Path(words[-1]).name))
        return found

    def _kill_a_worker(self) -> None:
        found = self._workers()
        if not found:
            return
        process, job = self.dice.choice(found)
        try:
            process.send_signal(signal.SIGKILL)
        except psutil.NoSuchProcess:
            return
        self.killed.add(job)
        self.report.kills["worker"] += 1

    def _cancel_one(self) -> None:
        open_jobs = self.workspace.ledger.in_state("queued", "running")
        if open_jobs and self.dice.random() < 0.3:
            job = self.dice.choice(open_jobs).id
            self.cancelled.add(job)
            try:
                self.workspace.cancel(job)
            except JobError:
                return
            self.report.kills["cancel"] += 1

    def _all_ended(self) -> bool:
        senders = [p for role, p in self.roles.items() if role.startswith("submitter")]
        if any(p.poll() != 0 for p in senders):
            return False
        entries = self.workspace.ledger.all()
        return len(entries) >= self.report.jobs and all(entry.final for entry in entries)

    def _calm_down(self) -> None:
        process = self.roles["supervisor"]
        process.terminate()
        process.wait(30)
        supervisor._maintain(self.root)
        deadline = time.monotonic() + 10
        while self._alive() and time.monotonic() < deadline:
            time.sleep(0.05)

    # -- judging --------------------------------------------------------------------------------

    def _judge(self) -> None:
        names = {p.name for p in (self.root / "jobs").iterdir()}
        marks = Counter(p.name[: len(folder.new_id())] for p in self.marks.iterdir())
        entries = {entry.id: entry for entry in self.workspace.ledger.all()}
        say = self.report.broken.append
        if names != set(entries):
            say(f"folders and ledger differ: {sorted(names ^ set(entries))[:5]}")
        if len(entries) < self.report.jobs:
            say(f"{self.report.jobs - len(entries)} jobs were lost")
        for id in names & set(entries):
            self._judge_job(JobFolder(self.root / "jobs" / id), entries[id].state, marks[id])
        for path in self.root.rglob("*"):
            if path.name.startswith((_disk.ASIDE, _disk.TRASH)):
                say(f"left behind: {path.relative_to(self.root)}")
        for path in (self.root / "incoming").iterdir():
            say(f"left behind: {path.relative_to(self.root)}")
        for process in self._alive():
            say(f"orphan: {process}")

    def _judge_job(self, job: JobFolder, state: str, marks: int) -> None:
        outcome = job.outcome()
        self.report.states[state] += 1
        say = self.report.broken.append
        if outcome is None or outcome.state != state:
            say(f"{job.id}: ledger says {state}, folder {outcome}")
        if marks > 1:
            say(f"{job.id} ran {marks} times")
        if job.is_locked():
            say(f"{job.id} is still held")
        if state == "succeeded":
            job.check_result()
            if marks != 1 or (job.result_path / "payload.bin").read_bytes() != (
                job.id.encode() * 200
            ):
                say(f"{job.id} succeeded with wrong content")
        elif state == "failed" and job.id not in self.killed:
            say(f"{job.id} failed though nobody killed it: {outcome}")
        elif state == "cancelled" and job.id not in self.cancelled:
            say(f"{job.id} was cancelled though nobody asked")
        elif state not in folder.FINAL:
            say(f"{job.id} ended as {state}")

    def _alive(self) -> list[str]:
        found = []
        for process in psutil.process_iter(["cmdline", "status"]):
            words = " ".join(process.info["cmdline"] or [])
            if str(self.root) in words and process.pid != os.getpid():
                found.append(words)
        return found
