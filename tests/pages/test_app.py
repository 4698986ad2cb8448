"""The frame around every page: what it loads, whom it lets in, what it never shows."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fairaudit.exceptions import InputError, SpecError
from fairaudit.jobs.users import Person
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui.navigation import PAGES, next_page
from tests.pages.conftest import APP, Open, words

_OPEN_EVERY_PAGE = """
import sys
from functools import cache
from streamlit.components.v2 import manifest_scanner
manifest_scanner.scan_component_manifests = cache(manifest_scanner.scan_component_manifests)
from streamlit.testing.v1 import AppTest
from fairaudit.ui.navigation import PAGES
app = AppTest.from_file({app!r}, default_timeout=60)
app.query_params.update({query!r})
app.run()
for place in PAGES:
    app.switch_page(place.file).run()
    assert not app.exception, (place.name, app.exception[0].message)
    assert app.title[0].value == place.title, (place.name, [t.value for t in app.title])
heavy = sorted({{"torch", "sklearn"}} & set(sys.modules))
assert not heavy, heavy
"""


def test_every_page_opens_without_torch_or_scikit_learn(with_audit: Workspace) -> None:
    job = with_audit.jobs()[0]
    code = _OPEN_EVERY_PAGE.format(app=str(APP), query={"audit": job.id, "data": job.dataset})
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            **os.environ,
            "FAIRAUDIT_WORKSPACE": str(with_audit.root),
            "PYTHONPATH": str(APP.parent),
        },
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("place", PAGES, ids=lambda place: place.name)
def test_every_page_says_what_to_do_in_an_empty_workspace(open_page: Open, place) -> None:
    app = open_page(place.name)
    assert not app.exception
    assert [t.value for t in app.title] == [place.title]
    assert "lead" in words(app)


def test_an_error_meant_for_people_becomes_a_message(
    open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Workspace) -> list[object]:
        raise InputError("the disk <b>is</b> away; plug it in")

    monkeypatch.setattr(Workspace, "datasets", broken)
    app = open_page("data")
    assert not app.exception
    assert any("plug it in" in e.value and "\\<b\\>" in e.value for e in app.error)


def test_a_link_to_nothing_says_the_same_as_a_link_without_right(
    open_page: Open, with_audit: Workspace
) -> None:
    nothing = open_page("errors", audit="20260101-000000-0123456789ab")
    foreign = open_page("errors", audit="../../etc/passwd")
    assert words(nothing) == words(foreign)
    assert "have access" in words(nothing)
    assert "Linear on lending" not in words(nothing).split("have access")[0]


def test_guided_mode_leads_on_and_expert_mode_does_not(
    open_page: Open, with_audit: Workspace
) -> None:
    def ways(mode: str) -> list[str]:
        app = open_page("errors", audit=with_audit.jobs()[0].id, mode=mode)
        return [link.proto.label for link in app.get("page_link")]

    assert any(label.startswith("Next:") for label in ways("Guided"))
    assert not any(label.startswith("Next:") for label in ways("Expert"))


def test_the_next_step_passes_over_pages_with_nothing_to_show() -> None:
    held = {"errors", "gaps", "stress_time"}
    assert next_page("errors").name == "groups"
    assert next_page("errors", held).name == "stress"
    assert next_page("stress", held).name == "compare"
    assert next_page("report", held) is None


def test_a_plain_audit_is_led_past_pages_of_other_methods(
    open_page: Open, with_audit: Workspace
) -> None:
    app = open_page("errors", audit=with_audit.jobs()[0].id)
    assert [link.proto.label for link in app.get("page_link") if "Next:" in link.proto.label] == [
        "Next: No harm – Which system, for whom?"
    ]


# -- people ------------------------------------------------------------------------------------

ANNA = {"is_logged_in": True, "iss": "https://id.example", "sub": "anna", "name": "Anna"}
BERT = {"is_logged_in": True, "iss": "https://id.example", "sub": "bert", "name": "Bert"}


def test_where_login_is_configured_nobody_sees_anything_before_signing_in(
    root: Path, with_audit: Workspace
) -> None:
    from streamlit.testing.v1 import AppTest

    app = AppTest.from_file(str(APP), default_timeout=60)
    app.user = {"is_logged_in": False}
    app.query_params["audit"] = with_audit.jobs()[0].id
    app.run()
    assert [b.label for b in app.button] == ["Sign in"]
    assert "Linear on lending" not in words(app)


def test_one_person_never_sees_the_audits_of_another(root: Path, with_audit: Workspace) -> None:
    from streamlit.testing.v1 import AppTest

    for who in (ANNA, BERT):
        with_audit.set_role(Person(who["iss"], who["sub"], who["name"]), "auditor")
    job = with_audit.jobs()[0]
    with_audit.share("job", job.id, Person(ANNA["iss"], ANNA["sub"]), "view")

    def seen_by(who: dict[str, object]) -> str:
        app = AppTest.from_file(str(APP), default_timeout=60)
        app.user = who
        app.query_params["audit"] = job.id
        app.run()
        app.switch_page("pages/errors.py").run()
        assert not app.exception
        return words(app)

    assert "true-positive rate" in seen_by(ANNA)
    assert "have access" in seen_by(BERT)
    assert "true-positive rate" in seen_by(ANNA)


def test_an_unknown_page_is_refused() -> None:
    from fairaudit.ui.navigation import page_named

    with pytest.raises(SpecError, match="nowhere"):
        page_named("nowhere")
