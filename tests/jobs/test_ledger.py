"""The ledger: one claim a job, and always made again from the folders."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest

from fairaudit.exceptions import InputError, IntegrityError, LimitExceeded
from fairaudit.jobs import runner
from fairaudit.jobs.folder import JobFolder, Outcome
from fairaudit.jobs.ledger import LEDGER, Ledger
from fairaudit.jobs.workspace import Workspace
from tests.jobs.conftest import quick_request, submit_quick
from tests.jobs.quick_worker import compute


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path)


def test_of_many_claims_one_wins(ledger: Ledger) -> None:
    request = quick_request()
    ledger.add(request)
    won: list[bool] = []
    threads = [
        threading.Thread(target=lambda: won.append(ledger.claim(request.id, "a")))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 7 + [True]
    assert ledger.get(request.id).tries == 1


def test_a_claim_counts_who_was_overtaken(ledger: Ledger) -> None:
    old, mine, other = quick_request("a"), quick_request("a"), quick_request("b")
    for request in (old, other, mine):
        ledger.add(request)
    ledger.claim(mine.id, "x")
    assert ledger.get(old.id).passed == 1
    assert ledger.get(other.id).passed == 0
    assert ledger.turns() == {"a": 1, "b": 0}


def test_adding_twice_is_adding_once(ledger: Ledger) -> None:
    request = quick_request()
    ledger.add(request)
    ledger.claim(request.id, "x")
    ledger.add(request)
    assert [entry.state for entry in ledger.all()] == ["running"]


def test_a_folder_the_ledger_missed_is_found(ledger: Ledger) -> None:
    request = quick_request()
    JobFolder.create(ledger.jobs, request)
    assert ledger.discover() == [request.id]
    assert ledger.discover() == []
    assert ledger.get(request.id).state == "queued"


def test_forgetting_a_job_forgets_its_parts_and_no_other(ledger: Ledger) -> None:
    one, two = quick_request(), quick_request()
    for id in (one.id, f"{one.id}.0", f"{one.id}.1", two.id):
        ledger.add(type(one)(id, "me", 0.0, one.job))
    ledger.forget(one.id)
    assert [entry.id for entry in ledger.all()] == [two.id]


def _all_kinds(workspace: Workspace) -> dict[str, str]:
    ids = {
        "succeeded": submit_quick(workspace),
        "failed": submit_quick(workspace, then="refuse"),
        "cancelled": submit_quick(workspace),
        "queued": submit_quick(workspace, kind="train"),
    }
    workspace.cancel(ids["cancelled"])
    for state in ("succeeded", "failed"):
        ledger = workspace.ledger
        ledger.claim(ids[state], "inline")
        outcome = runner.run(ledger.folder(ids[state]), compute, own_process=False)
        ledger.settle(ids[state], outcome)
    return ids


@pytest.mark.parametrize("damage", ["lost", "garbage", "cut", "empty"])
def test_a_ledger_is_made_again_from_the_folders(workspace: Workspace, damage: str) -> None:
    ids = _all_kinds(workspace)
    before = {e.id: (e.state, e.reason, e.seconds, e.owner) for e in workspace.ledger.all()}
    path = workspace.root / LEDGER
    match damage:
        case "lost":
            path.unlink()
        case "garbage":
            path.write_bytes(b"nonsense" * 1000)
        case "cut":
            path.write_bytes(path.read_bytes()[:5000])
        case "empty":
            path.write_bytes(b"")
    fresh = Workspace(workspace.root)
    assert fresh.rebuild() == 4
    after = {e.id: (e.state, e.reason, e.seconds, e.owner) for e in fresh.ledger.all()}
    assert after == before
    assert {state: fresh.job(id).state for state, id in ids.items()} == {s: s for s in ids}


def test_a_broken_ledger_names_the_remedy(workspace: Workspace) -> None:
    submit_quick(workspace)
    (workspace.root / LEDGER).write_bytes(b"nonsense" * 1000)
    with pytest.raises(IntegrityError, match="fairaudit doctor --rebuild"):
        Workspace(workspace.root).jobs()


def test_where_folder_and_ledger_differ_the_folder_wins(workspace: Workspace) -> None:
    ids = _all_kinds(workspace)
    ledger = workspace.ledger
    ledger.settle(ids["succeeded"], Outcome("failed", "a lie"))
    ledger.settle(ids["queued"], Outcome("succeeded"))
    assert workspace.job(ids["succeeded"]).state == "succeeded"
    workspace.rebuild()
    assert ledger.get(ids["succeeded"]).state == "succeeded"
    assert ledger.get(ids["queued"]).state == "queued"


def test_rows_without_a_folder_go_at_a_rebuild(workspace: Workspace) -> None:
    id = submit_quick(workspace)
    workspace.ledger.folder(id).delete()
    assert "lost its folder" in workspace.check()[0]
    assert workspace.rebuild() == 0
    assert workspace.check() == []


def test_a_place_that_cannot_hold_a_workspace_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be a workspace"):
        Workspace(tmp_path / "file")
    (tmp_path / LEDGER).mkdir()
    with pytest.raises(InputError, match="cannot be written"):
        Ledger(tmp_path).all()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("SQLITE_FULL", "is full; free some space"),
        ("SQLITE_IOERR_SHMSIZE", "full or failing; free some space"),
    ],
)
def test_a_full_disk_is_said_in_plain_words(ledger: Ledger, name: str, said: str) -> None:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = name

    def read() -> None:
        with ledger._db.reading():
            raise error

    with pytest.raises(LimitExceeded, match=said):
        read()


def test_a_failing_write_changes_nothing(ledger: Ledger) -> None:
    request = quick_request()
    ledger.add(request)

    def write() -> None:
        with ledger._db.writing() as db:
            db.execute("UPDATE jobs SET state = 'failed'")
            db.execute("UPDATE nothing SET x = 1")

    with pytest.raises(sqlite3.OperationalError):
        write()
    assert ledger.get(request.id).state == "queued"
