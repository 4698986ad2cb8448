"""A dashboard that submits its share of jobs, counting by a file, so that it may be killed."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from fairaudit.jobs.folder import JobFolder, Request, new_id
from fairaudit.jobs.workspace import Workspace


def main(root: Path, seed: int, marks: Path, number: str, count: int) -> None:
    dice = random.Random(seed)
    workspace = Workspace(root)
    done = root.parent / f"submitted-{number}"
    done.touch()
    while done.stat().st_size < count:
        params = {
            "marks": str(marks),
            "steps": dice.randint(1, 4),
            "pause": dice.uniform(0.0, 0.04),
        }
        kind = dice.choice(["predictions", "train"])
        job = {"dataset": "0" * 64, "audit": {"kind": kind, "method": "quick", "params": params}}
        request = Request(new_id(), f"owner-{number}", time.time(), job)
        JobFolder.create(workspace.ledger.jobs, request)
        with done.open("ab") as file:  # killed between the two lines: one job more, none lost
            file.write(b".")
        workspace.ledger.add(request)
        time.sleep(dice.uniform(0.0, 0.1))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
