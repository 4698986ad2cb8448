"""Encodes columns as numbers; levels, medians and scales are learnt from training rows only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.data.labels import label_text
from fairaudit.inputs.labels import MISSING

RARE = "(rare)"
MAX_LEVELS = 50
MIN_LEVEL_ROWS = 10


@dataclass(frozen=True)
class NumberCode:
    """Median imputation, a missing flag if training rows need one, mean 0 and SD 1."""

    column: str
    median: float
    mean: float
    sd: float
    flag: bool
    missing: int

    @property
    def names(self) -> tuple[str, ...]:
        value = (self.column,) if self.sd > 0 else ()
        return (*value, f"{self.column} {MISSING}") if self.flag else value

    def encode(self, frame: pl.DataFrame) -> list[NDArray[np.float64]]:
        values = numbers(frame[self.column])
        missing = np.isnan(values)
        out = []
        if self.sd > 0:
            out.append((np.where(missing, self.median, values) - self.mean) / self.sd)
        return [*out, missing.astype(float)] if self.flag else out

    def describe(self) -> dict[str, object]:
        how = f"missing → median {self.median:g}; mean {self.mean:.6g}, sd {self.sd:.6g}"
        return {
            "column": self.column,
            "kind": "number" if self.sd > 0 else "constant, left out",
            "features": self.names,
            "missing": self.missing,
            "how": how,
        }


@dataclass(frozen=True)
class LevelCode:
    """One indicator per level except the most frequent; rare and unseen levels are pooled."""

    column: str
    levels: tuple[str, ...]
    reference: str
    pooled: int
    missing: int

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(f"{self.column}={level}" for level in self.levels)

    def encode(self, frame: pl.DataFrame) -> list[NDArray[np.float64]]:
        known = [*self.levels, self.reference]
        text = pl.col("v").fill_null(MISSING)
        pooled = pl.when(text.is_in(known)).then(text).otherwise(pl.lit(RARE))
        values = pl.DataFrame({"v": label_text(frame[self.column])}).select(pooled.alias("v"))
        flags = values.select(
            (pl.col("v") == level).alias(str(i)) for i, level in enumerate(self.levels)
        )
        return [flags[str(i)].to_numpy().astype(float) for i in range(len(self.levels))]

    def describe(self) -> dict[str, object]:
        pooled = f"; {self.pooled} rare levels pooled" if self.pooled else ""
        return {
            "column": self.column,
            "kind": "levels" if self.levels else "constant, left out",
            "features": self.names,
            "missing": self.missing,
            "how": f"reference '{self.reference}'{pooled}",
        }


Code = NumberCode | LevelCode


@dataclass(frozen=True)
class Encoder:
    """The codes of several columns, as learnt from training rows."""

    codes: tuple[Code, ...]
    kept: tuple[int, ...]

    @property
    def names(self) -> tuple[str, ...]:
        made = [name for code in self.codes for name in code.names]
        return tuple(made[i] for i in self.kept)

    @property
    def units(self) -> dict[str, tuple[float, float]]:
        """Mean and SD of each standardised feature, to report it in its own units."""
        numeric = (code for code in self.codes if isinstance(code, NumberCode) and code.sd > 0)
        return {code.column: (code.mean, code.sd) for code in numeric}

    def encode(self, frame: pl.DataFrame) -> NDArray[np.float64]:
        """The design matrix of any rows, (n, p)."""
        made = [values for code in self.codes for values in code.encode(frame)]
        out = np.empty((frame.height, len(self.kept)))
        for position, i in enumerate(self.kept):
            out[:, position] = made[i]
        return out

    def summary(self) -> pl.DataFrame:
        """One row per column: kind, the features it became, missing training cells, how."""
        names = set(self.names)
        rows = []
        for code in self.codes:
            row = code.describe()
            row["features"] = [n for n in code.names if n in names]
            rows.append(row)
        schema: dict[str, pl.DataType | type[pl.DataType]] = {
            "column": pl.String,
            "kind": pl.String,
            "features": pl.List(pl.String),
            "missing": pl.Int64,
            "how": pl.String,
        }
        return pl.DataFrame(rows, schema=schema, orient="row")


def fit_encoder(train: pl.DataFrame, columns: Sequence[str]) -> Encoder:
    """Learn the codes of some columns from training rows."""
    codes = tuple(_fit(train[c]) for c in columns)
    return Encoder(codes, _distinct_flags(codes, train))


def _distinct_flags(codes: tuple[Code, ...], train: pl.DataFrame) -> tuple[int, ...]:
    """Positions to keep: columns that are always missing together need only one flag."""
    kept, seen, position = [], set(), 0
    for code in codes:
        for name in code.names:
            if isinstance(code, NumberCode) and name.endswith(MISSING):
                pattern = np.isnan(numbers(train[code.column])).tobytes()
                if pattern not in seen:
                    kept.append(position)
                seen.add(pattern)
            else:
                kept.append(position)
            position += 1
    return tuple(kept)


def is_number(dtype: pl.DataType) -> bool:
    """Whether a column is encoded as a number (dates are, as days since 1970)."""
    return dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean


def numbers(values: pl.Series) -> NDArray[np.float64]:
    """Values as float64 with NaN for missing and infinite ones; dates as days."""
    if values.dtype == pl.Date:
        values = values.cast(pl.Int32)
    elif isinstance(values.dtype, pl.Datetime):
        values = values.dt.epoch("s") / 86_400
    out = values.cast(pl.Float64).to_numpy(allow_copy=True).copy()
    out[~np.isfinite(out)] = np.nan
    return out


def _fit(values: pl.Series) -> Code:
    return _fit_number(values) if is_number(values.dtype) else _fit_levels(values)


def _fit_number(values: pl.Series) -> NumberCode:
    column = numbers(values)
    missing = np.isnan(column)
    if missing.all():
        return NumberCode(values.name, 0.0, 0.0, 0.0, False, int(missing.sum()))
    median = float(np.median(column[~missing]))
    filled = np.where(missing, median, column)
    mean, sd = float(filled.mean()), float(filled.std())
    if sd <= 1e-12 * max(1.0, abs(mean)):
        sd = 0.0
    return NumberCode(values.name, median, mean, sd, bool(missing.any()), int(missing.sum()))


def _fit_levels(values: pl.Series) -> LevelCode:
    text = label_text(values).fill_null(MISSING).alias("v")
    counts = text.value_counts().sort(["count", "v"], descending=[True, False])
    kept = counts.filter(pl.col("count") >= MIN_LEVEL_ROWS)["v"].to_list()[:MAX_LEVELS]
    if not kept:  # few rows: keep the levels there are
        kept = counts["v"].to_list()[:MAX_LEVELS]
    pooled = counts.height - len(kept)
    levels = sorted(kept[1:])
    if pooled:
        levels.append(RARE)
    return LevelCode(
        values.name, tuple(levels), kept[0] if kept else MISSING, pooled, values.null_count()
    )
