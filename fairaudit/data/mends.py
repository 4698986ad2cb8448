"""Mends: how a table is read differently, without changing what is stored.

A mend is a view. Mends are kept with the roles, so that everything that uses the roles (audits,
jobs, `fairaudit repeat`) sees the same rows, and undoing one means to leave it out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

import polars as pl
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    TypeAdapter,
    model_serializer,
)

from fairaudit.data.labels import label_text

_NAMED = 4  # labels that a sentence names


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    column: str

    @model_serializer(mode="wrap")
    def _with_kind(self, content: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The kind is always written, also where defaults are left out."""
        return {"kind": getattr(self, "kind", None), **content(self)}


class JoinLabels(_Frozen):
    """Labels that mean the same become one: each key of `into` is written as its value."""

    kind: Literal["join_labels"] = "join_labels"
    into: Mapping[str, str]


class AsNumbers(_Frozen):
    """Numbers written as text become numbers; other text becomes missing."""

    kind: Literal["as_numbers"] = "as_numbers"


class AsYears(_Frozen):
    """Dates become their years, such as dates of birth; what holds no year becomes missing."""

    kind: Literal["as_years"] = "as_years"


class AsMissing(_Frozen):
    """These values mean that nothing is known."""

    kind: Literal["as_missing"] = "as_missing"
    values: tuple[str, ...]


class YesFrom(_Frozen):
    """Shares become yes and no: yes from `least` up, such as half of the annotators."""

    kind: Literal["yes_from"] = "yes_from"
    least: float = 0.5


class LeaveOut(_Frozen):
    """The column takes no part: a leak, an identifier, a copy, a constant."""

    kind: Literal["leave_out"] = "leave_out"


class RepeatingId(_Frozen):
    """Rows with one value of this column stay together, in splits and in intervals."""

    kind: Literal["repeating_id"] = "repeating_id"


Mend = Annotated[
    JoinLabels | AsNumbers | AsYears | AsMissing | YesFrom | LeaveOut | RepeatingId,
    Field(discriminator="kind"),
]

MENDS: TypeAdapter[tuple[Mend, ...]] = TypeAdapter(tuple[Mend, ...])


def mended(frame: pl.DataFrame, mends: Iterable[Mend]) -> pl.DataFrame:
    """The table after the mends; applying them twice changes nothing.

    Parameters
    ----------
    frame : polars.DataFrame
        Left as it is.
    mends : iterable of Mend
        In order. Mends of columns that the table lacks have no effect.

    Returns
    -------
    polars.DataFrame
    """
    for mend in mends:
        if mend.column in frame.columns:
            frame = _applied(frame, mend)
    return frame


def _applied(frame: pl.DataFrame, mend: Mend) -> pl.DataFrame:
    values = frame[mend.column]
    if isinstance(mend, JoinLabels):
        text = label_text(values)
        return frame.with_columns(text.replace(dict(mend.into)).alias(mend.column))
    if isinstance(mend, AsNumbers):
        return frame.with_columns(as_numbers(values))
    if isinstance(mend, AsYears):
        return frame.with_columns(as_years(values))
    if isinstance(mend, YesFrom):
        return frame.with_columns(_yes_from(values, mend.least)) if _is_numeric(values) else frame
    if isinstance(mend, AsMissing):
        gone = label_text(values).is_in(list(mend.values)).fill_null(False)
        return frame.with_columns(
            pl.when(pl.Series(gone)).then(None).otherwise(pl.col(mend.column)).alias(mend.column)
        )
    return frame


def _is_numeric(values: pl.Series) -> bool:
    return values.dtype.is_numeric()


def _yes_from(values: pl.Series, least: float) -> pl.Series:
    known = values.cast(pl.Float64).fill_nan(None)
    yes = pl.select(pl.when(known >= least).then(pl.lit("yes")).otherwise(pl.lit("no")))
    return pl.select(
        pl.when(known.is_null()).then(None).otherwise(yes.to_series()).alias(values.name)
    ).to_series()


def as_numbers(values: pl.Series) -> pl.Series:
    """Text as numbers, missing where it is none: "$1,234.50", "12 %", "1 234,5"."""
    if values.dtype != pl.String:
        return values
    bare = values.str.replace_all(r"[\s\u00a0\u202f'’$€£¥%]", "")
    bare = bare.str.replace(r"^\((.*)\)$", "-${1}")
    if _has_decimal_commas(bare):
        bare = bare.str.replace_all(".", "", literal=True).str.replace(",", ".", literal=True)
    else:
        bare = bare.str.replace_all(",", "", literal=True)
    return bare.cast(pl.Float64, strict=False).fill_nan(None).alias(values.name)


def as_years(values: pl.Series) -> pl.Series:
    """Dates as years: 22/02/2004, 2004-02-22 and "22 Feb 2004" are 2004; years stay years."""
    if values.dtype.is_temporal():
        return values.dt.year().cast(pl.Int64).alias(values.name)
    if values.dtype != pl.String:
        return values
    years = values.str.extract(r"(?:^|\D)((?:18|19|20)\d{2})(?:\D|$)")
    return years.cast(pl.Int64, strict=False).alias(values.name)


def _has_decimal_commas(text: pl.Series) -> bool:
    """Whether a comma is the decimal sign: it stands last, and not before three digits only."""
    commas = text.filter(text.str.contains(",").fill_null(False))
    if len(commas) == 0:
        return False
    if commas.str.contains(r",\d*\.").any() or commas.str.contains(r",.*,").any():
        return False
    return bool(commas.str.contains(r",(\d{1,2}|\d{4,})$").any())


def sentence(mend: Mend) -> str:
    """What a mend does, in words."""
    column = f"column '{mend.column}'"
    if isinstance(mend, JoinLabels):
        pairs = [f"'{old}' as '{new}'" for old, new in mend.into.items()]
        more = f" and {len(pairs) - _NAMED} more" if len(pairs) > _NAMED else ""
        return f"In {column}, {', '.join(pairs[:_NAMED])}{more} are counted together."
    if isinstance(mend, AsNumbers):
        return f"{_capital(column)} is read as numbers; other text in it is missing."
    if isinstance(mend, AsYears):
        return f"{_capital(column)} is read as years; what holds no year is missing."
    if isinstance(mend, AsMissing):
        values = ", ".join(f"'{v}'" for v in mend.values[:_NAMED])
        return f"In {column}, {values} means missing."
    if isinstance(mend, YesFrom):
        return f"{_capital(column)} is read as yes from {mend.least:g} up, and no below."
    if isinstance(mend, LeaveOut):
        return f"{_capital(column)} is left out."
    return (
        f"Rows with the same value in {column} stay together in training or test, and count as "
        "one cluster unless another cluster is named."
    )


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
