"""Runs jobs on a Ray cluster: one Ray job each, submission id = job id; the queue stays here."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Sequence
from typing import Any

from fairaudit.exceptions import JobError
from fairaudit.jobs import _process
from fairaudit.jobs.engines.base import Slot
from fairaudit.jobs.folder import JobFolder

_OVER = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})
_WORKER = ("python", "-m", "fairaudit.worker")


class RayEngine:
    """Starts workers as Ray Jobs.

    Parameters
    ----------
    address : str or None
        Address of the cluster's dashboard, `http://head:8265`; None reads `RAY_ADDRESS`.
    slots : int or None
        How many jobs are submitted at a time; None means as many as the cluster has room for.
        More must not be submitted: Ray fails jobs that wait longer than 15 minutes.
    cpus, gpus : float
        CPUs per job, and GPUs per training job.
    command : sequence of str
        Runs a job on a node; the job's folder is appended, which must have the same path on
        every node (shared storage).
    grace : float
        Seconds a worker has to stop on its own.

    Notes
    -----
    Token authentication is Ray's: set `RAY_AUTH_MODE=token` and `RAY_AUTH_TOKEN` (or
    `RAY_AUTH_TOKEN_PATH`) for this process and for the cluster.
    """

    def __init__(
        self,
        address: str | None = None,
        *,
        slots: int | None = None,
        cpus: float = 1.0,
        gpus: float = 1.0,
        command: Sequence[str] = _WORKER,
        grace: float = 30.0,
    ) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        self._client = _client(address)
        self._cpus, self._gpus = cpus, gpus
        self._command = tuple(command)
        self._grace = grace
        self.slots = self._slots_for(slots)
        self._over: set[str] = set()

    def start(self, folder: JobFolder, slot: Slot) -> None:
        """Submit the job to the cluster."""
        if self._status(folder.id) is not None:  # an earlier submission whose worker never started
            self._client.delete_job(folder.id)
        threads = str(max(1, int(self._cpus)))
        self._client.submit_job(
            entrypoint=shlex.join([*self._command, str(folder.path)]),
            submission_id=folder.id,
            entrypoint_num_cpus=self._cpus,
            entrypoint_num_gpus=self._gpus if slot.device == "cuda" else None,
            runtime_env={
                "env_vars": {
                    "OMP_NUM_THREADS": threads,
                    "POLARS_MAX_THREADS": threads,
                    _process.GRACE: str(self._grace),
                }
            },
        )
        self._over.discard(folder.id)

    def alive(self, folder: JobFolder) -> bool | None:
        """Whether the job is pending or running in Ray; None if Ray does not know it."""
        if folder.id in self._over:
            return False
        status = self._status(folder.id)
        if status is None:
            return None
        if status in _OVER:
            self._over.add(folder.id)
        return status not in _OVER

    def stop(self, folder: JobFolder, *, force: bool) -> None:
        """Let Ray stop the job: SIGTERM, then SIGKILL after Ray's own timeout.

        Without `force` nothing is done: the worker sees the cancel file.
        """
        if force and self.alive(folder):
            self._client.stop_job(folder.id)

    def rest(self) -> None:
        """Nothing to do: the cluster reaps its processes."""

    def close(self) -> None:
        """Nothing to do: jobs continue, and the next supervisor finds them by their ids."""

    def _status(self, job: str) -> str | None:
        try:
            return str(self._client.get_job_status(job).value)
        except RuntimeError as error:
            if "404" in str(error) or "does not exist" in str(error):
                return None
            raise

    def _slots_for(self, slots: int | None) -> tuple[Slot, ...]:
        room = _room(self._client)
        cpus = int(room.get("CPU", 1) // max(self._cpus, 0.1))
        gpus = int(room.get("GPU", 0) // max(self._gpus, 0.1)) if self._gpus else 0
        gpus = min(gpus, cpus)
        most = max(1, cpus) if slots is None else slots
        gpu_slots = [Slot(f"ray-gpu-{i}", "cuda") for i in range(min(gpus, most))]
        return (*gpu_slots, *(Slot(f"ray-cpu-{i}") for i in range(most - len(gpu_slots))))


def _client(address: str | None, patience: float = 30.0) -> Any:
    """The cluster's job server; waits for a cluster that is starting."""
    try:
        from ray.job_submission import JobSubmissionClient
    except ImportError:
        raise JobError(
            "the Ray engine needs the extra: pip install 'fairaudit[ray]', or --engine local"
        ) from None
    deadline = time.monotonic() + patience
    while True:
        try:
            return JobSubmissionClient(address)
        except (ConnectionError, RuntimeError) as error:
            if time.monotonic() > deadline:
                raise JobError(
                    f"no Ray cluster responds at {address or 'RAY_ADDRESS'} ({error}); start one "
                    "with `ray start --head`, or use --engine local"
                ) from error
            time.sleep(0.5)


def _room(client: Any) -> dict[str, float]:
    """Total resources of all living nodes."""
    from ray.util.state import list_nodes

    room: dict[str, float] = {}
    for node in list_nodes(address=client.get_address(), limit=10_000):
        if node.state == "ALIVE":
            for name, amount in node.resources_total.items():
                room[name] = room.get(name, 0.0) + amount
    return room
