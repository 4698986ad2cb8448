"""Data: which table, what is in it, which column plays which part."""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fairaudit.data.roles import ColumnRoles
from fairaudit.data.store import DatasetInfo
from fairaudit.ui import (
    access,
    cache,
    choose_data,
    doctor_view,
    layout,
    page_setup,
    session,
    sharing,
)
from fairaudit.ui.roles_form import RolesForm

page_setup.enter()


def pick(*, gone: bool = False) -> None:
    """No table yet, or one that is not there for this person: what to start from."""
    layout.page(
        "data",
        "Start with a sample, or drop a table with **one row a person or decision**: "
        "fairaudit proposes what each column means, and you have the last word.",
    )
    if gone:
        st.warning(
            "This link shows nothing here: there is no such table, or you have no right to it.",
            icon=":material/link_off:",
        )
    choose_data.sources(session.workspace(), barred=session.barred("ingest"))


def inspect(sha256: str) -> None:
    """A table: the doctor's proposal, its findings, and the way on."""
    table = cache.overview(sha256)
    info = session.dataset_info(sha256)
    name = info.name
    accepted = session.accepted_roles()
    start = accepted or table.diagnosis.roles
    checked = table.diagnosis if accepted is None else cache.findings(sha256, accepted)
    layout.page("data", doctor_view.proposal(name, table, start))
    way_on = st.container(horizontal=True, gap="small", vertical_alignment="center")
    proposed, found, stand_ins, preview = st.tabs(
        ["Proposed parts", f"Findings ({len(checked.problems)})", "Stand-ins", "Rows"]
    )
    with proposed:
        form = RolesForm(table, start, key=f"roles-{sha256[:12]}")
        with layout.guarded():
            accept(way_on, info, form.draw(expert=session.expert()))
        with st.expander("Every guess and its reason", icon=":material/stethoscope:"):
            doctor_view.reasons(table.diagnosis)
    with found:
        doctor_view.problems(checked.problems)
    with stand_ins:
        doctor_view.proxies(checked)
    with preview:
        st.dataframe(table.preview, hide_index=True, alt=f"The first rows of {name}")


def accept(place: DeltaGenerator, info: DatasetInfo, roles: ColumnRoles) -> None:
    """The one click that accepts the parts as they stand, and the way back."""
    with place:
        if st.button("Accept and go on", type="primary", icon=":material/check:", key="accept"):
            session.accept_roles(roles)
            session.open_page("audit" if roles.predictions else "train")
        st.button("Other data", icon=":material/undo:", on_click=session.forget_dataset)
        if not access.readonly():
            sharing.share_data(info)
        if session.workspace().may("delete", "dataset", info.sha256) and not access.readonly():
            choose_data.remove(info)


chosen = session.dataset_id()
if chosen is None:
    pick()
elif session.workspace().may("open", "dataset", chosen):
    inspect(chosen)
else:
    session.forget_dataset()
    pick(gone=True)
