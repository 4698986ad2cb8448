"""What if there were more groups: fit, worst group, stability, and who splits from whom."""

from __future__ import annotations

import streamlit as st

from fairaudit.plots import whatif
from fairaudit.ui import choices, layout, opened

VIEWS = ("Worst group", "Lineage", "Criteria", "Stability")

audit = opened.open_audit("whatif")
sweep = opened.require(
    audit,
    "sweep",
    "It was fitted with one number of groups. Start a sweep on the Train page: all numbers of "
    "groups are fitted in one job, and then changing the number here takes no time.",
)
