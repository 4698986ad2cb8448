"""A worker whose sweep is arithmetic: what a part of a sweep writes, without training.

Merging is the product's own. `python sweep_worker.py FOLDER`.
"""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fairaudit.jobs import run_job as real
from fairaudit.jobs import runner
from fairaudit.jobs.folder import JobFolder
from fairaudit.jobs.monitor import FolderMonitor


def compute(folder: JobFolder, monitor: FolderMonitor, aside: Path, model: Path) -> None:
    """The tables of a sweep, or the merged parts of one."""
    if folder.parts():
        real.audit(folder, monitor, aside, model)
        return
    import polars as pl

    from fairaudit.audit.result import AuditResult

    params = folder.request().job["audit"]["params"]
    numbers = params["n_groups"]
    monitor.start("sweep", len(numbers))
    for _ in numbers:
        time.sleep(float(params.get("pause", 0.0)) / len(numbers))
        monitor.step()
    monitor.end()
    sweep = pl.DataFrame({"n_groups": numbers, "bic": [10.0 * n for n in numbers]})
    lineage = pl.DataFrame(
        {
            "n_groups": numbers[:-1],
            "source": ["group 1"] * (len(numbers) - 1),
            "target": ["group 1"] * (len(numbers) - 1),
            "rows": [5.0] * (len(numbers) - 1),
        }
    )
    tables = {"sweep": sweep, "lineage": lineage}
    provenance = {"node": os.environ.get("RAY_NODE_ID", _node()), "seconds": 1.0}
    AuditResult(tables, {"warnings": []}, provenance).save(aside)


def _node() -> str:
    """The raylet this process belongs to: its ancestor."""
    import psutil

    names = [p for p in psutil.Process().parents() if "raylet" in p.name()]
    return str(names[0].pid) if names else ""


if __name__ == "__main__":
    done = runner.run(JobFolder(Path(sys.argv[1]).resolve()), compute)
    sys.exit(0 if done else 1)
