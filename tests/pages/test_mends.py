"""Findings with a button: one click mends, another undoes it, and the audit gets the mend."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from fairaudit.data.mends import JoinLabels
from fairaudit.jobs.workspace import Workspace
from fairaudit.ui.roles_link import pack, unpack
from tests.pages.conftest import Open, words

CSV = b"sex,pay,experience,hired\n" + b"".join(
    b"%s,%s,%d,%s\n"
    % (
        (b"Female", b"female", b"Male")[i % 3],
        b"lots" if i % 40 == 0 else b"%d" % (1000 + i),
        i % 17,
        (b"yes", b"no", b"YES")[i % 3 if i % 5 else 1],
    )
    for i in range(240)
)


def _opened(open_page: Open, workspace: Workspace) -> AppTest:
    info = workspace.ingest(CSV, name="people.csv")
    return open_page("data", data=info.sha256)


def _buttons(app: AppTest, label: str) -> list[str]:
    return [str(b.key) for b in app.button if b.label == label]


def test_a_click_joins_labels_and_another_undoes_it(open_page: Open, workspace: Workspace) -> None:
    app = _opened(open_page, workspace)
    join = next(k for k in _buttons(app, "Join the labels") if "near_labels" in k)
    before = len(_buttons(app, "Join the labels"))
    app.button(key=join).click().run()
    assert not app.exception
    assert len(_buttons(app, "Join the labels")) == before - 1
    assert "are counted together" in words(app)
    [undo] = _buttons(app, "Undo")
    app.button(key=undo).click().run()
    assert not app.exception
    assert _buttons(app, "Undo") == []
    assert len(_buttons(app, "Join the labels")) == before


def test_accepted_roles_carry_the_mends(open_page: Open, workspace: Workspace) -> None:
    app = _opened(open_page, workspace)
    while keys := [k for k in _buttons(app, "Join the labels") if "near_labels" in k]:
        app.button(key=keys[0]).click().run()
        assert not app.exception
    for key in _buttons(app, "Read as numbers"):
        app.button(key=key).click().run()
    app.button(key="accept").click().run()
    assert not app.exception
    roles = unpack(app.query_params["roles"])
    assert roles is not None
    assert {m.kind for m in roles.mends} == {"join_labels", "as_numbers"}
    assert {m.column for m in roles.mends if isinstance(m, JoinLabels)} == {"sex", "hired"}
    assert unpack(pack(roles)) == roles


def test_a_mended_table_can_be_left_out_of_and_taken_back(
    open_page: Open, workspace: Workspace
) -> None:
    app = _opened(open_page, workspace)
    key = _buttons(app, "Read as numbers")[0]
    app.button(key=key).click().run()
    assert "is read as numbers" in words(app)
    app.button(key=_buttons(app, "Undo")[0]).click().run()
    assert "is read as numbers" not in words(app)


def _with_column(values: list[str], name: str) -> bytes:
    """A table of 240 people with one more column."""
    rows = CSV.decode().splitlines()
    lines = [f"{row},{values[i % len(values)]}" for i, row in enumerate(rows[1:])]
    return "\n".join([f"{rows[0]},{name}", *lines]).encode()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("reason_of_rejection", ["", "late", "late"]),  # a leak by its name
        ("first_day", [f"2024-03-{day:02d}" for day in range(1, 29)]),
        ("visited", [f"{day:02d}.03.2024" for day in range(1, 29)]),
        ("date_seen", [f"202403{day:02d}" for day in range(1, 29)]),
        ("last_login", [f"2024-03-{day:02d} 10:{day:02d}:00" for day in range(1, 29)]),
    ],
)
def test_a_column_that_was_left_out_is_used_anyway_and_left_out_again(
    open_page: Open, workspace: Workspace, name: str, values: list[str]
) -> None:
    info = workspace.ingest(_with_column(values, name), name="people.csv")
    app = open_page("data", data=info.sha256)
    assert f"use-{name}" in [str(b.key) for b in app.button]
    app.button(key=f"use-{name}").click().run()
    assert not app.exception
    assert f"use-{name}" not in [str(b.key) for b in app.button]
    assert "is used as a feature, although" in words(app)
    app.button(key="accept").click().run()
    accepted = unpack(app.query_params["roles"])
    assert accepted is not None
    assert name in accepted.features

    app = open_page("data", data=info.sha256, roles=pack(accepted))
    [undo] = _buttons(app, "Undo")
    app.button(key=undo).click().run()
    assert not app.exception
    assert f"use-{name}" in [str(b.key) for b in app.button]
    left = unpack(app.query_params["roles"])
    assert left is not None
    assert name not in left.features


def test_several_columns_can_be_used_after_a_mend(open_page: Open, workspace: Workspace) -> None:
    days = [f"2024-03-{day:02d},2023-01-{day:02d}" for day in range(1, 29)]
    info = workspace.ingest(_with_column(days, "start_day,visit_day"), name="people.csv")
    app = open_page("data", data=info.sha256)
    app.button(key=_buttons(app, "Read as numbers")[0]).click().run()
    for name in ("start_day", "visit_day"):
        app.button(key=f"use-{name}").click().run()
        assert not app.exception
    assert "3 changes, undoable" in [h.value for h in app.header]
    app.button(key="accept").click().run()
    roles = unpack(app.query_params["roles"])
    assert roles is not None
    assert {"start_day", "visit_day"} <= set(roles.features)
    assert [m.kind for m in roles.mends] == ["as_numbers"]
