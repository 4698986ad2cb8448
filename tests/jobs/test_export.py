"""An audit as one file: carried to another workspace unchanged, opened with suspicion."""

from __future__ import annotations

import io
import json
import random
import stat
import time
import zipfile
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fairaudit.audit.result import ERRORS, AuditResult
from fairaudit.exceptions import FairauditError, InputError, IntegrityError, LimitExceeded
from fairaudit.jobs import export, runner
from fairaudit.jobs.folder import file_hashes
from fairaudit.jobs.workspace import Workspace
from tests.jobs.conftest import submit_quick
from tests.jobs.corpus import HTML, PATHS


def _result() -> AuditResult:
    errors = pl.DataFrame(
        [["m", "test", "sex", name, "tpr", 5, 0.5, 0.1, 0.9, "estimated", 5.0, "Wilson"]
         for name in HTML],
        schema=ERRORS, orient="row",
    )  # fmt: skip
    return AuditResult({"errors": errors}, {"title": HTML[0]}, {"seconds": 1.0})


@pytest.fixture
def job(workspace: Workspace) -> str:
    """A finished job with a real result and a model."""

    def compute(folder, monitor, aside: Path, model: Path) -> None:
        _result().save(aside)
        model.mkdir()
        (model / "model.json").write_text("{}")

    id = submit_quick(workspace)
    spec = workspace.ledger.folder(id).path / "spec.json"
    content = json.loads(spec.read_text())
    content["job"]["audit"] = {"roles": {"target": "y"}, "kind": "predictions"}
    spec.write_text(json.dumps(content))
    workspace.ledger.claim(id, "inline")
    outcome = runner.run(workspace.ledger.folder(id), compute, own_process=False)
    workspace.ledger.settle(id, outcome)
    return id


@pytest.fixture
def archive(workspace: Workspace, job: str, tmp_path: Path) -> Path:
    return workspace.export(job, tmp_path / "audit.zip")


def test_an_exported_audit_opens_elsewhere_unchanged(archive: Path, tmp_path: Path) -> None:
    other = Workspace(tmp_path / "other")
    result = other.open_export(archive)
    assert_frame_equal(result.errors, _result().errors)
    assert result.summary["title"] == HTML[0]
    assert other.jobs() == []


def test_an_imported_audit_is_a_finished_job_of_the_importer(
    archive: Path, job: str, tmp_path: Path
) -> None:
    other = Workspace(tmp_path / "other")
    id = other.import_export(archive)
    assert id != job
    info = other.job(id)
    assert (info.state, info.reason, info.kind) == ("succeeded", "imported", "predictions")
    assert_frame_equal(other.result(id).errors, _result().errors)
    assert (other.model_folder(id) / "model.json").read_text() == "{}"
    again = other.export(id, tmp_path / "again.zip")
    assert_frame_equal(other.open_export(again).errors, _result().errors)
    assert list((other.root / "incoming").iterdir()) == []


def test_the_same_audit_gives_the_same_bytes(workspace: Workspace, job: str, tmp_path: Path):
    first = workspace.export(job, tmp_path / "a.zip").read_bytes()
    assert workspace.export(job, tmp_path / "b.zip").read_bytes() == first


def test_a_folder_export_holds_every_table_and_its_hashes(
    workspace: Workspace, job: str, tmp_path: Path
) -> None:
    folder = workspace.export(job, tmp_path / "out")
    names = {p.name for p in folder.iterdir()}
    assert {"errors.parquet", "gaps.parquet", "summary.json", "manifest.json"} <= names
    manifest = json.loads((folder / "manifest.json").read_text())
    found = file_hashes(folder)
    del found["manifest.json"]
    assert manifest == found


def test_a_job_without_a_result_is_not_exported(workspace: Workspace, tmp_path: Path) -> None:
    id = submit_quick(workspace)
    with pytest.raises(FairauditError, match="has not finished"):
        workspace.export(id, tmp_path / "x.zip")
    assert not (tmp_path / "x.zip").exists()


# -- what others made ----------------------------------------------------------------------------


def _refused(path: Path, tmp_path: Path, errors=FairauditError) -> str:
    other = Workspace(tmp_path / "victim")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(errors) as caught:
        other.open_export(path)
    with pytest.raises(errors):
        other.import_export(path)
    after = [p for p in sorted(tmp_path.rglob("*")) if p.name not in ("incoming", "ledger.db")]
    assert [p for p in after if p not in before] == []
    assert other.jobs() == []
    return str(caught.value)


