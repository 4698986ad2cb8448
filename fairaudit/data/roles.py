"""The role of each column, as a frozen specification checked against a table."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from itertools import combinations
from typing import Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, Field, model_validator

from fairaudit.data.labels import canonical_label, label_text
from fairaudit.data.mends import Mend
from fairaudit.data.near_labels import near_equal
from fairaudit.data.outcome import (
    Meaning,
    OutcomeFacts,
    describe,
    guess_meaning_among,
    guess_positive,
    label_order,
    labels_of_one,
    larger_label,
)
from fairaudit.exceptions import SpecError

_RESERVED_NAMES = frozenset({"row", "split", "cluster", "all", "latent group", "cluster seen"})
_RESERVED_MARKS = (" × ", " | ")  # intersections; groups within a level of another column

Task = Literal["binary", "multiclass", "regression"]
MAX_CLASSES = 100
# Pairs of roles that one column may have at once; every other pair is refused.
_TOGETHER = frozenset(
    frozenset(pair)
    for pair in (
        ("features", "sensitive"), ("features", "cluster"), ("sensitive", "cluster"),
        ("predictions", "known_for"),  # loans granted: the outcome is known for them alone
    )
)  # fmt: skip
_ROLE_NAMES: Mapping[str, str] = {
    "target": "the target",
    "features": "a feature",
    "sensitive": "a sensitive attribute",
    "cluster": "the cluster",
    "unit": "the repeating id",
    "weight": "the weight",
    "predictions": "a prediction",
    "scores": "a score",
    "image": "the image path",
    "split": "the split",
    "known_for": "the column that says where the outcome is known",
}


class Cut(BaseModel):
    """Where a score decides: rows at or above it, or at or below it, are selected."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at: float
    side: Literal["above", "below"] = "above"


class ColumnRoles(BaseModel):
    """Columns by role.

    Parameters
    ----------
    target : str or None
        The outcome. None where no outcome is known: only the decisions are audited.
    features : tuple of str
        Columns a model may use; sensitive ones only if the user says so.
    sensitive : tuple of str
        Declared sensitive attributes.
    cluster : str or None
        Such as site, school or occupation: rows of a cluster are not independent.
    unit : str or None
        An id that repeats, such as a patient's: rows of one unit are never divided between
        training and test rows, and are one cluster where no cluster is named.
    weight : str or None
        Non-negative row weight.
    predictions : tuple of str
        Columns with the labels or values of existing systems or human decisions.
    scores : tuple of str
        Score columns of existing systems; higher means more positive unless its cut says below.
    cuts : mapping of score column to Cut
        Where each score decides, on its own scale.
    image : str or None
        Column with the paths of images in the archive or folder.
    row_id : str
        Created at ingestion, never recomputed.
    task : {"binary", "multiclass", "regression"}
    positive : str or None
        The positive class, as text: the label of a binary target that is predicted.
    meaning : {"good", "bad", "neutral"} or None
        What the positive class means for the person; None guesses by the words of the column.
    known_for : str or None
        A yes/no column: the outcome is known only where it says yes, such as loans granted.
    split : str or None
        A column with the values train, validation and test.
    mends : tuple of Mend
        How the table is read differently before the roles apply; the stored table stays.

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
    unit: str | None = None
    weight: str | None = None
    predictions: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    cuts: Mapping[str, Cut] = Field(default_factory=dict)
    image: str | None = None
    row_id: str = "_row"
    task: Task = "binary"
    positive: str | None = None
    meaning: Meaning | None = None
    known_for: str | None = None
    split: str | None = None
    mends: tuple[Mend, ...] = ()

    @model_validator(mode="after")
    def _no_conflicts(self) -> Self:
        by_role = {role: self._named(role) for role in _ROLE_NAMES}
        for role, names in by_role.items():
            if len(set(names)) != len(names):
                twice = next(n for n in names if names.count(n) > 1)
                raise ValueError(f"column '{twice}' is listed twice in {role}; remove one")
        for one, other in combinations(by_role, 2):
            both = [c for c in by_role[one] if c in by_role[other]]
            if both and frozenset((one, other)) not in _TOGETHER:
                raise ValueError(
                    f"column '{both[0]}' cannot be both {_ROLE_NAMES[one]} and "
                    f"{_ROLE_NAMES[other]}; a column has one role: remove one of the two"
                )
        odd = [c for c in self.cuts if c not in self.scores]
        if odd:
            raise ValueError(
                f"column '{odd[0]}' has a cut but is not named as a score; name it as a score"
            )
        if self.known_for is not None and self.target is None:
            raise ValueError(
                f"column '{self.known_for}' says where the outcome is known, but no target is "
                "named; name the target"
            )
        return self

    def _named(self, role: str) -> tuple[str, ...]:
        """The columns of a role."""
        value = getattr(self, role)
        return value if isinstance(value, tuple) else () if value is None else (value,)

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns with a role, each once, in a fixed order."""
        order = ("features", "sensitive", "predictions", "scores", "target", "cluster", "weight",
                 "image", "split", "unit", "known_for")  # fmt: skip
        return tuple(dict.fromkeys(c for role in order for c in self._named(role)))


