"""The files of a finished audit as downloads, and a preview of the report."""

from __future__ import annotations

import base64
import hashlib
import io
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import streamlit as st

from fairaudit import report
from fairaudit.audit.result import AuditResult
from fairaudit.exceptions import SpecError
from fairaudit.report.pdf import pdf_of
from fairaudit.text import numbers
from fairaudit.ui import layout, session
from fairaudit.ui.result_page import OpenedAudit

PREVIEW_HEIGHT = 620


@dataclass(frozen=True)
class ReportFiles:
    """The report as bytes: page, model card, a ZIP of everything, and the list of files."""

    html: bytes
    card: bytes
    archive: bytes
    files: pl.DataFrame

    @property
    def size(self) -> str:
        """Size of the page as text."""
        return numbers.bytes_(len(self.html))


def bundle(audit: OpenedAudit) -> ReportFiles:
    """The report of an audit, written once and cached."""
    who = session.workspace().cache_key
    return _bundle(who, audit.job.id, audit.job.title, audit.result)


@st.cache_resource(max_entries=8, show_spinner="Writing the report …")
def _bundle(who: tuple[str, str], job_id: str, title: str, _result: AuditResult) -> ReportFiles:
    return bundle_of(title, _result)


def bundle_of(title: str, result: AuditResult) -> ReportFiles:
    """The report of a result."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        written = report.write(result, folder, title=title)
        return ReportFiles(
            (folder / "report.html").read_bytes(),
            (folder / "model_card.md").read_bytes(),
            zipped(folder, written),
            listing(folder, written),
        )


def zipped(folder: Path, written: list[Path]) -> bytes:
    """All files in one archive, under their paths in the folder."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in written:
            archive.write(path, path.relative_to(folder).as_posix())
    return memory.getvalue()


def listing(folder: Path, written: list[Path]) -> pl.DataFrame:
    """Name, size and SHA-256 of every file."""
    return pl.DataFrame(
        {
            "file": [path.relative_to(folder).as_posix() for path in written],
            "bytes": [path.stat().st_size for path in written],
            "sha256": [hashlib.sha256(path.read_bytes()).hexdigest() for path in written],
        }
    )


def button(label: str, data: bytes, name: str, kind: str, *, primary: bool = False) -> None:
    """A download button."""
    st.download_button(
        label,
        data=data,
        file_name=name,
        mime=kind,
        key=f"download-{name}",
        icon=":material/download:",
        type="primary" if primary else "secondary",
        width="stretch",
        on_click="ignore",
    )


def pdf(audit: OpenedAudit, files: ReportFiles) -> None:
    """The same page as a PDF, produced on request where the extra for it is installed."""
    if not st.toggle("Create a PDF", key="as-pdf"):
        return
    try:
        with st.spinner("Laying out the pages …"):
            content = _pdf(session.workspace().cache_key, audit.job.id, files.html)
    except SpecError as error:
        layout.note(str(error))
        return
    button("Report (PDF)", content, "report.pdf", "application/pdf")


@st.cache_data(max_entries=8, show_spinner=False)
def _pdf(who: tuple[str, str], job_id: str, html: bytes) -> bytes:
    return pdf_of(html.decode())


def preview(files: ReportFiles) -> None:
    """The report itself; as a data URL it has its own origin and cannot access this page."""
    encoded = base64.b64encode(files.html).decode()
    st.iframe(f"data:text/html;base64,{encoded}", height=PREVIEW_HEIGHT)
