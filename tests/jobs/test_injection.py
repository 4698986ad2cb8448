"""Names from data in what leaves the house: pages stay pages, tables stay tables."""

from __future__ import annotations

import csv
import io
from html.parser import HTMLParser

import polars as pl
import pytest

from fairaudit.audit.result import ERRORS, GAPS, AuditResult
from fairaudit.jobs.csv import safe_csv
from fairaudit.report.page import render
from tests.jobs.corpus import FORMULAS, HTML


class Tags(HTMLParser):
    """Every element, its attributes, and what scripts say."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._in_script = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._in_script = False

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts.append(data)


def _result(name: str) -> AuditResult:
    row = [name, "test", name, name, "tpr", 50, 0.5, 0.4, 0.6, "estimated", 50.0, "Wilson"]
    gap = [name, "test", name, "tpr", "difference", 0.2, 0.1, 0.3, "estimated", 0.2, name, "x"]
    errors = pl.DataFrame([row], schema=ERRORS, orient="row")
    gaps = pl.DataFrame([gap], schema=GAPS, orient="row")
    summary = {"title": name, "method": name, "task": "binary", "target": name,
               "sensitive": [name], "warnings": [name], "rows": {"test": 50}}  # fmt: skip
    return AuditResult({"errors": errors, "gaps": gaps}, summary, {"source": name})


@pytest.mark.parametrize("name", HTML)
def test_a_name_from_data_makes_no_element_of_a_report(name: str) -> None:
    page = render(_result(name), title=name)
    tags = Tags()
    tags.feed(page)
    plain = Tags()
    plain.feed(render(_result("women"), title="women"))
    assert {tag for tag, _ in tags.found} <= {tag for tag, _ in plain.found}
    assert not any("alert(1)" in script for script in tags.scripts)
    for _, attributes in tags.found:
        assert not any(key.startswith("on") for key in attributes)
        for key in ("href", "src", "xlink:href", "action"):
            assert not (attributes.get(key) or "").lower().startswith("javascript:")


@pytest.mark.parametrize("name", FORMULAS)
def test_no_table_of_a_report_starts_a_formula(name: str) -> None:
    frame = pl.DataFrame({name: [name], "n": [-1.0]})
    rows = list(csv.reader(io.StringIO(safe_csv(frame))))
    for row in rows:
        assert not row[0].lstrip(" \u00a0\ufeff\x00").startswith(tuple("=+-@\t\r\n＝＋－＠"))
