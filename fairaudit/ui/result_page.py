"""The audit that a result page shows, or the screen with the reason why there is none."""

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
from fairaudit.text.screens import results as wording
from fairaudit.text.screens.access import NOT_FOUND
from fairaudit.text.sentences.outcome import outcome_words
from fairaudit.text.voice import Voice
from fairaudit.ui import cache, layout, progress, session
from fairaudit.ui.navigation import page_named


@dataclass(frozen=True)
class OpenedAudit:
    """A finished audit and the job that ran it."""

    job: JobInfo
    result: AuditResult

    @property
    def command(self) -> str | None:
        """The command that reproduces the numbers."""
        return command_of(self.result) or None

    @property
    def outcome(self) -> str:
        """What the outcome is and means, in one line."""
        return outcome_words(self.result)

    def table(self, name: str) -> pl.DataFrame | None:
        """A result table, None where the method has none."""
        return self.result.tables.get(name)


def open_audit(page: str) -> OpenedAudit:
    """The audit in the URL (else the newest finished one); otherwise say what to do and stop.

    Call this first on every result page. It draws the page header only when it stops.
    """
    job = _job(page)
    if job.state != "succeeded":
        _unfinished(page, job)
    return OpenedAudit(job, cache.result(job.id))


def required_table(audit: OpenedAudit, page: str, why: str) -> pl.DataFrame:
    """The table a page requires; without it, say which method produces it and stop."""
    table = audit.table(page_named(page).needs[0])
    if table is None or table.is_empty():
        nothing_to_show(audit, page, why)
    return table


def nothing_to_show(audit: OpenedAudit, page: str, why: str) -> NoReturn:
    """Say that this audit has nothing to show on this page, and what would; then stop."""
    layout.header(page, wording.nothing_here(audit.job.title))
    layout.empty_state("Nothing to show", why, to="train", label="Train another model")
    st.stop()


def needs_outcome(voice: Voice) -> None:
    """Say that a view needs outcomes that this audit has not, and what to do."""
    what = wording.KNOWN_FOR_SOME if voice.known else wording.NOT_KNOWN
    layout.empty_state(
        "An outcome is needed here",
        wording.needs_outcome(what),
        to="data",
        label="Go to Data",
    )


def chosen_data(page: str) -> tuple[str, ColumnRoles]:
    """The chosen dataset and its roles (suggested ones until others are accepted).

    Without a dataset, say what to do and stop.
    """
    sha256 = session.dataset_id()
    if sha256 is None:
        layout.header(page, wording.NO_TABLE)
        layout.empty_state(
            "Choose a table first",
            wording.CHOOSE_TABLE,
            to="data",
            label="Go to Data",
        )
        st.stop()
    session.dataset_info(sha256)  # raises NotAllowed
    return sha256, session.accepted_roles() or cache.overview(sha256).diagnosis.roles


def _job(page: str) -> JobInfo:
    job_id = session.audit_id()
    if job_id is None:
        _choose_newest(page)
    try:
        return session.workspace().job(job_id)
    except NotAllowed:
        _not_available(page)


def _choose_newest(page: str) -> NoReturn:
    """Open the newest finished audit and rerun the page, because the sidebar names it too."""
    finished = [j for j in cache.jobs() if j.state == "succeeded"]
    if finished:
        session.choose_audit(finished[0].id)
        st.rerun()
    layout.header(page, wording.NONE_FINISHED)
    layout.empty_state(
        "No audit yet",
        wording.START,
        to="data",
        label="Start with data",
    )
    st.stop()


def _not_available(page: str) -> NoReturn:
    session.forget_audit()
    layout.header(page, NOT_FOUND)
    layout.empty_state(
        "Audit not available",
        wording.ASK_OWNER,
        to="jobs",
        label="All audits",
    )
    st.stop()


def _unfinished(page: str, job: JobInfo) -> None:
    layout.header(page, wording.unfinished(job.title))
    progress.follow(job.id)
    layout.page_link("jobs", "All audits")
    st.stop()
