"""Two supervisors, six submitters, up to a thousand jobs: each is claimed once."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from fairaudit.jobs.folder import new_id
from fairaudit.jobs.ledger import Ledger
from tests.sizes import size

JOBS = size(100, 1000)


@pytest.mark.slow
def test_each_job_is_claimed_once(tmp_path: Path) -> None:
    root, marks = tmp_path / "workspace", tmp_path / "marks"
    root.mkdir()
    marks.mkdir()
    shares = [JOBS // 6] * 5 + [JOBS - 5 * (JOBS // 6)]
    words = [("supervise", JOBS)] * 2 + [("submit", share) for share in shares]
    crowd = [
        subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("crowd.py")), what, str(root),
             str(marks), str(count)]
        )
        for what, count in words
    ]  # fmt: skip
    assert [process.wait(400) for process in crowd] == [0] * 8
    starts = Counter(path.name[: len(new_id())] for path in marks.iterdir())
    by = Counter(path.name.rsplit("-", 1)[1] for path in marks.iterdir())
    entries = Ledger(root).all()
    assert len(entries) == len(starts) == JOBS
    assert set(starts.values()) == {1}
    assert {entry.tries for entry in entries} == {1}
    assert {entry.state for entry in entries} == {"failed"}
    assert len({entry.turn for entry in entries}) == JOBS
    assert len(by) == 2
    assert min(by.values()) > 0
