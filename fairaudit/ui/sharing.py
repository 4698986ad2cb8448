"""Sharing an audit: the link, an export file, and access rights for other users."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from fairaudit.data.store import DatasetInfo
from fairaudit.exceptions import FairauditError
from fairaudit.jobs.info import JobInfo
from fairaudit.jobs.users import ROLES, Person, Resource, Right, Role
from fairaudit.text.screens import access as wording
from fairaudit.ui import access, cache, layout, session

_GENERATION = "import-generation"
_PROBLEM = "import-problem"
_RIGHTS: dict[Right, str] = {"view": "can view", "manage": "can view, cancel, share and delete"}
_OPTIONS: dict[str, tuple[str, Right | None]] = {
    "view": (_RIGHTS["view"], "view"),
    "manage": (_RIGHTS["manage"], "manage"),
    "none": ("no longer has access", None),  # a key of its own: Streamlit takes None for "unset"
}


def share(job: JobInfo) -> None:
    """The ways to share a finished audit."""
    with st.popover("Share", icon=":material/share:"):
        layout.note(wording.LINK)
        st.download_button(
            "Export for another fairaudit",
            data=_packed(job.id),
            file_name=f"{job.id}.fairaudit.zip",
            mime="application/zip",
            icon=":material/archive:",
            key=f"export-{job.id}",
            on_click="ignore",
        )
        _rights("job", job.id)


def share_data(info: DatasetInfo) -> None:
    """Access rights to a dataset, where there are several users."""
    if _may_share("dataset", info.sha256):
        with st.popover("Share", icon=":material/share:"):
            layout.note(wording.SHARED_APART)
            _rights("dataset", info.sha256)


def _may_share(kind: Resource, id: str) -> bool:
    return access.login_configured() and session.workspace().may("share", kind, id)


def _packed(job_id: str) -> Callable[[], bytes]:
    """The export file, produced on request."""
    workspace = session.workspace()

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            return workspace.export(job_id, Path(folder) / "audit.zip").read_bytes()

    return make


def _rights(kind: Resource, id: str) -> None:
    """Who can view or manage, and a form to grant or revoke it."""
    if not _may_share(kind, id):
        return
    workspace = session.workspace()
    for person, right in workspace.shares(kind, id):
        layout.note(f"**{person.name or person.sub}** {_RIGHTS[right]}")
    with st.form(f"share-{id}", border=False):
        issuer = st.text_input("Issuer", str(st.user.get("iss", "")), key=f"iss-{id}")
        subject = st.text_input("Subject (the user's id at the provider)", key=f"sub-{id}")
        chosen = st.selectbox(
            "Right",
            list(_OPTIONS),
            format_func=lambda name: _OPTIONS[name][0],
            key=f"right-{id}",
        )
        if st.form_submit_button("Apply") and (who := _person_from_form(issuer, subject)):
            workspace.share(kind, id, who, _OPTIONS[chosen][1])
            st.rerun()


def _person_from_form(issuer: str, subject: str) -> Person | None:
    """The person entered in a form, or None after an error that names what is missing."""
    fields = {"issuer": issuer.strip(), "subject": subject.strip()}
    missing = [name for name, text in fields.items() if not text]
    if not missing:
        return Person(fields["issuer"], fields["subject"])
    st.error(
        wording.incomplete(" and the ".join(missing)),
        icon=":material/error:",
    )
    return None


def import_file() -> None:
    """Import an audit exported by another fairaudit; every hash is verified."""
    if session.refusal("ingest") is not None:
        return
    with st.expander("Import an audit from a file", icon=":material/unarchive:"):
        if _PROBLEM in st.session_state:
            st.error(layout.escaped(st.session_state[_PROBLEM]), icon=":material/error:")
        file = st.file_uploader(
            "A file exported by another fairaudit (.fairaudit.zip)",
            key=f"import-{st.session_state.setdefault(_GENERATION, 0)}",
            help=wording.VERIFIED,
        )
        if file is not None:
            _import(file.getvalue())


def _import(content: bytes) -> None:
    st.session_state.pop(_PROBLEM, None)
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "audit.zip"
            path.write_bytes(content)
            session.choose_audit(session.workspace().import_export(path))
    except FairauditError as error:
        st.session_state[_PROBLEM] = str(error)
    st.session_state[_GENERATION] += 1
    cache.forget_jobs()
    st.rerun()


def roles() -> None:
    """The users and their roles, for admins where login is configured."""
    workspace = session.workspace()
    if not access.login_configured() or workspace.role != "admin":
        return
    with st.expander("Users and roles", icon=":material/group:"):
        for person, current in workspace.people():
            layout.note(f"**{person.name or person.sub}** ({person.sub}): {current}")
        with st.form("give-role", border=False):
            issuer = st.text_input("Issuer", str(st.user.get("iss", "")), key="role-iss")
            subject = st.text_input("Subject (the user's id at the provider)", key="role-sub")
            role: Role | None = st.selectbox(
                "Role (leave empty to remove it)",
                ROLES,
                index=None,
                placeholder="no role",
                key="role-role",
            )
            if st.form_submit_button("Set role") and (who := _person_from_form(issuer, subject)):
                workspace.set_role(who, role)
                st.rerun()
