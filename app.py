"""The frame of the dashboard: page settings, sign-in, navigation, and a door no error passes."""

from __future__ import annotations

import streamlit as st

from fairaudit.ui import access, frame, layout, session
from fairaudit.ui.walk import WALK

st.set_page_config(
    page_title="fairaudit",
    page_icon=":material/balance:",
    layout="wide",
    menu_items={"Get help": None, "Report a bug": None, "About": None},
)
layout.styled()
access.require_login()

sections: dict[str, list[st.Page]] = {}
for place in WALK:
    page = st.Page(
        place.file,
        title=place.title,
        icon=place.icon,
        url_path=place.name,
        default=place is WALK[0],
        help=place.question,
    )
    sections.setdefault(place.section, []).append(page)
chosen = st.navigation(sections, expanded=True)

with st.sidebar:
    frame.mode_control()
    frame.whereabouts()
    access.sign_out_control()

with layout.guarded():
    session.follow()
    chosen.run()
