"""What surrounds every page: settings, sign-in, navigation, sidebar, and error messages."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import streamlit as st

from fairaudit.jobs.info import JobInfo
from fairaudit.text.numbers import ago
from fairaudit.text.screens import results as wording
from fairaudit.ui import access, cache, glossary, layout, session
from fairaudit.ui.navigation import PAGES, PageInfo

_ICON = Path(__file__).with_name("icon.svg")  # a named icon would be fetched from the network
_RUNNING = "page is being run by page_setup"


def run() -> None:
    """Set up the page, draw the sidebar, and run the chosen page."""
    st.set_page_config(
        page_title="fairaudit",
        page_icon=_ICON,
        layout="wide",
        menu_items={"Get help": None, "Report a bug": None, "About": None},
    )
    layout.load_style()
    access.require_login()
    pages = {info: _page(info) for info in PAGES}
    chosen = st.navigation(list(pages.values()), position="hidden")
    with st.sidebar:
        _menu(pages)
        mode_control()
        current_choice()
        glossary.button()
        access.sign_out_control()
    with layout.error_messages():
        session.go_now()
        st.session_state[_RUNNING] = True
        try:
            chosen.run()
        finally:
            st.session_state[_RUNNING] = False


def start_page() -> None:
    """First statement of every page: make sure that `run` is running it.

    Streamlit runs a file in a folder named `pages` on its own when a cold server's first visitor
    follows a deep link. Sign-in and error messages must be in force there too.
    """
    if not st.session_state.get(_RUNNING):
        run()
        st.stop()


def _page(info: PageInfo) -> st.Page:
    return st.Page(
        info.file,
        title=info.title,
        icon=info.icon,
        url_path=info.name,
        default=info is PAGES[0],
    )


def _menu(pages: Mapping[PageInfo, st.Page]) -> None:
    """Links to all pages that keep the dataset and audit of this tab.

    Streamlit's own menu loses the query parameters, and its list is not valid HTML (axe: list).
    """
    section = ""
    for info, page in pages.items():
        if info.section != section:
            section = info.section
            st.html(f"<p class='section'>{section}</p>")
        st.page_link(
            page,
            label=info.title,
            icon=info.icon,
            width="stretch",
            query_params=session.link(),
        )
    st.divider()


def mode_control() -> None:
    """Guided (defaults, next step) or expert (every setting)."""
    st.segmented_control(
        "Mode",
        ["Guided", "Expert"],
        default="Guided",
        required=True,
        key="mode",
        help=wording.MODES,
        bind="query-params",
        width="stretch",
    )


def current_choice() -> None:
    """The dataset and the audit of this tab, and a way to switch to another audit."""
    data = session.dataset_id()
    if data is not None:
        names = {d.sha256: d.name for d in session.workspace().datasets()}
        st.caption(f"Data: {layout.escaped(names.get(data, 'not available'))}")
    finished = [j for j in cache.jobs() if j.state == "succeeded"]
    if finished:
        _audit_choice(finished)


def _audit_choice(finished: list[JobInfo]) -> None:
    titles = {j.id: f"{j.title} · {ago(j.finished)}" for j in finished}
    current = session.audit_id()
    st.session_state["audit-choice"] = current if current in titles else None
    st.selectbox(
        "Audit",
        list(titles),
        format_func=lambda job_id: titles.get(job_id, ""),
        key="audit-choice",
        placeholder="Choose an audit",
        on_change=_open_choice,
    )


def _open_choice() -> None:
    chosen = st.session_state["audit-choice"]
    if chosen is not None:
        session.choose_audit(chosen)
