"""Opening a page on one of the small finished audits, and reading what it shows."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from tests import audits
from tests.pages.conftest import APP, PATIENCE

Look = Callable[..., AppTest]


def on_audits(monkeypatch: pytest.MonkeyPatch) -> Look:
    """A function that opens a page on a small audit: `look("errors", "rome", by="sex")`."""

    def look(name: str, kind: str, **query: str | list[str]) -> AppTest:
        job = audits.finished(kind)
        monkeypatch.setenv("FAIRAUDIT_WORKSPACE", str(audits.root()))
        monkeypatch.delenv("FAIRAUDIT_READONLY", raising=False)
        app = AppTest.from_file(str(APP), default_timeout=PATIENCE)
        app.query_params["audit"] = job
        app.run()
        app.switch_page(f"pages/{name}.py")
        app.query_params.update({"audit": job, **query})
        return app.run()

    return look


def shown_table(page: AppTest, *columns: str) -> pl.DataFrame:
    """The first table on the page that has these columns."""
    tables = [pl.from_pandas(element.value) for element in page.dataframe]
    for table in tables:
        if set(columns) <= set(table.columns):
            return table
    raise AssertionError(f"no table has {columns}; there are {[t.columns for t in tables]}")


def calm(page: AppTest) -> bool:
    """Whether nothing went wrong: no exception and no error on the page."""
    assert not page.exception, page.exception
    assert not page.error, page.error
    return True
