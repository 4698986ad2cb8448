"""Sharing and roles on the screen: who is offered what, and what the forms do."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from fairaudit.data.samples import SAMPLES
from fairaudit.jobs.users import Person
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui.roles_link import pack
from tests import audits
from tests.pages.conftest import APP, PATIENCE, words

ISSUER = "https://id.example"
Visit = Callable[..., AppTest]


def person(name: str) -> Person:
    """Somebody the identity provider knows."""
    return Person(ISSUER, name, name.title())


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A workspace with an admin, two auditors and a viewer; Olga has a table and an audit."""
    root = tmp_path_factory.mktemp("house")
    owner = Workspace(root)
    for name, role in (
        ("adam", "admin"), ("olga", "auditor"), ("anna", "auditor"), ("vera", "viewer"),
    ):  # fmt: skip
        owner.set_role(person(name), role)  # type: ignore[arg-type]
    olga = Workspace(root, person("olga"))
    job = audits.run(olga, audits.table("lending"), audits.spec("systems"))
    return root, olga.job(job).dataset, job


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, house: tuple[Path, str, str]) -> Path:
    """A copy of the house that a test may change."""
    folder = tmp_path / "house"
    shutil.copytree(house[0], folder)
    monkeypatch.setenv("FAIRAUDIT_WORKSPACE", str(folder))
    monkeypatch.delenv("FAIRAUDIT_READONLY", raising=False)
    return folder


@pytest.fixture
def data(house: tuple[Path, str, str]) -> str:
    """Olga's table."""
    return house[1]


@pytest.fixture
def job(house: tuple[Path, str, str]) -> str:
    """Olga's audit."""
    return house[2]


@pytest.fixture
def visit(root: Path) -> Visit:
    """Open a page as somebody: `visit("vera", "jobs", audit=…)`."""

    def as_(name: str, page: str, **query: str) -> AppTest:
        app = AppTest.from_file(str(APP), default_timeout=PATIENCE)
        app.user = {"is_logged_in": True, "iss": ISSUER, "sub": name, "name": name.title()}
        app.query_params.update(query)
        app.run()
        if page != "data":
            app.switch_page(f"pages/{page}.py")
            app.query_params.update(query)
            app.run()
        assert not app.exception
        return app

    return as_


def submit(app: AppTest, label: str) -> AppTest:
    """Press the button of a form."""
    next(button for button in app.button if button.label == label).click().run()
    assert not app.exception
    return app


def offered(app: AppTest) -> set[str]:
    """What the buttons, forms and drawers of a page are called."""
    drawers = {block.label for block in app.expander}
    return {button.label for button in app.button} | drawers


# -- sharing an audit ----------------------------------------------------------------------------


def test_an_owner_shares_an_audit_and_the_other_person_sees_it(
    visit: Visit, root: Path, job: str
) -> None:
    assert "have access" in words(visit("vera", "errors", audit=job))
    page = visit("olga", "jobs", audit=job)
    page.text_input(key=f"sub-{job}").set_value("vera")
    submit(page, "Apply")
    assert Workspace(root, person("olga")).shares("job", job) == [(person("vera"), "view")]
    assert "<strong>Vera</strong> can view" in words(page)
    assert "have access" not in words(visit("vera", "errors", audit=job))


def test_the_issuer_is_that_of_the_person_who_shares(visit: Visit, job: str) -> None:
    page = visit("olga", "jobs", audit=job)
    assert page.text_input(key=f"iss-{job}").value == ISSUER


def test_a_right_can_be_taken_back_on_the_screen(visit: Visit, root: Path, job: str) -> None:
    Workspace(root, person("olga")).share("job", job, person("anna"), "manage")
    page = visit("olga", "jobs", audit=job)
    assert "<strong>Anna</strong> can view, cancel, share and delete" in words(page)
    page.text_input(key=f"sub-{job}").set_value("anna")
    page.selectbox(key=f"right-{job}").set_value("none")
    submit(page, "Apply")
    assert Workspace(root, person("olga")).shares("job", job) == []
    assert "have access" in words(visit("anna", "errors", audit=job))


@pytest.mark.parametrize(
    ("field", "told"), [("sub", "enter the subject as well"), ("iss", "enter the issuer as well")]
)
def test_with_half_a_name_nothing_is_shared_and_the_form_says_what_is_missing(
    visit: Visit, root: Path, job: str, field: str, told: str
) -> None:
    page = visit("olga", "jobs", audit=job)
    page.text_input(key=f"sub-{job}").set_value("vera")
    page.text_input(key=f"{field}-{job}").set_value("   ")
    submit(page, "Apply")
    assert Workspace(root, person("olga")).shares("job", job) == []
    assert told in page.error[0].value
    assert "Nothing was changed" in page.error[0].value


def test_whoever_may_only_look_cannot_share_delete_or_run_again(
    visit: Visit, root: Path, job: str
) -> None:
    Workspace(root, person("olga")).share("job", job, person("vera"), "view")
    names = offered(visit("vera", "jobs", audit=job))
    assert not names & {"Apply", "Run again", "Delete permanently"}
    assert "Import an audit from a file" not in names


def test_whoever_manages_an_audit_may_share_it_on(visit: Visit, root: Path, job: str) -> None:
    Workspace(root, person("olga")).share("job", job, person("anna"), "manage")
    names = offered(visit("anna", "jobs", audit=job))
    assert {"Apply", "Run again", "Delete permanently"} <= names


