"""What this browser tab shows: workspace, user, dataset, audit; ids only."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from fairaudit.audit.questions import PrimaryQuestion
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.store import DatasetInfo
from fairaudit.exceptions import NotAllowed
from fairaudit.jobs.users import WorkspaceAction, may_do
from fairaudit.jobs.workspace import Workspace
from fairaudit.text.screens import access as wording
from fairaudit.ui import access
from fairaudit.ui.navigation import page_named
from fairaudit.ui.roles_link import pack, unpack

_DEFAULT_ROOT = "workspace"
_LONGEST_LINK = 6_000  # characters of roles that still go into the URL
_GO = "go-to"


def root() -> Path:
    """Folder of the workspace: FAIRAUDIT_WORKSPACE, set by `fairaudit up`."""
    return Path(os.environ.get("FAIRAUDIT_WORKSPACE", _DEFAULT_ROOT)).expanduser()


def workspace() -> Workspace:
    """The workspace as the user of this session may see it."""
    return Workspace(root(), user=access.person())


def refusal(action: WorkspaceAction) -> str | None:
    """Why this user may not add data ("ingest") or start audits ("submit"); None if allowed."""
    if access.readonly():
        return wording.READ_ONLY
    role = workspace().role
    if may_do(role, action):
        return None
    if role is None:
        return wording.NO_ROLE
    return wording.VIEWER


def audit_id() -> str | None:
    """The audit this tab shows: from the URL, else the one shown before."""
    return _chosen("audit")


def choose_audit(job_id: str) -> None:
    """Show this audit on every page from now on."""
    _choose("audit", job_id)


def dataset_id() -> str | None:
    """The dataset of this tab."""
    return _chosen("data")


def choose_dataset(sha256: str) -> None:
    """Use this dataset on every page from now on."""
    if dataset_id() != sha256:
        _forget("roles")
        _forget("draft")
    _choose("data", sha256)


def dataset_info(sha256: str) -> DatasetInfo:
    """Name, size and columns of a dataset this user may see.

    Raises
    ------
    NotAllowed
        If it does not exist or has not been shared with this user.
    """
    for info in workspace().datasets():
        if info.sha256 == sha256:
            return info
    raise NotAllowed(
        "dataset not found, or you don't have access; choose another on the Data page"
    )


def forget_dataset() -> None:
    """Clear the choice of a dataset."""
    _forget("data")
    _forget("roles")
    _forget("draft")
    _forget("primary")


def accept_roles(roles: ColumnRoles) -> None:
    """Use these roles for the dataset of this tab."""
    _choose("roles", pack(roles))


def declare_primary(question: PrimaryQuestion | None) -> None:
    """Keep the question that was declared before any result of this tab's dataset was seen."""
    if question is None:
        _forget("primary")
    else:
        _choose("primary", question.model_dump_json(exclude_defaults=True))


def declared_primary() -> PrimaryQuestion | None:
    """The declared question, None without one or where the link was tampered with."""
    text = _chosen("primary")
    try:
        return None if text is None else PrimaryQuestion.model_validate_json(text)
    except ValueError:
        return None


def keep_roles(roles: ColumnRoles) -> None:
    """Keep changed roles: in place of the accepted ones, or until they are accepted."""
    if accepted_roles() is not None:
        accept_roles(roles)
    else:
        st.session_state["chosen-draft"] = pack(roles)


def draft_roles() -> ColumnRoles | None:
    """Roles that were changed by a mend but not yet accepted."""
    text = st.session_state.get("chosen-draft")
    return None if text is None else unpack(text)


def accepted_roles() -> ColumnRoles | None:
    """The roles accepted for the dataset of this tab, None before."""
    text = _chosen("roles")
    return None if text is None else unpack(text)


def after_roles(roles: ColumnRoles) -> str:
    """The page that follows accepted roles: systems in the table are audited at once."""
    return "audit" if roles.predictions or roles.scores else "train"


def forget_audit() -> None:
    """Clear the choice of an audit."""
    _forget("audit")


def expert() -> bool:
    """Whether every setting is shown (expert) or only the essentials (guided)."""
    return str(st.session_state.get("mode", "Guided")) == "Expert"


def link() -> dict[str, str]:
    """Query parameters that reopen what this tab shows."""
    pairs = {name: _chosen(name) for name in ("data", "roles", "primary", "audit")}
    return {name: value for name, value in pairs.items() if value and _short(value)}


def keep_url() -> None:
    """Write the ids back into the URL, which a click in the navigation clears."""
    for name, value in link().items():
        if st.query_params.get(name) != value:
            st.query_params[name] = value


def open_page(name: str) -> None:
    """Go to another page, keeping the dataset and audit of this tab."""
    st.switch_page(page_named(name).file, query_params=link())


def go_later(name: str) -> None:
    """Go to another page at the start of the next run (callbacks may not switch pages)."""
    st.session_state[_GO] = name


def go_now() -> None:
    """Go to the page that `go_later` was given, if any."""
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