def _remade(archive: Path, path: Path, change) -> Path:
    """A copy whose entries (name → bytes) were changed, with a manifest that fits."""
    with zipfile.ZipFile(archive) as old:
        files = {name: old.read(name) for name in old.namelist() if name != "manifest.json"}
    extra = change(files) or []
    hashes = {
        name: {"bytes": len(body), "sha256": __import__("hashlib").sha256(body).hexdigest()}
        for name, body in [*files.items(), *((e.filename, b) for e, b in extra)]
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, body in files.items():
            new.writestr(name, body)
        for entry, body in extra:
            new.writestr(entry, body)
        new.writestr("manifest.json", json.dumps(hashes))
    return path


@pytest.mark.parametrize("name", PATHS)
def test_names_that_leave_the_folder_are_refused(archive: Path, tmp_path: Path, name: str) -> None:
    def change(files) -> list:
        entry = zipfile.ZipInfo("placeholder")
        entry.filename = entry.orig_filename = name
        return [(entry, b"evil")]

    bad = _remade(archive, tmp_path / "bad.zip", change)
    _refused(bad, tmp_path, (IntegrityError, InputError))


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFDIR])
def test_links_and_devices_are_refused(archive: Path, tmp_path: Path, kind: int) -> None:
    def change(files) -> list:
        entry = zipfile.ZipInfo("result/link")
        entry.external_attr = (kind | 0o777) << 16
        return [(entry, b"/etc/passwd")]

    said = _refused(_remade(archive, tmp_path / "bad.zip", change), tmp_path, IntegrityError)
    assert "contains a link or device" in said


def test_a_bomb_is_refused_before_it_unpacks(archive: Path, tmp_path: Path) -> None:
    bad = _remade(archive, tmp_path / "bad.zip", lambda f: f.update({"result/z": b"0" * 2**24}))
    assert "times its size" in _refused(bad, tmp_path, LimitExceeded)


def test_a_bomb_that_lies_about_its_size_is_cut(archive: Path, tmp_path: Path) -> None:
    bad = _remade(archive, tmp_path / "bad.zip", lambda f: f.update({"result/z": b"0" * 2**24}))
    body = bytearray(bad.read_bytes())
    with zipfile.ZipFile(bad) as open_:
        real = open_.getinfo("result/z").file_size.to_bytes(4, "little")
    body = body.replace(real, (2**15).to_bytes(4, "little"))
    bad.write_bytes(bytes(body))
    _refused(bad, tmp_path, (IntegrityError, InputError, LimitExceeded))


def test_too_many_files_are_refused(archive: Path, tmp_path: Path) -> None:
    many = {f"result/f{i}": b"" for i in range(export.MAX_FILES + 1)}
    bad = _remade(archive, tmp_path / "bad.zip", lambda f: f.update(many))
    _refused(bad, tmp_path, LimitExceeded)


def test_a_name_that_comes_twice_is_refused(archive: Path, tmp_path: Path) -> None:
    twice = lambda files: files.update({"RESULT/Summary.json": b"{}"})  # noqa: E731
    _refused(_remade(archive, tmp_path / "bad.zip", twice), tmp_path, IntegrityError)


def test_a_file_beside_the_manifest_is_refused(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive, "a") as open_:
        open_.writestr("result/extra.json", "{}")
    assert "manifest" in _refused(archive, tmp_path, IntegrityError)


def test_changed_content_is_noticed(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as old:
        files = {name: old.read(name) for name in old.namelist()}
    for name in (n for n in files if n != "manifest.json"):
        path = tmp_path / "changed.zip"
        with zipfile.ZipFile(path, "w") as new:
            for other, body in files.items():
                new.writestr(other, body[:-1] + b"#" if other == name else body)
        with pytest.raises(IntegrityError):
            export.read(path)


def test_a_file_cut_off_anywhere_is_refused(archive: Path, tmp_path: Path) -> None:
    whole = archive.read_bytes()
    path = tmp_path / "cut.zip"
    for cut in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:cut])
        with pytest.raises(FairauditError):
            export.read(path)


