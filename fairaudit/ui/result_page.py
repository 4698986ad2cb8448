"""The audit a result page shows: opened for this person, or the screen that says why not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NoReturn

import polars as pl
import streamlit as st

from fairaudit.audit.result import AuditResult
from fairaudit.data.roles import ColumnRoles
from fairaudit.exceptions import NotAllowed
from fairaudit.jobs.info import JobInfo
from fairaudit.report.command import command_of
from fairaudit.ui import cache, layout, progress, session
from fairaudit.ui.navigation import step


@dataclass(frozen=True)
class OpenedAudit:
    """A finished audit and the job that made it."""

    job: JobInfo
    result: AuditResult

    @property
    def command(self) -> str | None:
        """The command that gives the same numbers."""
        return command_of(self.result) or None

    def table(self, name: str) -> pl.DataFrame | None:
        """A result table, None where the method has none."""
        return self.result.tables.get(name)


def open_audit(page: str) -> OpenedAudit:
    """The audit in the URL (else the newest finished one); otherwise say what to do and stop.

    Call this first on every result page. It draws the heading itself only when it stops.
    """
    job = _job(page)
    if job.state != "succeeded":
        _unfinished(page, job)
    return OpenedAudit(job, cache.result(job.id))


def require(opened: OpenedAudit, page: str, why: str) -> pl.DataFrame:
    """The table a page cannot do without; otherwise say which method makes one and stop."""
    table = opened.table(step(page).needs[0])
    if table is None or table.is_empty():
        nothing(opened, page, why)
    return table


def nothing(opened: OpenedAudit, page: str, why: str) -> NoReturn:
    """Say that the audit has nothing to show on this page, and what would have; then stop."""
    layout.page(page, f"The audit “{opened.job.title}” has nothing to show here.")
    layout.empty("Nothing to show here", why, to="train", label="Train another model")
    st.stop()


def prepared(page: str) -> tuple[str, ColumnRoles]:
    """The chosen data set and its roles (the doctor's, until others were accepted).

    Without a data set: say what to do and stop.
    """
    sha256 = session.dataset_id()
    if sha256 is None:
        layout.page(page, "No table is chosen yet.")
        layout.empty(
            "Choose a table first",
            "Take a sample or upload a table, then come back: this page needs to know which "
            "column is the outcome and which are sensitive.",
            to="data",
            label="Go to data",
        )
        st.stop()
    session.dataset_info(sha256)  # raises NotAllowed
    return sha256, session.accepted_roles() or cache.overview(sha256).diagnosis.roles


def _job(page: str) -> JobInfo:
    wanted = session.audit_id()
    if wanted is None:
        _choose_newest(page)
    try:
        return session.workspace().job(wanted)
    except NotAllowed:
        _not_here(page)


def _choose_newest(page: str) -> NoReturn:
    """Look at the newest finished audit, and draw everything anew: the side bar names it too."""
    done = [j for j in cache.jobs() if j.state == "succeeded"]
    if done:
        session.choose_audit(done[0].id)
        st.rerun()
    layout.page(page, "No audit is finished yet.")
    layout.empty(
        "No audit yet",
        "Upload a table or take a sample; accept the proposed roles; start a method. "
        "The result appears here.",
        to="data",
        label="Start with data",
    )
    st.stop()


def _not_here(page: str) -> NoReturn:
    session.forget_audit()
    layout.page(page, "This link shows nothing here.")
    layout.empty(
        "Nothing to see",
        "There is no such audit, or you have no right to it. "
        "Ask its owner to share it, or open another.",
        to="jobs",
        label="All audits",
    )
    st.stop()


def _unfinished(page: str, job: JobInfo) -> None:
    layout.page(page, f"The audit “{job.title}” is not finished.")
    progress.follow(job.id)
    layout.go("jobs", "All jobs")
    st.stop()
