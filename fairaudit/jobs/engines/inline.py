"""Runs a job in the caller's own process: for the command line, notebooks and tests."""

from __future__ import annotations

from fairaudit.exceptions import JobError
from fairaudit.jobs import run_job, runner
from fairaudit.jobs.folder import JobFolder, Outcome


def run_inline(folder: JobFolder, work: runner.Compute = run_job.audit) -> Outcome:
    """Do the job here and now; its outcome.

    Raises
    ------
    JobError
        When another process is at work on it.
    """
    outcome = runner.run(folder, work, own_process=False)
    if outcome is None:
        raise JobError(f"job '{folder.id}' is being worked on by another process")
    return outcome
