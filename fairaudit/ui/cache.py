"""Finished results kept in memory: keyed on workspace, job and person, few, never copied."""

from __future__ import annotations

import streamlit as st

from fairaudit.audit.result import AuditResult
from fairaudit.data.doctor import Diagnosis, examine
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui import session


def result(job_id: str) -> AuditResult:
    """The stored result of a finished job, after asking whether this person may see it."""
    workspace = session.workspace()
    workspace.job(job_id)  # raises NotAllowed: rights are asked every time, never cached
    return _result(str(session.root()), job_id, session.user(), workspace)


def diagnosis(sha256: str) -> Diagnosis:
    """What the doctor says of a data set, examined once."""
    return _diagnosis(str(session.root()), sha256, session.user(), session.workspace())


def clear() -> None:
    """Forget everything (after a deletion)."""
    _result.clear()
    _diagnosis.clear()


@st.cache_resource(max_entries=8, show_spinner="Opening the result …")
def _result(root: str, job_id: str, user: str | None, _workspace: Workspace) -> AuditResult:
    return _workspace.result(job_id)


@st.cache_resource(max_entries=32, show_spinner="Reading the table …")
def _diagnosis(root: str, sha256: str, user: str | None, _workspace: Workspace) -> Diagnosis:
    return examine(_workspace.dataset(sha256))
