"""Runs a job in the calling process: for the command line, notebooks and tests."""

from __future__ import annotations

from fairaudit.exceptions import JobError
from fairaudit.jobs import run_job, runner
from fairaudit.jobs.folder import JobFolder, Outcome


def run_inline(folder: JobFolder, work: runner.Compute = run_job.audit) -> Outcome:
    """Run the job and return its outcome.

    Raises
    ------
    JobError
        If another process is running it.
    """
    outcome = runner.run(folder, work, own_process=False)
    if outcome is None:
        raise JobError(f"job '{folder.id}' is already being run by another process")
    return outcome
