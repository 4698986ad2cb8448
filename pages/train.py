"""Train: which method, on what terms, and what it lacks before it can start."""

from __future__ import annotations

import streamlit as st

from fairaudit.ui import layout, page_setup, result_page, session, train_form

page_setup.enter()

sha256, roles = result_page.prepared("train")
info = session.dataset_info(sha256)
images = info.kind == "images"
barred = session.barred("submit")

layout.page("train", train_form.lead(info, roles))
way_on = st.container()
chosen = train_form.method_cards(roles, images=images, expert=session.expert())
missing = train_form.lacking(chosen, roles, images=images) + train_form.ailments(sha256, roles)
fields, device = train_form.request(chosen, roles, info, expert=session.expert())
with way_on:
    for reason in missing:
        st.warning(layout.plain(reason), icon=":material/block:")
    if st.button(
        "Start the audit",
        type="primary",
        icon=":material/play_arrow:",
        key="start",
        disabled=bool(missing) or barred is not None,
        help=barred,
    ):
        train_form.start(sha256, fields, device)
