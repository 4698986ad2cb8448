"""Profile of each column, and a sample of rows as small integer codes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.data.encoding import is_number, numbers
from fairaudit.data.labels import label_text

SAMPLE_ROWS = 20_000
FEWEST_CASES = 20  # of a class and of the rest: with 5, noise reaches an AUROC of 0.78
BINS = 50
FREQUENT = 100


@dataclass(frozen=True)
class ColumnProfile:
    """Profile of one column, over all rows.

    `values` holds the most frequent labels (canonical text) with their counts; `low` and `high`
    are the smallest and largest finite number.
    """

    name: str
    number: bool
    whole: bool
    rows: int
    missing: int
    distinct: int
    infinite: int
    values: Mapping[str, int]
    dtype: str
    low: float | None = None
    high: float | None = None

    @property
    def known(self) -> int:
        """Rows with a value."""
        return self.rows - self.missing

    @property
    def levels(self) -> tuple[str, ...]:
        """Labels in order of frequency; complete when there are at most `FREQUENT`."""
        return tuple(self.values)


def profile(frame: pl.DataFrame, row_id: str) -> dict[str, ColumnProfile]:
    """The profile of every column except the row id."""
    return {c: _profile(frame[c]) for c in frame.columns if c != row_id}


def _profile(values: pl.Series) -> ColumnProfile:
    number = is_number(values.dtype) and values.dtype != pl.Boolean
    floats = values.dtype.is_float()
    infinite = int(values.is_infinite().sum() or 0) if floats else 0
    missing = values.null_count() + (int(values.is_nan().sum() or 0) if floats else 0)
    known = values.drop_nans().drop_nulls() if floats else values.drop_nulls()
    whole = values.dtype.is_integer() or (
        floats and infinite == 0 and bool((known == known.round(0)).all())
    )
    distinct = known.n_unique()
    return ColumnProfile(
        str(values.name),
        number,
        bool(whole),
        len(values),
        missing,
        distinct,
        infinite,
        _frequent(known, distinct),
        str(values.dtype),
        *(_range(known) if number else (None, None)),
    )


def _range(known: pl.Series) -> tuple[float | None, float | None]:
    finite = known.filter(known.is_finite()) if known.dtype.is_float() else known
    if len(finite) == 0:
        return None, None
    low, high = finite.cast(pl.Float64).min(), finite.cast(pl.Float64).max()
    return float(low), float(high)  # type: ignore[arg-type]


def _frequent(known: pl.Series, distinct: int) -> dict[str, int]:
    if distinct > FREQUENT and len(known) > SAMPLE_ROWS:
        known = known.head(SAMPLE_ROWS)
    counts = known.alias("v").value_counts().sort(["count", "v"], descending=[True, False])
    top = counts.head(FREQUENT)
    return dict(zip(label_text(top["v"]).to_list(), top["count"].to_list(), strict=True))


class RowSample:
    """At most 20,000 rows, drawn with a fixed seed; each column is binned once, on first use."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self.rows = sampled(frame)
        self._codes: dict[str, NDArray[np.int64]] = {}
        self._outcomes: dict[str, tuple[NDArray[np.int64], int]] = {}
        self._separations: dict[tuple[str, str], Separation] = {}

    def codes(self, column: str) -> NDArray[np.int64]:
        """Bins of a column, (rows,)."""
        if column not in self._codes:
            self._codes[column] = binned(self.rows[column])
        return self._codes[column]

    def outcome(self, column: str) -> tuple[NDArray[np.int64], int]:
        """A column as a few classes and their number; see `outcome_codes`."""
        if column not in self._outcomes:
            self._outcomes[column] = outcome_codes(self.rows[column])
        return self._outcomes[column]

    def predicts(self, column: str, target: str) -> float:
        """How well one column predicts another; see `separation`."""
        return self._separation(column, target).auroc

    def predicts_surely(self, column: str, target: str) -> tuple[float, float]:
        """How well one column predicts another, and the lower end of a 99% interval."""
        best = self._separation(column, target)
        return best.auroc, best.lower()

    def _separation(self, column: str, target: str) -> Separation:
        key = column, target
        if key not in self._separations:
            best = best_separation(self.codes(column), *self.outcome(target))
            self._separations[key] = best
        return self._separations[key]


def sampled(frame: pl.DataFrame, most: int = SAMPLE_ROWS) -> pl.DataFrame:
    """At most `most` rows, drawn with a fixed seed, in the order of the table."""
    if frame.height <= most:
        return frame
    drawn = pl.int_range(frame.height, eager=True).sample(most, seed=0).sort()
    chosen: pl.DataFrame = frame[drawn]
    return chosen


def binned(values: pl.Series, bins: int = BINS) -> NDArray[np.int64]:
    """Codes: quantile bins of numbers, levels of text; missing has its own code."""
    if is_number(values.dtype) and values.dtype != pl.Boolean:
        column = numbers(values)
        known = column[~np.isnan(column)]
        if len(known) == 0:
            return np.zeros(len(column), dtype=np.int64)
        cuts = np.unique(np.quantile(known, np.arange(1, bins) / bins))
        codes = np.searchsorted(cuts, column, side="right")
        return np.where(np.isnan(column), len(cuts) + 1, codes).astype(np.int64)
    ranks = values.cast(pl.String).fill_null("\x00").rank("dense")
    return ranks.to_numpy().astype(np.int64) - 1


