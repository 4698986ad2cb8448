"""Report: what to hand over, with the same numbers as the screen."""

from __future__ import annotations

import streamlit as st

from fairaudit.ui import frame, handover, layout, opened

frame.enter()

audit = opened.open_audit("report")
bundle = handover.bundle(audit)
layout.page(
    "report",
    f"The report of “{audit.job.title}” is **one file of {bundle.size}** that opens without a "
    "network, prints, and holds the same numbers as these pages.",
)
first, second, third = st.columns(3, gap="small")
with first:
    handover.offer("Report (HTML)", bundle.html, "report.html", "text/html", primary=True)
with second:
    handover.offer("Everything (ZIP)", bundle.archive, "report.zip", "application/zip")
with third:
    handover.offer("Model card", bundle.card, "model_card.md", "text/markdown")
handover.pdf(audit, bundle)

st.header("Preview", anchor=False)
handover.preview(bundle)
st.header("Files and their hashes", anchor=False)
layout.numbers(bundle.files, key="files", name="files")

layout.how(
    "Page, tables and card are written from the tables of this audit, by the same functions that "
    "draw the screen. `manifest.json` holds the SHA-256 of every file and of the data, so that "
    "anyone can check that nothing was changed.",
    command=audit.command,
)
