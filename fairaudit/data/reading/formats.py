"""Detects the format of a file from its content; the extension is only compared."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO, Literal, TypeAlias

from fairaudit.exceptions import InputError

Source: TypeAlias = bytes | Path
Format = Literal[
    "csv", "json", "jsonl", "parquet", "arrow", "arrow stream", "xlsx", "xls", "ods",
    "gzip", "zstd", "zip",
]  # fmt: skip

_EXTENSIONS: dict[str, tuple[str, ...]] = {
    "csv": (".csv", ".tsv", ".txt", ".tab", ".psv", ".dat", ".data", ".test", ".train"),
    "json": (".json",),
    "jsonl": (".jsonl", ".ndjson", ".json"),
    "parquet": (".parquet", ".pq"),
    "arrow": (".arrow", ".feather", ".ipc"),
    "arrow stream": (".arrows", ".arrow", ".ipc"),
    "xlsx": (".xlsx",),
    "xls": (".xls",),
    "ods": (".ods",),
    "gzip": (".gz", ".gzip"),
    "zstd": (".zst", ".zstd"),
    "zip": (".zip",),
}

_FOREIGN: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM\x36", "a BMP image"),
    (b"SQLite format 3", "an SQLite database"),
    (b"\x89HDF", "an HDF5 file"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ\x90", "a program"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"$FL2", "an SPSS file"),
    (b"<stata_dta>", "a Stata file"),
    (b"RDX", "an R data file"),
    (b"\x80\x02", "a Python pickle (which is never opened)"),
    (b"\x80\x03", "a Python pickle (which is never opened)"),
    (b"\x80\x04", "a Python pickle (which is never opened)"),
    (b"\x80\x05", "a Python pickle (which is never opened)"),
    (b"ORC", "an ORC file"),
    (b"Obj\x01", "an Avro file"),
    (b"{\\rtf", "an RTF document"),
    (b"FEA1", "a Feather file of version 1"),
    (b"version https://git-lfs", "a Git LFS pointer (the file itself has not been fetched)"),
)

# What zipfile raises on damaged archives: struct and value errors come from invalid offsets.
BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, OSError, RuntimeError, EOFError, ValueError, KeyError,
    OverflowError, struct.error,
)  # fmt: skip

ACCEPTED = (
    "CSV, TSV, XLSX, XLS, ODS, Parquet, Arrow, JSON or JSON Lines (text also as .gz or .zst)"
)


def open_source(source: Source) -> BinaryIO:
    """The source as a binary stream."""
    return io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")


def size_of(source: Source) -> int:
    """Size of the source in bytes."""
    return len(source) if isinstance(source, bytes) else source.stat().st_size


def head_of(source: Source, n: int = 1 << 16) -> bytes:
    """The first `n` bytes."""
    if isinstance(source, bytes):
        return source[:n]
    with source.open("rb") as stream:
        return stream.read(n)


def sniff(source: Source, name: str) -> Format:
    """Detect the format of a file from its content.

    Raises
    ------
    InputError
        For an empty file, a known other format, workbooks with a password or macros, and binary
        data.
    """
    head = head_of(source)
    if not head:
        raise InputError(f"'{name}' is empty; choose a file with a header and rows")
    detected = _by_magic(source, head, name)
    return detected if detected is not None else _text_format(head, name)


def _by_magic(source: Source, head: bytes, name: str) -> Format | None:
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"ARROW1"):
        return "arrow"
    if head.startswith(b"\xff\xff\xff\xff") and len(head) > 8:
        return "arrow stream"
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        return "zstd"
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zip_format(source, name)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _compound_format(source, name)
    _refuse_foreign(head, name)
    return None


def _refuse_foreign(head: bytes, name: str) -> None:
    tar = (head[:1], "a tar archive") if head[257:262] == b"ustar" else None
    for magic, what in (*_FOREIGN, *([tar] if tar else [])):
        if head.startswith(magic):
            raise InputError(f"'{name}' is {what}, not a table; save the table as {ACCEPTED}")


def _zip_format(source: Source, name: str) -> Format:
    try:
        with open_source(source) as stream, zipfile.ZipFile(stream) as archive:
            names = set(archive.namelist())
            kind = archive.read("mimetype")[:100] if "mimetype" in names else b""
    except BROKEN_ZIP as error:
        raise InputError(
            f"'{name}' is a damaged ZIP or workbook ({error}) and may be truncated; copy or "
            "save it again"
        ) from error
    if any(n.lower().endswith("vbaproject.bin") or "xl/macrosheets/" in n for n in names):
        raise InputError(f"'{name}' is a workbook with macros; save it as a plain .xlsx or as CSV")
    if "xl/workbook.xml" in names:
        return "xlsx"
    if "xl/workbook.bin" in names:
        raise InputError(f"'{name}' is a binary workbook (.xlsb); save it as .xlsx or CSV")
    if kind.startswith(b"application/vnd.oasis.opendocument.spreadsheet"):
        return "ods"
    if "word/document.xml" in names or kind.startswith(b"application/vnd.oasis"):
        raise InputError(f"'{name}' is an office document, not a table; save the table as CSV")
    return "zip"


def _compound_format(source: Source, name: str) -> Format:
    """Distinguish old Office files from encrypted new ones, which share a container."""
    with open_source(source) as stream:
        content = stream.read(64 << 20)
    if "EncryptedPackage".encode("utf-16-le") in content:
        raise InputError(
            f"'{name}' is password-protected; open it, remove the password and save it again"
        )
    if "_VBA_PROJECT".encode("utf-16-le") in content:
        raise InputError(f"'{name}' is a workbook with macros; save it as a plain .xlsx or as CSV")
    streams = ("Workbook", "Book")
    if any(word.encode("utf-16-le") in content for word in streams):
        return "xls"
    raise InputError(f"'{name}' is an old Office file without a worksheet; save the table as CSV")


def _text_format(head: bytes, name: str) -> Format:
    if _looks_binary(head):
        raise InputError(
            f"'{name}' is binary data in an unknown format, not a table; save the table as "
            f"{ACCEPTED}"
        )
    text = re.sub(rb"^(?:\xef\xbb\xbf)+", b"", head).lstrip()
    start = text[:200].lower()
    if re.match(rb"<([!?][a-z]|[a-z][a-z0-9:-]*[\s/>])", start):
        raise InputError(
            f"'{name}' is a web page or XML, not a table (a download may have returned an error "
            "page); save the table as CSV"
        )
    if text.startswith(b"{"):
        return "jsonl" if _first_line_closes(text) else "json"
    if text.startswith(b"["):
        return "json"
    return "csv"


def _first_line_closes(text: bytes) -> bool:
    """JSON Lines: the first line is a complete object, and more lines follow."""
    first, _, rest = text.partition(b"\n")
    return first.rstrip().endswith(b"}") and bool(rest.strip())


def _looks_binary(head: bytes) -> bool:
    """Whether there are control characters that no text encoding explains."""
    if utf16_or_32(head) is not None:
        return False
    control = sum(head.count(code) for code in (*range(0, 9), *range(14, 27), *range(28, 32)))
    return head.count(0) > len(head) // 100 or control > max(4, len(head) // 50)


def utf16_or_32(head: bytes) -> str | None:
    """UTF-16 or UTF-32 by the byte order mark, or by where the NUL bytes are."""
    if head.startswith((b"\xff\xfe\x00\x00", b"\x00\x00\xfe\xff")):
        return "utf-32"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    start = head[:4000]
    if len(start) < 8 or start.count(0) < 2:
        return None
    nul = [start[i::4].count(0) for i in range(4)]
    quarter = len(start) // 4
    if min(nul[2:]) >= quarter and nul[0] == 0:
        return "utf-32-le"
    if min(nul[:2]) >= quarter and nul[3] == 0:
        return "utf-32-be"
    if nul[0] + nul[2] == 0 and _is_utf16_text(start, "utf-16-le"):
        return "utf-16-le"
    if nul[1] + nul[3] == 0 and _is_utf16_text(start, "utf-16-be"):
        return "utf-16-be"
    return None


def _is_utf16_text(start: bytes, encoding: str) -> bool:
    """Whether NUL bytes belong to ASCII characters: line ends among them, or most characters."""
    text = start[: len(start) // 2 * 2].decode(encoding, errors="replace")
    most_are_ascii = sum(c < "\x80" for c in text) > 0.7 * len(text)
    strange = sum(c == "\ufffd" or c < "\t" or "\ue000" <= c <= "\uf8ff" for c in text[:-1])
    return strange == 0 and (most_are_ascii or "\n" in text or "\r" in text)


def extension_note(name: str, detected: str) -> str | None:
    """A sentence if the extension suggests another format than the content."""
    suffix = Path(name).suffix.lower()
    known = {s for group in _EXTENSIONS.values() for s in group} | {".xlsm", ".xlsb"}
    if suffix in known and suffix not in _EXTENSIONS.get(detected, ()):
        kind = detected.upper()
        return f"the extension is {suffix} but the content is {kind}; read as {kind}"
    return None