def separation(codes: NDArray[np.int64], outcome: NDArray[np.int64], n_outcomes: int) -> float:
    """How well a column predicts an outcome: the best held-out one-vs-rest AUROC.

    Half of the rows rank the column's bins by outcome rate and the other half evaluate the
    ranking; then the halves swap. So a column with many levels gains nothing by chance. Classes
    with fewer than 20 rows, or with fewer than 20 others, are not judged.

    Parameters
    ----------
    codes : (n,) int, bins of the column
    outcome : (n,) int, -1 where unknown

    Returns
    -------
    float
        0.5 (chance) to 1.
    """
    return best_separation(codes, outcome, n_outcomes).auroc


@dataclass(frozen=True)
class Separation:
    """The AUROC of one class against the rest, and the rows of both."""

    auroc: float
    cases: int
    others: int

    def lower(self, z: float = 2.576) -> float:
        """Lower end of the interval of Hanley and McNeil (1982); 0.5 without enough rows.

        The variance is doubled, because the bins are ranked on the other half of the rows.
        """
        a, m, n = self.auroc, self.cases, self.others
        if not m or not n:
            return 0.5
        q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
        variance = (a * (1 - a) + (m - 1) * (q1 - a * a) + (n - 1) * (q2 - a * a)) / (m * n)
        return a - z * float(np.sqrt(max(2 * variance, 0.0)))


def best_separation(
    codes: NDArray[np.int64], outcome: NDArray[np.int64], n_outcomes: int
) -> Separation:
    """The class that is predicted best, of those with 20 rows and 20 others; see `separation`."""
    known = outcome >= 0
    codes, outcome = codes[known], outcome[known]
    if len(codes) < 2 * FEWEST_CASES:
        return Separation(0.5, 0, 0)
    k = int(codes.max()) + 1
    half = np.random.default_rng(0).permutation(len(codes)) % 2
    cells = (half * k + codes) * n_outcomes + outcome
    tables = (
        np.bincount(cells, minlength=2 * k * n_outcomes).reshape(2, k, n_outcomes).astype(float)
    )
    both = (_auroc_by_class(*tables) + _auroc_by_class(*tables[::-1])) / 2
    cases = (tables[0] + tables[1]).sum(axis=0)
    enough = np.minimum(cases, len(codes) - cases) >= FEWEST_CASES
    if not enough.any():
        return Separation(0.5, 0, 0)
    best = int(np.where(enough, both, -1.0).argmax())
    of_best = int(cases[best])
    return Separation(float(max(0.5, both[best])), of_best, len(codes) - of_best)


def _auroc_by_class(rank: NDArray[np.float64], judge: NDArray[np.float64]) -> NDArray[np.float64]:
    """AUROC of each class vs the rest in `judge`, with bins ranked by their rate in `rank`."""
    prior = rank.sum(axis=0) / max(rank.sum(), 1)
    # one pseudo-row at the prior: a bin with a single row must not rank first or last
    rate = (rank + prior) / (rank.sum(axis=1, keepdims=True) + 1)  # (bins, classes)
    out = np.empty(judge.shape[1])
    for c in range(judge.shape[1]):
        out[c] = _auroc(rate[:, c], judge[:, c], judge.sum(axis=1) - judge[:, c])
    return out


def _auroc(score: NDArray[np.float64], yes: NDArray[np.float64], no: NDArray[np.float64]) -> float:
    """AUROC from counts per bin; ties count half."""
    if yes.sum() == 0 or no.sum() == 0:
        return 0.5
    _, tie = np.unique(score, return_inverse=True)
    hit, miss = np.bincount(tie, yes), np.bincount(tie, no)
    below = np.cumsum(miss) - miss
    return float(np.sum(hit * (below + miss / 2)) / (yes.sum() * no.sum()))


def outcome_codes(values: pl.Series, most: int = 12) -> tuple[NDArray[np.int64], int]:
    """An outcome as a few classes: levels, rare ones pooled; other numbers cut at the median."""
    if is_number(values.dtype) and values.dtype != pl.Boolean and values.n_unique() > most:
        column = numbers(values)
        known = ~np.isnan(column)
        high = column > (np.median(column[known]) if known.any() else 0)
        return np.where(known, high, -1).astype(np.int64), 2
    text = label_text(values)
    levels = (
        text.drop_nulls().value_counts().sort(["count", str(text.name)], descending=[True, False])
    )
    top = levels[str(text.name)].to_list()[:most]
    codes = text.replace_strict(
        top, list(range(len(top))), default=len(top), return_dtype=pl.Int64
    )
    known_codes = pl.select(pl.when(text.is_null()).then(-1).otherwise(codes)).to_series()
    return known_codes.to_numpy().astype(np.int64), len(top) + 1
