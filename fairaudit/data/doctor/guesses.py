"""Suggests a role for each column from its name and values, with the reason."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import polars as pl

from fairaudit.data.doctor import role_keywords as words
from fairaudit.data.doctor.assignment import (
    MIN_CONFIDENCE,
    Guess,
    GuessedRole,
    RoleAssignment,
)
from fairaudit.data.doctor.column_profile import ColumnProfile, RowSample
from fairaudit.data.doctor.key_guesses import (
    guess_births,
    guess_identifiers,
    guess_unit,
    names_a_respondent,
    reports_loans,
    share_of_codes,
    share_of_dates,
    share_of_numbers,
)
from fairaudit.data.doctor.leaks import details_of, leaks_among
from fairaudit.data.doctor.selection_guesses import scores_behind
from fairaudit.data.doctor.sensitive_guesses import (
    assign_sensitive,
    sensitive_candidates,
    usual_order,
)
from fairaudit.data.doctor.system_guesses import guess_systems
from fairaudit.data.doctor.target_guesses import (
    attribute_as_target,
    decision_as_target,
    guess_target,
    task_of,
)
from fairaudit.data.labels import label_text
from fairaudit.data.name_words import whole_word, words_of
from fairaudit.data.outcome import guess_positive
from fairaudit.data.roles import ColumnRoles

FEWEST_AREAS = 10
FEWEST_OFFICES = 5
MOST_IN_ONE_CLUSTER = 0.5
MAY_LIE_AFTER = "may lie after the outcome"  # of dates, which a person may know to lie before

_SPLIT_VALUES = frozenset(
    ("train", "training", "valid", "validation", "val", "dev", "test", "testing", "holdout")
)


def guess_roles(
    columns: Mapping[str, ColumnProfile],
    sample: RowSample,
    target_name: str | None = None,
) -> list[Guess]:
    """A suggestion for every column, in the order of the table.

    A column that the user named as the target is it, and leaks are judged against it.
    """
    table = RoleAssignment(columns, sample)
    if target_name in columns:
        table.assign(str(target_name), "target", "you named it", 1.0)
    _guess_empty(table)
    _guess_images(table)
    _guess_splits(table)
    _guess_weight(table)
    guess_births(table)
    guess_identifiers(table)
    guess_unit(table)
    sensitive = sensitive_candidates(table)
    target = _target(table, sensitive)
    assign_sensitive(table, [g for g in sensitive if target is None or g.column != target.name])
    guess_systems(table, target)
    _guess_scores_behind(table)
    _guess_cluster(table)
    if target is not None:
        _guess_leaks(table, target)
    else:
        _guess_details(table)
    _guess_features(table)
    return [table.assigned[c] for c in columns if c in table.assigned]


def _target(table: RoleAssignment, sensitive: Sequence[Guess]) -> ColumnProfile | None:
    named = table.with_role("target")
    if named:
        return table.columns[named[0]]
    target = guess_target(table, {g.column for g in sensitive if g.confidence >= MIN_CONFIDENCE})
    target = target or decision_as_target(table)
    if target is None and table.with_role("image"):
        target = attribute_as_target(table, sensitive)
    return target


def roles_of(
    guesses: Sequence[Guess], columns: Mapping[str, ColumnProfile], row_id: str
) -> ColumnRoles:
    """The suggestions that are confident enough, as roles."""
    columns_by_role: dict[str, list[str]] = {}
    for guess in guesses:
        if guess.confidence >= MIN_CONFIDENCE:
            columns_by_role.setdefault(guess.part, []).append(guess.column)
    target = columns_by_role.get("target", [None])[0]
    task = "binary" if target is None else task_of(columns[target])
    decisions = columns_by_role.get("prediction", [])
    subject = target or next(iter(decisions), None)
    positive = None
    if subject is not None and task == "binary" and columns[subject].distinct == 2:
        positive = guess_positive(sorted(columns[subject].levels), subject).label
    return ColumnRoles(
        target=target,
        features=tuple(columns_by_role.get("feature", [])),
        sensitive=tuple(usual_order([columns[c] for c in columns_by_role.get("sensitive", [])])),
        cluster=columns_by_role.get("cluster", [None])[0],
        unit=columns_by_role.get("unit", [None])[0],
        weight=columns_by_role.get("weight", [None])[0],
        predictions=tuple(columns_by_role.get("prediction", [])),
        scores=tuple(columns_by_role.get("score", [])),
        image=columns_by_role.get("image", [None])[0],
        split=columns_by_role.get("split", [None])[0],
        row_id=row_id,
        task=task,
        positive=positive,
    )


def _guess_empty(table: RoleAssignment) -> None:
    for c in table.unassigned():
        if c.distinct == 0:
            table.assign(c.name, "left out", "it has no values", 1.0)


def _guess_images(table: RoleAssignment) -> None:
    for c in table.unassigned():
        paths = [v for v in c.levels if v.lower().endswith(words.IMAGE_SUFFIXES)]
        if not c.number and c.levels and len(paths) > 0.9 * len(c.levels):
            role: GuessedRole = "left out" if table.with_role("image") else "image"
            table.assign(c.name, role, f"its values name image files, such as {paths[0]}", 0.95)


def _guess_splits(table: RoleAssignment) -> None:
    for c in table.unassigned():
        values = {v.lower() for v in c.levels}
        if values and values <= _SPLIT_VALUES and values & {"test", "testing", "holdout"}:
            role: GuessedRole = "left out" if table.with_role("split") else "split"
            table.assign(c.name, role, "its values are " + ", ".join(sorted(values)), 0.95)
        elif "fold" in words_of(c.name) and c.distinct <= 100:
            table.assign(c.name, "left out", "its name suggests cross-validation folds", 0.8)


def _guess_weight(table: RoleAssignment) -> None:
    for c in table.unassigned():
        name, named = whole_word(c.name), set(words_of(c.name))
        survey = "weight" in named and bool(named & words.WEIGHT_KINDS)
        if c.number and (survey or name in words.WEIGHT_WORDS):
            reason = (
                "its name suggests a survey weight; choose it as the weight if rows should be "
                "weighted by it"
            )
            table.assign(c.name, "left out", reason, 0.7)


def _guess_cluster(table: RoleAssignment) -> None:
    """The first keyword of the list wins; clusters need several rows each.

    An area or occupation with a handful of values is a feature: intervals over so few clusters
    would be too wide to be useful. With a repeating id, the people are the clusters, not areas.
    """
    if table.with_role("cluster"):
        return
    if reports_loans(table):
        _guess_lenders(table)
    if table.with_role("cluster"):
        return
    areas = () if table.with_role("unit") else words.AREAS
    for word in (*words.INSTITUTIONS, *areas):
        for c in table.unassigned():
            if word in _name_words(c.name) and _may_be_cluster(c, word):
                reason = f"its name contains '{word}' and it has {c.distinct} values"
                confidence = 0.8 if word in words.INSTITUTIONS else 0.6
                table.assign(c.name, "cluster", reason, confidence)
                return


def _guess_lenders(table: RoleAssignment) -> None:
    """Lenders of mortgage reports: by their LEI, or else by the id of the reporting respondent."""
    for c in table.unassigned():
        lei = "lei" in _name_words(c.name)
        if not lei and not names_a_respondent(c.name):
            continue
        what = "it names lenders" if lei else "it names the lenders that report (respondents)"
        clustered = not table.with_role("cluster") and 3 <= c.distinct <= c.known / 5
        role: GuessedRole = "cluster" if clustered else "identifier"
        table.assign(c.name, role, f"{what}: {c.distinct} values", 0.8)


def _name_words(name: str) -> set[str]:
    return {*words_of(name), whole_word(name)}


def _may_be_cluster(c: ColumnProfile, word: str) -> bool:
    """Whether the values can be the codes or names of places, not a measurement or a type."""
    fewest = 3 if word in words.INSTITUTIONS else FEWEST_AREAS
    if word in words.OFTEN_FEW:
        fewest = FEWEST_OFFICES
    if (c.number and not c.whole) or not fewest <= c.distinct <= c.known / 5:
        return False
    if set(words_of(c.name)) & words.MEASURE_WORDS and whole_word(c.name) != word:
        return False
    return max(c.values.values(), default=0) <= MOST_IN_ONE_CLUSTER * c.known


def _guess_leaks(table: RoleAssignment, target: ColumnProfile) -> None:
    names = [c.name for c in table.unassigned()]
    for name, reason in leaks_among(names, target, table.columns, table.sample).items():
        table.assign(name, "leak", reason, 0.9)


def _guess_scores_behind(table: RoleAssignment) -> None:
    """Columns of points that a decision of the table follows."""
    for name, reason in scores_behind(table, table.with_role("prediction")).items():
        table.assign(name, "score", reason, 0.7)


def _guess_details(table: RoleAssignment) -> None:
    """Where only decisions are known: what is written down after them, such as the reason."""
    for decision in table.with_role("prediction"):
        names = [c.name for c in table.unassigned()]
        known_after = details_of(names, table.columns[decision], table.columns, table.sample)
        for name, reason in known_after.items():
            table.assign(name, "leak", reason, 0.9)


def _guess_features(table: RoleAssignment) -> None:
    for c in table.unassigned():
        named = set(words_of(c.name))
        copy = re.fullmatch(r"(.+?)(\.\d+| \(\d+\)|_duplicated_\d+)", c.name)
        if c.distinct == 1 and not c.missing:
            table.assign(c.name, "left out", "all its values are the same", 0.95)
        elif score := _score_behind(table, c):
            table.assign(c.name, "left out", f"it is derived from the score '{score}'", 0.8)
        elif copy and copy[1] in table.columns and _same(table.sample.rows, copy[1], c.name):
            table.assign(c.name, "left out", f"it duplicates '{copy[1]}'", 0.95)
        elif not c.number and share_of_dates(c) > 0.9:
            reason = f"dates as text, which {MAY_LIE_AFTER}; add it if it is known before"
            table.assign(c.name, "left out", reason, 0.6)
        elif _is_date_as_number(c):
            reason = f"a date as a number, which {MAY_LIE_AFTER}; add it if it is known before"
            table.assign(c.name, "left out", reason, 0.6)
        elif not c.number and share_of_codes(c) > 0.9:
            reason = "registered codes, which name something and measure nothing"
            table.assign(c.name, "left out", reason, 0.7)
        elif not c.number and share_of_numbers(c) > 0.5:
            table.assign(c.name, "feature", "numbers written as text", 0.6)
        elif c.dtype.startswith("Date"):
            reason = f"a date {MAY_LIE_AFTER}; add it if it is known before"
            table.assign(c.name, "left out", reason, 0.6)
        elif not c.number and c.distinct > 200:
            what = "dates" if named & words.DATE_WORDS else "text"
            table.assign(c.name, "left out", f"{what} with {c.distinct:,} distinct values", 0.6)
        else:
            table.assign(c.name, "feature", "nothing suggests another role", 0.6)


def _is_date_as_number(c: ColumnProfile) -> bool:
    """20240305 or 3052024 under the name of a date."""
    written = words.WRITTEN_DATE.fullmatch(whole_word(c.name))
    return bool(c.number and c.whole and written and (c.low or 0) >= 1_000_000)


def _score_behind(table: RoleAssignment, c: ColumnProfile) -> str | None:
    """A score that determines this column: "low" for 1 to 4."""
    rows = table.sample.rows
    for guess in table.assigned.values():
        score = table.columns.get(guess.column)
        if score is None or guess.part != "score" or not 2 <= c.distinct < score.distinct:
            continue
        enough = rows.height >= 20 * score.distinct
        pairs = rows.select(score.name, c.name).n_unique()
        if enough and pairs == rows[score.name].n_unique():
            return score.name
    return None


def _same(sample: pl.DataFrame, a: str, b: str) -> bool:
    return label_text(sample[a]).equals(label_text(sample[b]), check_names=False)
