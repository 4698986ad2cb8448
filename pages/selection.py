"""No harm: which system or expert for each group, chosen so that no group is harmed."""

from __future__ import annotations

import streamlit as st

from fairaudit.audit.notices import notice
from fairaudit.plots import selection
from fairaudit.text.screens import selection as wording
from fairaudit.text.sentences.choice_certificates import choice_warnings, worded_certificates
from fairaudit.text.sentences.selection import hides_groups, selection_how, selection_lead
from fairaudit.text.sentences.warnings import warning_sentence
from fairaudit.text.voice import voice_of
from fairaudit.ui import layout, page_setup, pictures, result_page, url_widgets
from fairaudit.ui.no_harm import decision, systems

page_setup.start_page()

audit = result_page.open_audit("selection")
if audit.table("selection") is None and systems.offered(audit):
    systems.show(audit)
    st.stop()
result_page.required_table(audit, "selection", systems.why_not(audit))
top = st.container()
whole = decision.whole(audit.result)
rules = decision.controls(audit.result) if whole else decision.stored(audit.result)
decision.reset(audit.result, rules)
tables = decision.tables(audit, rules)
decided = tables["selection"]
with top:
    hidden = hides_groups(audit.result.tables)
    layout.header("selection", selection_lead(tables, voice_of(audit.result), hidden=hidden))
    for warning in choice_warnings(tables):
        st.warning(layout.escaped(warning), icon=":material/warning:")
    if not whole:
        st.info(
            layout.escaped(warning_sentence(notice("choice_suppressed"))),
            icon=":material/visibility_off:",
        )

views = decision.views(audit.result)
if whole and pictures.offered(audit):  # pictures of a group show its rows
    views.append(pictures.VIEW)
view = url_widgets.view(views)
if view == "Decision":
    layout.chart(selection.decision(decided, voice=voice_of(audit.result)).bare(), key="decision")
    shown = selection.readable(decided)
    layout.data_table(shown, key="selection-table", name="selection", metric=rules.metric)
elif view == pictures.VIEW:
    groups = pictures.chosen_groups(audit)
    pictures.show(audit, attribute=groups, model="expert", split="test", start="disagree")
elif view == "Certificate":
    by_group = {c["group"]: c for c in worded_certificates(tables)}
    group = url_widgets.one_of("Group", list(by_group), key="group")
    layout.statement(f"**{group}**: {by_group[group]['verdict']}")
    layout.note(by_group[group]["words"])
    st.download_button(
        "Download all certificates (JSON)",
        data=lambda: decision.certificate_json(tables),
        file_name="certificates.json",
        mime="application/json",
        icon=":material/download:",
        on_click="ignore",
    )
else:
    if view == "Bounds":
        drawn = selection.bounds(decided, tolerance=rules.tolerance)
    elif view == "Validation and test":
        drawn = selection.validation_beside_test(decided)
    else:
        drawn = selection.alternatives(
            tables["alternatives"], rules.metric, tables.get("selection_gaps"),
            voice_of(audit.result),
        )  # fmt: skip
    layout.described_chart(drawn, key=view.lower().replace(" ", "-"))

layout.computation(
    selection_how(voice_of(audit.result), rules.confidence) + wording.TIES,
    formula=r"\text{choose } \alpha \text{ to minimise } \max_{a,b} |\alpha_a - \alpha_b| "
    r"\quad \text{s.t. } L_a(\text{expert} - \text{baseline}) > -\varepsilon",
    outcome=audit.outcome,
    command=audit.command,
)
layout.next_step("selection", audit.result.tables)
