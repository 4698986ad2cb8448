"""Workers, supervisors and dashboards are killed at random moments: no promise is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.chaos import Chaos
from tests.sizes import size


@pytest.mark.slow
def test_no_job_is_lost_doubled_or_wrong_whatever_is_killed(tmp_path: Path) -> None:
    jobs = size(30, 200)
    report = Chaos(tmp_path, jobs=jobs, seed=20261120).run(patience=240)
    assert report.broken == []
    assert sum(report.states.values()) >= jobs
    assert report.states["succeeded"] > jobs // 4
    assert report.states["failed"] > 0
    assert report.kills["worker"] > jobs // 20
    assert report.kills["supervisor"] > jobs // 40
    assert report.kills["submitter"] > 0
