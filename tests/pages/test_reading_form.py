"""The Data page: how a file was read can be looked at, changed and undone."""

from __future__ import annotations

import codecs
import gzip
import io

import openpyxl
import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from fairaudit.audit.spec import AuditSpec
from fairaudit.data.roles import ColumnRoles
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui.reading_form import rows_named
from tests.pages.conftest import Open, words
from tests.pages.test_data import upload

POLISH = "płeć;wiek;przyjęty\n" + "".join(
    f"{('kobieta', 'mężczyzna')[i % 2]};{20 + i % 40};{('tak', 'nie')[i % 3 == 0]}\n"
    for i in range(90)
)
FRENCH = "sexe,âge,employé\n" + "".join(
    f"{('féminin', 'masculin')[i % 2]},{20 + i % 40},{('oui', 'non')[i % 3 == 0]}\n"
    for i in range(90)
)
VALUES = "".join(f"{'fm'[i % 2]},{i % 7},{'ab'[i % 3 == 0]}\n" for i in range(60))


def read_again(app: AppTest) -> AppTest:
    """Press the button of the form."""
    [button] = [b for b in app.button if b.label == "Read the file this way"]
    button.click().run()
    assert not app.exception
    return app


def unfolded(app: AppTest) -> bool:
    """Whether the choices are shown without a click."""
    [form] = [e for e in app.expander if e.label.startswith("How the file was read")]
    return bool(form.proto.expanded)


def widget(app: AppTest, ending: str) -> str:
    """The key of a widget of the form."""
    return next(
        str(w.key)
        for w in (*app.radio, *app.selectbox, *app.text_input, *app.multiselect)
        if str(w.key).startswith("read-") and str(w.key).endswith(ending)
    )


@pytest.mark.parametrize(
    ("content", "encoding", "letters"),
    [(POLISH, "cp1250", "mężczyzna"), (FRENCH, "cp850", "féminin")],
)
def test_another_encoding_is_chosen_by_its_words_and_undone(
    open_page: Open, workspace: Workspace, content: str, encoding: str, letters: str
) -> None:
    app = upload(open_page("data"), "people.csv", content.encode(encoding))
    first = app.query_params["data"]
    radio = app.radio(key=widget(app, "encoding"))
    assert any(letters in caption for caption in radio.proto.captions)
    chosen = next(name for v in _values(radio) if (name := codecs.lookup(v).name) != radio.value)
    radio.set_value(chosen)
    read_again(app)
    again = app.query_params["data"]
    assert again != first
    [info] = [d for d in workspace.datasets() if d.sha256 == again]
    assert info.options.encoding == chosen
    assert not unfolded(app)
    assert "The text is read as" in words(app)
    next(b for b in app.button if b.label == "Undo").click().run()
    assert not app.exception
    assert app.query_params["data"] == first


def _values(radio: object) -> list[str]:
    return [o.rpartition("(")[2].rstrip(")") for o in radio.options]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("word", "encoding"), [("é", "cp850"), ("Ñ 1", "cp1252"), ("Zoë", "mac_roman")]
)
def test_a_file_whose_encoding_is_in_doubt_is_asked_about_at_once(
    open_page: Open, workspace: Workspace, word: str, encoding: str
) -> None:
    content = "name,y\n" + "".join(f"{word},{i % 2}\n" for i in range(40))
    app = upload(open_page("data"), "people.csv", content.encode(encoding))
    assert unfolded(app)
    assert any("Choose the one whose words look right" in w.value for w in app.warning)
    radio = app.radio(key=widget(app, "encoding"))
    [right] = [i for i, caption in enumerate(radio.proto.captions) if caption == word]
    radio.set_value(codecs.lookup(_values(radio)[right]).name)
    read_again(app)
    assert not unfolded(app), "also where the guess was confirmed"
    assert not app.warning
    assert workspace.dataset(app.query_params["data"])["name"].unique().to_list() == [word]


def test_unicode_needs_no_choice_of_an_encoding(open_page: Open) -> None:
    app = upload(open_page("data"), "people.csv", POLISH.encode())
    assert not unfolded(app)
    assert not [r for r in app.radio if str(r.key).endswith("encoding")]


