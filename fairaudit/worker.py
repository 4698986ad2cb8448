"""A worker: `python -m fairaudit.worker FOLDER` runs the job in FOLDER and exits.

`--standby` first imports torch and then waits for a line of JSON on stdin: the folder and the
environment of its slot. The first event is written before anything heavy is imported.
"""

from __future__ import annotations

import io
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType

from fairaudit.jobs import run_job, runner
from fairaudit.jobs.folder import JobFolder
from fairaudit.jobs.monitor import FolderMonitor

STANDBY = "--standby"


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: the job has an outcome; 1: another worker runs it; 2: invalid call."""
    argv = sys.argv[1:] if arguments is None else arguments
    if len(argv) != 1:
        sys.stderr.write("usage: python -m fairaudit.worker FOLDER | --standby\n")
        return 2
    folder = _wait_for_folder() if argv[0] == STANDBY else JobFolder(Path(argv[0]).resolve())
    if folder is None:
        return 0
    if not folder.exists:
        sys.stderr.write(f"'{folder.path}' is not a job folder\n")
        return 2
    outcome = runner.run(folder, run_job.audit, prepare=lambda m: _prepare(folder, m))
    return 0 if outcome is not None else 1


def _prepare(folder: JobFolder, monitor: FolderMonitor) -> None:
    """Redirect output to the log; SIGTERM requests cancellation."""
    log = os.open(folder.log_path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # the log is read while it is written

    def stop(number: int, frame: FrameType | None) -> None:
        monitor.stop("stopped by a signal")

    signal.signal(signal.SIGTERM, stop)


def _wait_for_folder() -> JobFolder | None:
    """Import slow modules, then wait; None if the supervisor has gone."""
    _warm_up()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    line = sys.stdin.readline()
    if not line.strip():
        return None
    order = json.loads(line)
    os.environ.update(order["environment"])
    return JobFolder(Path(order["folder"]))


def _warm_up() -> None:
    """Import torch without touching a GPU, and the modules every audit needs."""
    import importlib

    for name in ("torch", "fairaudit.audit.run", "fairaudit.methods.common.training"):
        importlib.import_module(name)


if __name__ == "__main__":
    sys.exit(main())
