"""Sources of a table: a file, a sample, a public dataset, or one already in the workspace."""

from __future__ import annotations

import streamlit as st

from fairaudit.data.public import PUBLIC_SETS, download
from fairaudit.data.samples import SAMPLES, Sample
from fairaudit.data.store import DatasetInfo
from fairaudit.jobs.workspace import Workspace
from fairaudit.text.numbers import bytes_, count
from fairaudit.text.screens import data as wording
from fairaudit.text.sentences.reading import reading_changes
from fairaudit.ui import cache, layout, session, uploads


def sources(workspace: Workspace, *, refusal: str | None = None) -> None:
    """All sources of data; `refusal` is the reason why this user may not add any."""
    if refusal is not None:
        layout.note(refusal)
    else:
        samples(workspace)
        st.header("Your own table", anchor=False)
        uploads.uploader(workspace)
        public()
    earlier(workspace)


def samples(workspace: Workspace) -> None:
    """One card per bundled sample; a click ingests it with its roles already set."""
    st.header("Samples with known ground truth", anchor=False)
    known = list(SAMPLES.values())
    for first in range(0, len(known), 2):
        for cell, sample in zip(
            st.columns(2, gap="small"), known[first : first + 2], strict=False
        ):
            with cell, st.container(border=True, height="stretch"):
                _card(sample)


def _card(sample: Sample) -> None:
    st.markdown(f"**{layout.escaped(sample.title)}**")
    layout.note(sample.description)
    st.button(
        f"Use {layout.escaped(sample.title.partition(':')[0])}",
        key=f"sample-{sample.name}",
        on_click=_take,
        args=(sample,),
    )


def _take(sample: Sample) -> None:
    with layout.error_messages():
        info = session.workspace().ingest(sample.path, name=sample.path.name)
        session.choose_dataset(info.sha256)
        session.accept_roles(sample.roles)
        session.go_later(session.after_roles(sample.roles))


def public() -> None:
    """Public datasets, downloaded from OpenML only on request."""
    with st.expander("Public datasets (downloaded from openml.org)", icon=":material/public:"):
        name = st.selectbox(
            "Dataset",
            list(PUBLIC_SETS),
            format_func=lambda n: PUBLIC_SETS[n].title,
            key="public-set",
        )
        layout.note(f"Origin and terms: {PUBLIC_SETS[name].page}")
        if st.button("Download", key="fetch-public", icon=":material/download:"):
            with layout.error_messages(), st.spinner(f"Downloading {layout.escaped(name)} …"):
                info = session.workspace().ingest(download(name), name=f"{name}.parquet")
                session.choose_dataset(info.sha256)
                st.rerun()


def remove(info: DatasetInfo) -> None:
    """A button that deletes a dataset and every audit of it."""
    with st.popover("Delete", icon=":material/delete:"):
        layout.note(wording.DELETED)
        st.button("Delete permanently", type="primary", on_click=_remove, args=(info.sha256,))


def _remove(sha256: str) -> None:
    with layout.error_messages():
        session.workspace().delete_dataset(sha256)
        session.forget_dataset()
        cache.forget()


def earlier(workspace: Workspace) -> None:
    """Datasets already in the workspace, newest first."""
    known = workspace.datasets()
    if not known:
        return
    st.header(f"Already in this workspace: {count(len(known), 'dataset')}", anchor=False)
    with st.container(gap=None):
        for info in known[:20]:
            _earlier_row(info)


def _earlier_row(info: DatasetInfo) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            layout.escaped(info.name),
            key=f"open-{info.sha256[:16]}",
            icon=":material/table:",
            type="tertiary",
            on_click=session.choose_dataset,
            args=(info.sha256,),
        )
        chosen = " ".join(sentence for _, sentence in reading_changes(info.options))
        size = f"{count(info.rows, 'row')}, {count(info.columns, 'column')}, {bytes_(info.bytes)}"
        st.caption(layout.escaped(f"{size}. {chosen}" if chosen else size))
