"""Adult by occupation: the seven largest occupations are seen in training, the others unseen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "adult"
NUMBERS = ("age", "education-num", "capital-gain", "capital-loss", "hours-per-week")
CATEGORIES = ("workclass", "marital-status", "relationship", "race", "sex", "abroad")
ATTRIBUTES = ("age", "race", "sex", "marital-status")


@dataclass(frozen=True)
class Part:
    """Rows of one part: features, outcome, attributes as text (n, 4), occupation."""

    X: NDArray[np.float64]
    y: NDArray[np.int64]
    S: NDArray[np.str_]
    cluster: NDArray[np.str_]

    def take(self, rows: NDArray[np.bool_]) -> Part:
        return Part(self.X[rows], self.y[rows], self.S[rows], self.cluster[rows])


def load() -> tuple[Part, Part, Part, list[str]]:
    """Training rows (seen occupations), test rows seen and unseen, feature names."""
    train, test = _read("adult.data"), _read("adult.test")
    levels = {c: sorted(train[c].unique().to_list()) for c in CATEGORIES}
    names = [*NUMBERS, *(f"{c}={v}" for c in CATEGORIES for v in levels[c])]
    largest = train["occupation"].value_counts(sort=True).filter(pl.col("occupation") != "?")
    seen = largest["occupation"].to_list()[:7]
    fit, judge = _part(train, levels), _part(test, levels)
    known = np.isin(judge.cluster, seen)
    others = ~known & (judge.cluster != "?")
    return fit.take(np.isin(fit.cluster, seen)), judge.take(known), judge.take(others), names


def _read(name: str) -> pl.DataFrame:
    frame = pl.read_csv(DATA / name).with_columns(pl.col(pl.String).fill_null("?"))
    us = pl.col("native-country") == "United-States"
    return frame.with_columns(
        pl.when(us).then(pl.lit("no")).otherwise(pl.lit("yes")).alias("abroad"),
        pl.col("capital-gain", "capital-loss").cast(pl.Float64).log1p(),
    )


def _part(frame: pl.DataFrame, levels: dict[str, list[str]]) -> Part:
    numbers = frame.select(NUMBERS).to_numpy().astype(np.float64)
    hot = [(frame[c] == v).to_numpy().astype(np.float64) for c in CATEGORIES for v in levels[c]]
    age = np.digitize(frame["age"].to_numpy(), [26, 36, 46, 56])
    brackets = np.array(["17-25", "26-35", "36-45", "46-55", "56+"])[age]
    rest = [frame[a].to_numpy().astype(str) for a in ATTRIBUTES[1:]]
    y = frame["income"].str.contains(">50K").to_numpy().astype(np.int64)
    cluster = frame["occupation"].to_numpy().astype(str)
    return Part(np.column_stack([numbers, *hot]), y, np.column_stack([brackets, *rest]), cluster)
