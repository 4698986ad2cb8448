"""Where a table comes from: a file, a sample, a public set, or what is already here."""

from __future__ import annotations

import streamlit as st

from fairaudit.data.public import PUBLIC_SETS, download
from fairaudit.data.samples import SAMPLES, Sample
from fairaudit.data.store import DatasetInfo
from fairaudit.jobs.workspace import Workspace
from fairaudit.text.quantities import bytes_, count
from fairaudit.ui import cache, layout, session, uploads


def sources(workspace: Workspace, *, barred: str | None = None) -> None:
    """Everything a person may start from; `barred` says why they may bring nothing."""
    if barred is not None:
        layout.quiet(barred)
    else:
        samples(workspace)
        st.header("Your own table", anchor=False)
        uploads.uploader(workspace)
        public()
    earlier(workspace)


def samples(workspace: Workspace) -> None:
    """One card a bundled sample; a click ingests it with its roles already known."""
    st.header("Samples with a known truth", anchor=False)
    known = list(SAMPLES.values())
    for first in range(0, len(known), 2):
        for cell, sample in zip(
            st.columns(2, gap="small"), known[first : first + 2], strict=False
        ):
            with cell, st.container(border=True, height="stretch"):
                _card(sample)


def _card(sample: Sample) -> None:
    st.markdown(f"**{layout.plain(sample.title)}**")
    layout.quiet(sample.description)
    st.button(
        f"Use {layout.plain(sample.title.partition(':')[0].lower())}",
        key=f"sample-{sample.name}",
        on_click=_take,
        args=(sample,),
    )


def _take(sample: Sample) -> None:
    with layout.guarded():
        info = session.workspace().ingest(sample.path, name=sample.path.name)
        session.choose_dataset(info.sha256)
        session.accept_roles(sample.roles)
        session.go_later("audit" if sample.roles.predictions else "train")


def public() -> None:
    """Public data sets, fetched from OpenML only on a click."""
    with st.expander("Public data sets (fetched from openml.org)", icon=":material/public:"):
        name = st.selectbox(
            "Data set",
            list(PUBLIC_SETS),
            format_func=lambda n: PUBLIC_SETS[n].title,
            key="public-set",
        )
        layout.quiet(f"Origin and terms: {PUBLIC_SETS[name].page}")
        if st.button("Fetch it", key="fetch-public", icon=":material/download:"):
            with layout.guarded(), st.spinner(f"Fetching {layout.plain(name)} …"):
                found = session.workspace().ingest(download(name), name=f"{name}.parquet")
                session.choose_dataset(found.sha256)
                st.rerun()


def remove(info: DatasetInfo) -> None:
    """The way to delete a data set with everything made of it."""
    with st.popover("Delete", icon=":material/delete:"):
        layout.quiet("The table and every audit made of it are removed for good.")
        st.button("Delete for good", type="primary", on_click=_remove, args=(info.sha256,))


def _remove(sha256: str) -> None:
    with layout.guarded():
        session.workspace().delete_dataset(sha256)
        session.forget_dataset()
        cache.forget()


def earlier(workspace: Workspace) -> None:
    """Data sets ingested before, newest first."""
    known = workspace.datasets()
    if not known:
        return
    st.header(f"Already here: {count(len(known), 'data set')}", anchor=False)
    with st.container(gap=None):
        for info in known[:20]:
            _earlier_row(info)


def _earlier_row(info: DatasetInfo) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.button(
            layout.plain(info.name),
            key=f"open-{info.sha256[:16]}",
            icon=":material/table:",
            type="tertiary",
            on_click=session.choose_dataset,
            args=(info.sha256,),
        )
        st.caption(
            f"{count(info.rows, 'row')}, {count(info.columns, 'column')}, {bytes_(info.bytes)}"
        )
