"""Data: from a file or a sample to accepted roles."""

from __future__ import annotations

from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fairaudit.data.samples import SAMPLES
from fairaudit.exceptions import InputError
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui import choose_data
from fairaudit.ui.roles_link import unpack
from tests.pages.conftest import Open, words

CSV = b"sex,score,hired\n" + b"".join(
    b"%s,%d,%s\n" % (b"fm"[i % 2 : i % 2 + 1], i, b"yes" if i % 3 else b"no") for i in range(120)
)


def upload(app: AppTest, name: str, content: bytes) -> AppTest:
    """Drop a file."""
    app.get("file_uploader")[0].set_value((name, content, "text/csv"))
    return app.run()


def test_an_uploaded_table_is_stored_and_its_roles_are_suggested(
    open_page: Open, workspace: Workspace
) -> None:
    app = upload(open_page("data"), "people.csv", CSV)
    assert not app.exception
    assert [d.name for d in workspace.datasets()] == ["people.csv"]
    text = words(app)
    assert "120 rows" in text
    assert "hired" in text
    assert app.query_params["data"] == workspace.datasets()[0].sha256
    assert not app.get("file_uploader")


def test_a_file_that_is_no_table_gives_one_message_and_the_uploader_again(
    open_page: Open, workspace: Workspace
) -> None:
    app = open_page("data")
    before = app.get("file_uploader")[0].key
    app = upload(app, "broken.parquet", b"PAR1 but not really")
    assert not app.exception
    assert len(app.error) == 1
    assert "broken.parquet" in app.error[0].value
    assert app.get("file_uploader")[0].key != before
    assert workspace.datasets() == []


def test_one_click_accepts_the_proposal_and_goes_on(open_page: Open, lending: str) -> None:
    app = open_page("data", data=lending)
    app.button(key="accept").click().run()
    assert not app.exception
    assert app.title[0].value == "Audit"
    roles = unpack(app.query_params["roles"])
    assert roles is not None
    assert roles.target == "repaid"
    assert set(roles.predictions) == {"decision_a", "decision_b"}


def test_any_guess_can_be_changed(open_page: Open, lending: str) -> None:
    app = open_page("data", data=lending)
    app.multiselect(key=f"roles-{lending[:12]}-sensitive").set_value(["sex"]).run()
    app.multiselect(key=f"roles-{lending[:12]}-predictions").set_value([]).run()
    app.multiselect(key=f"roles-{lending[:12]}-scores").set_value([]).run()
    app.button(key="accept").click().run()
    assert app.title[0].value == "Train"
    roles = unpack(app.query_params["roles"])
    assert roles is not None
    assert roles.sensitive == ("sex",)
    assert roles.predictions == ()


def test_a_column_with_two_parts_is_refused_in_words(open_page: Open, lending: str) -> None:
    app = open_page("data", data=lending)
    app.multiselect(key=f"roles-{lending[:12]}-sensitive").set_value(["repaid"]).run()
    assert not app.exception
    assert any("both the target and a sensitive attribute" in e.value for e in app.error)
    assert "accept" not in [b.key for b in app.button]


@pytest.mark.parametrize("name", list(SAMPLES))
def test_a_sample_is_one_click_from_the_next_page(open_page: Open, name: str) -> None:
    app = open_page("data")
    app.button(key=f"sample-{name}").click().run()
    assert not app.exception
    assert app.title[0].value == ("Audit" if SAMPLES[name].roles.predictions else "Train")


def test_names_from_a_file_never_act_as_markup(open_page: Open, workspace: Workspace) -> None:
    content = b"<img src=x onerror=alert(1)>,sex,**bold**\n" + b"1,f,yes\n2,m,no\n3,f,yes\n" * 30
    app = upload(open_page("data"), "<script>alert(1)</script>.csv", content)
    assert not app.exception
    html = "\n".join(e.proto.body for e in app.get("html"))
    assert "<script>alert" not in html
    assert "<img" not in html
    for element in (*app.markdown, *app.caption):
        assert not element.allow_html
        assert "**bold**" not in element.value.replace("\\*", "*") or "\\*" in element.value


def test_a_read_only_dashboard_takes_no_files(
    open_page: Open, lending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAIRAUDIT_READONLY", "1")
    app = open_page("data")
    assert not app.get("file_uploader")
    assert not [b for b in app.button if str(b.key).startswith("sample-")]


def test_a_data_set_that_is_gone_is_said_to_be_gone(open_page: Open, root: Path) -> None:
    app = open_page("data", data="0" * 64)
    assert not app.exception
    assert "Not found, or you don't have access" in app.warning[0].value
    assert app.button(key="sample-lending"), "the way on"


def test_deleting_a_data_set_removes_it_and_what_was_made_of_it(
    open_page: Open, with_audit: Workspace
) -> None:
    app = open_page("data", data=with_audit.jobs()[0].dataset)
    next(b for b in app.button if b.label == "Delete permanently").click().run()
    assert not app.exception
    assert with_audit.datasets() == []
    assert with_audit.jobs() == []


def test_a_public_set_is_fetched_only_on_a_click(
    open_page: Open, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def offline(name: str) -> bytes:
        asked.append(name)
        raise InputError("no connection to OpenML; check the network")

    monkeypatch.setattr(choose_data, "download", offline)
    app = open_page("data")
    assert asked == []
    app.button(key="fetch-public").click().run()
    assert len(asked) == 1
    assert not app.exception
    assert any("check the network" in e.value for e in app.error)


def test_how_a_file_was_read_is_listed_and_any_column_name_works(
    open_page: Open, workspace: Workspace
) -> None:
    rows = "".join(f"{'fm'[i % 2]};1 00{i % 10},50 €;u{i % 3};{i % 2}\n" for i in range(60))
    app = upload(open_page("data"), "people.csv", f"sex;value;variable;y\n{rows}".encode())
    assert not app.exception
    assert "How the file was read" in [header.value for header in app.header]
    assert "was read as 1000.5" in words(app)
    assert workspace.datasets()[0].names == ("sex", "value", "variable", "y")
