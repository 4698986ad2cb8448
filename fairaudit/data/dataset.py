"""Turns a table with roles into arrays: the one place where polars becomes numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.data.arrays import Arrays
from fairaudit.data.encoding import Encoder, fit_encoder, numbers
from fairaudit.data.grouping import group_labels, stratum
from fairaudit.data.images import ImageStore
from fairaudit.data.known_outcome import without_unknown
from fairaudit.data.labels import label_text
from fairaudit.data.mends import mended
from fairaudit.data.roles import ColumnRoles, outcome_of, resolve, target_levels
from fairaudit.data.splits import DEFAULT_SPLIT, SplitSpec
from fairaudit.data.splitting import (
    TEST,
    TRAIN,
    add_validation,
    named_parts,
    split_clusters,
    split_rows,
    split_units,
)
from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.labels import MISSING


@dataclass(frozen=True)
class Prepared:
    """Arrays, with the encoders that made them."""

    arrays: Arrays
    features: Encoder
    sensitive: Encoder
    excluded: pl.DataFrame


class Dataset:
    """Rows with roles.

    Parameters
    ----------
    frame : polars.DataFrame
        As ingested; a frame without row ids gets them in its current order.
    roles : ColumnRoles
    images : ImageStore, optional
        Needed when `roles.image` is set; row i of the store is row id i.

    Attributes
    ----------
    frame : polars.DataFrame
        All rows, as `roles.mends` read them; the target is null where `roles.known_for` says
        that it is not known.
    roles : ColumnRoles
        Resolved: the positive class and its meaning are set.
    outcome : OutcomeFacts
        What the outcome is and means, and why.
    excluded : polars.DataFrame
        `row` and `reason` of the rows that no array contains (missing target or weight).

    Raises
    ------
    SpecError
        If the roles do not fit the table.

    Examples
    --------
    >>> frame = pl.DataFrame({"x": range(20), "sex": ["f", "m"] * 10, "y": [0, 0, 1, 1] * 5})
    >>> data = Dataset(frame, ColumnRoles(target="y", features=("x",), sensitive=("sex",)))
    >>> data.arrays().part("test").X.shape
    (4, 1)
    """

    def __init__(
        self, frame: pl.DataFrame, roles: ColumnRoles, images: ImageStore | None = None
    ) -> None:
        rows = mended(_with_row_id(frame, roles.row_id), roles.mends)
        self.frame = without_unknown(rows, roles)
        self.roles = resolve(self.frame, roles)
        self.outcome = outcome_of(self.frame, roles, self.roles)
        self.images = images
        self.excluded = _excluded(self.frame, self.roles)

    def __len__(self) -> int:
        return self.frame.height

    def arrays(self, split: SplitSpec = DEFAULT_SPLIT, seed: int = 0) -> Arrays:
        """The rows as arrays; the same split and seed always give the same arrays.

        Parameters
        ----------
        split : SplitSpec
            How rows are divided into training, validation and test rows.
        seed : int

        Returns
        -------
        Arrays
            Rows in the order of their ids. `y` is all NaN without a target.
        """
        return self.prepared(split, seed).arrays

    def prepared(self, split: SplitSpec = DEFAULT_SPLIT, seed: int = 0) -> Prepared:
        """Arrays together with the encoders of features and of sensitive attributes."""
        excluded = self.excluded_rows(split)
        frame = _kept(self.frame, self.roles, excluded)
        parts = self._parts(frame, split, seed)
        training = parts == TRAIN
        train = frame.filter(pl.Series(training))
        features = fit_encoder(train, self.roles.features)
        sensitive = fit_encoder(train, self.roles.sensitive)
        arrays = self._assembled(frame, parts, features, sensitive)
        return Prepared(arrays, features, sensitive, excluded)

    def excluded_rows(self, split: SplitSpec = DEFAULT_SPLIT) -> pl.DataFrame:
        """Like `excluded`, plus the rows that a split column assigns to no split."""
        if split.by != "column" or self.roles.split is None:
            return self.excluded
        unassigned = self.frame.filter(pl.Series(named_parts(self.frame[self.roles.split]) == -1))
        rows = unassigned.select(
            pl.col(self.roles.row_id).alias("row"), reason=pl.lit("split missing")
        )
        return pl.concat([self.excluded, rows]).unique("row", keep="first").sort("row")

    def encoder(self, split: SplitSpec = DEFAULT_SPLIT, seed: int = 0) -> pl.DataFrame:
        """Which features each column became, and how (one row per column)."""
        return self.prepared(split, seed).features.summary()

    def _assembled(
        self, frame: pl.DataFrame, parts: NDArray[np.int8], features: Encoder, sensitive: Encoder
    ) -> Arrays:
        roles = self.roles
        y, classes = _target(frame, roles)
        cluster, clusters = _cluster(frame, roles)
        image = roles.image is not None
        return Arrays(
            X=self._pixels(frame) if image else features.encode(frame),
            y=y,
            task=roles.task,
            sensitive=sensitive.encode(frame),
            groups={s: group_labels(frame[s], parts == TRAIN) for s in roles.sensitive},
            cluster=cluster,
            weight=None if roles.weight is None else numbers(frame[roles.weight]),
            row_id=frame[roles.row_id].to_numpy().astype(np.int64),
            split=parts,
            feature_names=() if image else features.names,
            sensitive_names=sensitive.names,
            classes=classes,
            cluster_names=clusters,
            units={**features.units, **sensitive.units},
        )

    def _pixels(self, frame: pl.DataFrame) -> NDArray[Any]:
        if self.images is None:
            raise SpecError(
                f"column '{self.roles.image}' names images, but the table came without images; "
                "ingest the ZIP or folder that contains both"
            )
        return self.images.rows(frame[self.roles.row_id].to_numpy())

    def _parts(self, frame: pl.DataFrame, split: SplitSpec, seed: int) -> NDArray[np.int8]:
        roles = self.roles
        if frame.height < 3:
            raise InputError(
                f"only {frame.height} rows remain to be split; at least 3 are needed: add rows"
                " or choose another target"
            )
        if split.by == "cluster":
            codes, _ = _cluster(frame, roles)
            if codes is None or roles.cluster is None:
                raise SpecError("splitting by cluster needs a cluster column; choose one")
            return self._undivided(split_clusters(codes, roles.cluster, split, seed), frame)
        strata = _strata(frame, roles)
        if split.by == "rows" and roles.unit is not None:
            units, _ = _unit_codes(frame, roles.unit)
            return split_units(units, strata, roles.unit, split, seed)
        if split.by == "rows":
            return split_rows(strata, split, seed)
        if roles.split is None:
            raise SpecError("splitting by a column needs a split column; choose one")
        named = named_parts(frame[roles.split])
        if roles.unit is None:
            return add_validation(named, strata, split, seed)
        units, _ = _unit_codes(frame, roles.unit)
        return self._undivided(add_validation(named, strata, split, seed, units), frame)

    def _undivided(self, parts: NDArray[np.int8], frame: pl.DataFrame) -> NDArray[np.int8]:
        """The parts, refused where one unit has both training and other rows."""
        unit = self.roles.unit
        if unit is None:
            return parts
        codes, names = _unit_codes(frame, unit)
        in_training = np.zeros(len(names), dtype=bool)
        in_test = np.zeros(len(names), dtype=bool)
        in_training[codes[parts == TRAIN]] = True
        in_test[codes[parts == TEST]] = True
        divided = int((in_training & in_test).sum())
        if divided:
            raise SpecError(
                f"{divided:,} values of '{unit}' have both training and test rows in this split; "
                "split by rows, which keeps each together, or name no repeating id"
            )
        return parts


def _with_row_id(frame: pl.DataFrame, row_id: str) -> pl.DataFrame:
    if row_id not in frame.columns:
        return frame.with_row_index(row_id).with_columns(pl.col(row_id).cast(pl.Int64))
    if frame[row_id].n_unique() != frame.height or frame[row_id].null_count():
        raise InputError(
            f"column '{row_id}' contains row ids that are not unique; remove it to get new ones"
        )
    return frame


def _excluded(frame: pl.DataFrame, roles: ColumnRoles) -> pl.DataFrame:
    """Rows that no array can contain, each with the first reason that applies."""
    reasons = []
    if roles.target is not None:
        reasons.append(
            (
                _unknown(frame, roles.target, roles.task == "regression"),
                "target missing" if roles.known_for is None else "outcome not known",
            )
        )
    if roles.weight is not None:
        reasons.append((_unknown(frame, roles.weight, True), "weight missing"))
    reason = pl.lit(None, dtype=pl.String)
    for condition, text in reversed(reasons):
        reason = pl.when(condition).then(pl.lit(text)).otherwise(reason)
    listed = frame.select(pl.col(roles.row_id).alias("row"), reason.alias("reason"))
    return listed.filter(pl.col("reason").is_not_null()).sort("row")


def _unknown(frame: pl.DataFrame, column: str, number: bool) -> pl.Expr:
    value = pl.col(column)
    if frame[column].dtype.is_float():
        return (
            (value.is_null() | ~value.is_finite())
            if number
            else (value.is_null() | value.is_nan())
        )
    return value.is_null()


def _kept(frame: pl.DataFrame, roles: ColumnRoles, excluded: pl.DataFrame) -> pl.DataFrame:
    return frame.filter(~pl.col(roles.row_id).is_in(excluded["row"].implode())).sort(roles.row_id)


def _target(frame: pl.DataFrame, roles: ColumnRoles) -> tuple[NDArray[Any], tuple[str, ...]]:
    if roles.target is None:
        return np.full(frame.height, np.nan), ()
    if roles.task == "regression":
        return numbers(frame[roles.target]), ()
    levels = target_levels(frame[roles.target])
    if roles.task == "binary":
        levels.sort(key=lambda level: level == roles.positive)
    return _codes(label_text(frame[roles.target]), levels), tuple(levels)


def _codes(text: pl.Series, levels: list[str]) -> NDArray[np.int64]:
    position = {level: i for i, level in enumerate(levels)}
    codes = text.replace_strict(position, return_dtype=pl.Int64)
    return codes.to_numpy().astype(np.int64)


def _cluster(
    frame: pl.DataFrame, roles: ColumnRoles
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Codes and names of the clusters: those named, else the units; None without either."""
    if roles.cluster is not None:
        return _group_codes(frame, roles.cluster)
    return (None, ()) if roles.unit is None else _unit_codes(frame, roles.unit)


