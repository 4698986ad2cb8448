"""The files of a finished audit as downloads, and a look at the report before it is sent."""

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
from fairaudit.text import quantities
from fairaudit.ui import layout, session
from fairaudit.ui.result_page import OpenedAudit

PREVIEW_HEIGHT = 620


@dataclass(frozen=True)
class ReportFiles:
    """The report as bytes: the page, the card, everything zipped, and the list of files."""

    html: bytes
    card: bytes
    archive: bytes
    files: pl.DataFrame

    @property
    def size(self) -> str:
        """Size of the page in words."""
        return quantities.bytes_(len(self.html))


def bundle(audit: OpenedAudit) -> ReportFiles:
    """The report of an audit, written once and kept for the next look."""
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
    """All files in one archive, under their names in the folder."""
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in written:
            archive.write(path, path.relative_to(folder).as_posix())
    return memory.getvalue()


def listing(folder: Path, written: list[Path]) -> pl.DataFrame:
    """file, bytes, SHA-256 of everything written."""
    return pl.DataFrame(
        {
            "file": [path.relative_to(folder).as_posix() for path in written],
            "bytes": [path.stat().st_size for path in written],
            "sha256": [hashlib.sha256(path.read_bytes()).hexdigest() for path in written],
        }
    )


def offer(label: str, data: bytes, name: str, kind: str, *, primary: bool = False) -> None:
    """One download."""
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


def pdf(audit: OpenedAudit, made: ReportFiles) -> None:
    """The same page as PDF, where the extra for it is installed; made when asked for."""
    if not st.toggle("As PDF", key="as-pdf"):
        return
    try:
        with st.spinner("Setting the pages …"):
            content = _pdf(session.workspace().cache_key, audit.job.id, made.html)
    except SpecError as error:
        layout.quiet(str(error))
        return
    offer("Report (PDF)", content, "report.pdf", "application/pdf")


@st.cache_data(max_entries=8, show_spinner=False)
def _pdf(who: tuple[str, str], job_id: str, html: bytes) -> bytes:
    return pdf_of(html.decode())


def preview(made: ReportFiles) -> None:
    """The page itself; as a data URL it has an origin of its own and cannot touch this one."""
    coded = base64.b64encode(made.html).decode()
    st.iframe(f"data:text/html;base64,{coded}", height=PREVIEW_HEIGHT)
