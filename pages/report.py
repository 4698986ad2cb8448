"""Report: what to hand over, with the same numbers as the screen."""

from __future__ import annotations

import streamlit as st

from fairaudit.ui import downloads, layout, page_setup, result_page

page_setup.enter()

audit = result_page.open_audit("report")
bundle = downloads.bundle(audit)
layout.page(
    "report",
    f"The report of “{audit.job.title}” is **one file of {bundle.size}** that opens without a "
    "network, prints, and holds the same numbers as these pages.",
)
first, second, third = st.columns(3, gap="small")
with first:
    downloads.offer("Report (HTML)", bundle.html, "report.html", "text/html", primary=True)
with second:
    downloads.offer("Everything (ZIP)", bundle.archive, "report.zip", "application/zip")
with third:
    downloads.offer("Model card", bundle.card, "model_card.md", "text/markdown")
downloads.pdf(audit, bundle)

st.header("Preview", anchor=False)
downloads.preview(bundle)
st.header("Files and their hashes", anchor=False)
layout.data_table(bundle.files, key="files", name="files")

layout.how(
    "Page, tables and card are written from the tables of this audit, by the same functions that "
    "draw the screen. `manifest.json` holds the SHA-256 of every file and of the data, so that "
    "anyone can check that nothing was changed.",
    command=audit.command,
)