def _group_codes(frame: pl.DataFrame, column: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Codes and names; a missing cluster is a cluster of its own."""
    names = target_levels(frame[column])
    text = label_text(frame[column])
    if text.null_count():
        names.append(MISSING)
    return _codes(text.fill_null(MISSING), names), tuple(names)


def _unit_codes(frame: pl.DataFrame, unit: str) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Codes and names of the units; every row without an id is a unit of its own."""
    text = label_text(frame[unit])
    alone = pl.Series([f"{MISSING} {k}" for k in range(text.null_count())], dtype=pl.String)
    filled = text.scatter(text.is_null().arg_true(), alone) if len(alone) else text
    names = filled.unique().sort().to_list()
    return _codes(filled, names), tuple(names)


def _strata(frame: pl.DataFrame, roles: ColumnRoles) -> NDArray[np.int64]:
    """Codes of target × coarse groups; a numeric target is cut at its median."""
    columns = [*([] if roles.target is None else [roles.target]), *roles.sensitive]
    parts = [stratum(frame[c]).alias(str(i)) for i, c in enumerate(columns)]
    if not parts:
        return np.zeros(frame.height, dtype=np.int64)
    joined = pl.DataFrame(parts).select(pl.concat_str(pl.all(), separator="\x1f").alias("s"))["s"]
    return _codes(joined, sorted(joined.unique().to_list()))
