"""Uploads: each file is hashed and parsed once by the workspace; only its id is kept."""

from __future__ import annotations

import streamlit as st

from fairaudit.exceptions import FairauditError
from fairaudit.jobs.workspace import Workspace
from fairaudit.text.screens import data as wording
from fairaudit.ui import layout, session

_GENERATION = "upload-generation"
_PROBLEM = "upload-problem"


def uploader(workspace: Workspace) -> None:
    """Upload area for one file; a file that cannot be read leaves an error message only."""
    if _PROBLEM in st.session_state:
        st.error(layout.escaped(st.session_state[_PROBLEM]), icon=":material/error:")
    file = st.file_uploader(
        "Your file: CSV, TSV, XLSX, Parquet, Arrow, JSON lines (also .gz or .zst), "
        "or a ZIP of images with a table",
        key=f"upload-{st.session_state.setdefault(_GENERATION, 0)}",
        help=wording.SIZE,
    )
    if file is None:
        return
    st.session_state.pop(_PROBLEM, None)
    try:
        with st.spinner(f"Reading {layout.escaped(file.name)} …"):
            info = workspace.ingest(file.getvalue(), name=file.name, keep_source=True)
            session.choose_dataset(info.sha256)
    except FairauditError as error:
        text = str(error)
        st.session_state[_PROBLEM] = text if file.name in text else f"{file.name}: {text}"
    st.session_state[_GENERATION] += 1  # with a new key, Streamlit releases the bytes
    st.rerun()
