"""Text of any encoding as plain UTF-8: one mark at most, doubled quotes, one kind of line end."""

from __future__ import annotations

import codecs
import re
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from fairaudit.data.reading.formats import Source, head_of, open_source, size_of
from fairaudit.exceptions import InputError

CHUNK = 4 << 20
_MARK = codecs.BOM_UTF8
_MISTAKEN_MARK = "ï»¿".encode()  # a byte order mark that was taken for cp1252
_END_OF_FILE = b"\x1a"
_HEAD = 1 << 18


def plain_text(
    source: Source, encoding: str, name: str, workdir: Path | None
) -> tuple[Source, list[str]]:
    """The text in UTF-8 as polars reads it, and notes on what was left out or rewritten.

    Parameters
    ----------
    workdir : Path, optional
        Where text that has to be rewritten is kept; None keeps it in memory.

    Raises
    ------
    InputError
        If the text is not in this encoding.
    """
    notes = []
    text = source
    try:
        if encoding not in ("utf-8", "utf-8-sig", "utf_8", "utf_8_sig", "ascii"):
            text = _written(_decoded(source, encoding), source, workdir)
        head, tail = head_of(text), _tail(text)
        if head.startswith((_MARK * 2, _MISTAKEN_MARK, _MARK + _MISTAKEN_MARK)):
            notes.append("a second byte order mark at the beginning was left out")
            text = _written(_without_marks(text), source, workdir)
        if tail.endswith(_END_OF_FILE):
            notes.append("the end-of-file character (Ctrl-Z) at the end was left out")
            text = _written(_without_end(text), source, workdir)
        if _has_escaped_quotes(head_of(text, _HEAD)):
            notes.append('quotation marks after a backslash (\\") were read as part of the value')
            text = _written(_unescaped(text), source, workdir)
        if _has_formula_texts(head_of(text, _HEAD)):
            notes.append('cells written as formulas (="00123") were read as their text')
            text = _written(_without_formulas(text), source, workdir)
        if _has_blanks_before_quotes(head_of(text, _HEAD)):
            notes.append("blanks before quotation marks were left out")
            text = _written(_without_blanks_before_quotes(text), source, workdir)
    except (UnicodeDecodeError, UnicodeEncodeError) as error:
        raise InputError(
            f"'{name}' could not be decoded as {encoding} ({error.reason}); save it again as UTF-8"
        ) from error
    return text, notes


def has_lone_returns(source: Source) -> bool:
    """Whether a text has line feeds and, elsewhere, carriage returns without one."""
    feeds = lone = False
    last = b""
    for chunk in _chunks(source):
        piece = last + chunk
        last = piece[-1:]
        feeds = feeds or b"\n" in piece
        lone = lone or re.search(rb"\r+(?![\r\n])(?=[\s\S])", piece) is not None
        if feeds and lone:
            return True
    return False


def with_line_feeds(source: Source, workdir: Path | None) -> Source:
    """The text with every line end as a line feed."""
    return _written(_line_feeds(source), source, workdir)


def has_aligned_columns(source: Source) -> bool:
    """Whether blanks align the columns of a text without quotation marks."""
    head = head_of(source, _HEAD)
    return b'"' not in head and re.search(rb"(?m)^ | {2,}\S| +\r?$", head) is not None


def with_single_blanks(source: Source, workdir: Path | None) -> Source:
    """The text with one blank instead of several, and no blanks where lines end."""
    return _written(_single_blanks(source), source, workdir)


def with_edited_lines(
    source: Source, workdir: Path | None, edits: Mapping[int, bytes | None], end: bytes = b"\n"
) -> Source:
    """The text with other lines at these numbers (from 1), without them where None."""
    return _written(_edited(source, edits, end), source, workdir)


def _chunks(source: Source) -> Iterator[bytes]:
    with open_source(source) as stream:
        while chunk := stream.read(CHUNK):
            yield chunk


def _tail(source: Source) -> bytes:
    with open_source(source) as stream:
        stream.seek(max(0, size_of(source) - 64))
        return stream.read().rstrip(b"\r\n ")


def _written(pieces: Iterator[bytes], source: Source, workdir: Path | None) -> Source:
    """The pieces in memory for bytes, in a new file of the working folder for a path."""
    if isinstance(source, bytes) or workdir is None:
        return b"".join(pieces)
    handle, path = tempfile.mkstemp(suffix=".csv", dir=workdir)
    with open(handle, "wb") as out:  # noqa: PTH123 an open handle
        for piece in pieces:
            out.write(piece)
    return Path(path)


