"""Ingestion: content-addressed, whole or absent, streamed, ids given once."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest

from fairaudit.data import store
from fairaudit.data.reading.table import Table
from fairaudit.exceptions import FairauditError, IntegrityError, LimitExceeded

CSV = b"sex,x,y\nf,1.5,1\nm,?,0\nf,3,1\n"


def test_a_table_lies_under_the_hash_of_its_content(tmp_path: Path) -> None:
    found = store.ingest(CSV, tmp_path, name="people.csv")
    assert found.sha256 == hashlib.sha256(CSV).hexdigest()
    assert [p.name for p in tmp_path.iterdir()] == [found.sha256]
    assert sorted(p.name for p in (tmp_path / found.sha256).iterdir()) == [
        "data.parquet",
        "schema.json",
    ]
    assert (found.name, found.rows, found.columns, found.bytes) == ("people.csv", 3, 3, len(CSV))
    assert store.info(tmp_path / found.sha256) == found


def test_row_ids_are_given_once_in_file_order(tmp_path: Path) -> None:
    found = store.ingest(CSV, tmp_path)
    frame = store.load(tmp_path / found.sha256)
    assert frame.columns == ["_row", "sex", "x", "y"]
    assert frame.schema["_row"] == pl.Int64
    assert frame["_row"].to_list() == [0, 1, 2]
    assert frame["x"].to_list() == [1.5, None, 3.0]
    assert store.load(tmp_path / found.sha256, ["y"]).columns == ["_row", "y"]


def test_the_same_content_is_stored_once_whatever_its_name(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_bytes(CSV)
    first = store.ingest(CSV, tmp_path / "datasets", name="one")
    stamp = (tmp_path / "datasets" / first.sha256 / "data.parquet").stat().st_mtime_ns
    second = store.ingest(path, tmp_path / "datasets", name="two")
    assert second == first
    assert (tmp_path / "datasets" / first.sha256 / "data.parquet").stat().st_mtime_ns == stamp


def test_notes_and_dialect_are_kept(tmp_path: Path) -> None:
    found = store.ingest("a;b\né;1,5\n".encode("cp1252"), tmp_path)
    kept = store.schema(tmp_path / found.sha256)
    assert kept["dialect"]["delimiter"] == ";"
    assert kept["dialect"]["encoding"] == "cp1252"
    assert kept["types"] == {"_row": "Int64", "a": "String", "b": "Float64"}
    assert any("cp1252" in note for note in found.notes)


def test_a_failure_while_writing_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(table: Table, path: Path, name: str) -> int:
        path.write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "write_rows", fails)
    with pytest.raises(KeyboardInterrupt):
        store.ingest(CSV, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_text_table_is_never_collected_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ingestion writes from the lazy frame: reading it into memory would raise here."""

    def collected(table: Table) -> pl.DataFrame:
        raise AssertionError("the whole table was read into memory")

    monkeypatch.setattr(Table, "frame", property(collected))
    path = tmp_path / "t.csv"
    path.write_bytes(CSV)
    assert store.ingest(path, tmp_path / "datasets").rows == 3


def test_no_step_of_an_ingestion_holds_many_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Counts and the first rows are all that is ever collected from a text table."""
    heights = []
    collect = pl.LazyFrame.collect

    def counted(lazy: pl.LazyFrame, **options: object) -> pl.DataFrame:
        found = collect(lazy, **options)  # type: ignore[call-overload]
        heights.append(found.height)
        return found  # type: ignore[no-any-return]

    monkeypatch.setattr(pl.LazyFrame, "collect", counted)
    path = tmp_path / "t.csv"
    path.write_text("a,b,c\n" + "".join(f"{i},{i}.5,x{i % 3}\n" for i in range(30_000)))
    assert store.ingest(path, tmp_path / "datasets").rows == 30_000
    assert heights
    assert max(heights) <= 2_000


def test_damaged_stores_say_so(tmp_path: Path) -> None:
    with pytest.raises(IntegrityError, match="not a stored dataset"):
        store.info(tmp_path)
    with pytest.raises(IntegrityError, match=r"no data\.parquet"):
        store.load(tmp_path)
    (tmp_path / "schema.json").write_text("{")
    with pytest.raises(IntegrityError, match="ingest the source again"):
        store.schema(tmp_path)
    (tmp_path / "data.parquet").write_bytes(b"PAR1 junk")
    with pytest.raises(IntegrityError, match="cannot be read"):
        store.load(tmp_path)


def test_another_sheet_is_another_data_set(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    book.active.title = "one"
    book.active.append(["a"])
    book.active.append([1])
    two = book.create_sheet("two")
    two.append(["b"])
    two.append([2])
    book.save(tmp_path / "t.xlsx")
    first = store.ingest(tmp_path / "t.xlsx", tmp_path / "datasets")
    other = store.ingest(tmp_path / "t.xlsx", tmp_path / "datasets", sheet="two")
    assert first.sha256 != other.sha256
    assert other.names == ("b",)


def test_two_at_once_store_the_same_content(tmp_path: Path) -> None:
    """The later of two writers finds the folder there and leaves it."""
    home = tmp_path / "datasets" / "abc"
    with store.staging(tmp_path / "datasets", home) as first:
        (first / "schema.json").write_text(json.dumps({"by": "first"}))
        with store.staging(tmp_path / "datasets", home) as second:
            (second / "schema.json").write_text(json.dumps({"by": "second"}))
    assert json.loads((home / "schema.json").read_text()) == {"by": "second"}
    assert [p.name for p in (tmp_path / "datasets").iterdir()] == ["abc"]


def test_an_unwritable_folder_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "datasets").write_text("a file")
    with pytest.raises(FairauditError, match="check"):
        store.ingest(CSV, tmp_path / "datasets")


def test_a_full_disk_is_not_taken_for_a_damaged_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise pl.exceptions.ComputeError(
            "parquet: File out of specification: underlying IO error: No space left on device "
            "(os error 28)"
        )

    monkeypatch.setattr(pl.LazyFrame, "sink_parquet", full)
    with pytest.raises(LimitExceeded, match=r"No space left.*free disk space"):
        store.ingest(CSV, tmp_path / "datasets")
    assert list((tmp_path / "datasets").iterdir()) == []
