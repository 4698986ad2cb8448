"""Types of text cells: missing markers, numbers, decimal commas, dates, booleans."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import polars as pl

from fairaudit.data.reading.written_numbers import (
    WrittenNumber,
    examine_writing,
    looks_written,
    writing_note,
    written_value,
)

MISSING = (
    "", "?", "NA", "N/A", "n/a", "#N/A", "<NA>", "NaN", "nan", "NAN", "null", "NULL", "Null",
    "#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "\\N",
)  # fmt: skip
# In text these words are categories ("none" is a valid value); among numbers they mean missing.
MISSING_IN_NUMBERS = (
    "-",
    "--",
    "–",
    "—",
    ".",
    "*",
    "none",
    "None",
    "missing",
    "Missing",
    "unknown",
)

_COMMA = r"^[+-]?([0-9]{1,3}(\.[0-9]{3})+|[0-9]+)?,[0-9]+([eE][+-]?[0-9]+)?$"
_COMMA_STRICT = (
    r"^[+-]?([0-9]{1,3}(\.[0-9]{3})+,[0-9]+|[0-9]*,([0-9]{1,2}|[0-9]{4,})|0,[0-9]+)"
    r"([eE][+-]?[0-9]+)?$"
)
_THOUSANDS = r"^[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?$"
_PLURAL = r"^[+-]?[0-9]{1,3}(,[0-9]{3})+(,[0-9]{3}|\.[0-9]+)$"  # cannot be a decimal comma
_POINTED = r"^[+-]?[1-9][0-9]{0,2}(\.[0-9]{3})+$"
_LEADING_ZERO = r"^[+-]?0[0-9]"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?$"
_BOOLEAN = ("true", "false", "True", "False", "TRUE", "FALSE")

Kind = Literal[
    "integer", "number", "comma number", "thousands", "point thousands", "boolean", "date", "time",
    "written number", "long integer", "text",
]  # fmt: skip
_SAMPLE = 2_000
_EXACT_DIGITS = 15  # a float keeps every whole number of so many digits
_LONG = r"^[+-]?[0-9]{16,}$"
_PLAIN = frozenset({"plain"})
_EVERY = frozenset({"number", "boolean", "date"})


@dataclass(frozen=True)
class ColumnText:
    """The type inferred for a text column.

    `strict` says that cells of a column with commas or points between digits could not be read
    in another way.
    """

    kind: Kind
    rows: int
    missing: int
    longest: int
    extra_missing: bool = False
    padded: bool = False
    writing: WrittenNumber | None = None
    strict: bool = True


def trimmed(name: str) -> pl.Expr:
    """The cell without surrounding blanks."""
    return pl.col(name).str.strip_chars()


def _counts(name: str, kinds: frozenset[str]) -> dict[str, pl.Expr]:
    v = pl.col(name) if kinds == _PLAIN else trimmed(name)
    missing = pl.col(name).is_null() | v.is_in(MISSING)
    there = ~missing
    counts: dict[str, pl.Expr] = {
        "missing": missing.sum(),
        "there": there.sum(),
        "longest": pl.col(name).str.len_bytes().max(),
    }
    if kinds == _PLAIN:
        return counts | _plain_counts(v, there)
    counts["padded"] = (pl.col(name) != v).sum()
    if "number" in kinds:
        extra = v.is_in(MISSING_IN_NUMBERS)
        number = v.cast(pl.Float64, strict=False).is_not_null()
        counts |= {
            "number": (there & number).sum(),
            "integer": (there & v.cast(pl.Int64, strict=False).is_not_null()).sum(),
            "zero": (there & v.str.contains(_LEADING_ZERO)).sum(),
            "comma": (there & v.str.contains(_COMMA)).sum(),
            "strict": (there & v.str.contains(_COMMA_STRICT)).sum(),
            "thousands": (there & v.str.contains(_THOUSANDS)).sum(),
            "plural": (there & v.str.contains(_PLURAL)).sum(),
            "pointed": (there & v.str.contains(_POINTED)).sum(),
            "groups": (there & ~number & v.str.contains(_POINTED)).sum(),
            "points": (there & number & v.str.contains(".", literal=True)).sum(),
            "extra": (there & extra).sum(),
        }
    if "boolean" in kinds:
        counts["boolean"] = v.is_in(_BOOLEAN).sum()
    if "date" in kinds:
        counts["date"] = (
            v.str.contains(_DATE) & v.str.to_date("%Y-%m-%d", strict=False).is_not_null()
        ).sum()
        counts["time"] = (v.str.contains(_TIME) & _datetime(v).is_not_null()).sum()
    return counts


def _plain_counts(v: pl.Expr, there: pl.Expr) -> dict[str, pl.Expr]:
    """Counts for columns that look like plain numbers: no trimming, no patterns."""
    starts = v.str.starts_with("0") & (v.str.len_bytes() > 1)
    point = v.str.starts_with("0.") | v.str.starts_with("0e") | v.str.starts_with("0E")
    return {
        "number": (there & v.cast(pl.Float64, strict=False).is_not_null()).sum(),
        "integer": (there & v.cast(pl.Int64, strict=False).is_not_null()).sum(),
        "zero": (starts & ~point).sum(),
        "points": (there & v.str.contains(".", literal=True)).sum(),
    }


def _datetime(v: pl.Expr) -> pl.Expr:
    return v.str.replace("T", " ", literal=True).str.to_datetime(strict=False, time_unit="us")


def _collect(lazy: pl.LazyFrame, kinds: Mapping[str, frozenset[str]]) -> dict[str, dict[str, int]]:
    wanted = {c: _counts(c, k) for c, k in kinds.items()}
    exprs = [e.alias(f"{i}/{key}") for i, c in enumerate(wanted) for key, e in wanted[c].items()]
    if not exprs:
        return {}
    row = lazy.select(exprs).collect(engine="streaming").row(0, named=True)
    return {
        c: {key: int(row[f"{i}/{key}"] or 0) for key in wanted[c]} for i, c in enumerate(wanted)
    }


def _sampled(frame: pl.DataFrame) -> dict[str, dict[str, int]]:
    """All counts of the first rows, with the columns stacked so that patterns compile once."""
    if not frame.width:
        return {}
    counts = _counts("value", _EVERY)
    counts["bare"] = pl.col("value").cast(pl.Float64, strict=False).is_not_null().sum()
    v = trimmed("value")
    counts["written"] = (v.is_in(MISSING).not_() & looks_written(v)).sum()
    stacked = pl.DataFrame([pl.Series(str(i), s) for i, s in enumerate(frame)]).unpivot()
    rows = stacked.group_by("variable").agg(e.alias(k) for k, e in counts.items())
    counted = {int(row.pop("variable")): row for row in rows.iter_rows(named=True)}
    empty = dict.fromkeys(counts, 0)
    return {
        c: {**empty, **{k: int(n or 0) for k, n in counted.get(i, {}).items()}}
        for i, c in enumerate(frame.columns)
    }


def study(
    lazy: pl.LazyFrame,
    *,
    decimal: str | None = None,
    delimiter: str = ",",
    text_columns: Collection[str] = (),
) -> dict[str, ColumnText]:
    """The type of each text column, decided on all rows; `text_columns` stay text.

    The first rows only rule types out (one word makes a column text); the rest are checked on
    every row, so a number column with text in row two million is noticed. Columns of plain
    numbers are counted the cheap way and examined again only if that fails, or if the file has
    decimal commas, because a point may then separate thousands.
    """
    columns = [c for c, t in lazy.collect_schema().items() if t == pl.String]
    first = _sampled(lazy.select(columns).head(_SAMPLE).collect())
    possible = {c: frozenset() if c in text_columns else _possible(first[c]) for c in columns}
    counted = _collect(lazy, possible)
    plain = [c for c, kinds in possible.items() if kinds == _PLAIN]
    doubtful = [c for c in plain if counted[c]["number"] != counted[c]["there"]]
    counted |= _collect(lazy, dict.fromkeys(doubtful, _EVERY))
    comma = decimal == "," or (decimal is None and _has_commas(counted.values(), delimiter))
    if comma:
        pointed = [c for c in plain if c not in doubtful and counted[c]["points"]]
        counted |= _collect(lazy, dict.fromkeys(pointed, _EVERY))
    marks = comma and delimiter != "," and not any(_has_decimal_point(n) for n in counted.values())
    types = {c: _verdict(n, comma=comma, marks=marks) for c, n in counted.items()}
    types = _whole_numbers_kept(lazy, types)
    maybe = [
        c
        for c, s in types.items()
        if s.kind == "text" and c not in text_columns and _maybe_written(first[c])
    ]
    return types | _written(lazy, {c: types[c] for c in maybe}, comma=comma, decimal=decimal)


def _whole_numbers_kept(lazy: pl.LazyFrame, found: dict[str, ColumnText]) -> dict[str, ColumnText]:
    """Columns that floats would round (identifiers of many digits) stay text."""
    floats = ("number", "comma number", "thousands", "point thousands")
    wide = [c for c, s in found.items() if s.kind in floats and s.longest > _EXACT_DIGITS]
    if not wide:
        return found
    counts = lazy.select(
        _ungrouped(c, found[c].kind).str.contains(_LONG).sum().alias(str(i))
        for i, c in enumerate(wide)
    )
    long = counts.collect(engine="streaming").row(0)
    return found | {
        c: replace(found[c], kind="long integer") for c, n in zip(wide, long, strict=True) if n
    }


def _ungrouped(name: str, kind: Kind) -> pl.Expr:
    """Trimmed cells without the marks between thousands."""
    v = trimmed(name)
    if kind == "number":
        return v
    return v.str.replace_all("," if kind == "thousands" else ".", "", literal=True)


def _maybe_written(n: Mapping[str, int]) -> bool:
    return n["written"] > 0 and n["written"] + n["extra"] >= n["there"]


def _written(
    lazy: pl.LazyFrame, found: dict[str, ColumnText], *, comma: bool, decimal: str | None
) -> dict[str, ColumnText]:
    """Text columns of which every cell is a number as people write it."""
    markers = MISSING + MISSING_IN_NUMBERS
    cells = {c: pl.when(trimmed(c).is_in(markers).not_()).then(trimmed(c)) for c in found}
    writings = examine_writing(lazy, cells, comma=comma, decimal=decimal)
    if not writings:
        return {}
    extra = lazy.select(
        trimmed(c).is_in(MISSING_IN_NUMBERS).sum().alias(str(i)) for i, c in enumerate(writings)
    )
    counts = extra.collect(engine="streaming").row(0)
    return {
        c: replace(
            found[c],
            kind="written number",
            missing=found[c].missing + n,
            extra_missing=n > 0,
            writing=w,
        )
        for (c, w), n in zip(writings.items(), counts, strict=True)
    }


def _has_commas(columns: Collection[Mapping[str, int]], delimiter: str) -> bool:
    """Whether the file uses decimal commas.

    A column can prove it. Without proof, so do semicolons between columns (used because the comma
    is taken), unless a point or a second comma shows that commas separate thousands.
    """
    if any(_is_comma(n) for n in columns):
        return True
    if delimiter != ";":
        return False
    return not any(n.get("points") or n.get("thousands", 0) > n.get("comma", 0) for n in columns)


def _has_decimal_point(n: Mapping[str, int]) -> bool:
    """A column of numbers with a point that cannot be a thousands separator."""
    numeric = sum(n.get(kind, 0) for kind in ("number", "comma", "groups", "extra"))
    pointed = n.get("pointed", 0) - n.get("groups", 0)
    return numeric >= n["there"] and n.get("points", 0) > pointed


def _possible(n: Mapping[str, int]) -> frozenset[str]:
    kinds = set()
    if n["there"] and n["bare"] == n["there"]:
        return _PLAIN
    if n["number"] + n["comma"] + n["thousands"] + n["groups"] + n["extra"] >= n["there"]:
        kinds.add("number")
    if n["boolean"] == n["there"]:
        kinds.add("boolean")
    if n["date"] == n["there"] or n["time"] == n["there"]:
        kinds.add("date")
    return frozenset(kinds)


def _is_comma(n: Mapping[str, int]) -> bool:
    """A column that proves decimal commas: all numbers, some only valid with a decimal comma."""
    if not n.get("strict"):
        return False
    plain = n["number"] + n["comma"] + n["groups"] + n["extra"]
    return plain >= n["there"]


def _verdict(n: Mapping[str, int], *, comma: bool, marks: bool) -> ColumnText:
    kind = _kind(n, comma=comma, marks=marks)
    numeric = kind not in ("boolean", "date", "time", "text")
    extra = n.get("extra", 0) if numeric else 0
    marked = n.get("strict") if kind == "comma number" else n.get("plural")
    return ColumnText(
        kind,
        rows=n["missing"] + n["there"],
        missing=n["missing"] + extra,
        longest=n["longest"],
        extra_missing=extra > 0,
        padded=n.get("padded", 0) > 0,
        strict=kind not in ("comma number", "thousands") or bool(marked),
    )


def _kind(n: Mapping[str, int], *, comma: bool, marks: bool) -> Kind:
    there = n["there"]
    if there == 0:
        return "text"
    if "number" in n:
        known = there - n.get("extra", 0)
        if numeric := _numeric_kind(n, known, comma=comma, marks=marks):
            return numeric
    if n.get("boolean") == there:
        return "boolean"
    if n.get("date") == there:
        return "date"
    return "time" if n.get("time") == there else "text"


def _numeric_kind(n: Mapping[str, int], there: int, *, comma: bool, marks: bool) -> Kind | None:
    if there == 0 or n["zero"]:  # "00123" is a code: as a number it would lose its leading zeros
        return None
    if n["integer"] == there:
        return "integer"
    commas, groups = n.get("comma", 0), n.get("groups", 0)
    if marks and n.get("pointed") and n["number"] + commas + groups == there:
        return "point thousands"
    if n["number"] == there:
        return "number"
    if comma and n["number"] + commas == there:
        return "comma number"
    return "thousands" if n["number"] + n.get("thousands", 0) == there else None


def converted(name: str, seen: ColumnText) -> pl.Expr:
    """The expression that converts a text column to its inferred type."""
    v = trimmed(name)
    markers = MISSING + MISSING_IN_NUMBERS if seen.extra_missing else MISSING
    v = pl.when(v.is_in(markers)).then(None).otherwise(v)
    match seen.kind:
        case "integer":
            return v.cast(pl.Int64).alias(name)
        case "number":
            return v.cast(pl.Float64).alias(name)
        case "comma number":
            return _comma_number(v).alias(name)
        case "thousands":
            return v.str.replace_all(",", "", literal=True).cast(pl.Float64).alias(name)
        case "point thousands":
            return _comma_number(v.str.replace_all(".", "", literal=True)).alias(name)
        case "written number" if seen.writing is not None:
            return written_value(v, seen.writing).alias(name)
        case "boolean":
            return (v.str.to_lowercase() == "true").alias(name)
        case "date":
            return v.str.to_date("%Y-%m-%d").alias(name)
        case "time":
            return _datetime(v).alias(name)
    return v.alias(name)


def _comma_number(v: pl.Expr) -> pl.Expr:
    """Points separate thousands only in cells that also have a decimal comma."""
    swapped = v.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    return pl.when(v.str.contains(",", literal=True)).then(swapped).otherwise(v).cast(pl.Float64)


def number_notes(seen: Mapping[str, ColumnText]) -> list[str]:
    """What was read as numbers in which notation, and what stays text to be exact."""
    notes = [n for kind in _NOTATIONS for n in _notation_note(kind, seen)]
    notes += [writing_note(c, s.writing) for c, s in seen.items() if s.writing is not None]
    return notes + long_notes([c for c, s in seen.items() if s.kind == "long integer"])


_NOTATIONS: dict[str, tuple[str, str]] = {
    "comma number": ("decimal commas", "."),
    "thousands": ("commas between thousands", ","),
    "point thousands": ("points between thousands", "."),
}


def _notation_note(kind: str, seen: Mapping[str, ColumnText]) -> list[str]:
    columns = [c for c, s in seen.items() if s.kind == kind]
    if not columns:
        return []
    notation, other = _NOTATIONS[kind]
    many = "column" if len(columns) == 1 else "columns"
    note = f"{notation} were read in {len(columns)} {many}, such as '{columns[0]}'"
    unsure = [c for c in columns if not seen[c].strict]
    if unsure:
        value = "1.234" if kind == "comma number" else "1234"
        note += (
            f"; nothing in column '{unsure[0]}' proves that 1,234 is {value}: if it is not, read "
            f"it with decimal='{other}'"
        )
    return [note]


def long_notes(columns: list[str]) -> list[str]:
    """One sentence about whole numbers that stay text because no number type is exact."""
    if not columns:
        return []
    named = ", ".join(f"'{c}'" for c in columns[:4])
    more = f" and {len(columns) - 4} more columns" if len(columns) > 4 else ""
    return [f"whole numbers of more digits than numbers keep were left as text: {named}{more}"]


def missing_notes(seen: Mapping[str, ColumnText]) -> list[str]:
    """One sentence about missing cells and one about trimmed blanks."""
    notes = []
    missing = {c: s.missing for c, s in seen.items() if s.missing}
    if missing:
        most = sorted(missing, key=lambda c: -missing[c])[:4]
        listed = ", ".join(f"'{c}' {missing[c]:,}" for c in most)
        rest = len(missing) - len(most)
        more = f" and {rest} more columns" if rest else ""
        notes.append(
            f"empty cells and markers such as ? or NA were read as missing: {listed}{more}"
        )
    padded = [c for c, s in seen.items() if s.padded]
    if padded:
        notes.append(f"blanks around values were removed in {len(padded)} columns")
    return notes


def missing_to_null(frame: pl.LazyFrame, columns: list[str]) -> pl.LazyFrame:
    """Replace missing markers in declared text columns with null; nothing else changes."""
    stripped: list[Any] = [trimmed(c) for c in columns]
    return frame.with_columns(
        pl.when(v.is_in(MISSING)).then(None).otherwise(v).alias(c)
        for c, v in zip(columns, stripped, strict=True)
    )
