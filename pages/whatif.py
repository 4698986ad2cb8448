"""What if there were more groups: worst group, fit, stability, and how groups split."""

from __future__ import annotations

import streamlit as st

from fairaudit.plots import whatif
from fairaudit.text.screens import whatif as wording
from fairaudit.text.sentences.combination import combination_sentence
from fairaudit.text.sentences.whatif import held_lead, preferences, whatif_lead
from fairaudit.text.table_rows import CRITERIA
from fairaudit.text.voice import voice_of
from fairaudit.ui import layout, page_setup, result_page, url_widgets

page_setup.start_page()

audit = result_page.open_audit("whatif")
sweep = result_page.required_table(
    audit,
    "whatif",
    wording.ONE_NUMBER,
)
metric = whatif.metric_of(audit.result)
top = st.container()
counts, start = sweep["n_groups"].to_list(), whatif.preferred(sweep)
at = url_widgets.number("Number of groups", counts, key="groups", start=start)
with top:
    layout.header("whatif", whatif_lead(sweep, metric, at, voice_of(audit.result)))
    if at == start and (picked := combination_sentence(audit.result)):
        layout.note(picked)
view = url_widgets.view(("Worst group", "Same groups", "Lineage", "Criteria", "Stability"))

if view == "Worst group":
    drawn = whatif.trade_off(sweep, metric, at=at, voice=voice_of(audit.result))
    layout.chart(drawn.bare(), key="trade-off")
    layout.data_table(whatif.readable(sweep), key="sweep", name="sweep", metric=metric)
elif view == "Same groups":
    held = audit.table("held_groups")
    if held is None:
        layout.note(wording.NO_GROUPS)
    else:
        layout.statement(held_lead(held, metric, at, voice_of(audit.result)))
        drawn = whatif.held(held, metric, at=at, voice=voice_of(audit.result))
        layout.chart(drawn.bare(), key="held")
        rows = held.filter(held["n_groups"] == at)
        layout.data_table(rows, key="held-table", name="held_groups", metric=metric)
elif view == "Lineage":
    lineage = audit.table("lineage")
    if lineage is None:
        layout.note(wording.NO_LINEAGE)
    else:
        drawn = whatif.lineage(lineage, up_to=at)
        layout.described_chart(drawn, key="lineage")
elif view == "Criteria":
    known = [name for name in CRITERIA if name in sweep.columns]
    name = url_widgets.one_of(
        "Criterion", known, key="criterion", format_func=CRITERIA.__getitem__
    )
    layout.statement(preferences(sweep))
    drawn = whatif.criterion(sweep, name, at=at)
    layout.described_chart(drawn, key="criterion-chart")
else:
    drawn = whatif.stability(sweep, at=at)
    layout.described_chart(drawn, key="stability")

layout.computation(
    wording.HOW,
    formula=r"\text{BIC} = k \ln n - 2 \ln \hat L, \quad \text{ICL} = \text{BIC} - 2 \sum_{ij} "
    r"r_{ij} \ln r_{ij}",
    outcome=audit.outcome,
    command=audit.command,
)
layout.next_step("whatif", audit.result.tables)
