"""Uploads: each file is hashed and parsed once by the workspace; only its id is kept."""

from __future__ import annotations

import polars as pl
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fairaudit.data.images import BrokenImages
from fairaudit.exceptions import FairauditError
from fairaudit.jobs.workspace import Workspace
from fairaudit.text.screens import data as wording
from fairaudit.text.sentences.reading import broken_words, without_broken
from fairaudit.ui import layout, session

_GENERATION = "upload-generation"
_PROBLEM = "upload-problem"
_BROKEN = "upload-broken-images"


def uploader(workspace: Workspace) -> None:
    """Upload area for one file; a file that cannot be read leaves an error message only."""
    if _PROBLEM in st.session_state:
        st.error(layout.escaped(st.session_state[_PROBLEM]), icon=":material/error:")
    file = st.file_uploader(
        "Your file: CSV, TSV, XLSX, Parquet, Arrow, JSON lines (also .gz or .zst), "
        "or a ZIP of images with a table or in folders by label",
        key=f"upload-{st.session_state.setdefault(_GENERATION, 0)}",
        help=wording.SIZE,
    )
    if file is None:
        st.session_state.pop(_BROKEN, None)
        return
    st.session_state.pop(_PROBLEM, None)
    broken: BrokenImages | None = st.session_state.get(_BROKEN)
    if broken is None:
        _read(workspace, file, accept_broken=False)
    elif _agreed(broken):
        _read(workspace, file, accept_broken=True)


def _read(workspace: Workspace, file: UploadedFile, *, accept_broken: bool) -> None:
    """Store an upload and show it; a file with broken images stays until the user decides."""
    try:
        with st.spinner(f"Reading {layout.escaped(file.name)} …"):
            info = workspace.ingest(
                file.getvalue(), name=file.name, keep_source=True, accept_broken=accept_broken
            )
            session.choose_dataset(info.sha256)
    except BrokenImages as error:
        st.session_state[_BROKEN] = error
        st.rerun()
    except FairauditError as error:
        text = str(error)
        st.session_state[_PROBLEM] = text if file.name in text else f"{file.name}: {text}"
    st.session_state.pop(_BROKEN, None)
    st.session_state[_GENERATION] += 1  # with a new key, Streamlit releases the bytes
    st.rerun()


def _agreed(error: BrokenImages) -> bool:
    """The list of broken images, and whether the user goes on without their rows."""
    st.warning(broken_words(len(error.broken), error.total), icon=":material/broken_image:")
    listed = pl.DataFrame([{"file": b.file, "reason": b.reason} for b in error.broken])
    layout.data_table(listed, key="broken-images", name="broken images")
    left = error.total - len(error.broken)
    return st.button(without_broken(left), type="primary", icon=":material/arrow_forward:")
