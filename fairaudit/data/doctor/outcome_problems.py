"""Problems of the outcome: missing, rare, and given away by other columns."""

from __future__ import annotations

from collections.abc import Iterator

from fairaudit.data.doctor.column_profile import ColumnProfile
from fairaudit.data.doctor.leaks import SUSPECT, leaks_among
from fairaudit.data.doctor.problem import FEW_ROWS, ExaminedTable, Problem, leave_out
from fairaudit.data.doctor.target_guesses import task_of
from fairaudit.data.mends import AsMissing, LeaveOut
from fairaudit.data.non_answers import says_nothing
from fairaudit.data.outcome import guess_meaning_among, guess_positive
from fairaudit.data.roles import resolve, target_levels, telling_columns
from fairaudit.exceptions import SpecError


def target_problems(evidence: ExaminedTable) -> Iterator[Problem]:
    name = evidence.roles.target
    if name is None:
        yield _no_target(evidence)
        return
    if name not in evidence.columns:
        return
    c = evidence.columns[name]
    if c.missing and evidence.roles.known_for is not None:
        yield Problem(
            "target_missing", "note", name,
            f"the target '{name}' is known for {c.rows - c.missing:,} of {c.rows:,} rows, where "
            f"'{evidence.roles.known_for}' says yes",
            "rates that need the others are bounded; a model learns from the known ones alone",
        )  # fmt: skip
    elif c.missing:
        yield Problem(
            "target_missing", "warning", name,
            f"the target '{name}' is missing in {c.missing:,} of {c.rows:,} rows",
            "these rows are excluded and listed; fill in the values if you can",
        )  # fmt: skip
    if c.distinct < 2:
        return
    yield from _labels_without_answer(c, evidence)
    yield from _unsaid(c, evidence)
    if evidence.roles.task != "regression":
        rare = min(c.values.values())
        if rare < FEW_ROWS and c.distinct <= 100:
            label = min(c.values, key=lambda v: c.values[v])
            rows = f"{rare:,} rows" if rare != 1 else "1 row"
            yield Problem(
                "rare_class", "warning", name,
                f"the target '{name}' has the value '{label}' in only {rows}",
                "combine it with another value, or expect wide intervals",
            )  # fmt: skip


def _no_target(evidence: ExaminedTable) -> Problem:
    unsure = [g for g in evidence.guesses if g.part == "target"]
    if not unsure:
        return Problem(
            "no_target", "warning", None, "no column looks like the outcome",
            "choose the target, or audit selections without a known outcome",
        )  # fmt: skip
    column, reason = unsure[0].column, unsure[0].reason
    return Problem(
        "target_unsaid", "warning", column,
        f"whether '{column}' is the outcome has to be asked: {reason}",
        f"choose the outcome on the Data page, or name it (--target {column}); choose no outcome "
        "(--no-target) to audit decisions alone",
    )  # fmt: skip


def _unsaid(c: ColumnProfile, evidence: ExaminedTable) -> Iterator[Problem]:
    """What no word of the outcome decides, so that a user has to state it."""
    if evidence.roles.task != "binary" or c.distinct != 2:
        return
    levels = target_levels(evidence.frame[c.name])
    positive = evidence.roles.positive or guess_positive(levels, c.name).label
    if positive is None:
        yield Problem(
            "positive_unsaid", "warning", c.name,
            f"no word decides which of '{levels[0]}' and '{levels[1]}' is the positive class of "
            f"'{c.name}'",
            "choose it on the Data page, or name it with --positive",
        )  # fmt: skip
        return
    negative = next(label for label in levels if label != positive)
    guess = guess_meaning_among(telling_columns(evidence.roles), positive, negative)
    if evidence.roles.meaning is None and not guess.sure:
        yield Problem(
            "meaning_unsaid", "note", c.name,
            f"no word says what '{positive}' of '{c.name}' means for a person",
            "choose it on the Data page, or state it with --meaning good, bad or neutral",
        )  # fmt: skip


def _labels_without_answer(c: ColumnProfile, evidence: ExaminedTable) -> Iterator[Problem]:
    """ "unknown" among yes and no is no third class."""
    if c.number or evidence.roles.task == "regression" or c.distinct > len(c.values):
        return
    silent = [v for v in c.levels if says_nothing(v, c.name)]
    if silent and c.distinct - len(silent) >= 2:
        named = ", ".join(f"'{v}'" for v in silent)
        rows = sum(c.values[v] for v in silent)
        yield Problem(
            "no_answer", "warning", c.name,
            f"the target '{c.name}' has {named} in {rows:,} rows, which is no outcome",
            "read it as missing; as it stands it is a class of its own",
            (AsMissing(column=c.name, values=tuple(silent)),), c.distinct - len(silent) == 2,
        )  # fmt: skip


def unusable_roles(evidence: ExaminedTable) -> Iterator[Problem]:
    try:
        resolve(evidence.frame, evidence.roles)
    except SpecError as error:
        text, _, remedy = str(error).partition("; ")
        yield Problem("role", "error", None, text, remedy or "choose another column for this role")


def excluded_leaks(evidence: ExaminedTable) -> Iterator[Problem]:
    for guess in evidence.guesses:
        if guess.part == "leak":
            yield Problem(
                "leak", "warning", guess.column, f"column '{guess.column}': {guess.reason}",
                "it was excluded from the features; add it if it is known before the outcome",
            )  # fmt: skip


def leaking_features(evidence: ExaminedTable) -> Iterator[Problem]:
    name = evidence.roles.target
    if name is None or name not in evidence.columns or evidence.columns[name].distinct < 2:
        return
    target = evidence.columns[name]
    leaking = leaks_among(evidence.roles.features, target, evidence.columns, evidence.sample)
    for feature in evidence.roles.features:
        c = evidence.columns.get(feature)
        if c is None or c.distinct < 2:
            continue
        strength = evidence.sample.predicts(feature, name)
        if feature in leaking and not evidence.guesses:  # suggested features passed this check
            yield Problem(
                "leak", "warning", feature, f"column '{feature}': {leaking[feature]}",
                "remove it from the features if it is only known after the outcome",
                *leave_out(feature, evidence),
            )  # fmt: skip
        elif feature not in leaking and strength >= SUSPECT and task_of(target) != "regression":
            yield Problem(
                "telling", "note", feature,
                f"column '{feature}' on its own predicts the target '{name}' well "
                f"(AUROC {strength:.2f})",
                "make sure that it is known before the outcome",
                (LeaveOut(column=feature),),
            )  # fmt: skip
