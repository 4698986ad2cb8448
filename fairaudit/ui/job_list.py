"""All audits a user may see, and what can be done with one of them."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from fairaudit.jobs.info import JobInfo
from fairaudit.text.numbers import ago, count, duration
from fairaudit.text.screens import jobs as wording
from fairaudit.ui import access, cache, layout, progress, session, sharing

_PAGE = 12  # jobs listed at first
_RESULTS = (("errors", "Errors by group"), ("report", "Report"))


def lead(jobs: Sequence[JobInfo]) -> str:
    """The lead sentence of the page."""
    if not jobs:
        return "No audits yet."
    number = {state: sum(j.state == state for j in jobs) for state in progress.STATES}
    busy = number["running"] + number["cancelling"]
    parts = [f"**{busy} running**", f"**{number['queued']} waiting**"]
    parts.append(f"**{number['succeeded']} done**")
    parts += [f"**{number[s]} {s}**" for s in ("failed", "cancelled") if number[s]]
    return wording.counts(", ".join(parts))


def actions(job: JobInfo) -> None:
    """What can be done with a finished job: open, share, run again, read the log, delete."""
    if not job.final:
        _log(job)
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        if job.state == "succeeded":
            for page, label in _RESULTS:
                layout.page_link(page, label)
            sharing.share(job)
        if session.refusal("submit") is None:
            st.button("Run again", icon=":material/replay:", on_click=_again, args=(job.id,))
        if job.mine and not access.readonly():
            _delete(job)
    _log(job)


def _log(job: JobInfo) -> None:
    with st.expander("Log and settings", icon=":material/terminal:"):
        st.code(session.workspace().log(job.id)[-20_000:] or "(the log is empty)", language=None)
        st.json(session.workspace().spec(job.id).model_dump(mode="json"), expanded=False)


def _delete(job: JobInfo) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        layout.note(wording.DELETED)
        st.button("Delete permanently", on_click=_remove, args=(job.id,), type="primary")


def _again(job_id: str) -> None:
    with layout.error_messages():
        session.choose_audit(session.workspace().run_again(job_id))
        cache.forget_jobs()


def _remove(job_id: str) -> None:
    with layout.error_messages():
        session.workspace().delete(job_id)
        session.forget_audit()
        cache.forget()


def listing(jobs: Sequence[JobInfo], chosen: str | None) -> None:
    """One line per job, newest first."""
    st.header(count(len(jobs), "audit"), anchor=False)
    shown = int(st.session_state.setdefault("jobs-shown", _PAGE))
    with st.container(gap=None):
        for job in jobs[:shown]:
            _line(job, here=job.id == chosen)
    if len(jobs) > shown:
        st.button(f"Show {min(_PAGE, len(jobs) - shown)} more", on_click=_more, key="more-jobs")


def _more() -> None:
    st.session_state["jobs-shown"] += _PAGE


def _line(job: JobInfo, *, here: bool) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        progress.badge(job)
        title = layout.escaped(job.title or job.method)
        st.button(
            f"**{title}**" if here else title,
            key=f"job-{job.id}",
            type="tertiary",
            on_click=session.choose_audit,
            args=(job.id,),
        )
        when = ago(job.finished or job.started or job.created)
        took = f", took {duration(job.seconds)}" if job.seconds is not None else ""
        st.caption(f"{when}{took}{', shown above' if here else ''}", width="content")
