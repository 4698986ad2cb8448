"""Runs jobs as processes on this machine, one per slot, with one warm worker on standby."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fairaudit.jobs import _process
from fairaudit.jobs.engines.base import Slot
from fairaudit.jobs.folder import JobFolder

WORKER = (sys.executable, "-m", "fairaudit.worker")
_THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
)
_STILLBORN = 3  # a warm worker that died this often on its own is not started again


@dataclass
class _Child:
    process: subprocess.Popen[bytes]
    token: str


class LocalEngine:
    """Starts workers on this machine.

    Parameters
    ----------
    slots : sequence of Slot or None
        None means one slot per GPU, CPU slots by cores, and one for audits without training.
    command : sequence of str
        Runs a job; the job's folder is appended. A command other than the worker must follow
        the same contract: hold the lock, write the outcome.
    standby : bool
        Keep one worker ready that has imported torch; only for the default command.
    threads : int or None
        Threads per worker; None divides the cores among the slots.
    grace : float
        Seconds a worker has to stop on its own.
    """

    def __init__(
        self,
        slots: Sequence[Slot] | None = None,
        *,
        command: Sequence[str] = WORKER,
        standby: bool = True,
        threads: int | None = None,
        grace: float = 30.0,
    ) -> None:
        self._gpus = visible_gpus() if slots is None else _gpus_of(slots)
        self.slots = tuple(default_slots(len(self._gpus)) if slots is None else slots)
        self._command = tuple(command)
        self._threads = threads or threads_each(self.slots)
        self._grace = grace
        self._children: dict[str, _Child] = {}
        self._warm: _Child | None = None
        warm = standby and self._command == WORKER and os.name != "nt"  # needs a readable pipe
        self._stillborn = 0 if warm else _STILLBORN

    # -- the engine ---------------------------------------------------------------------------

    def start(self, folder: JobFolder, slot: Slot) -> None:
        """Hand the job to the warm worker, or start a new process."""
        if not self._hand_over(folder, slot):
            self._children[folder.id] = self._spawn(
                [*self._command, str(folder.path)], self._environment(slot), folder.log_path
            )

    def alive(self, folder: JobFolder) -> bool | None:
        """Whether the process exists; processes of an earlier supervisor are found by token."""
        child = self._children.get(folder.id)
        if child is not None:
            return not self._ended(folder.id, child)
        adopted = _adopted(folder)
        return None if adopted is None else _process.has_token(*adopted)

    def stop(self, folder: JobFolder, *, force: bool) -> None:
        """Send SIGTERM to the worker, or SIGKILL to its group and everything it started."""
        child = self._children.get(folder.id)
        worker = (child.process.pid, child.token) if child else _adopted(folder)
        if worker is None:
            return
        pid, token = worker
        running = child is not None and child.process.returncode is None
        if running or _process.has_token(pid, token):
            if force:
                _process.kill_group(pid)
            else:
                _process.ask_to_stop(pid)
        if force:
            _process.kill_all(token)

    def rest(self) -> None:
        """Reap ended workers; warm up the next one if a slot is free."""
        for id, child in list(self._children.items()):
            if self._ended(id, child):
                del self._children[id]
        if len(self._children) < len(self.slots):
            self._keep_warm()

    def close(self) -> None:
        """Stop the warm worker; running jobs continue and the next supervisor adopts them."""
        if self._warm is not None:
            _process.kill_group(self._warm.process.pid)
            self._close_pipes(self._warm)
            self._warm.process.wait()
            self._warm = None
        for child in self._children.values():
            child.process.returncode = child.process.poll() or 0  # no longer ours to wait for

    # -- processes ----------------------------------------------------------------------------

    def _spawn(self, command: Sequence[str], environment: Mapping[str, str], log: Path) -> _Child:
        token = secrets.token_hex(16)
        with log.open("ab") as out:
            process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **environment, _process.TOKEN: token},
                **_process.own_session(),
            )
        return _Child(process, token)

    def _ended(self, id: str, child: _Child) -> bool:
        """Whether a child has ended; the rest of its group is killed."""
        if child.process.returncode is not None:
            return True
        if os.name != "nt" and _process.is_zombie(child.process.pid):
            _process.kill_group(child.process.pid)  # safe: an unreaped leader keeps its pid
        return child.process.poll() is not None

    def _environment(self, slot: Slot) -> dict[str, str]:
        variables = {name: str(self._threads) for name in _THREADS}
        variables[_process.GRACE] = str(self._grace)
        if self._gpus:
            variables["CUDA_VISIBLE_DEVICES"] = self._device(slot)
        return variables

    def _device(self, slot: Slot) -> str:
        if slot.device == "cpu":
            return ""
        return self._gpus[[s for s in self.slots if s.device == "cuda"].index(slot)]

    # -- the warm worker ----------------------------------------------------------------------

    def _keep_warm(self) -> None:
        if self._warm is not None and self._warm.process.poll() is not None:
            self._close_pipes(self._warm)
            self._warm = None
            self._stillborn += 1
        if self._warm is None and self._stillborn < _STILLBORN:
            self._warm = self._spawn_warm()

    def _spawn_warm(self) -> _Child:
        token = secrets.token_hex(16)
        threads = {name: str(self._threads) for name in _THREADS}
        process = subprocess.Popen(
            [*self._command, "--standby"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **threads, _process.TOKEN: token},
            **_process.own_session(),
        )
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        return _Child(process, token)

    @property
    def warm(self) -> bool:
        """Whether the warm worker has finished its imports and is waiting."""
        if self._warm is None or self._warm.process.poll() is not None:
            return False
        assert self._warm.process.stdout is not None
        return bool(self._warm.process.stdout.peek(1)[:1])  # type: ignore[attr-defined]

    def _hand_over(self, folder: JobFolder, slot: Slot) -> bool:
        if self._warm is None or not self.warm:
            return False
        child, self._warm = self._warm, None
        order = {"folder": str(folder.path), "environment": self._environment(slot)}
        assert child.process.stdin is not None
        try:
            child.process.stdin.write(json.dumps(order).encode() + b"\n")
            child.process.stdin.flush()
        except BrokenPipeError:  # it has just died
            return False
        finally:
            self._close_pipes(child)
        self._children[folder.id] = child
        return True

    @staticmethod
    def _close_pipes(child: _Child) -> None:
        for pipe in (child.process.stdin, child.process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue


def _adopted(folder: JobFolder) -> tuple[int, str] | None:
    """Pid and token of a worker on this machine that another supervisor started."""
    first = folder.first_event()
    if first is None or first.get("host") != socket.gethostname() or not first.get("token"):
        return None
    return int(first["pid"]), str(first["token"])


def visible_gpus() -> tuple[str, ...]:
    """Names of the CUDA devices this process may use, without importing torch."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return tuple(name.strip() for name in chosen.split(",") if name.strip() not in ("", "-1"))
    try:
        listing = subprocess.run(
            ["nvidia-smi", "--query-gpu=index", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ()
    return tuple(line.strip() for line in listing.stdout.splitlines() if line.strip())


def default_slots(gpus: int, cores: int | None = None) -> list[Slot]:
    """One slot per GPU, one per four cores, and one for audits without training."""
    cores = cores or os.cpu_count() or 1
    trainings = [Slot(f"gpu-{i}", "cuda") for i in range(gpus)]
    trainings += [Slot(f"cpu-{i}") for i in range(max(1, min(8, cores // 4)))]
    return [*trainings, Slot("short", short_only=True)]


def numbered_slots(trainings: int) -> list[Slot]:
    """Like `default_slots`, for a given number of simultaneous training jobs on the CPU."""
    return [*(Slot(f"cpu-{i}") for i in range(trainings)), Slot("short", short_only=True)]


def threads_each(slots: Sequence[Slot], cores: int | None = None) -> int:
    """Threads per worker, so that all slots together use each core once."""
    cores = cores or os.cpu_count() or 1
    return max(1, cores // max(1, sum(not slot.short_only for slot in slots)))


def _gpus_of(slots: Sequence[Slot]) -> tuple[str, ...]:
    wanted = sum(slot.device == "cuda" for slot in slots)
    visible = visible_gpus() if wanted else ()
    return visible if len(visible) >= wanted else tuple(str(i) for i in range(wanted))
