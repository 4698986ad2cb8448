"""A corpus of broken inputs: each gives one clear message and leaves nothing behind."""

from __future__ import annotations

import gzip
import io
import pickle
import random
import stat
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import openpyxl
import polars as pl
import pytest
import zstandard
from PIL import Image

from fairaudit.data import store
from fairaudit.data.reading.limits import Limits
from fairaudit.data.reading.table import read_table
from fairaudit.exceptions import FairauditError

TABLE = pl.DataFrame({"sex": ["f", "m"] * 50, "x": range(100), "y": [0, 1] * 50})
CSV = TABLE.write_csv().encode()


def _written(method: str, frame: pl.DataFrame = TABLE) -> bytes:
    out = io.BytesIO()
    getattr(frame, method)(out)
    return out.getvalue()


def _workbook(*rows: list[object]) -> bytes:
    book, out = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(out)
    return out.getvalue()


def _zip(files: dict[str, bytes], *, packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", packing) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


def _with_member(content: bytes, name: str) -> bytes:
    out = io.BytesIO(content)
    with zipfile.ZipFile(out, "a") as archive:
        archive.writestr(name, b"macro")
    return out.getvalue()


def _link_zip() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        link = zipfile.ZipInfo("images/a.png")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("labels.csv", "image,y\nimages/a.png,1\n")
    return out.getvalue()


def _encrypted_zip() -> bytes:
    content = bytearray(_zip({"images/a.png": _png(), "labels.csv": b"image,y\nimages/a.png,1\n"}))
    for at in range(len(content) - 4):
        if content[at : at + 4] == b"PK\x01\x02":
            content[at + 8] |= 1  # the flag in the central directory
    return bytes(content)


def _png(side: int = 8) -> bytes:
    out = io.BytesIO()
    Image.fromarray(np.zeros((side, side), np.uint8)).save(out, "PNG")
    return out.getvalue()


def _album(table: str, **files: bytes) -> bytes:
    images = {f"images/{name}.png": content for name, content in files.items()}
    return _zip({"labels.csv": table.encode(), **images})


def _npy_album(array: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, array, allow_pickle=array.dtype == object)
    return _zip({"labels.csv": b"image,y\na.npy,1\n", "a.npy": out.getvalue()})


def _compound(word: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + word.encode("utf-16-le") + bytes(512)


def _lying_bmp() -> bytes:
    """A header that promises 40,000 × 40,000 pixels."""
    size = (40_000).to_bytes(4, "little")
    return (
        b"BM"
        + (200).to_bytes(4, "little")
        + bytes(4)
        + (54).to_bytes(4, "little")
        + (40).to_bytes(4, "little")
        + size
        + size
        + b"\x01\x00\x18\x00"
        + bytes(24 + 100)
    )


CORPUS: dict[str, Callable[[], bytes]] = {
    # text tables
    "empty": lambda: b"",
    "one blank": lambda: b" ",
    "only newlines": lambda: b"\n\n\n\r\n",
    "only a byte order mark": lambda: b"\xef\xbb\xbf",
    "header only": lambda: b"sex,age,y\n",
    "header without newline": lambda: b"sex,age,y",
    "header and blank rows": lambda: b"sex,age,y\n,,\n,,\n",
    "binary junk": lambda: np.random.default_rng(0).bytes(5000),
    "zeros": lambda: bytes(5000),
    "NUL bytes in cells": lambda: CSV.replace(b"f,0,0", b"f\x00,0,0"),
    "NUL bytes far down": lambda: CSV * 3000 + b"f\x00,1,0\n",
    "lone surrogate": lambda: "sex,y\né,1\n".encode() + b"\xed\xa0\x80,2\n",
    "broken UTF-8 among good": lambda: "name,y\né,1\né,1\né,1\n".encode() + b"\xff\xc3,1\n",
    "cut within a UTF-8 letter": lambda: "name,y\né,1\né".encode()[:-1],
    "row too long": lambda: CSV + b"f,1,0,9\n",
    "row too short": lambda: CSV + b"f,1\n",
    "ragged throughout": lambda: b"a,b,c\n1\n1,2\n1,2,3,4\n",
    "quote never closed": lambda: b'a,b\n"x,1\ny,2\nz,3\n',
    "quote never closed at the end": lambda: CSV + b'"f,1,0\n',
    "50,000 columns": lambda: (",".join(f"c{i}" for i in range(50_000)) + "\n").encode() * 2,
    "huge cell": lambda: b"a,b\n" + b"x" * (3 << 20) + b",1\ny,2\n",
    "huge header": lambda: b"a" * (5 << 20) + b",b\n1,2\n",
    "html page": lambda: b"<!DOCTYPE html><html><body>404</body></html>",
    "xml": lambda: b"<?xml version='1.0'?><rows><r/></rows>",
    "rtf": lambda: b"{\\rtf1 hello}",
    "utf-16 cut in half a letter": lambda: "a,b\n1,2\n".encode("utf-16")[:-1],
    "utf-16 with a lone surrogate": lambda: "a,b\n1,".encode("utf-16") + b"\x00\xd8\n\x00",
    # JSON
    "json number": lambda: b"[1, 2, 3]",
    "json object that is no table": lambda: b'{"a": {"b": 1}, "c": [1, 2]}',
    "json lists in objects": lambda: b'{"data": {"a": [1]}}',
    "json empty list": lambda: b"[]",
    "json empty object": lambda: b"{}",
    "json list of empty objects": lambda: b"[{}, {}]",
    "json broken": lambda: b'[{"a": 1}, {"a": ',
    "json trailing text": lambda: b'[{"a": 1}] and more',
    "json nested": lambda: b'[{"a": {"b": 1}}, {"a": {"b": 2}}]',
    "json lists in cells": lambda: b'[{"a": [1, 2]}, {"a": [3]}]',
    "json too deep": lambda: b"[" * 100_000,
    "json lone surrogate": lambda: b'[{"a": "\\ud800"}, {"a": "x"}]',
    "json huge digits": lambda: b'[{"a": ' + b"9" * 6000 + b"}]",
    "json latin-1": lambda: '[{"a": "é"}]'.encode("latin-1"),
    "json lines with a number": lambda: b'{"a": 1}\n7\n{"a": 2}\n',
    "json lines broken": lambda: b'{"a": 1}\n{"a": \n{"a": 3}\n',
    "json columns of unequal length": lambda: b'{"a": [1, 2], "b": [1]}',
    # Parquet and Arrow
    "parquet cut": lambda: _written("write_parquet")[:-40],
    "parquet head only": lambda: b"PAR1",
    "parquet damaged": lambda: _written("write_parquet")[:60] + b"\x00" * 400 + b"PAR1",
    "parquet without rows": lambda: _written("write_parquet", TABLE.clear()),
    "parquet nested": lambda: _written("write_parquet", pl.DataFrame({"a": [[1], [2]]})),
    "parquet struct": lambda: _written("write_parquet", pl.DataFrame({"a": [{"b": 1}]})),
    "parquet bytes": lambda: _written("write_parquet", pl.DataFrame({"a": [b"\xff"]})),
    "arrow cut": lambda: _written("write_ipc")[:-80],
    "arrow head only": lambda: b"ARROW1\x00\x00",
    "arrow stream cut": lambda: _written("write_ipc_stream")[:60],
    # workbooks
    "xlsx cut": lambda: _workbook(["a", "b"], [1, 2])[:-200],
    "xlsx empty": lambda: _workbook(),
    "xlsx header only": lambda: _workbook(["a", "b"]),
    "xlsx with macros": lambda: _with_member(_workbook(["a"], [1]), "xl/vbaProject.bin"),
    "xlsx with a macro sheet": lambda: _with_member(_workbook(["a"], [1]), "xl/macrosheets/s.xml"),
    "xlsx without sheets": lambda: _zip({"xl/workbook.xml": b"<workbook/>"}),
    "xlsb": lambda: _zip({"xl/workbook.bin": b"x"}),
    "docx": lambda: _zip({"word/document.xml": b"<w/>"}),
    "password-protected workbook": lambda: _compound("EncryptedPackage"),
    "old workbook with macros": lambda: _compound("_VBA_PROJECT"),
    "old office file without sheet": lambda: _compound("WordDocument"),
    "old workbook, damaged": lambda: _compound("Workbook"),
    "xlsx with a stray cell in the last corner": lambda: _stray_cell(),
    "ods with a stray cell in the last corner": lambda: _stray_ods(),
    "xlsx bomb": lambda: _with_bomb(_workbook(["a"], [1])),
    # compressed
    "gzip cut": lambda: gzip.compress(CSV)[:-12],
    "gzip damaged": lambda: gzip.compress(CSV)[:30] + b"\xff" * 200,
    "gzip empty": lambda: gzip.compress(b""),
    "gzip bomb": lambda: gzip.compress(b"a,b\n" + b"0" * (150 << 20), 1),
    "gzip of gzip": lambda: gzip.compress(gzip.compress(CSV)),
    "gzip of junk": lambda: gzip.compress(bytes(range(256)) * 20),
    "zstd cut": lambda: zstandard.compress(CSV)[:-12],
    "zstd bomb": lambda: zstandard.compress(b"a,b\n" + b"0" * (150 << 20)),
    # other formats by content
    "pdf": lambda: b"%PDF-1.7 ...",
    "png": _png,
    "jpeg": lambda: b"\xff\xd8\xff\xe0" + bytes(100),
    "sqlite": lambda: b"SQLite format 3\x00" + bytes(100),
    "hdf5": lambda: b"\x89HDF\r\n\x1a\n" + bytes(100),
    "pickle": lambda: pickle.dumps({"a": [1, 2]}, protocol=4),
    "npy": lambda: b"\x93NUMPY" + bytes(100),
    "program": lambda: b"\x7fELF" + bytes(200),
    "old pickle": lambda: pickle.dumps({"a": [1, 2]}, protocol=2),
    "tar": lambda: _tar(),
    "feather of version 1": lambda: b"FEA1" + bytes(100),
    "pointer of Git LFS": lambda: (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 123\n"
    ),
    "piece of a web page": lambda: b"<div>not found</div>\n<p>a,b</p>\n",
    "svg": lambda: b"<svg xmlns='x'>\n<g/>\n</svg>\n",
    "xz": lambda: b"\xfd7zXZ\x00" + bytes(50),
    "7z": lambda: b"7z\xbc\xaf\x27\x1c" + bytes(50),
    # ZIPs and image sets
    "zip cut": lambda: _zip({"a.csv": CSV})[:-10],
    "zip empty": lambda: _zip({}),
    "zip of two tables": lambda: _zip({"a.csv": CSV, "b.csv": CSV}),
    "zip of junk": lambda: _zip({"a.bin": bytes(range(256)) * 9}),
    "zip bomb": lambda: _zip({"a.csv": b"a,b\n" + b"0" * (150 << 20)}),
    "zip with a climbing path": lambda: _zip({"../a.png": _png(), "labels.csv": CSV}),
    "zip with an absolute path": lambda: _zip({"/etc/a.png": _png(), "labels.csv": CSV}),
    "zip with a link": _link_zip,
    "zip with a password": _encrypted_zip,
    "images without a table": lambda: _zip({"a.png": _png(), "b.png": _png()}),
    "images with two tables": lambda: _zip({"a.png": _png(), "x.csv": CSV, "z.csv": CSV}),
    "images nobody names": lambda: _album("image,y\nnone.png,1\nno.png,2\n", a=_png(), b=_png()),
    "an image cut short": lambda: _album("image,y\na,1\nb,0\n", a=_png(64)[:-30], b=_png()),
    "an image that is text": lambda: _album("image,y\na,1\nb,0\n", a=b"hello", b=_png()),
    "an empty image": lambda: _album("image,y\na,1\nb,0\n", a=b"", b=_png()),
    "an image missing": lambda: _album("image,y\na,1\nb,0\nc,1\n", a=_png(), b=_png()),
    "an oversized image": lambda: _album("image,y\na,1\nb,0\n", a=_lying_bmp(), b=_png()),
    "an array of objects": lambda: _npy_album(np.array([{"a": 1}], dtype=object)),
    "an array of no image shape": lambda: _npy_album(np.zeros((4, 4, 4, 4), np.uint8)),
    "an array out of range": lambda: _npy_album(np.full((4, 4), 7.5)),
    "an image set with a broken table": lambda: _album("image,y\na,1,2\n", a=_png()),
}  # fmt: skip


def _stray_cell() -> bytes:
    """The reader would ask for half a terabyte."""
    book, out = openpyxl.Workbook(), io.BytesIO()
    for at, value in {"A1": "a", "B1": "b", "A2": 1, "B2": 2, "XFD1048576": 3}.items():
        book.active[at] = value
    book.save(out)
    return out.getvalue()


def _stray_ods() -> bytes:
    names = "urn:oasis:names:tc:opendocument:xmlns"
    cell = "<table:table-cell office:value-type='float' office:value='1'><text:p>1</text:p>"
    cell += "</table:table-cell>"
    content = (
        f"<?xml version='1.0'?><office:document-content xmlns:office='{names}:office:1.0' "
        f"xmlns:table='{names}:table:1.0' xmlns:text='{names}:text:1.0'><office:body>"
        f"<office:spreadsheet><table:table table:name='S'><table:table-row>{cell}{cell}"
        "</table:table-row><table:table-row table:number-rows-repeated='1048574'>"
        "<table:table-cell table:number-columns-repeated='16384'/></table:table-row>"
        f"<table:table-row><table:table-cell table:number-columns-repeated='16383'/>{cell}"
        "</table:table-row></table:table></office:spreadsheet></office:body>"
        "</office:document-content>"
    )
    kind = b"application/vnd.oasis.opendocument.spreadsheet"
    manifest = {"META-INF/manifest.xml": b"<manifest/>"}
    return _zip({"mimetype": kind, **manifest, "content.xml": content.encode()})


def _tar() -> bytes:
    out, member = io.BytesIO(), tarfile.TarInfo("a.csv")
    member.size = len(CSV)
    with tarfile.open(fileobj=out, mode="w") as archive:
        archive.addfile(member, io.BytesIO(CSV))
    return out.getvalue()


def _with_bomb(book: bytes) -> bytes:
    out = io.BytesIO(book)
    with zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/media/bomb.bin", bytes(150 << 20))
    return out.getvalue()


@cache
def _content(name: str) -> bytes:
    return CORPUS[name]()


LIMITS = Limits(expanded_bytes=128 << 20)


def test_the_corpus_is_large_enough() -> None:
    assert len(CORPUS) >= 60


@pytest.mark.parametrize("name", CORPUS)
@pytest.mark.parametrize("as_path", [False, True], ids=["bytes", "path"])
def test_broken_input_gives_one_message_and_leaves_nothing(
    name: str, as_path: bool, tmp_path: Path
) -> None:
    content = _content(name)
    source: bytes | Path = content
    if as_path:
        source = tmp_path / "upload.csv"
        source.write_bytes(content)
    home = tmp_path / "datasets"
    with pytest.raises(FairauditError) as raised:
        store.ingest(source, home, limits=LIMITS)
    message = str(raised.value)
    assert 20 < len(message) < 1200
    assert "Traceback" not in message
    assert "\n" not in message
    assert not home.exists() or list(home.iterdir()) == []


def test_a_missing_file_and_a_missing_sheet_are_named(tmp_path: Path) -> None:
    with pytest.raises(FairauditError, match=r"there is no file '.*nowhere\.csv'"):
        store.ingest(tmp_path / "nowhere.csv", tmp_path)
    with pytest.raises(FairauditError, match="no sheet 'b'; it has 'Sheet'"):
        store.ingest(_workbook(["a"], [1]), tmp_path, sheet="b")


def test_an_empty_folder_and_a_link_out_of_it_are_refused(tmp_path: Path) -> None:
    album = tmp_path / "album"
    album.mkdir()
    with pytest.raises(FairauditError, match="contains no files"):
        store.ingest(album, tmp_path / "datasets")
    (tmp_path / "secret.png").write_bytes(_png())
    (album / "a.png").symlink_to(tmp_path / "secret.png")
    with pytest.raises(FairauditError, match="a link to a place outside"):
        store.ingest(album, tmp_path / "datasets")


def test_a_sheet_of_many_filled_cells_is_measured_where_it_stands() -> None:
    content = _workbook(["a", "b"], *[[i, i] for i in range(99)])
    assert read_table(content, limits=Limits(sheet_cells=200)).height == 99
    with pytest.raises(FairauditError, match="span 100 rows and 2 columns"):
        read_table(content, limits=Limits(sheet_cells=199))


def test_a_bomb_is_stopped_before_it_fills_memory(tmp_path: Path) -> None:
    bomb = CORPUS["gzip bomb"]()
    tracemalloc.start()
    with pytest.raises(FairauditError, match="decompress"):
        store.ingest(bomb, tmp_path, limits=LIMITS)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 40 << 20


WHOLE: dict[str, Callable[[], bytes]] = {
    "csv": lambda: CSV,
    "utf-16": lambda: CSV.decode().encode("utf-16"),
    "quoted": lambda: TABLE.with_columns(note=pl.lit('a "b", c\nd')).write_csv().encode(),
    "json": lambda: _written("write_json"),
    "json lines": lambda: _written("write_ndjson"),
    "xlsx": lambda: _workbook(["a", "b"], *[[i, "x"] for i in range(20)]),
    "gzip": lambda: gzip.compress(CSV),
    "zstd": lambda: zstandard.compress(CSV),
    "parquet": lambda: _written("write_parquet"),
    "arrow": lambda: _written("write_ipc"),
    "images": lambda: _album("image,y\na,1\nb,0\n", a=_png(16), b=_png(16)),
}


@pytest.mark.parametrize("name", WHOLE)
def test_random_damage_is_read_or_refused_with_a_message(name: str, tmp_path: Path) -> None:
    """Sixty damaged copies of a good file: a table or one clear message, never anything else."""
    chance, messages = random.Random(name), []
    for _ in range(60):
        content = _damaged(WHOLE[name](), chance)
        try:
            store.ingest(content, tmp_path)
        except FairauditError as error:
            messages.append(str(error))
    assert messages
    assert not [m for m in messages if "\n" in m]
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")]


def _damaged(content: bytes, chance: random.Random) -> bytes:
    out = bytearray(content)
    for _ in range(chance.choice([1, 2, 5, 20])):
        at = chance.randrange(len(out))
        match chance.randrange(4):
            case 0 | 1:
                out[at] = chance.randrange(256)
            case 2:
                del out[at : at + chance.randrange(1, 20)]
            case 3:
                out = out[: at + 1]
        out = out or bytearray(b"x")
    return bytes(out)
