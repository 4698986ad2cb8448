"""Train: which method to use, its settings, and what is missing before it can start."""

from __future__ import annotations

import streamlit as st

from fairaudit.text.sentences.method_choice import why_method
from fairaudit.ui import layout, page_setup, result_page, session, train_form

page_setup.start_page()

sha256, roles = result_page.chosen_data("train")
info = session.dataset_info(sha256)
images = info.kind == "images"
refusal = session.refusal("submit")

layout.header("train", train_form.lead(info, roles))
top = st.container()
chosen = train_form.method_cards(roles, images=images, expert=session.expert())
if why := why_method(chosen):
    layout.note(why)
reasons = train_form.missing(chosen, roles, images=images) + train_form.data_errors(sha256, roles)
fields, device = train_form.request(chosen, roles, info, expert=session.expert())
with top:
    for reason in reasons:
        st.warning(layout.escaped(reason), icon=":material/block:")
    if st.button(
        "Start the audit",
        type="primary",
        icon=":material/play_arrow:",
        key="start",
        disabled=bool(reasons) or refusal is not None,
        help=refusal,
    ):
        train_form.start(sha256, fields, device)
