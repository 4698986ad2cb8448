"""A worker whose computation is a script: what to do is said in the audit's `params`.

It follows the contract of a job's folder through the product's own `runner`; only the
computation differs. `python quick_worker.py FOLDER`.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # before an installed copy

from fairaudit.exceptions import SpecError
from fairaudit.jobs import runner
from fairaudit.jobs.folder import JobFolder
from fairaudit.jobs.monitor import FolderMonitor

SUMMARY = b'{"answer": 42}'


def compute(folder: JobFolder, monitor: FolderMonitor, aside: Path, model: Path) -> None:
    """Steps of some seconds, then a result of fixed content; every run leaves a mark."""
    params = folder.request().job["audit"]["params"]
    marks = params.get("marks")
    if marks:
        (Path(marks) / f"{folder.id}-{os.getpid()}-{time.monotonic_ns()}").touch()
    steps = int(params.get("steps", 1))
    monitor.start("quick", steps)
    for step in range(steps):
        time.sleep(float(params.get("pause", 0.0)))
        monitor.step(loss=1.0 / (step + 1))
    monitor.end()
    _misbehave(params)
    (aside / "summary.json").write_bytes(SUMMARY)
    (aside / "provenance.json").write_bytes(b"{}")
    (aside / "payload.bin").write_bytes(folder.id.encode() * 200)


def _misbehave(params: dict) -> None:
    match params.get("then"):
        case "refuse":
            raise SpecError("column 'age' is not in the table; choose another")
        case "crash":
            raise RuntimeError("something unforeseen")
        case "die":
            os.kill(os.getpid(), 9)
        case "deaf":  # a long call that never comes back to the monitor
            time.sleep(600)
        case "eat":
            hoard = [bytearray(8 << 20) for _ in range(40)]
            time.sleep(600)
            del hoard
        case "disk full":
            raise OSError(28, "No space left on device")
        case "child":
            import subprocess

            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])


def prepare(monitor: FolderMonitor) -> None:
    """As the real worker: SIGTERM asks kindly."""
    import signal

    signal.signal(signal.SIGTERM, lambda *_: monitor.stop("stopped by a signal"))


if __name__ == "__main__":
    done = runner.run(JobFolder(Path(sys.argv[1]).resolve()), compute, prepare=prepare)
    sys.exit(0 if done else 1)