def resolve(frame: pl.DataFrame, roles: ColumnRoles) -> ColumnRoles:
    """Check the roles against a table and fill in the positive class and its meaning.

    Returns
    -------
    ColumnRoles
        The same, with `meaning` set, and `positive` for a binary target (canonical text).

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
    if roles.target is not None:
        return _with_meaning(_resolve_target(frame[roles.target], roles), frame)
    return _with_meaning(_resolve_decisions(frame, roles), frame)


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
        if not target.cast(pl.Float64).is_finite().any():
            raise _no_values(name)
        return roles
    levels = target_levels(target)
    if not levels:
        raise _no_values(name)
    if len(levels) < 2:
        raise SpecError(f"target '{name}' has {len(levels)} value; it needs at least 2")
    if roles.task == "multiclass":
        _check_classes(name, levels)
        return roles
    if len(levels) > 2:
        _check_near_labels("target", target)
        raise SpecError(
            f"target '{name}' has {len(levels):,} values, not 2; choose the task "
            f"{'regression' if target.dtype.is_numeric() else 'multiclass'}"
        )
    return roles.model_copy(update={"positive": resolved_positive(name, levels, roles.positive)})


def _check_near_labels(role: str, values: pl.Series) -> None:
    """Refuse labels that look the same, by name, where they are taken for several classes."""
    alike = near_equal(label_counts(values))
    if not alike:
        return
    first = alike[0]
    more = f" (and {len(alike) - 1} more)" if len(alike) > 1 else ""
    raise SpecError(
        f"{role} '{values.name}' has labels that look the same: '{first[0]}' and '{first[1]}'"
        f"{more}; join them on the Data page or with the request that `fairaudit doctor TABLE "
        "--fix` writes, or choose the task multiclass"
    )


def label_counts(values: pl.Series) -> dict[str, int]:
    """The labels of a column with their number of rows."""
    text = label_text(values).drop_nulls().alias("label")
    return dict(text.value_counts().sort("label").iter_rows())


def _no_values(name: str) -> SpecError:
    return SpecError(
        f"target '{name}' has no value in any row, so no outcome is known; name another column, "
        "or name no target (--no-target) to audit the decisions alone"
    )


def _resolve_decisions(frame: pl.DataFrame, roles: ColumnRoles) -> ColumnRoles:
    """Without an outcome, the positive class is that of the decisions."""
    if roles.task != "binary" or not roles.predictions:
        return roles
    name = roles.predictions[0]
    levels = target_levels(frame[name])
    if not 1 <= len(levels) <= 2:
        _check_near_labels("prediction column", frame[name])
        raise SpecError(
            f"prediction column '{name}' has {len(levels):,} values, not 2; choose the task "
            f"{'regression' if frame[name].dtype.is_numeric() else 'multiclass'}"
        )
    if levels in (["0"], ["1"]):
        levels = ["0", "1"]
    return roles.model_copy(update={"positive": resolved_positive(name, levels, roles.positive)})


def _with_meaning(roles: ColumnRoles, frame: pl.DataFrame) -> ColumnRoles:
    if roles.meaning is not None:
        return roles
    guess = guess_meaning_among(telling_columns(roles), roles.positive, _negative(frame, roles))
    return roles.model_copy(update={"meaning": guess.meaning})


def telling_columns(roles: ColumnRoles) -> list[str]:
    """Columns whose words may give the meaning of the outcome: the target, then the decisions.

    A decision that says for whom the outcome is known is about something else: who was released
    could offend.
    """
    named = (roles.target, *roles.predictions, *roles.scores)
    return [name for name in named if name is not None and name != roles.known_for]


def subject_of(roles: ColumnRoles) -> str:
    """The column that the outcome's words are taken from: the target, or else the decision."""
    return roles.target or next(iter((*roles.predictions, *roles.scores)), "")


def _negative(frame: pl.DataFrame, roles: ColumnRoles) -> str | None:
    """The other label of a binary outcome or decision."""
    if roles.positive is None:
        return None
    if roles.target is None and not roles.predictions:
        return f"not {roles.positive}"
    levels = target_levels(frame[subject_of(roles)])
    other = {"0": "1", "1": "0"}.get(roles.positive, f"not {roles.positive}")
    return next((label for label in levels if label != roles.positive), other)


def outcome_of(frame: pl.DataFrame, stated: ColumnRoles, resolved: ColumnRoles) -> OutcomeFacts:
    """The facts about the outcome: what was stated, what was guessed, and why.

    Parameters
    ----------
    frame : polars.DataFrame
    stated : ColumnRoles
        As requested.
    resolved : ColumnRoles
        As `resolve` returned them.
    """
    return describe(
        telling_columns(resolved),
        (_negative(frame, resolved), resolved.positive),
        target=resolved.target,
        positive=stated.positive,
        meaning=stated.meaning,
        known_for=resolved.known_for,
    )


def _check_classes(name: str, levels: list[str]) -> None:
    if len(levels) > MAX_CLASSES:
        raise SpecError(
            f"target '{name}' has {len(levels):,} classes; at most {MAX_CLASSES} can be audited: "
            "combine them, or choose the task regression if they are numbers"
        )


def resolved_positive(name: str, levels: list[str], positive: str | None) -> str:
    """The positive class of a target: the label named, else a guess, else the larger label.

    Raises
    ------
    SpecError
        When the named label does not occur.
    """
    if positive is None and len(levels) == 1:
        return labels_of_one(levels[0])[1]
    if positive is None:
        return guess_positive(levels, name).label or larger_label(levels)
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
    return sorted(levels, key=label_order)
