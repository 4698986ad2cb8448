"""Workers, supervisors and dashboards are killed at random moments: no promise is broken."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.jobs.chaos import Chaos


@pytest.mark.slow
def test_no_job_is_lost_doubled_or_wrong_whatever_is_killed(tmp_path: Path) -> None:
    report = Chaos(tmp_path, jobs=200, seed=20261120).run(patience=240)
    assert report.broken == []
    assert sum(report.states.values()) >= 200
    assert report.states["succeeded"] > 50
    assert report.states["failed"] > 0
    assert report.kills["worker"] > 10
    assert report.kills["supervisor"] > 5
    assert report.kills["submitter"] > 0
