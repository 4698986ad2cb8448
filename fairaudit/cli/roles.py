"""Roles on the command line: those that are named, completed by the doctor's guesses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import polars as pl
from pydantic import ValidationError

from fairaudit.audit.catalog import METHODS
from fairaudit.cli.options import cuts_of
from fairaudit.data.doctor.column_profile import profile
from fairaudit.data.doctor.diagnosis import Diagnosis, examine
from fairaudit.data.doctor.table_scores import (
    SuggestedCut,
    lone_scores,
    suggested_cuts,
    sure_cuts,
)
from fairaudit.data.doctor.target_guesses import is_outcome_name, task_of
from fairaudit.data.known_outcome import guess_known_for, without_unknown
from fairaudit.data.outcome import MEANINGS, Meaning, guess_meaning
from fairaudit.data.roles import ColumnRoles, Cut, Task
from fairaudit.exceptions import SpecError

OPTIONS: Mapping[str, str] = {
    "target": "--target",
    "features": "--features",
    "sensitive": "--sensitive",
    "cluster": "--cluster",
    "unit": "--unit",
    "weight": "--weight",
    "predictions": "--prediction",
    "scores": "--score",
    "split": "--split-column",
    "known_for": "--outcome-known-for",
}


@dataclass(frozen=True)
class NamedRoles:
    """Roles that the user named; the doctor guesses the rest."""

    target: str | None = None
    no_target: bool = False
    features: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    cluster: str | None = None
    unit: str | None = None
    weight: str | None = None
    positive: str | None = None
    meaning: Meaning | None = None
    predictions: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    cuts: Mapping[str, Cut] = field(default_factory=dict)
    known_for: str | None = None
    split: str | None = None

    @property
    def roles(self) -> dict[str, Any]:
        """The roles that were named."""
        named = {name: value for name, value in vars(self).items() if value}
        return {name: value for name, value in named.items() if name != "no_target"}

    def by_option(self) -> dict[str, tuple[str, ...]]:
        """The columns that each option names."""
        values = {option: getattr(self, role) for role, option in OPTIONS.items()}
        return {o: v if isinstance(v, tuple) else (v,) for o, v in values.items() if v}

    @property
    def columns(self) -> set[str]:
        """Every column that was named."""
        return {column for columns in self.by_option().values() for column in columns}


NOTHING_NAMED = NamedRoles()


def named_roles(
    *, meaning: str | None = None, cuts: Sequence[str] | None = None, **named: Any
) -> NamedRoles:
    """Roles from the options of a command.

    A cut names its score: `--cut decile=5` alone audits the score `decile`.

    Raises
    ------
    SpecError
        When the meaning or a cut cannot be read, or a column is named for two roles.
    """
    if meaning is not None and meaning not in MEANINGS:
        raise SpecError(f"unknown --meaning '{meaning}'; choose one of {', '.join(MEANINGS)}")
    if named.get("target") and named.get("no_target"):
        raise SpecError("--target and --no-target exclude each other; leave one out")
    by_score = cuts_of(cuts)
    scores = dict.fromkeys((*named.pop("scores", ()), *by_score))
    roles = NamedRoles(**named, scores=tuple(scores), cuts=by_score, meaning=meaning)
    _check_once(roles)
    return roles


def _check_once(named: NamedRoles) -> None:
    """Refuse a column with two roles, by the names of the options."""
    try:
        ColumnRoles.model_validate({**named.roles, "target": named.target or _placeholder(named)})
    except ValidationError as error:
        text = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        by_option = named.by_option()
        options = [
            option
            for option, columns in by_option.items()
            if any(f"'{column}'" in text.partition(" cannot")[0] for column in columns)
        ]
        where = f" (named by {' and '.join(options)})" if len(options) > 1 else ""
        raise SpecError(text + where) from error


def _placeholder(named: NamedRoles) -> str | None:
    """A target that may yet be guessed, where another role needs one."""
    return None if named.known_for is None or named.no_target else "(guessed)"


def complete_roles(
    frame: pl.DataFrame, named: NamedRoles, method: str = ""
) -> tuple[ColumnRoles, list[str]]:
    """The named roles, completed by the doctor's guesses, and which guesses were used.

    A guessed cluster column is used as a cluster only by methods that need one; otherwise it stays
    a feature. A guessed target that the user overruled is excluded: it may be a leak. If any
    predictions or scores are named, they are all systems. A column that is named is never guessed
    for another role. Where systems are audited and nothing is trained (no `method`), a target is
    guessed only if its words name an outcome.

    Raises
    ------
    SpecError
        If a named column is not in the table.
    """
    check_columns(frame, named)
    apart = (*named.predictions, *named.scores, named.weight, named.unit, named.split)
    rest = frame.drop(
        [c for c in (*apart, named.known_for) if c is not None and c != named.target]
    )
    diagnosis = examine(rest if rest.width else frame, target=named.target)
    guessed = diagnosis.roles
    needs_cluster = method in METHODS and "cluster" in METHODS[method].needs
    roles = {**guessed.model_dump(), "known_for": None, "cuts": {}, **named.roles}
    if named.predictions or named.scores:
        roles |= {"predictions": named.predictions, "scores": named.scores}
    if not needs_cluster and not named.cluster:
        roles["cluster"] = None
    roles["target"], remark = _target(diagnosis, named, audited=not method)
    roles |= _without_named(roles, named)
    if roles["target"] != guessed.target:
        roles |= {"task": _task(frame, roles), "positive": named.positive}
    if not named.features:
        roles["features"] = _free_features(guessed, roles)
    complete, known = with_known_for(frame, ColumnRoles.model_validate(roles))
    complete, cuts = with_suggested_cuts(frame, complete)
    decided = complete if named.scores else _decided_scores(frame, complete, trained=bool(method))
    lost = [s for s in complete.scores if s not in decided.scores]
    unsure = suggested_cuts(frame, complete) if lost else {}
    left_out = [_left_out(score, unsure.get(score)) for score in lost]
    remarks = [*_guessed_systems(diagnosis, decided, named), *cuts, *left_out]
    return decided, [*remark, *known, *remarks]


def check_columns(frame: pl.DataFrame, named: NamedRoles) -> None:
    """Refuse names that are not in the table.

    Raises
    ------
    SpecError
        With the columns that the table has.
    """
    missing = sorted(named.columns - set(frame.columns))
    if missing:
        raise SpecError(
            f"no column named {', '.join(repr(m) for m in missing)}; "
            f"the table has {', '.join(frame.columns[:30])}"
        )


def _target(
    diagnosis: Diagnosis, named: NamedRoles, *, audited: bool
) -> tuple[str | None, list[str]]:
    """The target, and a remark where it was guessed or is missing."""
    if named.target is not None or named.no_target:
        return named.target, []
    guessed = diagnosis.roles.target
    usable = guessed is not None and guessed not in named.columns
    if usable and (not audited or _names_an_outcome(diagnosis.roles)):
        return guessed, [f"outcome: {guessed} (guessed: {_reason(diagnosis, guessed)})"]
    possible = [guessed] if usable else _possible_targets(diagnosis, named)
    if not audited:
        return None, _unsure_target(diagnosis, possible)
    also = f" ('{possible[0]}' may be one)" if possible else ""
    return None, [
        f"no outcome is named{also}, so the decisions alone are audited; add --target COLUMN if "
        "an outcome is known, or --no-target to say that none is"
    ]


def _possible_targets(diagnosis: Diagnosis, named: NamedRoles) -> list[str]:
    """Columns that may be the outcome, but only a person can say."""
    asked = [q for q in diagnosis.to_ask if q.fact == "target"]
    return [c for q in asked for c in q.options if c not in named.columns]


def _unsure_target(diagnosis: Diagnosis, possible: Sequence[str | None]) -> list[str]:
    """A remark on the column that may be the outcome of a model to be trained."""
    return [
        f"outcome: to be named; '{column}' may be it ({_reason(diagnosis, column)}): "
        f"add --target '{column}', or --target with another column"
        for column in possible[:1]
    ]


def _names_an_outcome(guessed: ColumnRoles) -> bool:
    """Whether the words of the guessed target name an outcome."""
    name = str(guessed.target)
    if is_outcome_name(name):
        return True
    guess = guess_meaning(name, guessed.positive)
    return guess.sure and guess.meaning != "neutral"


def _reason(diagnosis: Diagnosis, column: str | None) -> str:
    return next((g.reason for g in diagnosis.guesses if g.column == column), "by its values")


def _without_named(roles: Mapping[str, Any], named: NamedRoles) -> dict[str, Any]:
    """The guessed roles without the columns that are named for another role."""
    own = {role: set(columns) for role, columns in _columns_of(named).items()}
    roles_left: dict[str, Any] = {}
    for role in OPTIONS:
        taken = named.columns - own.get(role, set())
        value = roles[role]
        if isinstance(value, list | tuple):
            roles_left[role] = tuple(c for c in value if c not in taken or c in own.get(role, ()))
        elif value in taken:
            roles_left[role] = None
    both = {"features", "sensitive", "cluster"}  # one column may have these at once
    return {
        role: roles[role] if role in both and getattr(named, role) else value
        for role, value in roles_left.items()
    }


def _columns_of(named: NamedRoles) -> dict[str, tuple[str, ...]]:
    values = {role: getattr(named, role) for role in OPTIONS}
    return {r: v if isinstance(v, tuple) else (v,) for r, v in values.items() if v}


def _task(frame: pl.DataFrame, roles: Mapping[str, Any]) -> Task:
    """By the outcome, else by the first decision; scores alone decide between two classes."""
    column = roles["target"] or next(iter(roles["predictions"]), None)
    if column is None:
        return "binary"
    if roles["target"] and roles["known_for"]:
        facts = ("target", "known_for", "predictions", "positive")
        known = ColumnRoles.model_validate({fact: roles[fact] for fact in facts})
        frame = without_unknown(frame, known)
    return task_of(profile(frame, roles["row_id"])[column])


def _free_features(guessed: ColumnRoles, roles: Mapping[str, Any]) -> tuple[str, ...]:
    """Guessed features, and a guessed cluster that is not used, without other roles' columns."""
    single = (
        roles[role] for role in ("target", "cluster", "weight", "split", "unit", "known_for")
    )
    taken = {*roles["sensitive"], *roles["predictions"], *roles["scores"], *single}
    free = [*guessed.features, *([guessed.cluster] if guessed.cluster else [])]
    return tuple(name for name in dict.fromkeys(free) if name not in taken)


