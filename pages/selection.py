"""Selection: expert or baseline for each group, so that nobody is harmed."""

from __future__ import annotations

import streamlit as st

from fairaudit.audit.no_harm.decision import certificates, warnings
from fairaudit.plots import selection
from fairaudit.text import leads
from fairaudit.ui import decision, layout, page_setup, result_page, url_widgets

page_setup.enter()

audit = result_page.open_audit("selection")
result_page.require(
    audit,
    "selection",
    "Its method makes no choice between experts and a baseline. FairSDE does: train it on the "
    "same data to see who would be helped, and who harmed.",
)
head = st.container()
rules = decision.controls(audit.result)
decision.back(audit.result, rules)
tables = decision.tables(audit, rules)
decided = tables["selection"]
with head:
    layout.page("selection", leads.selection_lead(tables))
    for warning in warnings(tables) if "selection_gaps" in tables else []:
        st.warning(layout.plain(warning), icon=":material/warning:")

view = url_widgets.view(
    ("Decision", "Bounds", "Validation and test", "Alternatives", "Certificate"), key="view"
)
if view == "Decision":
    layout.chart(selection.decision(decided).bare(), key="decision")
    shown = selection.readable(decided)
    layout.data_table(shown, key="selection-table", name="selection", metric=rules.metric)
elif view == "Certificate":
    said = {c["group"]: c for c in certificates(tables)}
    group = url_widgets.one_of("Group", list(said), key="group")
    layout.says(f"**{group}**: {said[group]['verdict']}")
    layout.quiet(said[group]["words"])
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
            tables["alternatives"], rules.metric, tables.get("selection_gaps")
        )
    layout.told(drawn, key=view.lower().replace(" ", "-"))

layout.how(
    "An expert may take over for a group only where the paired one-sided lower bound of expert "
    "minus baseline on validation rows stays above the tolerated loss; the level is shared over "
    "all groups (Holm), so that the chance of harming *any* group is bounded. Among the choices "
    "left, the objective decides exactly; ties go to the better worst group, then the "
    "better mean, then fewer experts. Test rows took no part in the choice. Baseline, expert and "
    "gaps have 95% intervals, made as on the Errors page; those of the gap before and after come "
    "from the same rows, so overlap does not mean that nothing changed.",
    formula=r"\text{choose } \alpha \text{ to minimise } \max_{a,b} |\alpha_a - \alpha_b| "
    r"\quad \text{s.t. } L_a(\text{expert} - \text{baseline}) > -\varepsilon",
    command=audit.command,
)
layout.next_step("selection", audit.result.tables)
