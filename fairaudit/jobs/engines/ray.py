"""Jobs on a Ray cluster: one Ray job each, submission id = job id; the queue stays ours."""

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
        Of the cluster's dashboard, `http://head:8265`; None reads `RAY_ADDRESS`.
    slots : int or None
        How many jobs are handed over at a time; None: what the cluster has room for. Never
        more than it has room for: Ray fails jobs that wait longer than 15 minutes.
    cpus, gpus : float
        CPUs of one job, and GPUs of a training.
    command : sequence of str
        What runs a job on a node; the job's folder is appended. The folder must have the same
        path on every node (shared storage).
    grace : float
        Seconds a worker gets to stop by itself.

    Notes
    -----
    Token authentication is Ray's own: set `RAY_AUTH_MODE=token` and `RAY_AUTH_TOKEN` (or
    `RAY_AUTH_TOKEN_PATH`) for this process as for the cluster.
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
        self.slots = self._places(slots)
        self._over: set[str] = set()

    def start(self, folder: JobFolder, slot: Slot) -> None:
        """Hand the job to the cluster."""
        if self._status(folder.id) is not None:  # an earlier start whose worker never began
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
        """Whether Ray says that the job waits or runs; None when Ray does not know it."""
        if folder.id in self._over:
            return False
        status = self._status(folder.id)
        if status is None:
            return None
        if status in _OVER:
            self._over.add(folder.id)
        return status not in _OVER

    def stop(self, folder: JobFolder, *, force: bool) -> None:
        """Let Ray stop the job: SIGTERM, and SIGKILL after Ray's own patience.

        The kind way is the cancel file, which the worker sees by itself.
        """
        if force and self.alive(folder):
            self._client.stop_job(folder.id)

    def rest(self) -> None:
        """Nothing to reap: the cluster does it."""

    def close(self) -> None:
        """Jobs go on in the cluster; the next supervisor finds them by their ids."""

    def _status(self, job: str) -> str | None:
        try:
            return str(self._client.get_job_status(job).value)
        except RuntimeError as error:
            if "404" in str(error) or "does not exist" in str(error):
                return None
            raise

    def _places(self, slots: int | None) -> tuple[Slot, ...]:
        room = _room(self._client)
        cpus = int(room.get("CPU", 1) // max(self._cpus, 0.1))
        gpus = int(room.get("GPU", 0) // max(self._gpus, 0.1)) if self._gpus else 0
        gpus = min(gpus, cpus)
        most = max(1, cpus) if slots is None else slots
        places = [Slot(f"ray-gpu-{i}", "cuda") for i in range(min(gpus, most))]
        return (*places, *(Slot(f"ray-cpu-{i}") for i in range(most - len(places))))


def _client(address: str | None, patience: float = 30.0) -> Any:
    """The cluster's job server; a cluster that is just starting is waited for."""
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
                    f"no Ray cluster answers at {address or 'RAY_ADDRESS'} ({error}); start one "
                    "with `ray start --head`, or use --engine local"
                ) from error
            time.sleep(0.5)


def _room(client: Any) -> dict[str, float]:
    """What all living nodes have together."""
    from ray.util.state import list_nodes

    room: dict[str, float] = {}
    for node in list_nodes(address=client.get_address(), limit=10_000):
        if node.state == "ALIVE":
            for name, amount in node.resources_total.items():
                room[name] = room.get(name, 0.0) + amount
    return room
