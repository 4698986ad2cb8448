"""The side of the frame: how much is shown, and which data and audit this tab looks at."""

from __future__ import annotations

import streamlit as st

from fairaudit.jobs.info import JobInfo
from fairaudit.ui import cache, layout, session


def mode_control() -> None:
    """Guided (defaults, next step) or expert (every knob)."""
    st.segmented_control(
        "How much is shown",
        ["Guided", "Expert"],
        default="Guided",
        required=True,
        key="mode",
        help="Guided shows what matters and the next step; expert shows every setting.",
        bind="query-params",
        width="stretch",
    )


def whereabouts() -> None:
    """The data set and the audit that every page talks about, and the way to another audit."""
    data = session.dataset_id()
    if data is not None:
        names = {d.sha256: d.name for d in session.workspace().datasets()}
        st.caption(f"Data: {layout.plain(names.get(data, 'not available'))}")
    done = [j for j in cache.jobs() if j.state == "succeeded"]
    if done:
        _audit_choice(done)


def _audit_choice(done: list[JobInfo]) -> None:
    titles = {j.id: j.title for j in done}
    current = session.audit_id()
    st.session_state["audit-choice"] = current if current in titles else None
    st.selectbox(
        "Audit",
        list(titles),
        format_func=lambda job_id: titles.get(job_id, ""),
        key="audit-choice",
        placeholder="Choose an audit",
        on_change=_look_at_choice,
    )


def _look_at_choice() -> None:
    chosen = st.session_state["audit-choice"]
    if chosen is not None:
        session.choose_audit(chosen)
