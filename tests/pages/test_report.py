"""The Report page: what is handed over is what was on screen."""

from __future__ import annotations

import hashlib
import io
import json
import sys
import zipfile

import pytest

from fairaudit.jobs.workspace import Workspace
from fairaudit.text import numbers
from fairaudit.ui import downloads
from tests import audits
from tests.pages.conftest import Open, words
from tests.pages.opening import Look, calm, on_audits, shown_table
from tests.sizes import nightly


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> Look:
    """Open a page on a small finished audit."""
    return on_audits(monkeypatch)


def test_an_empty_workspace_says_what_to_do(workspace: Workspace, open_page: Open) -> None:
    assert "No audit has finished yet" in words(open_page("report"))


@pytest.mark.parametrize("kind", ["systems", "sde", "tiny", *nightly("rome", "medl", "sweep")])
def test_every_audit_has_a_report(look: Look, kind: str) -> None:
    page = look("report", kind)
    assert calm(page)
    assert {"report.html", "manifest.json"} <= set(shown_table(page, "sha256")["file"])


def test_the_downloads_are_offered(look: Look) -> None:
    page = look("report", "systems")
    offered = {element.proto.label for element in page.get("download_button")}
    assert {"Report (HTML)", "All files (ZIP)", "Model card"} <= offered


def test_numbers_on_screen_are_in_the_report(look: Look) -> None:
    screen = look("errors", "linear", by="sex")
    rows = shown_table(screen, "denominator", "value")
    html = downloads.bundle_of("Small linear", audits.result("linear")).html.decode()
    for value in rows["value"]:
        assert numbers.value(value, "tpr") in html


def test_the_archive_holds_what_its_manifest_says(look: Look) -> None:
    made = downloads.bundle_of("Small systems", audits.result("systems"))
    with zipfile.ZipFile(io.BytesIO(made.archive)) as archive:
        manifest = json.loads(archive.read("manifest.json"))
        for name, digest in manifest["files"].items():
            assert hashlib.sha256(archive.read(name)).hexdigest() == digest
    assert made.files.height == len(manifest["files"]) + 1


def test_a_pdf_that_cannot_be_made_says_what_is_missing(
    look: Look, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = look("report", "tiny")
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    page.toggle(key="as-pdf").set_value(True).run()
    assert calm(page)
    assert "fairaudit[report]" in words(page)
