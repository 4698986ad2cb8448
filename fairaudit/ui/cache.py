"""Results and tables kept in memory, keyed on workspace, job and user; bounded in number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import streamlit as st
from numpy.typing import NDArray

from fairaudit.audit.result import AuditResult
from fairaudit.data.doctor.diagnosis import Diagnosis, examine
from fairaudit.data.mends import MENDS, Mend
from fairaudit.data.reread import ReadingChoices
from fairaudit.data.roles import ColumnRoles
from fairaudit.jobs.info import JobInfo
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui import session
from fairaudit.ui.overview import Overview
from fairaudit.ui.overview import overview as overview_of
from fairaudit.ui.score_scale import LoneScore, lone_scores_of

_FRESH = 2  # seconds a list of jobs may be out of date on screens that do not poll


def result(job_id: str) -> AuditResult:
    """The stored result of a finished job, after checking that this user may see it."""
    workspace = session.workspace()
    workspace.job(job_id)  # raises NotAllowed: rights are checked every time, never cached
    return _result(workspace.cache_key, job_id, workspace)


def overview(sha256: str, mends: Sequence[Mend] = (), target: str | None = None) -> Overview:
    """A dataset as the Data page shows it, after its mends; examined once for each outcome."""
    workspace = _readable(sha256)
    read = MENDS.dump_json(tuple(mends))
    return _overview(workspace.cache_key, sha256, read, target, workspace)


def findings(sha256: str, roles: ColumnRoles) -> Diagnosis:
    """The diagnosis of a dataset with these roles; computed once."""
    workspace = _readable(sha256)
    return _findings(workspace.cache_key, sha256, roles.model_dump_json(), workspace)


def scores(sha256: str, roles: ColumnRoles) -> tuple[LoneScore, ...]:
    """The scores that decide for themselves, on the table as its mends read it; read once."""
    workspace = _readable(sha256)
    return _scores(workspace.cache_key, sha256, roles.model_dump_json(), workspace)


def reading_choices(sha256: str) -> ReadingChoices | None:
    """What may be chosen about how a dataset's file is read; worked out once."""
    workspace = _readable(sha256)
    if not workspace.keeps_source(sha256):  # a later upload may bring the file
        return None
    return _reading_choices(workspace.cache_key, sha256, workspace)


def first_images(sha256: str, count: int) -> NDArray[np.uint8] | None:
    """The first images (n, H, W, C) of a dataset, None for a table; read once."""
    workspace = _readable(sha256)
    return _first_images(workspace.cache_key, sha256, count, workspace)


def _readable(sha256: str) -> Workspace:
    """The workspace, after checking that this user may read the dataset."""
    workspace = session.workspace()
    if not workspace.may("open", "dataset", sha256):
        workspace.dataset(sha256)  # raises NotAllowed
    return workspace


def jobs() -> list[JobInfo]:
    """All jobs this user may see, newest first, at most two seconds out of date."""
    workspace = session.workspace()
    return _jobs(workspace.cache_key, workspace)


def forget_jobs() -> None:
    """Drop the cached list of jobs."""
    _jobs.clear()


def forget() -> None:
    """Drop everything that may have changed or been deleted."""
    _result.clear()
    _overview.clear()
    _findings.clear()
    _scores.clear()
    _reading_choices.clear()
    _jobs.clear()


@st.cache_resource(max_entries=8, show_spinner="Opening the result …")
def _result(who: tuple[str, str], job_id: str, _workspace: Workspace) -> AuditResult:
    return _workspace.result(job_id)


@st.cache_resource(max_entries=32, show_spinner="Reading the table …")
def _overview(
    who: tuple[str, str], sha256: str, mends: bytes, target: str | None, _workspace: Workspace
) -> Overview:
    return overview_of(_workspace.dataset(sha256), MENDS.validate_json(mends), target=target)


@st.cache_resource(max_entries=32, show_spinner="Checking the table …")
def _findings(who: tuple[str, str], sha256: str, roles: str, _workspace: Workspace) -> Diagnosis:
    return examine(_workspace.dataset(sha256), ColumnRoles.model_validate_json(roles))


@st.cache_resource(max_entries=32, show_spinner=False)
def _reading_choices(
    who: tuple[str, str], sha256: str, _workspace: Workspace
) -> ReadingChoices | None:
    return _workspace.reading_choices(sha256)


@st.cache_resource(max_entries=16, show_spinner=False)
def _scores(
    who: tuple[str, str], sha256: str, roles: str, _workspace: Workspace
) -> tuple[LoneScore, ...]:
    return lone_scores_of(_workspace.dataset(sha256), ColumnRoles.model_validate_json(roles))


@st.cache_resource(max_entries=64, ttl=_FRESH, show_spinner=False)
def _jobs(who: tuple[str, str], _workspace: Workspace) -> list[JobInfo]:
    return _workspace.jobs()


@st.cache_data(max_entries=8, show_spinner=False)
def _first_images(
    who: tuple[str, str], sha256: str, count: int, _workspace: Workspace
) -> NDArray[np.uint8] | None:
    images = _workspace.images(sha256)
    return None if images is None else np.array(images.pixels[:count])
