"""What this browser tab is looking at: workspace, person, data set, audit; ids only."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from fairaudit.data.roles import ColumnRoles
from fairaudit.data.store import DatasetInfo
from fairaudit.exceptions import NotAllowed
from fairaudit.jobs.users import WorkspaceAction, may_do
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui import access
from fairaudit.ui.navigation import step
from fairaudit.ui.roles_link import pack, unpack

_DEFAULT_ROOT = "workspace"
_LONGEST_LINK = 6_000  # characters of roles that still go into the URL
_GO = "go-to"


def root() -> Path:
    """Folder of the workspace: FAIRAUDIT_WORKSPACE, set by `fairaudit up`."""
    return Path(os.environ.get("FAIRAUDIT_WORKSPACE", _DEFAULT_ROOT)).expanduser()


def workspace() -> Workspace:
    """The workspace as the person in this session may see it."""
    return Workspace(root(), user=access.person())


def barred(action: WorkspaceAction) -> str | None:
    """Why this person may not bring data ("ingest") or start work ("submit"); None: they may."""
    if access.readonly():
        return "This dashboard only shows; it takes no data and starts nothing."
    role = workspace().role
    if may_do(role, action):
        return None
    if role is None:
        return "You have no role here yet. Ask an admin for one."
    return "Your role is to look. Ask an admin for the role of an auditor to do more."


def audit_id() -> str | None:
    """The audit this tab looks at: from the URL, else what it looked at before."""
    return _chosen("audit")


def choose_audit(job_id: str) -> None:
    """Look at this audit from now on, on every page."""
    _choose("audit", job_id)


def dataset_id() -> str | None:
    """The data set this tab works on."""
    return _chosen("data")


def choose_dataset(sha256: str) -> None:
    """Work on this data set from now on, on every page."""
    if dataset_id() != sha256:
        _forget("roles")
    _choose("data", sha256)


def dataset_info(sha256: str) -> DatasetInfo:
    """What is known of a data set this person may see.

    Raises
    ------
    NotAllowed
        When there is none, or it is somebody else's.
    """
    for info in workspace().datasets():
        if info.sha256 == sha256:
            return info
    raise NotAllowed(
        "there is no such data set here, or you have no right to it; choose another on the "
        "Data page"
    )


def forget_dataset() -> None:
    """Look at no data set."""
    _forget("data")
    _forget("roles")


def accept_roles(roles: ColumnRoles) -> None:
    """Use these roles for the data set this tab works on."""
    _choose("roles", pack(roles))


def accepted_roles() -> ColumnRoles | None:
    """The roles accepted for the data set this tab works on, None before."""
    text = _chosen("roles")
    return None if text is None else unpack(text)


def forget_audit() -> None:
    """Look at no audit."""
    _forget("audit")


def expert() -> bool:
    """Whether everything is shown (expert) or only what matters (guided)."""
    return str(st.session_state.get("mode", "Guided")) == "Expert"


def link() -> dict[str, str]:
    """Query parameters that reopen what this tab looks at."""
    pairs = {name: _chosen(name) for name in ("data", "roles", "audit")}
    return {name: value for name, value in pairs.items() if value and _short(value)}


def keep_url() -> None:
    """Write the ids back into the URL, which a click in the navigation empties."""
    for name, value in link().items():
        if st.query_params.get(name) != value:
            st.query_params[name] = value


def open_page(name: str) -> None:
    """Go to another page with what this tab looks at."""
    st.switch_page(step(name).file, query_params=link())


def go_later(name: str) -> None:
    """Go to another page when this run begins (callbacks may not switch pages)."""
    st.session_state[_GO] = name


def follow() -> None:
    """Do what `go_later` asked for."""
    if _GO in st.session_state:
        open_page(st.session_state.pop(_GO))


def _chosen(name: str) -> str | None:
    value: str | None = st.query_params.get(name) or st.session_state.get(f"chosen-{name}")
    if value is not None:
        st.session_state[f"chosen-{name}"] = value
    return value


def _choose(name: str, value: str) -> None:
    st.session_state[f"chosen-{name}"] = value
    if _short(value):
        st.query_params[name] = value
    else:
        st.query_params.pop(name, None)


def _forget(name: str) -> None:
    st.session_state.pop(f"chosen-{name}", None)
    st.query_params.pop(name, None)


def _short(value: str) -> bool:
    return len(value) <= _LONGEST_LINK
