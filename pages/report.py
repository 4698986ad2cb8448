"""Report: files to share, with the same numbers as the screens."""

from __future__ import annotations

import streamlit as st

from fairaudit.text.screens import report as wording
from fairaudit.ui import downloads, layout, page_setup, result_page

page_setup.start_page()

audit = result_page.open_audit("report")
bundle = downloads.bundle(audit)
layout.header(
    "report",
    wording.single_file(audit.job.title, bundle.size),
)
first, second, third = st.columns(3, gap="small")
with first:
    downloads.button("Report (HTML)", bundle.html, "report.html", "text/html", primary=True)
with second:
    downloads.button("All files (ZIP)", bundle.archive, "report.zip", "application/zip")
with third:
    downloads.button("Model card", bundle.card, "model_card.md", "text/markdown")
downloads.pdf(audit, bundle)

st.header("Preview", anchor=False)
downloads.preview(bundle)
st.header("Files and hashes", anchor=False)
layout.data_table(bundle.files, key="files", name="files")

layout.computation(
    wording.HOW,
    outcome=audit.outcome,
    command=audit.command,
)
