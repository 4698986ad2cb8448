"""Handing an audit on: the link, one file for another fairaudit, and rights for people."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import streamlit as st

from fairaudit.data.store import DatasetInfo
from fairaudit.exceptions import FairauditError
from fairaudit.jobs.info import JobInfo
from fairaudit.jobs.users import ROLES, Person, Resource, Right, Role
from fairaudit.ui import access, cache, layout, session

_GENERATION = "import-generation"
_PROBLEM = "import-problem"
_RIGHTS: dict[Right, str] = {"view": "may look", "manage": "may look, cancel, share and delete"}
_GIVEN: dict[str, tuple[str, Right | None]] = {
    "view": (_RIGHTS["view"], "view"),
    "manage": (_RIGHTS["manage"], "manage"),
    "none": ("may no longer look", None),  # a word of its own: Streamlit takes None for "unset"
}


def share(job: JobInfo) -> None:
    """The ways to hand a finished audit on."""
    with st.popover("Share", icon=":material/share:"):
        layout.quiet("This page's address is the link: it reopens audit, page and choices.")
        st.download_button(
            "One file for another fairaudit",
            data=_packed(job.id),
            file_name=f"{job.id}.fairaudit.zip",
            mime="application/zip",
            icon=":material/archive:",
            key=f"export-{job.id}",
            on_click="ignore",
        )
        _rights("job", job.id)


def share_data(info: DatasetInfo) -> None:
    """Rights to a data set for other people, where there are other people."""
    if _may_share("dataset", info.sha256):
        with st.popover("Share", icon=":material/share:"):
            layout.quiet("Sharing the table does not share its audits, nor they the table.")
            _rights("dataset", info.sha256)


def _may_share(kind: Resource, id: str) -> bool:
    return access.login_configured() and session.workspace().may("share", kind, id)


def _packed(job_id: str) -> Callable[[], bytes]:
    """The file, made when it is asked for."""
    workspace = session.workspace()

    def make() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            return workspace.export(job_id, Path(folder) / "audit.zip").read_bytes()

    return make


def _rights(kind: Resource, id: str) -> None:
    """Who may look or manage, and the form that gives or takes it."""
    if not _may_share(kind, id):
        return
    workspace = session.workspace()
    for person, given in workspace.shares(kind, id):
        layout.quiet(f"**{person.name or person.sub}** {_RIGHTS[given]}")
    with st.form(f"share-{id}", border=False):
        issuer = st.text_input("Issuer", str(st.user.get("iss", "")), key=f"iss-{id}")
        subject = st.text_input("Subject (as the login names the person)", key=f"sub-{id}")
        chosen = st.selectbox(
            "Right",
            list(_GIVEN),
            format_func=lambda name: _GIVEN[name][0],
            key=f"right-{id}",
        )
        if st.form_submit_button("Share with this person") and (
            who := _person_from_form(issuer, subject)
        ):
            workspace.share(kind, id, who, _GIVEN[chosen][1])
            st.rerun()


def _person_from_form(issuer: str, subject: str) -> Person | None:
    """The person of a form; says what is missing, because half a name is nobody's."""
    given = {"issuer": issuer.strip(), "subject": subject.strip()}
    missing = [name for name, text in given.items() if not text]
    if not missing:
        return Person(given["issuer"], given["subject"])
    st.error(
        f"Nothing was changed: give the {' and the '.join(missing)} as well. Both stand in the "
        "person's login token (`iss` and `sub`).",
        icon=":material/error:",
    )
    return None


def bring_in() -> None:
    """Open an audit that another fairaudit exported; every hash is checked."""
    if session.barred("ingest") is not None:
        return
    with st.expander("Open an audit from a file", icon=":material/unarchive:"):
        if _PROBLEM in st.session_state:
            st.error(layout.plain(st.session_state[_PROBLEM]), icon=":material/error:")
        file = st.file_uploader(
            "A file another fairaudit exported (.fairaudit.zip)",
            key=f"import-{st.session_state.setdefault(_GENERATION, 0)}",
            help="The hash of every file in it is checked; the data set is not part of it.",
        )
        if file is not None:
            _keep(file.getvalue())


def _keep(content: bytes) -> None:
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


def people() -> None:
    """Who may do what, for admins where login is configured."""
    workspace = session.workspace()
    if not access.login_configured() or workspace.role != "admin":
        return
    with st.expander("People and roles", icon=":material/group:"):
        for person, role in workspace.people():
            layout.quiet(f"**{person.name or person.sub}** ({person.sub}): {role}")
        with st.form("give-role", border=False):
            issuer = st.text_input("Issuer", str(st.user.get("iss", "")), key="role-iss")
            subject = st.text_input("Subject (as the login names the person)", key="role-sub")
            given: Role | None = st.selectbox(
                "Role (empty takes it away)",
                ROLES,
                index=None,
                placeholder="no role",
                key="role-role",
            )
            if st.form_submit_button("Give this role") and (
                who := _person_from_form(issuer, subject)
            ):
                workspace.set_role(who, given)
                st.rerun()
