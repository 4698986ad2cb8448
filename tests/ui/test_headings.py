"""Every column of every table that a screen or a report shows has a plain heading."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from fairaudit.audit import presets
from fairaudit.report.sections import sections
from fairaudit.text.headings import HEADINGS
from fairaudit.ui import layout, url_widgets
from fairaudit.ui.navigation import PAGES, has_content
from tests import audits
from tests.pages.conftest import APP, PATIENCE
from tests.sizes import nightly

ROOT = Path(__file__).resolve().parents[2]
WALKED = ("systems", "rome", "stress", "search", "sweep", "compare", "multiclass")  # every table
KINDS = (*WALKED, "linear", "sde", "medl", "regression")
# the functions that draw a table themselves: one for result tables, the others for a person's
# own columns or with headings of their own
DRAWING = {
    ("fairaudit/ui/layout.py", "data_table"),
    ("fairaudit/ui/doctor_view.py", "proxies"),
    ("fairaudit/ui/doctor_view.py", "reasons"),
    ("pages/data.py", "inspect"),
}
Seen = set[tuple[str, str]]  # (where, column)


def unnamed(where: str, columns: Sequence[str]) -> Seen:
    return {(where, column) for column in columns if column not in HEADINGS}


def test_headings_are_plain_english() -> None:
    for column, (heading, meaning) in HEADINGS.items():
        assert heading[:1].isupper() or heading == "z" or heading[0] == "p", (column, heading)
        assert "_" not in heading + meaning, (column, heading, meaning)


def test_tables_are_drawn_in_one_place() -> None:
    calls = set()
    for path in (*(ROOT / "pages").glob("*.py"), *(ROOT / "fairaudit" / "ui").glob("*.py")):
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef):
                calls |= {
                    (path.relative_to(ROOT).as_posix(), function.name)
                    for node in ast.walk(function)
                    if re.match(r"\w+\.(dataframe|table|data_editor)\(", ast.unparse(node))
                    and isinstance(node, ast.Call)
                    and ast.unparse(node.func).startswith("st.")
                }
    assert calls == DRAWING


@pytest.mark.parametrize("kind", KINDS)
def test_columns_of_a_report_have_headings(kind: str) -> None:
    missing: Seen = set()
    for section in sections(audits.result(kind)):
        if section.rows is not None:
            missing |= unnamed(section.title, section.rows.columns)
    assert not missing


@pytest.mark.parametrize("name", presets.NAMES)
def test_columns_of_a_legal_rule_have_headings(name: str) -> None:
    applied = presets.apply(
        name,
        result=None if name == "uk-gender-pay-gap" else audits.result("systems"),
        score=[20.0, 18.0] if name == "uk-gender-pay-gap" else None,
        groups={"sex": ["male", "female"]} if name == "uk-gender-pay-gap" else None,
        frame=pl.read_csv(audits.table("lending"), infer_schema_length=None),
        roles=audits.spec("systems").roles,
        confidence=0.9,
        options=presets.PresetOptions(sex="sex", race="ethnicity"),
    )
    missing: Seen = set()
    for title, table in applied.tables.items():
        missing |= unnamed(title, table.columns)
    assert applied.tables
    assert not missing


class Recorder:
    """Notes the tables that a page shows, and leads it through all of its views."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.missing: Seen = set()
        self.tables = 0
        self.views: list[str] = []
        self.wanted: str | None = None
        self.chart, self.data_table = layout.chart, layout.data_table
        monkeypatch.setattr(layout, "chart", self._chart)
        monkeypatch.setattr(layout, "data_table", self._data_table)
        monkeypatch.setattr(url_widgets, "view", self._view)

    def _chart(self, drawn: Any, *, key: str, **options: Any) -> Any:
        self._note(key, drawn.table.columns)
        return self.chart(drawn, key=key, **options)

    def _data_table(self, frame: pl.DataFrame, *, key: str, **options: Any) -> Any:
        if not options.get("own_names"):
            self._note(key, frame.columns)
        return self.data_table(frame, key=key, **options)

    def _view(self, options: Sequence[str], **_: Any) -> str:
        self.views = list(options)
        return options[0] if self.wanted is None else self.wanted

    def _note(self, where: str, columns: Sequence[str]) -> None:
        self.tables += bool(columns)
        self.missing |= unnamed(where, columns)


def shown_pages(kind: str) -> Iterator[str]:
    tables = audits.result(kind).tables
    yield from (p.name for p in PAGES if p.section == "Results" and has_content(p, tables))


@pytest.mark.parametrize("kind", [*WALKED, *nightly(*KINDS[len(WALKED) :])])
def test_columns_of_every_view_have_headings(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    job = audits.finished(kind)
    monkeypatch.setenv("FAIRAUDIT_WORKSPACE", str(audits.root()))
    monkeypatch.delenv("FAIRAUDIT_READONLY", raising=False)
    recorder = Recorder(monkeypatch)
    app = AppTest.from_file(str(APP), default_timeout=PATIENCE)
    app.query_params["audit"] = job
    app.run()
    for page in shown_pages(kind):
        recorder.views, recorder.wanted = [], None
        app.switch_page(f"pages/{page}.py").run()
        for view in recorder.views[1:]:
            recorder.wanted = view
            app.run()
            assert not app.exception, (page, view, app.exception)
    assert recorder.tables, "no table was shown"
    assert not recorder.missing