def test_an_admin_may_share_what_is_not_theirs(visit: Visit, root: Path, job: str) -> None:
    page = visit("adam", "jobs", audit=job)
    page.text_input(key=f"sub-{job}").set_value("anna")
    submit(page, "Apply")
    assert Workspace(root, person("anna")).may("open", "job", job)


# -- sharing a table -----------------------------------------------------------------------------


def test_an_owner_shares_a_table_and_the_other_person_can_use_it(
    visit: Visit, root: Path, data: str
) -> None:
    page = visit("olga", "data", data=data)
    page.text_input(key=f"sub-{data}").set_value("anna")
    submit(page, "Apply")
    anna = Workspace(root, person("anna"))
    assert anna.may("use", "dataset", data)
    assert [d.sha256 for d in anna.datasets()] == [data]
    assert not visit("anna", "train", data=data).button(key="start").disabled


def test_a_shared_table_does_not_share_its_audit(
    visit: Visit, root: Path, data: str, job: str
) -> None:
    Workspace(root, person("olga")).share("dataset", data, person("anna"), "view")
    assert "have access" in words(visit("anna", "errors", audit=job))


def test_a_table_is_offered_for_sharing_only_to_whom_it_belongs(
    visit: Visit, root: Path, data: str
) -> None:
    Workspace(root, person("olga")).share("dataset", data, person("vera"), "view")
    Workspace(root, person("olga")).share("dataset", data, person("anna"), "view")
    assert "Apply" in offered(visit("olga", "data", data=data))
    assert "Apply" in offered(visit("adam", "data", data=data))
    for name in ("vera", "anna"):
        assert "Apply" not in offered(visit(name, "data", data=data))


def test_a_link_to_a_table_without_the_right_looks_like_a_link_to_nothing(
    visit: Visit, data: str
) -> None:
    foreign = visit("anna", "data", data=data)
    nothing = visit("anna", "data", data="0" * 64)
    assert words(foreign) == words(nothing)
    assert offered(foreign) == offered(nothing)
    assert "have access" in words(foreign)
    assert "lending.csv" not in words(foreign)
    assert "data" not in foreign.query_params


@pytest.mark.parametrize("page", ["audit", "train"])
def test_no_page_tells_of_a_table_without_the_right(visit: Visit, data: str, page: str) -> None:
    link = {"data": data, "roles": pack(SAMPLES["lending"].roles)}
    said = words(visit("vera", page, **link))
    assert "have access" in said
    assert "rows" not in said.split("have access")[0]


# -- roles ---------------------------------------------------------------------------------------


def test_a_viewer_is_told_before_the_click_that_they_start_nothing(
    visit: Visit, root: Path, data: str
) -> None:
    Workspace(root, person("olga")).share("dataset", data, person("vera"), "view")
    start = visit("vera", "train", data=data).button(key="start")
    assert start.disabled
    assert "role" in start.help


def test_a_viewer_brings_no_data_and_is_told_whom_to_ask(visit: Visit) -> None:
    page = visit("vera", "data")
    assert "ask an admin" in words(page)
    assert not page.get("file_uploader")
    assert not any(label.startswith("Use ") for label in offered(page))


def test_a_viewer_s_look_at_a_table_with_decisions_starts_no_audit(
    visit: Visit, root: Path, data: str
) -> None:
    Workspace(root, person("olga")).share("dataset", data, person("vera"), "view")
    page = visit("vera", "audit", data=data, roles=pack(audits.spec("systems").roles))
    assert "has not been run" in words(page)
    assert Workspace(root, person("vera")).jobs() == []


def test_an_auditor_may_bring_data_and_start(visit: Visit) -> None:
    page = visit("anna", "data")
    assert page.get("file_uploader")
    assert any(label.startswith("Use ") for label in offered(page))


def test_somebody_without_a_role_is_told_so(visit: Visit) -> None:
    assert "no role in this workspace yet" in words(visit("stranger", "data"))


def test_an_admin_gives_and_takes_a_role_on_the_screen(visit: Visit, root: Path) -> None:
    page = visit("adam", "jobs")
    assert "(vera): viewer" in words(page)
    page.text_input(key="role-sub").set_value("stranger")
    page.selectbox(key="role-role").set_value("auditor")
    submit(page, "Set role")
    assert Workspace(root, person("stranger")).role == "auditor"
    assert visit("stranger", "data").get("file_uploader")
    page = visit("adam", "jobs")
    page.text_input(key="role-sub").set_value("stranger")
    submit(page, "Set role")
    assert Workspace(root, person("stranger")).role is None


def test_a_role_for_nobody_is_refused_in_words(visit: Visit) -> None:
    page = visit("adam", "jobs")
    page.text_input(key="role-iss").set_value("")
    submit(page, "Set role")
    assert "enter the issuer and the subject as well" in page.error[0].value


@pytest.mark.parametrize("name", ["olga", "vera", "stranger"])
def test_only_admins_see_who_has_which_role(visit: Visit, name: str) -> None:
    page = visit(name, "jobs")
    assert "Users and roles" not in offered(page)
    assert "(vera): viewer" not in words(page)


def test_a_single_user_is_asked_for_no_rights(root: Path, job: str) -> None:
    app = AppTest.from_file(str(APP), default_timeout=PATIENCE)
    app.query_params["audit"] = job
    app.run()
    app.switch_page("pages/jobs.py").run()
    assert not app.exception
    assert not offered(app) & {"Apply", "Users and roles", "Set role"}
    assert "Run again" in offered(app)
