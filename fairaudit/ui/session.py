"""What this browser tab is looking at: workspace, person, data set, audit; ids only."""

from __future__ import annotations

import os
from pathlib import Path

import streamlit as st

from fairaudit.jobs.workspace import Workspace
from fairaudit.ui import access

_DEFAULT_ROOT = "workspace"


def root() -> Path:
    """Folder of the workspace: FAIRAUDIT_WORKSPACE, set by `fairaudit up`."""
    return Path(os.environ.get("FAIRAUDIT_WORKSPACE", _DEFAULT_ROOT)).expanduser()


def workspace() -> Workspace:
    """The workspace as the person in this session may see it."""
    return Workspace(root(), user=user())


def user() -> str | None:
    """A single text for (issuer, subject); None for the single user of this machine."""
    who = access.person()
    return None if who is None else "|".join(who)


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
    _choose("data", sha256)


def forget_dataset() -> None:
    """Look at no data set."""
    _forget("data")


def forget_audit() -> None:
    """Look at no audit."""
    _forget("audit")


def expert() -> bool:
    """Whether everything is shown (expert) or only what matters (guided)."""
    return str(st.session_state.get("mode", "Guided")) == "Expert"


def link() -> dict[str, str]:
    """Query parameters that reopen what this tab looks at."""
    pairs = {"data": dataset_id(), "audit": audit_id()}
    return {name: value for name, value in pairs.items() if value is not None}


def keep_url() -> None:
    """Write the ids back into the URL, which a click in the navigation empties."""
    for name, value in link().items():
        if st.query_params.get(name) != value:
            st.query_params[name] = value


def _chosen(name: str) -> str | None:
    value = st.query_params.get(name) or st.session_state.get(f"chosen-{name}")
    if value is not None:
        st.session_state[f"chosen-{name}"] = value
    return value


def _choose(name: str, value: str) -> None:
    st.session_state[f"chosen-{name}"] = value
    st.query_params[name] = value


def _forget(name: str) -> None:
    st.session_state.pop(f"chosen-{name}", None)
    if name in st.query_params:
        del st.query_params[name]