@pytest.mark.parametrize("packed", [False, True])
def test_a_first_row_that_looks_like_a_value_is_asked_about(
    open_page: Open, workspace: Workspace, packed: bool
) -> None:
    content = VALUES.encode()
    app = upload(open_page("data"), "people.csv", gzip.compress(content) if packed else content)
    assert unfolded(app)
    assert "column_1" in workspace.datasets()[0].names
    app.radio(key=widget(app, "header")).set_value(True)
    read_again(app)
    info = next(d for d in workspace.datasets() if d.sha256 == app.query_params["data"])
    assert info.names[0] == "f"
    assert info.options.header is True
    assert not unfolded(app)


def test_a_sheet_is_chosen_by_its_name(open_page: Open, workspace: Workspace) -> None:
    workbook, book = openpyxl.Workbook(), io.BytesIO()
    for title, outcome in (("2023", "hired"), ("2024", "promoted")):
        sheet = workbook.create_sheet(title)
        sheet.append(["sex", outcome])
        for i in range(60):
            sheet.append(["fm"[i % 2], int(i % 3 == 0)])
    workbook.save(book)
    app = upload(open_page("data"), "people.xlsx", book.getvalue())
    app.selectbox(key=widget(app, "sheet")).set_value("2024")
    read_again(app)
    info = next(d for d in workspace.datasets() if d.sha256 == app.query_params["data"])
    assert info.names == ("sex", "promoted")
    assert info.options.sheet == "2024"


def test_experts_choose_rows_delimiter_and_text(open_page: Open, workspace: Workspace) -> None:
    content = b"sex;room;hired\n" + b"f;1|2;1\nm;2|3;0\n" * 30 + b"f;7;1\n"
    app = upload(open_page("data", session={"mode": "Expert"}), "people.csv", content)
    app.text_input(key=widget(app, "rows")).set_value("2, 61-62")
    app.multiselect(key=widget(app, "text")).set_value(["hired"])
    read_again(app)
    info = next(d for d in workspace.datasets() if d.sha256 == app.query_params["data"])
    assert info.options.skip_rows == (2, 61, 62)
    assert info.rows == 58
    assert workspace.dataset(info.sha256)["hired"].dtype == pl.String
    assert "3 changes" not in words(app)
    assert len([b for b in app.button if b.label == "Undo"]) == 2


def test_a_choice_that_does_not_fit_is_said_and_changes_nothing(
    open_page: Open, workspace: Workspace
) -> None:
    app = upload(open_page("data", session={"mode": "Expert"}), "people.csv", POLISH.encode())
    app.text_input(key=widget(app, "rows")).set_value("all of them")
    read_again(app)
    assert any("is no number of a row" in e.value for e in app.error)
    assert len(workspace.datasets()) == 1


def test_what_is_chosen_is_in_the_audit_s_request(open_page: Open, workspace: Workspace) -> None:
    app = upload(open_page("data"), "people.csv", VALUES.encode())
    app.radio(key=widget(app, "header")).set_value(True)
    read_again(app)
    sha256 = app.query_params["data"]
    roles = ColumnRoles(target="b", sensitive=("f",), predictions=())
    spec = AuditSpec(roles=roles, method="linear", title="t")
    job = workspace.submit(JobSpec(dataset=sha256, audit=spec))
    assert workspace.spec(job).audit.reading.header is True


def test_the_file_goes_with_the_dataset_and_is_kept_for_uploads_only(
    open_page: Open, workspace: Workspace
) -> None:
    app = upload(open_page("data"), "people.csv", POLISH.encode())
    folder = workspace.root / "datasets" / app.query_params["data"]
    assert (folder / "source").read_bytes() == POLISH.encode()
    workspace.delete_dataset(app.query_params["data"])
    assert not folder.exists()
    by_hand = workspace.ingest(POLISH.encode(), name="people.csv")
    app = open_page("data", data=by_hand.sha256)
    assert not app.exception
    assert not [e for e in app.expander if e.label.startswith("How the file was read")]


@pytest.mark.parametrize(
    ("text", "rows"),
    [("0", ()), ("7", (7,)), ("7, 9-12", (7, 9, 10, 11, 12)), ("3–4,3", (3, 4)), (" 2 ,", (2,))],
)
def test_rows_are_named_as_people_write_them(text: str, rows: tuple[int, ...]) -> None:
    assert rows_named(text) == rows