def with_known_for(frame: pl.DataFrame, roles: ColumnRoles) -> tuple[ColumnRoles, list[str]]:
    """The roles with the column that says where the outcome is known, and the reason."""
    guess = guess_known_for(frame, roles)
    if guess is None:
        return roles, []
    features = tuple(c for c in roles.features if c != guess.column)
    remark = f"outcome known for: {guess.column} (guessed: {guess.reason})"
    return roles.model_copy(update={"known_for": guess.column, "features": features}), [remark]


def with_suggested_cuts(frame: pl.DataFrame, roles: ColumnRoles) -> tuple[ColumnRoles, list[str]]:
    """The roles with a cut for each score that a column of the table tells, and the reasons."""
    found = sure_cuts(frame, roles)
    cuts = {**roles.cuts, **{name: suggested.cut for name, suggested in found.items()}}
    remarks = [
        f"cut: {name}{s.sign}{s.cut.at:g} (guessed: {s.reason})" for name, s in found.items()
    ]
    return roles.model_copy(update={"cuts": cuts}), remarks


def _decided_scores(frame: pl.DataFrame, roles: ColumnRoles, *, trained: bool) -> ColumnRoles:
    """The roles without guessed scores of which nothing says where they decide.

    Where nothing but scores can be audited they stay, so that the audit asks for their cuts.
    """
    undecided = [s for s in lone_scores(roles, frame) if s not in roles.cuts]
    if not trained:
        if not roles.predictions and len(undecided) == len(roles.scores):
            return roles
        undecided = [s for s in undecided if not _is_share(frame[s])]
    rest = tuple(s for s in roles.scores if s not in undecided)
    return roles.model_copy(update={"scores": rest})


def without_score(roles: ColumnRoles, score: str) -> ColumnRoles:
    """The roles with one score less."""
    rest = tuple(s for s in roles.scores if s != score)
    cuts = {name: cut for name, cut in roles.cuts.items() if name != score}
    return roles.model_copy(update={"scores": rest, "cuts": cuts})


def _is_share(score: pl.Series) -> bool:
    """Whether a score lies in 0..1, where it has a usual cut."""
    return bool(score.is_between(0, 1).all())


def _left_out(score: str, unsure: SuggestedCut | None) -> str:
    if unsure is not None:
        return (
            f"score: {score} is left out: {unsure.reason}; add --cut '{score}>=…' or "
            f"--cut '{score}<=…' to audit it as well"
        )
    return (
        f"score: {score} is left out: no decisions belong to it, and nothing says where it "
        f"decides; add --cut {score}=… to audit it as well"
    )


def _guessed_systems(diagnosis: Diagnosis, roles: ColumnRoles, named: NamedRoles) -> list[str]:
    if named.predictions or named.scores:
        return []
    kinds = (("prediction", roles.predictions), ("score", roles.scores))
    return [
        f"{kind}: {column} (guessed: {_reason(diagnosis, column)})"
        for kind, columns in kinds
        for column in columns
    ]
