"""The role of each column, as a frozen specification checked against a table."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, model_validator

from fairaudit.data.labels import canonical_label, label_text
from fairaudit.exceptions import SpecError

_RESERVED_NAMES = frozenset({"row", "split", "cluster", "all", "latent group", "cluster seen"})
_RESERVED_MARKS = (" × ", " | ")  # intersections; groups within a level of another column

Task = Literal["binary", "multiclass", "regression"]
MAX_CLASSES = 100


class ColumnRoles(BaseModel):
    """Columns by role.

    Parameters
    ----------
    target : str or None
        The outcome. None only for audits of selections without a known outcome.
    features : tuple of str
        Columns a model may use; sensitive ones only if the user says so.
    sensitive : tuple of str
        Declared sensitive attributes.
    cluster : str or None
        Such as site, school or occupation: rows of a cluster are not independent.
    weight : str or None
        Non-negative row weight.
    predictions : tuple of str
        Columns with the labels or values of existing systems or human decisions.
    scores : tuple of str
        Score columns of existing systems; higher means more positive.
    image : str or None
        Column with the paths of images in the archive or folder.
    row_id : str
        Created at ingestion, never recomputed.
    task : {"binary", "multiclass", "regression"}
    positive : str or None
        The positive label, as text, of a binary target.
    split : str or None
        A column with the values train, validation and test.

    Raises
    ------
    pydantic.ValidationError
        When a column has two roles that exclude each other.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str | None = None
    features: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    cluster: str | None = None
    weight: str | None = None
    predictions: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    image: str | None = None
    row_id: str = "_row"
    task: Task = "binary"
    positive: str | None = None
    split: str | None = None

    @model_validator(mode="after")
    def _no_conflicts(self) -> Self:
        if self.target is not None and self.target in self.sensitive:
            raise ValueError(
                f"column '{self.target}' cannot be both the target and sensitive; "
                "remove one of the two roles"
            )
        if self.target is not None and self.target in self.features:
            raise ValueError(
                f"column '{self.target}' is the target and cannot be a feature; "
                "remove it from the features"
            )
        for role in ("features", "sensitive", "predictions", "scores"):
            names = getattr(self, role)
            if len(set(names)) != len(names):
                twice = next(n for n in names if names.count(n) > 1)
                raise ValueError(f"column '{twice}' is listed twice in {role}; remove one")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns with a role, each once, in a fixed order."""
        single = (self.target, self.cluster, self.weight, self.image, self.split)
        named = [*self.features, *self.sensitive, *self.predictions, *self.scores]
        return tuple(dict.fromkeys([*named, *(c for c in single if c is not None)]))


def resolve(frame: pl.DataFrame, roles: ColumnRoles) -> ColumnRoles:
    """Check the roles against a table and fill in the positive label.

    Returns
    -------
    ColumnRoles
        The same, with `positive` set for a binary target (canonical text).

    Raises
    ------
    SpecError
        If a column is not in the table or its values do not suit the role; the text says which
        column and what to do.
    """
    for column in roles.columns:
        _require(frame, column)
    for column in roles.sensitive:
        check_attribute(column)
    if roles.cluster is not None and frame[roles.cluster].drop_nulls().n_unique() < 2:
        raise SpecError(
            f"cluster column '{roles.cluster}' has fewer than 2 values; choose a column with at "
            "least 2 sites, or none"
        )
    if roles.weight is not None:
        _check_weight(frame[roles.weight])
    for column in roles.scores:
        if not frame[column].dtype.is_numeric():
            raise SpecError(
                f"score column '{column}' is not numeric; use it as a prediction instead"
            )
    return roles if roles.target is None else _resolve_target(frame[roles.target], roles)


def check_attribute(attribute: str) -> None:
    """Refuse names that are reserved in results; a clash would go unnoticed.

    Raises
    ------
    SpecError
        When a sensitive column has such a name.
    """
    marks = [mark for mark in _RESERVED_MARKS if mark in attribute]
    if attribute not in _RESERVED_NAMES and not marks:
        return
    reserved = f"names with '{marks[0].strip()}' are" if marks else "this name is"
    raise SpecError(
        f"column '{attribute}' cannot be a sensitive attribute: {reserved} reserved in "
        "results; rename the column"
    )


def _require(frame: pl.DataFrame, column: str) -> None:
    if column in frame.columns:
        return
    close = get_close_matches(column, frame.columns, 3, 0.6)
    hint = f"did you mean {', '.join(map(repr, close))}?" if close else _listing(frame.columns)
    raise SpecError(f"there is no column '{column}' in the table; {hint}")


def _listing(columns: list[str]) -> str:
    more = "" if len(columns) <= 12 else f" and {len(columns) - 12} more"
    return f"it has {', '.join(columns[:12])}{more}"


def _check_weight(weight: pl.Series) -> None:
    if not weight.dtype.is_numeric():
        raise SpecError(f"weight column '{weight.name}' is not numeric; choose another or none")
    known = weight.cast(pl.Float64).fill_nan(None).drop_nulls()
    if len(known) == 0 or not known.is_finite().all() or (known < 0).any() or known.sum() <= 0:
        raise SpecError(
            f"weight column '{weight.name}' must contain finite numbers of at least 0, some "
            "above 0"
        )


def _resolve_target(target: pl.Series, roles: ColumnRoles) -> ColumnRoles:
    name = target.name
    if roles.task == "regression":
        if not (target.dtype.is_numeric() or target.dtype == pl.Boolean):
            raise SpecError(
                f"target '{name}' is text; choose the task binary or multiclass, or a numeric "
                "column"
            )
        return roles
    levels = target_levels(target)
    if len(levels) < 2:
        raise SpecError(f"target '{name}' has {len(levels)} value; it needs at least 2")
    if roles.task == "multiclass":
        _check_classes(name, levels)
        return roles
    if len(levels) > 2:
        raise SpecError(
            f"target '{name}' has {len(levels):,} values, not 2; choose the task "
            f"{'regression' if target.dtype.is_numeric() else 'multiclass'}"
        )
    return roles.model_copy(update={"positive": resolved_positive(name, levels, roles.positive)})


def _check_classes(name: str, levels: list[str]) -> None:
    if len(levels) > MAX_CLASSES:
        raise SpecError(
            f"target '{name}' has {len(levels):,} classes; at most {MAX_CLASSES} can be audited: "
            "combine them, or choose the task regression if they are numbers"
        )


def resolved_positive(name: str, levels: list[str], positive: str | None) -> str:
    """The positive label of a target: the one named, or else a guess.

    Raises
    ------
    SpecError
        When the named label does not occur.
    """
    if positive is None:
        return guess_positive(levels)
    wanted = canonical_label(positive)
    for level in levels:
        if level == wanted or canonical_label(level) == wanted:
            return level
    raise SpecError(
        f"target '{name}' has no value '{positive}'; its values are {', '.join(map(repr, levels))}"
    )


def target_levels(target: pl.Series) -> list[str]:
    """The distinct labels of a target: numbers in order of size, text in alphabetical order."""
    levels = label_text(target).drop_nulls().unique().to_list()
    return sorted(levels, key=_label_order)


def _label_order(label: str) -> tuple[int, float, str]:
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)


_POSITIVE_WORDS = (
    "1", "true", "yes", "y", "t", "positive", "pos", "+", "approved", "accepted", "granted",
    "hired", "admitted", "passed", "pass", "success", "default", "defaulted", "good", "sick",
    "disease", "high", "repaid", "readmitted", "died", "recid",
)  # fmt: skip
_NEGATIVE_WORDS = (
    "0", "-1", "false", "no", "n", "f", "negative", "neg", "-", "denied", "rejected", "refused",
    "not hired", "failed", "fail", "none", "bad", "healthy", "low",
)  # fmt: skip


def guess_positive(levels: list[str]) -> str:
    """The positive one of two labels: by common words, else the larger one."""
    lowered = {level.lower().rstrip("."): level for level in levels}
    for word in _POSITIVE_WORDS:
        if word in lowered:
            return lowered[word]
    negative = [lowered[w] for w in _NEGATIVE_WORDS if w in lowered]
    rest = [level for level in levels if level not in negative]
    if negative and rest:
        return rest[0]
    above = [level for level in levels if level.startswith((">", "≥"))]
    return above[0] if above else sorted(levels, key=_label_order)[-1]
