"""Who may do what: the matrix as a table, and the trail nobody can rewrite."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from fairaudit.exceptions import FairauditError, IntegrityError, JobError, NotAllowed
from fairaudit.jobs import runner
from fairaudit.jobs.settings import Settings
from fairaudit.jobs.users import ACCESS, LOCAL, Access, Person, may, may_do
from fairaudit.jobs.workspace import Workspace
from tests.jobs.conftest import submit_quick
from tests.jobs.quick_worker import compute

ROWS = [b"%d,%d,%s\n" % (i, i % 2, (b"f", b"m")[i % 2]) for i in range(20)]
CSV = b"x,y,sex\n" + b"".join(ROWS)
ACTIONS = ("open", "use", "export", "cancel", "share", "delete")

#          role       relation   what is allowed
MATRIX = [
    ("viewer", "own", {"open", "export"}),
    ("viewer", "manage", {"open", "export"}),
    ("viewer", "view", {"open", "export"}),
    ("viewer", "none", set()),
    ("auditor", "own", set(ACTIONS)),
    ("auditor", "manage", set(ACTIONS)),
    ("auditor", "view", {"open", "use", "export"}),
    ("auditor", "none", set()),
    ("admin", "own", set(ACTIONS)),
    ("admin", "manage", set(ACTIONS)),
    ("admin", "view", set(ACTIONS)),
    ("admin", "none", set(ACTIONS)),
    (None, "own", set()),
    (None, "manage", set()),
    (None, "view", set()),
    (None, "none", set()),
]


@pytest.mark.parametrize(("role", "relation", "allowed"), MATRIX)
def test_the_matrix_of_rights(role, relation, allowed) -> None:
    assert {action for action in ACTIONS if may(role, relation, action)} == allowed


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (None, set()),
        ("viewer", set()),
        ("auditor", {"ingest", "submit"}),
        ("admin", {"ingest", "submit", "people", "trail", "upkeep"}),
    ],
)
def test_the_matrix_of_deeds(role, allowed) -> None:
    deeds = ("ingest", "submit", "people", "trail", "upkeep")
    assert {deed for deed in deeds if may_do(role, deed)} == allowed


# -- the same through the one door ---------------------------------------------------------------


def _person(name: str) -> Person:
    return Person("https://login.example", name, name.title())


@pytest.fixture
def house(tmp_path: Path):
    """A data set and a finished job of an auditor; a way in for everybody else."""
    root = tmp_path / "house"
    admin = Workspace(root)
    for name, role in (("olga", "auditor"), ("anna", "auditor"), ("vera", "viewer")):
        admin.set_role(_person(name), role)
    admin.set_role(_person("adam"), "admin")
    olga = Workspace(root, _person("olga"))
    dataset = olga.ingest(CSV, name="secret.csv").sha256
    job = submit_quick(olga, dataset=dataset)
    olga.ledger.claim(job, "inline")
    olga.ledger.settle(job, runner.run(olga.ledger.folder(job), compute, own_process=False))
    return root, dataset, job


def _calls(root: Path, dataset: str, job: str):
    """Every way to a thing: (kind, needed right, call)."""
    from fairaudit.jobs.spec import JobSpec

    spec = JobSpec.model_validate({"dataset": dataset, "audit": {"roles": {}}})
    target = root.parent / "out.zip"
    somebody = _person("somebody")
    return [
        ("dataset", "open", lambda w: w.dataset(dataset)),
        ("dataset", "use", lambda w: w.submit(spec)),
        ("dataset", "share", lambda w: w.shares("dataset", dataset)),
        ("dataset", "share", lambda w: w.share("dataset", dataset, somebody)),
        ("job", "open", lambda w: w.job(job)),
        ("job", "open", lambda w: w.events(job)),
        ("job", "open", lambda w: w.log(job)),
        ("job", "open", lambda w: w.result(job)),
        ("job", "open", lambda w: w.model_folder(job)),
        ("job", "export", lambda w: w.export(job, target)),
        ("job", "cancel", lambda w: w.cancel(job)),
        ("job", "share", lambda w: w.share("job", job, somebody)),
        ("job", "share", lambda w: w.shares("job", job)),
        ("job", "delete", lambda w: w.delete(job)),
        ("dataset", "delete", lambda w: w.delete_dataset(dataset)),
    ]


WHO = [
    ("olga", None, {"open", "use", "export", "cancel", "share", "delete"}),
    ("anna", None, set()),
    ("anna", "view", {"open", "use", "export"}),
    ("anna", "manage", {"open", "use", "export", "cancel", "share", "delete"}),
    ("vera", None, set()),
    ("vera", "view", {"open", "export"}),
    ("adam", None, {"open", "use", "export", "cancel", "share", "delete"}),
    ("stranger", None, set()),
    ("stranger", "view", set()),
]


@pytest.mark.parametrize(("name", "share", "allowed"), WHO)
def test_every_door_asks_for_the_right(house, name, share, allowed) -> None:
    root, dataset, job = house
    if share:
        owner = Workspace(root, _person("olga"))
        owner.share("dataset", dataset, _person(name), share)
        owner.share("job", job, _person(name), share)
    visitor = Workspace(root, _person(name))
    assert visitor.may("open", "job", job) == visitor.may("open", "dataset", dataset)
    assert visitor.may("open", "job", job) == ("open" in allowed)
    for number, (kind, action, call) in enumerate(_calls(root, dataset, job)):
        assert _let_in(visitor, call) == (action in allowed), (number, kind, action)


def _let_in(visitor: Workspace, call) -> bool:
    try:
        call(visitor)
    except NotAllowed:
        return False
    except JobError as error:  # let in, only there is nothing left to cancel
        assert "already ended" in str(error)  # noqa: PT017
    return True


@pytest.mark.parametrize("name", ["anna", "vera", "stranger"])
def test_what_one_may_not_see_looks_like_what_is_not_there(house, name: str) -> None:
    root, dataset, job = house
    visitor = Workspace(root, _person(name))
    nothing = "20260101-000000-000000000000"
    assert visitor.jobs() == []
    assert visitor.datasets() == []
    assert _text(visitor.job, job).replace(job, "X") == _text(visitor.job, nothing).replace(
        nothing, "X"
    )
    assert _text(visitor.dataset, dataset).replace(dataset, "X") == _text(
        visitor.dataset, "0" * 64
    ).replace("0" * 64, "X")


def _text(call, *arguments) -> str:
    with pytest.raises(NotAllowed) as caught:
        call(*arguments)
    return str(caught.value)


@pytest.mark.parametrize(
    "id", ["../../etc/passwd", "", ".", "*", "%", "' OR 1=1 --", "0" * 63, "x" * 5000, "a/b"]
)
def test_an_id_that_is_none_is_a_thing_that_is_not_there(workspace: Workspace, id: str) -> None:
    assert len(_text(workspace.job, id)) < 200
    assert len(_text(workspace.dataset, id)) < 200
    with pytest.raises(NotAllowed):
        workspace.delete(id)
    with pytest.raises(NotAllowed):
        workspace.delete_dataset(id)


def test_the_same_content_of_two_people_is_stored_once_and_named_by_each(house) -> None:
    root, dataset, _ = house
    anna = Workspace(root, _person("anna"))
    assert anna.ingest(CSV, name="mine.csv").sha256 == dataset
    assert [d.name for d in anna.datasets()] == ["mine.csv"]
    olga = Workspace(root, _person("olga"))
    assert [d.name for d in olga.datasets()] == ["secret.csv"]
    olga.delete_dataset(dataset)
    assert olga.datasets() == olga.jobs() == []
    assert anna.dataset(dataset).height == 20
    anna.delete_dataset(dataset)
    assert not (root / "datasets" / dataset).exists()


def test_whoever_manages_a_data_set_removes_it_for_its_owner(house) -> None:
    root, dataset, job = house
    olga = Workspace(root, _person("olga"))
    olga.share("dataset", dataset, _person("anna"), "manage")
    Workspace(root, _person("anna")).delete_dataset(dataset)
    assert olga.datasets() == olga.jobs() == []
    assert not (root / "datasets" / dataset).exists()
    assert not (root / "jobs" / job).exists()


def test_whoever_manages_for_one_owner_touches_nothing_of_another(house) -> None:
    root, dataset, job = house
    olga, anna = (Workspace(root, _person(n)) for n in ("olga", "anna"))
    anna.ingest(CSV, name="mine.csv")
    theirs = submit_quick(anna, dataset=dataset)
    Workspace(root).set_role(_person("mona"), "auditor")
    olga.share("dataset", dataset, _person("mona"), "manage")
    Workspace(root, _person("mona")).delete_dataset(dataset)
    assert olga.datasets() == olga.jobs() == []
    assert not (root / "jobs" / job).exists()
    assert anna.dataset(dataset).height == 20
    assert [info.id for info in anna.jobs()] == [theirs]


def test_owners_of_the_same_content_learn_nothing_of_each_other(house) -> None:
    root, dataset, _ = house
    olga, anna, vera = (Workspace(root, _person(n)) for n in ("olga", "anna", "vera"))
    anna.ingest(CSV, name="a-first-in-the-alphabet.csv")
    olga.share("dataset", dataset, _person("vera"))
    assert [d.name for d in vera.datasets()] == ["secret.csv"]
    assert anna.shares("dataset", dataset) == []
    anna.share("dataset", dataset, _person("vera"), None)  # takes back what she never gave
    assert [d.name for d in vera.datasets()] == ["secret.csv"]
    olga.delete_dataset(dataset)
    assert vera.datasets() == []
    with pytest.raises(NotAllowed):
        vera.dataset(dataset)


def test_the_strongest_of_several_shares_counts(house) -> None:
    root, dataset, _ = house
    olga, anna = (Workspace(root, _person(n)) for n in ("olga", "anna"))
    Workspace(root).set_role(_person("mona"), "auditor")
    mona = Workspace(root, _person("mona"))
    anna.ingest(CSV, name="mine.csv")
    olga.share("dataset", dataset, _person("mona"), "view")
    anna.share("dataset", dataset, _person("mona"), "manage")
    assert mona.may("delete", "dataset", dataset)
    anna.share("dataset", dataset, _person("mona"), None)
    assert not mona.may("delete", "dataset", dataset)
    assert mona.may("open", "dataset", dataset)


@pytest.mark.parametrize("right", ["own", "admin", ""])
def test_an_unknown_right_is_refused(house, right: str) -> None:
    root, dataset, job = house
    olga = Workspace(root, _person("olga"))
    with pytest.raises(NotAllowed, match="choose one of view, manage"):
        olga.share("job", job, _person("vera"), right)
    with pytest.raises(NotAllowed, match=r"page .* was not found"):
        olga.share("page", dataset, _person("vera"))
    assert Workspace(root, _person("vera")).jobs() == []


def test_a_share_taken_back_is_gone(house) -> None:
    root, _, job = house
    olga, vera = Workspace(root, _person("olga")), Workspace(root, _person("vera"))
    olga.share("job", job, _person("vera"))
    assert vera.job(job).mine is False
    assert [(p.sub, right) for p, right in olga.shares("job", job)] == [("vera", "view")]
    olga.share("job", job, _person("vera"), None)
    assert vera.jobs() == []


def test_a_role_taken_away_closes_every_door_at_once(house) -> None:
    root, _, job = house
    olga = Workspace(root, _person("olga"))
    assert olga.job(job).state == "succeeded"
    Workspace(root).set_role(_person("olga"), None)
    assert olga.jobs() == []
    with pytest.raises(NotAllowed):
        olga.job(job)


def test_a_default_role_lets_everybody_in_who_logged_in(house) -> None:
    root, _, _ = house
    stranger = Workspace(root, _person("stranger"))
    assert stranger.role is None
    Workspace(root).set_settings(Settings(default_role="auditor"))
    assert stranger.role == "auditor"


@pytest.mark.parametrize("nobody", [Person("", ""), Person("", "olga"), Person("https://x", "")])
def test_somebody_without_an_identity_is_nobody(house, nobody: Person) -> None:
    root, _, job = house
    Workspace(root).set_settings(Settings(default_role="admin"))
    Workspace(root).share("job", job, nobody)
    visitor = Workspace(root, nobody)
    assert visitor.role is None
    assert visitor.jobs() == []


def test_taking_a_report_out_needs_the_right_and_is_noted(house) -> None:
    root, _, job = house
    with pytest.raises(NotAllowed):
        Workspace(root, _person("anna")).record_export(job, "report.html")
    Workspace(root, _person("olga")).record_export(job, "report.html")
    line = Workspace(root).trail()[-1]
    assert (line.action, line.id, line.detail) == ("export", job, "report.html")


def test_the_same_subject_of_another_issuer_is_another_person(house) -> None:
    root, _, job = house
    impostor = Workspace(root, Person("https://evil.example", "olga"))
    with pytest.raises(NotAllowed):
        impostor.job(job)
    assert Person("a", 'b","c').key != Person('a","b', "c").key
    assert impostor.cache_key != Workspace(root, _person("olga")).cache_key


def test_only_admins_manage_people_settings_and_the_trail(house) -> None:
    root, _, _ = house
    for name in ("olga", "vera", "stranger"):
        visitor = Workspace(root, _person(name))
        for call in (
            visitor.people,
            visitor.trail,
            visitor.prune,
            visitor.check,
            visitor.rebuild,
            lambda v=visitor: v.set_role(_person("vera"), "admin"),
            lambda v=visitor: v.set_settings(Settings()),
        ):
            with pytest.raises(NotAllowed):
                call()
    assert {person.sub for person, _ in Workspace(root, _person("adam")).people()} == {
        "olga", "anna", "vera", "adam",
    }  # fmt: skip


def test_an_unknown_role_is_refused(workspace: Workspace) -> None:
    with pytest.raises(NotAllowed, match="choose one of viewer, auditor, admin"):
        workspace.set_role(_person("x"), "owner")


# -- the trail -----------------------------------------------------------------------------------


def test_the_trail_says_who_did_what(house) -> None:
    root, dataset, job = house
    vera = Workspace(root, _person("vera"))
    olga = Workspace(root, _person("olga"))
    olga.share("job", job, _person("vera"))
    for _ in range(3):
        vera.result(job)
    vera.export(job, root.parent / "audit.zip")
    olga.delete(job)
    olga.delete_dataset(dataset)
    lines = [(line.person, line.action, line.kind) for line in Workspace(root).trail()]
    who = {name: _person(name).key for name in ("olga", "vera")}
    assert lines[4:] == [
        (who["olga"], "ingest", "dataset"),
        (who["olga"], "share", "job"),
        (who["vera"], "open", "job"),
        (who["vera"], "export", "job"),
        (who["olga"], "delete", "job"),
        (who["olga"], "delete", "dataset"),
    ]
    assert lines[:4] == [(LOCAL.key, "role", "person")] * 4


def test_the_trail_can_only_grow(workspace: Workspace) -> None:
    workspace.ingest(CSV, name="a.csv")
    db = sqlite3.connect(workspace.root / ACCESS)
    for statement in ("UPDATE trail SET person = 'x'", "DELETE FROM trail"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            db.execute(statement)
    db.close()


@pytest.mark.parametrize(
    "forgery",
    ["UPDATE trail SET person = 'x' WHERE n = 2", "DELETE FROM trail WHERE n = 2",
     "DELETE FROM trail WHERE n = 1", "UPDATE trail SET at = at + 1 WHERE n = 3"],
)  # fmt: skip
def test_a_rewritten_trail_is_noticed(workspace: Workspace, forgery: str) -> None:
    access = Access(workspace.root)
    for number in range(4):
        access.note(LOCAL, "run", "job", str(number))
    assert access.check_trail() == 4
    db = sqlite3.connect(workspace.root / ACCESS)
    db.execute("DROP TRIGGER trail_stays")
    db.execute("DROP TRIGGER trail_keeps")
    db.execute(forgery)
    db.commit()
    db.close()
    with pytest.raises(IntegrityError, match="activity log was changed"):
        access.check_trail()
    assert any("activity log" in problem for problem in workspace.check())


def test_every_error_of_the_door_is_one_for_people(workspace: Workspace) -> None:
    with pytest.raises(FairauditError):
        workspace.job("nothing")