@pytest.mark.parametrize("body", [b"", b"PK\x03\x04", b"a,b\n1,2\n", b"\x00" * 100])
def test_what_is_no_export_is_called_so(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(body)
    assert "is not an exported audit" in _refused(path, tmp_path, InputError)


def test_another_zip_is_called_no_export(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as new:
        new.writestr("holiday.jpg", b"x")
    path = tmp_path / "x.zip"
    path.write_bytes(buffer.getvalue())
    assert "is not an exported audit" in _refused(path, tmp_path, InputError)


# -- what fits its hashes and is still wrong -----------------------------------------------------


def _about(**values):
    def change(files) -> None:
        files["audit.json"] = json.dumps({**json.loads(files["audit.json"]), **values}).encode()

    return change


def _parquet() -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame({"a": [1]}).write_parquet(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("audit.json", b"{nope"),
        ("audit.json", b"\xff\xfe\x00"),
        ("audit.json", b"[" * 100_000),
        ("result/summary.json", b"[1]"),
        ("result/provenance.json", b"null"),
        ("result/errors.parquet", b"PAR1xxxxPAR1"),
        ("result/errors.parquet", _parquet()),
    ],
)
def test_content_that_is_no_audit_is_refused(
    archive: Path, tmp_path: Path, name: str, body: bytes
) -> None:
    bad = _remade(archive, tmp_path / "bad.zip", lambda files: files.update({name: body}))
    _refused(bad, tmp_path)


def test_an_archive_without_a_result_is_refused(archive: Path, tmp_path: Path) -> None:
    def change(files) -> None:
        for name in [n for n in files if n.startswith("result/")]:
            del files[name]

    _refused(_remade(archive, tmp_path / "bad.zip", change), tmp_path)


@pytest.mark.parametrize(
    "claims",
    [b'{"audit.json": {"bytes": Infinity, "sha256": "x"}}', b"[" * 100_000, b"[]", b"{}",
     b'{"audit.json": {"bytes": -5, "sha256": "x"}}', b'{"audit.json": {"bytes": 5}}'],
)  # fmt: skip
def test_a_manifest_that_claims_nonsense_is_refused(
    archive: Path, tmp_path: Path, claims: bytes
) -> None:
    with zipfile.ZipFile(archive) as old:
        files = {name: old.read(name) for name in old.namelist()}
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w") as new:
        for name, body in {**files, "manifest.json": claims}.items():
            new.writestr(name, body)
    _refused(bad, tmp_path)


@pytest.mark.parametrize("value", [float("inf"), float("nan"), 1e300, 10**400, -1, "soon", True])
def test_numbers_no_job_can_have_had_are_left_out(archive: Path, tmp_path: Path, value) -> None:
    change = _about(finished=value, seconds=value, peak_mb=value)
    odd = _remade(archive, tmp_path / "odd.zip", change)
    other = Workspace(tmp_path / "other")
    info = other.job(other.import_export(odd))
    assert 0 <= info.finished <= time.time()
    assert info.seconds is None or info.seconds == 1.0
    assert [job.id for job in other.jobs()] == [info.id]


def test_a_manifest_too_large_to_read_is_not_read(archive: Path, tmp_path: Path) -> None:
    bad = _remade(archive, tmp_path / "bad.zip", _about(job="x" * (export.MAX_LIST + 1)))
    _refused(bad, tmp_path, LimitExceeded)


def test_a_bit_flipped_anywhere_is_refused_or_harmless(archive: Path, tmp_path: Path) -> None:
    whole, dice = archive.read_bytes(), random.Random(3)
    path = tmp_path / "flipped.zip"
    refused = 0
    for _ in range(150):
        body = bytearray(whole)
        body[dice.randrange(len(body))] ^= 1 << dice.randrange(8)
        path.write_bytes(body)
        try:
            assert_frame_equal(export.read(path).errors, _result().errors)
        except FairauditError:
            refused += 1
    assert refused > 75


def test_packing_fairaudit_never_uses_is_refused(archive: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(archive) as old:
        files = {name: old.read(name) for name in old.namelist()}
    bad = tmp_path / "bad.zip"
    with zipfile.ZipFile(bad, "w", zipfile.ZIP_LZMA) as new:
        for name, body in files.items():
            new.writestr(name, body)
    _refused(bad, tmp_path, IntegrityError)


@pytest.mark.parametrize("name", ["file", "file/x.zip", "file/out"])
def test_a_place_that_cannot_be_written_is_named(
    workspace: Workspace, job: str, tmp_path: Path, name: str
) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InputError, match="choose another folder"):
        workspace.export(job, tmp_path / name)
    assert (tmp_path / "file").read_text() == "mine"
    assert list((workspace.root / "incoming").iterdir()) == []
