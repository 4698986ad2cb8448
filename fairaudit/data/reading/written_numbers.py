"""Numbers as people write them: amounts of money, percent, grouped thousands, signs behind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import polars as pl

_SYMBOLS = "$€£¥₹₽₩₺₪₫฿₴₦₱₡₲₵₸₼₾"
_CODES = (
    "AED|ARS|AUD|BRL|CAD|CHF|CLP|CNY|COP|CZK|DKK|EUR|GBP|HKD|HUF|IDR|ILS|INR|JPY|KES|KRW|MXN|MYR|"
    "NGN|NOK|NZD|PHP|PKR|PLN|RMB|RON|RUB|SAR|SEK|SGD|THB|TRY|TWD|UAH|USD|VND|ZAR"
)
_WORDS = r"Rs\.?|[Kk]r\.?|zł|Kč|Ft|S?Fr\.?|lei|лв\.?|руб\.?|р\.|грн\.?|TL|元|円|원"
_CURRENCY = rf"(?:US|AU?|CA?|NZ|HK|S|R|MX)?\$|[{_SYMBOLS}]|{_CODES}|{_WORDS}"
_BLANK = r"[\s\u00a0\u202f\u2009\u2007]"
_MINUS = ("-", "−", "–", "‑", "‒", "－")
_SIGN = rf"[{''.join(_MINUS)}+]"
_CORE = r"(?:[0-9](?:[0-9.,'’\s\u00a0\u202f\u2009\u2007]*[0-9])?[.,]??|[.,][0-9]+)"
# currency, opening parenthesis, sign, currency, sign, digits, currency or percent, sign, closing
_CELL = (
    rf"^(?:({_CURRENCY}){_BLANK}*\(|(\())?{_BLANK}*({_SIGN})?{_BLANK}*({_CURRENCY})?{_BLANK}*"
    rf"({_SIGN})?{_BLANK}*({_CORE}){_BLANK}*({_CURRENCY}|%|,-|\.-|/-)?{_BLANK}*({_SIGN})?"
    rf"{_BLANK}*(\))?$"
)
_PATTERN = re.compile(_CELL)
_PARTS = ("outer", "opens", "sign", "before", "sign2", "core", "behind", "sign3", "closes")
# The second as in India.
_GROUPS_OF_POINT = r"[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"
_GROUPS_OF_COMMA = r"[1-9][0-9]{0,2}(?:\.[0-9]{3})+"
_EITHER = r"[0-9]+|[1-9][0-9]{0,2}(?: [0-9]{3})+|[1-9][0-9]{0,2}(?:'[0-9]{3})+"
_POINT = rf"^(?:(?:{_EITHER}|{_GROUPS_OF_POINT})(?:\.[0-9]*)?|\.[0-9]+)$"
_COMMA = rf"^(?:(?:{_EITHER}|{_GROUPS_OF_COMMA})(?:,[0-9]*)?|,[0-9]+)$"
_OTHER_DECIMAL = {".": ",", ",": "."}
_PHONE_DIGITS = 7
_EXACT_DIGITS = 15


@dataclass(frozen=True)
class WrittenNumber:
    """How the cells of a column write numbers.

    Attributes
    ----------
    decimal : {".", ","}
        The decimal mark; the other mark, blanks and apostrophes separate thousands.
    whole : bool
        No cell has decimals.
    style : tuple of str
        What was read, in words.
    example : str
        A cell as written.
    ambiguous : bool
        The other decimal mark would give other numbers.
    """

    decimal: Literal[".", ","]
    whole: bool
    style: tuple[str, ...]
    example: str
    ambiguous: bool


def is_written(cell: str) -> bool:
    """Whether one trimmed cell may be a number in some usual writing."""
    return _PATTERN.fullmatch(cell) is not None


def looks_written(v: pl.Expr) -> pl.Expr:
    """Whether trimmed cells may be numbers in some usual writing."""
    return v.str.contains(_CELL)


def examine_writing(
    lazy: pl.LazyFrame, cells: Mapping[str, pl.Expr], *, comma: bool, decimal: str | None
) -> dict[str, WrittenNumber]:
    """The columns whose cells are all numbers, unambiguously written, with their notation.

    Parameters
    ----------
    lazy : polars.LazyFrame
    cells : mapping of str to polars.Expr
        The trimmed cells of each column, null where missing.
    comma : bool
        Whether the table uses decimal commas elsewhere; decides 1,234 without other evidence.
    decimal : str, optional
        The decimal mark, if it was chosen.
    """
    if not cells:
        return {}
    fields = (
        pl.struct([e.alias(key) for key, e in _counts(v).items()]).alias(str(i))
        for i, v in enumerate(cells.values())
    )
    counted = lazy.select(fields).collect(engine="streaming")
    rows = (counted[str(i)][0] for i in range(len(cells)))
    verdicts = {
        c: _verdict(n, comma=comma, decimal=decimal) for c, n in zip(cells, rows, strict=True)
    }
    return {c: v for c, v in verdicts.items() if v is not None}


def written_value(v: pl.Expr, writing: WrittenNumber) -> pl.Expr:
    """The numbers of trimmed cells; null where a cell is missing."""
    part = _parts(v)
    plain = part("core").str.replace_all(r"[ ']", "")
    plain = plain.str.replace_all(_OTHER_DECIMAL[writing.decimal], "", literal=True)
    plain = plain.str.replace(",", ".", literal=True)
    number = plain.cast(pl.Int64 if writing.whole else pl.Float64)
    return pl.when(_negative(part)).then(-number).otherwise(number)


def writing_note(column: str, writing: WrittenNumber) -> str:
    """One sentence on what was read as what."""
    cell = pl.Series("v", [writing.example])
    value = pl.select(written_value(pl.lit(cell), writing)).to_series()[0]
    style = ", ".join(writing.style)
    note = f"column '{column}': '{writing.example}' was read as {value} ({style})"
    if writing.ambiguous:
        other = _OTHER_DECIMAL[writing.decimal]
        note += f"; if '{other}' is its decimal mark, read it with decimal='{other}'"
    return note


class _Parts:
    """The parts of a cell by name."""

    def __init__(self, v: pl.Expr) -> None:
        self._groups = v.str.extract_groups(_CELL)

    def __call__(self, name: str) -> pl.Expr:
        group = self._groups.struct.field(str(_PARTS.index(name) + 1))
        if name != "core":
            return group
        return group.str.replace_all(r"[\s\u00a0\u202f\u2009\u2007]", " ").str.replace_all(
            "’", "'", literal=True
        )


def _parts(v: pl.Expr) -> _Parts:
    return _Parts(v)


def _negative(part: _Parts) -> pl.Expr:
    signs = [
        part(name).is_in(_MINUS).fill_null(value=False) for name in ("sign", "sign2", "sign3")
    ]
    return pl.any_horizontal(_opens(part), *signs)


def _opens(part: _Parts) -> pl.Expr:
    return part("outer").is_not_null() | part("opens").is_not_null()


def _counts(v: pl.Expr) -> dict[str, pl.Expr]:
    part = _parts(v)
    core = part("core")
    currency = part("behind").is_in(("%", ",-", ".-", "/-")).not_()
    behind = pl.when(currency).then(part("behind"))
    symbols = pl.coalesce(part("outer"), part("before"), behind)
    digits = core.str.count_matches(r"[0-9]")
    signs = [part(s).is_not_null().cast(pl.Int8) for s in ("sign", "sign2", "sign3")]
    signs.append(_opens(part).cast(pl.Int8))
    odd = _opens(part) == part("closes").is_null()
    given = [part("outer"), part("before"), behind]
    twice = pl.sum_horizontal(e.is_not_null().cast(pl.Int8) for e in given) > 1
    return {
        "n": v.count(),
        "cells": core.count(),
        "point": core.str.contains(_POINT).sum(),
        "comma": core.str.contains(_COMMA).sum(),
        "blanks": core.str.contains(" ", literal=True).sum(),
        "apostrophes": core.str.contains("'", literal=True).sum(),
        "commas": core.str.contains(",", literal=True).sum(),
        "points": core.str.contains(".", literal=True).sum(),
        "point_decimals": core.str.contains(r"\.[0-9]+$").sum(),
        "comma_decimals": core.str.contains(r",[0-9]+$").sum(),
        "zeros": core.str.contains(r"^0[[0-9] ',]").sum() - core.str.contains(r"^0,[0-9]+$").sum(),
        "percent": (part("behind") == "%").sum(),
        "nought": core.str.contains(r"^0(?:[.,]0+)?$").sum(),
        "symbols": symbols.drop_nulls().n_unique(),
        "with_symbol": symbols.count(),
        "with_dash": part("behind").is_in((",-", ".-", "/-")).sum(),
        "example": pl.coalesce(
            v.filter(core.str.contains(r"[ ',]|\..*\.")).first(), v.filter(core != v).first()
        ),
        "odd": (odd | twice | (pl.sum_horizontal(signs) > 1)).sum(),
        "plus": (part("sign") == "+").sum(),
        "parentheses": _opens(part).sum(),
        "behind": part("sign3").count(),
        "fewest": digits.min(),
        "most": digits.max(),
    }


def _verdict(n: dict[str, Any], *, comma: bool, decimal: str | None) -> WrittenNumber | None:
    if not _is_one_notation(n) or _is_code(n):
        return None
    marks = n["commas"] + n["points"]
    possible = [mark for mark, key in ((".", "point"), (",", "comma")) if n[key] == n["n"]]
    if decimal is not None:
        possible = [mark for mark in possible if mark == decimal]
    if not possible:
        return None
    ambiguous = len(possible) == 2 and marks > 0
    chosen = possible[0]
    if ambiguous:
        if n["commas"] and n["points"]:
            return None
        thousands = "." if n["commas"] else ","  # an amount of money has no three decimals
        money = any(n[key] for key in ("with_symbol", "with_dash", "parentheses", "behind"))
        chosen = thousands if money else "," if comma else "."
    decimals = n["point_decimals"] if chosen == "." else n["comma_decimals"]
    return WrittenNumber(
        "." if chosen == "." else ",",
        whole=not decimals,
        style=_style(n, chosen, decimals),
        example=str(n["example"] or ""),
        ambiguous=ambiguous,
    )


def _is_one_notation(n: dict[str, Any]) -> bool:
    """All cells are numbers with at most one currency; percent is everywhere or nowhere."""
    return bool(
        n["n"]
        and n["cells"] == n["n"]
        and not n["odd"]
        and n["symbols"] <= 1
        and (not n["percent"] or n["percent"] + n["nought"] >= n["n"])
        and not (n["percent"] and n["with_symbol"])
        and n["parentheses"] < n["n"]
        and n["behind"] < n["n"]
        and (not n["behind"] or n["most"] > 1)  # "2-" among single digits is a school mark
    )


def _is_code(n: dict[str, Any]) -> bool:
    """Leading zeros, telephone numbers, and more digits than a number keeps exactly."""
    if n["zeros"] or (n["plus"] and n["blanks"]) or n["most"] > _EXACT_DIGITS:
        return True
    grouped = n["blanks"] == n["n"] and not n["with_symbol"] and not n["commas"] + n["points"]
    return bool(grouped and n["fewest"] == n["most"] >= _PHONE_DIGITS)


def _style(n: dict[str, Any], decimal: str, decimals: int) -> tuple[str, ...]:
    groups = n["commas"] if decimal == "." else n["points"]
    other = "commas" if decimal == "." else "points"
    styles = [
        ("decimal comma" if decimal == "," else "decimal point", decimals),
        ("blanks between thousands", n["blanks"]),
        ("apostrophes between thousands", n["apostrophes"]),
        (f"{other} between thousands", groups),
        ("the currency left out", n["with_symbol"]),
        ("a dash for no decimals", n["with_dash"]),
        ("percent as the number shown", n["percent"]),
        ("parentheses as a minus sign", n["parentheses"]),
        ("a minus sign behind the number", n["behind"]),
    ]
    return tuple(text for text, count in styles if count) or ("signs as written",)