def _decoded(source: Source, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)()
    first = True
    for chunk in _chunks(source):
        text = decoder.decode(chunk)
        if first and text:
            text, first = text.lstrip("\ufeff"), False
        yield text.encode()
    yield decoder.decode(b"", final=True).encode()


def _without_marks(source: Source) -> Iterator[bytes]:
    first = True
    for chunk in _chunks(source):
        yield re.sub(rb"^(?:%b|%b)+" % (_MARK, _MISTAKEN_MARK), b"", chunk) if first else chunk
        first = False


def _without_end(source: Source) -> Iterator[bytes]:
    left = size_of(source) - len(_END_OF_FILE)
    with open_source(source) as stream:
        stream.seek(max(0, size_of(source) - 64))
        tail = stream.read()
        left = size_of(source) - len(tail) + len(tail.rstrip(b"\r\n \x1a"))
        stream.seek(0)
        while left > 0 and (chunk := stream.read(min(CHUNK, left))):
            left -= len(chunk)
            yield chunk
    yield b"\n"


def _has_escaped_quotes(head: bytes) -> bool:
    """Whether a backslash before a quotation mark must belong to the value.

    A quotation mark that closes a cell is followed by a delimiter or a line end; `\\"` followed by
    anything else, inside a quoted cell, is a mark in the value.
    """
    if b'\\"' not in head:
        return False
    cells = rb'(?:^|[,;\t|^~\r\n])\s*"((?:[^"\\]|\\[\s\S]|"")*)"\s*(?=[,;\t|^~\r\n]|$)'
    inside = [match[1] for match in re.finditer(cells, head)]
    return any(re.search(rb'\\"(?!\s*(?:[,;\t|^~\r\n]|$))', cell) for cell in inside)


def _unescaped(source: Source) -> Iterator[bytes]:
    rest = b""
    for chunk in _chunks(source):
        piece = rest + chunk
        backslashes = len(piece) - len(piece.rstrip(b"\\"))
        rest = piece[len(piece) - backslashes % 2 :]
        yield re.sub(rb'\\(["\\])', _standard, piece[: len(piece) - len(rest)])
    yield rest


def _standard(match: re.Match[bytes]) -> bytes:
    return b'""' if match[1] == b'"' else b"\\"


def _has_formula_texts(head: bytes) -> bool:
    """Whether cells are text that spreadsheets are kept from changing: `="00123"`."""
    return re.search(rb'(?:^|[,;\t|\r\n])="[^"\r\n]*"(?=[,;\t|\r\n]|$)', head) is not None


def _without_formulas(source: Source) -> Iterator[bytes]:
    rest, first = b"\n", True  # a line end before the first cell, too
    for chunk in _chunks(source):
        piece = re.sub(rb'([,;\t|\r\n])="', rb'\1"', rest + chunk)
        out, rest = piece[:-2], piece[-2:]
        yield out[1:] if first else out
        first = False
    yield rest


def _has_blanks_before_quotes(head: bytes) -> bool:
    """Whether cells are quoted after a blank, as in `"a", "b, c"`."""
    outside = head.split(b'"')[0:-1:2]
    return any(part != _before_quote(part) for part in outside)


def _before_quote(part: bytes) -> bytes:
    """Text outside quotes up to an opening quote, without blanks behind a delimiter."""
    bare = part.rstrip(b" ")
    return bare if bare.endswith((b",", b";", b"|")) else part


def _without_blanks_before_quotes(source: Source) -> Iterator[bytes]:
    rest, inside = b"", False
    for chunk in _chunks(source):
        *parts, rest = (rest + chunk).split(b'"')
        for part in parts:
            yield (part if inside else _before_quote(part)) + b'"'
            inside = not inside
    yield rest


def _line_feeds(source: Source) -> Iterator[bytes]:
    rest = b""
    for chunk in _chunks(source):
        piece = rest + chunk
        rest = b"\r" if piece.endswith(b"\r") else b""
        yield re.sub(rb"\r+\n?", b"\n", piece[: len(piece) - len(rest)])
    yield b"\n" if rest else b""


def _edited(source: Source, edits: Mapping[int, bytes | None], end: bytes) -> Iterator[bytes]:
    rest, at = b"", 0
    for chunk in _chunks(source):
        *lines, rest = (rest + chunk).split(end)
        for line in lines:
            at += 1
            new = edits.get(at, line)
            if new is not None:
                yield new + end
    last = edits.get(at + 1, rest)
    if last is not None:
        yield last


def _single_blanks(source: Source) -> Iterator[bytes]:
    rest = b""
    for chunk in _chunks(source):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield b" ".join(line.split()) + b"\n"
    yield b" ".join(rest.split())
