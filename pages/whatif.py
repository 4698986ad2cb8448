"""What if there were more groups: worst group, fit, stability, and who splits from whom."""

from __future__ import annotations

import streamlit as st

from fairaudit.plots import whatif
from fairaudit.text import leads
from fairaudit.text.table_rows import CRITERIA
from fairaudit.ui import layout, page_setup, result_page, url_widgets

page_setup.enter()

audit = result_page.open_audit("whatif")
sweep = result_page.require(
    audit,
    "whatif",
    "It was fitted with one number of groups. Start a sweep on the Train page: all numbers of "
    "groups are fitted in one job, and moving the slider here then takes no time.",
)
metric = whatif.metric_of(audit.result)
head = st.container()
counts, start = sweep["n_groups"].to_list(), whatif.preferred(sweep)
at = url_widgets.number("Number of groups", counts, key="groups", start=start)
with head:
    layout.page("whatif", leads.whatif_lead(sweep, metric, at))
view = url_widgets.view(("Worst group", "Lineage", "Criteria", "Stability"))

if view == "Worst group":
    layout.chart(whatif.trade_off(sweep, metric, at=at).bare(), key="trade-off")
    layout.data_table(whatif.readable(sweep), key="sweep", name="sweep", metric=metric)
elif view == "Lineage":
    lineage = audit.table("lineage")
    if lineage is None:
        layout.quiet("This sweep holds no lineage; run it again to have one.")
    else:
        drawn = whatif.lineage(lineage, upto=at)
        layout.told(drawn, key="lineage")
elif view == "Criteria":
    known = [name for name in CRITERIA if name in sweep.columns]
    name = url_widgets.one_of("Criterion", known, key="criterion", words=CRITERIA.__getitem__)
    drawn = whatif.criterion(sweep, name, at=at)
    layout.told(drawn, key="criterion-chart")
else:
    drawn = whatif.stability(sweep, at=at)
    layout.told(drawn, key="stability")

layout.how(
    "For every number of groups G the method was fitted from many starts on training rows; the "
    "worst group and everybody are measured on held-out rows. BIC and ICL charge for parameters, "
    "ICL also for vague membership. *Stability* is the adjusted Rand index between the groups of "
    "bootstrap refits: 1 means the same groups every time, 0 means chance. No criterion is "
    "obeyed silently: the choice of G is yours.",
    formula=r"\text{BIC} = k \ln n - 2 \ln \hat L, \quad \text{ICL} = \text{BIC} - 2 \sum_{ij} "
    r"r_{ij} \ln r_{ij}",
    command=audit.command,
)
layout.next_step("whatif", audit.result.tables)
