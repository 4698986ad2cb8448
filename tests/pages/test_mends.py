"""Findings with a button: one click mends, another undoes it, and the audit gets the mend."""

from __future__ import annotations

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
