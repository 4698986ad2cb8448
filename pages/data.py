"""Data: which table to use, what is in it, and the role of each column."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from fairaudit.audit.questions import PrimaryQuestion
from fairaudit.data.doctor.mending import mends_of
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.store import DatasetInfo
from fairaudit.text.screens import data as wording
from fairaudit.text.screens.access import NOT_FOUND
from fairaudit.ui import (
    access,
    cache,
    choose_data,
    doctor_view,
    layout,
    page_setup,
    pictures,
    reading_form,
    session,
    sharing,
)
from fairaudit.ui.roles import declared, left_out, score_cut
from fairaudit.ui.roles.outcome_form import OutcomeQuestion
from fairaudit.ui.roles.roles_form import RolesForm

page_setup.start_page()


def pick(*, missing: bool = False) -> None:
    """No table yet, or none that this user can open: the sources to choose from."""
    layout.header(
        "data",
        wording.START,
    )
    if missing:
        st.warning(NOT_FOUND, icon=":material/link_off:")
    choose_data.sources(session.workspace(), refusal=session.refusal("ingest"))


def inspect(sha256: str) -> None:
    """A table: suggested roles, findings, and the button to continue."""
    info = session.dataset_info(sha256)
    accepted = session.accepted_roles()
    changed = accepted or session.draft_roles()
    mends = () if changed is None else changed.mends
    table = cache.overview(sha256, mends)
    asked = doctor_view.target_question(table.diagnosis)
    if asked is not None and changed is not None and changed.target in table.columns:
        table = cache.overview(sha256, mends, changed.target)
    start = changed or table.diagnosis.roles
    checked = table.diagnosis if changed is None else cache.findings(sha256, changed)
    layout.header("data", doctor_view.proposal(info.name, table, start))
    added = left_out.used_anyway(table, start)
    stated = None if asked is None else start.target
    key = f"roles-{sha256[:12]}{doctor_view.mark(start, [g.column for g in added], stated)}"
    buttons = st.container(horizontal=True, gap="small", vertical_alignment="center")
    reading_form.show(info, table.columns)
    question = OutcomeQuestion(table, start, asked, key=key, accepted=accepted is not None)
    outcome = question.draw()
    if asked is not None and accepted is None and outcome.target not in (None, start.target):
        session.keep_roles(cache.overview(sha256, mends, outcome.target).diagnosis.roles)
        st.rerun()
    cuts = st.container()
    aside = left_out.left_out(table, start)
    problems = left_out.other_problems(checked.problems, aside)
    suggested, findings, proxies, preview = st.tabs(
        ["Suggested roles", f"Findings ({len(problems) + len(aside)})", "Proxies", "Rows"]
    )
    roles = start
    with suggested:
        form = RolesForm(table, start, key=key)
        with layout.error_messages():
            roles = form.draw(outcome, expert=session.expert())
            with cuts:
                decided = score_cut.questions(sha256, roles, start, outcome.voice, key=key)
                primary = declare(sha256, roles.model_copy(update={"mends": start.mends}), key)
            update = {"cuts": decided, "mends": mends_of(roles, start.mends)}
            roles = roles.model_copy(update=update)
            accept(buttons, info, roles, primary, outcome.missing)
        with st.expander("Every suggestion and its reason", icon=":material/stethoscope:"):
            doctor_view.reasons(table.diagnosis)
    with findings:
        doctor_view.changes(info, roles, added)
        doctor_view.problems(problems, roles)
        left_out.use_buttons(aside, roles)
        doctor_view.reading(info.notes)
    with proxies:
        doctor_view.proxies(checked)
    with preview:
        pictures.first(sha256)
        st.dataframe(table.preview, hide_index=True, alt=f"The first rows of {info.name}")


def declare(sha256: str, roles: ColumnRoles, key: str) -> PrimaryQuestion | None:
    """The primary question, asked while no result has been seen."""
    before = declared.primary_declared(roles)
    if not roles.sensitive:
        return None
    with st.expander("Declare a primary question (optional)", icon=":material/flag:"):
        layout.note(wording.PRIMARY)
        return declared.primary_input(roles, sha256, start=before, key=f"{key}-primary")


def accept(
    place: DeltaGenerator,
    info: DatasetInfo,
    roles: ColumnRoles,
    primary: PrimaryQuestion | None,
    missing: Sequence[str],
) -> None:
    """The button that accepts the roles as shown, and buttons to go back, share and delete."""
    with place:
        if st.button("Accept and continue", type="primary", icon=":material/check:", key="accept"):
            if missing:
                place.error(
                    f"Before the audit: {'; '.join(missing)}.", icon=":material/contact_support:"
                )
            else:
                session.accept_roles(roles)
                session.declare_primary(primary)
                session.open_page(session.after_roles(roles))
        st.button("Choose other data", icon=":material/undo:", on_click=session.forget_dataset)
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
    pick(missing=True)
