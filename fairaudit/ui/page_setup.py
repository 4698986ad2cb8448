"""The frame: page settings, sign-in, navigation, the side bar, and a door no error passes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from fairaudit.jobs.info import JobInfo
from fairaudit.text.quantities import ago
from fairaudit.ui import access, cache, layout, session
from fairaudit.ui.navigation import WALK, Step

_ICON = Path(__file__).with_name("icon.svg")  # a named icon would be fetched from the network
_INSIDE = "inside the frame"


def draw() -> None:
    """The whole frame, and the chosen page in it."""
    st.set_page_config(
        page_title="fairaudit",
        page_icon=_ICON,
        layout="wide",
        menu_items={"Get help": None, "Report a bug": None, "About": None},
    )
    layout.styled()
    access.require_login()
    pages = {place: _page(place) for place in WALK}
    chosen = st.navigation(list(pages.values()), position="hidden")
    with st.sidebar:
        _menu(pages)
        mode_control()
        whereabouts()
        access.sign_out_control()
    with layout.guarded():
        session.follow()
        st.session_state[_INSIDE] = True
        try:
            chosen.run()
        finally:
            st.session_state[_INSIDE] = False


def enter() -> None:
    """First statement of every page: go on inside the frame, or draw the frame around it.

    Streamlit runs a file of a folder named `pages` on its own when a cold server's first visitor
    follows a deep link. Sign-in and error door must stand there too.
    """
    if not st.session_state.get(_INSIDE):
        draw()
        st.stop()


def _page(place: Step) -> st.Page:
    return st.Page(
        place.file,
        title=place.title,
        icon=place.icon,
        url_path=place.name,
        default=place is WALK[0],
    )


def _menu(pages: Mapping[Step, st.Page]) -> None:
    """The walk as links that keep what this tab looks at.

    Streamlit's own menu loses the query parameters, and its list is not valid HTML (axe: list).
    """
    section = ""
    for place, page in pages.items():
        if place.section != section:
            section = place.section
            st.html(f"<p class='section'>{section}</p>")
        st.page_link(
            page,
            label=place.title,
            icon=place.icon,
            width="stretch",
            query_params=session.link(),
        )
    st.divider()


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
    titles = {j.id: f"{j.title} · {ago(j.finished)}" for j in done}
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
