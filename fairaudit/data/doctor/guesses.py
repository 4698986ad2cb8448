"""Suggests a role for each column from its name and values, with the reason."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from fairaudit.data.doctor import role_keywords as words
from fairaudit.data.doctor.column_profile import (
    ColumnProfile,
    RowSample,
    binned,
    outcome_codes,
    separation,
)
from fairaudit.data.labels import label_text
from fairaudit.data.outcome import guess_positive
from fairaudit.data.roles import MAX_CLASSES, ColumnRoles, Task

GuessedRole = Literal[
    "target", "feature", "sensitive", "cluster", "weight", "prediction", "score", "image",
    "split", "identifier", "leak", "left out",
]  # fmt: skip
MOST_SENSITIVE = 6
LEAK, LEAK_NUMBER = 0.95, 0.98  # a target cut at its median is easier to predict
SUSPECT = 0.85  # a feature that predicts the target this well is worth a look
MIN_CONFIDENCE = 0.5  # less confident suggestions are shown but not used


@dataclass(frozen=True)
class Guess:
    """The role suggested for one column, the reason, and the confidence (0 to 1)."""

    column: str
    part: GuessedRole
    reason: str
    confidence: float


@dataclass
class _Assignment:
    """The evidence, and the roles assigned so far."""

    columns: Mapping[str, ColumnProfile]
    sample: RowSample
    assigned: dict[str, Guess] = field(default_factory=dict)

    def assign(self, column: str, role: GuessedRole, reason: str, confidence: float) -> None:
        self.assigned[column] = Guess(column, role, reason, confidence)

    def unassigned(self) -> list[ColumnProfile]:
        return [c for c in self.columns.values() if c.name not in self.assigned]

    def with_role(self, role: GuessedRole) -> list[str]:
        guesses = (g for g in self.assigned.values() if g.part == role)
        return [g.column for g in guesses if g.confidence >= MIN_CONFIDENCE]


def guess_roles(columns: Mapping[str, ColumnProfile], sample: RowSample) -> list[Guess]:
    """A suggestion for every column, in the order of the table."""
    table = _Assignment(columns, sample)
    _guess_empty(table)
    _guess_images(table)
    _guess_splits(table)
    _guess_weight(table)
    _guess_identifiers(table)
    sensitive = _sensitive_candidates(table)
    target = _guess_target(table, {g.column for g in sensitive})
    if target is None and table.with_role("image"):
        target = _attribute_as_target(table, sensitive)
    _guess_sensitive(table, [g for g in sensitive if target is None or g.column != target.name])
    if target is not None:
        _guess_systems(table, target)
    _guess_cluster(table)
    if target is not None:
        _guess_leaks(table, target)
    _guess_features(table)
    return [table.assigned[c] for c in columns if c in table.assigned]


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
    positive = None
    if target is not None and task == "binary" and columns[target].distinct == 2:
        positive = guess_positive(sorted(columns[target].levels), target).label
    return ColumnRoles(
        target=target,
        features=tuple(columns_by_role.get("feature", [])),
        sensitive=tuple(columns_by_role.get("sensitive", [])),
        cluster=columns_by_role.get("cluster", [None])[0],
        weight=columns_by_role.get("weight", [None])[0],
        predictions=tuple(columns_by_role.get("prediction", [])),
        scores=tuple(columns_by_role.get("score", [])),
        image=columns_by_role.get("image", [None])[0],
        split=columns_by_role.get("split", [None])[0],
        row_id=row_id,
        task=task,
        positive=positive,
    )


def task_of(target: ColumnProfile) -> Task:
    """Two values are binary; text and few whole numbers multiclass; other numbers regression."""
    if target.distinct <= 2:
        return "binary"
    few = target.distinct <= (10 if target.number else MAX_CLASSES)
    return "multiclass" if few and (not target.number or target.whole) else "regression"


def _guess_empty(table: _Assignment) -> None:
    for c in table.unassigned():
        if c.distinct == 0:
            table.assign(c.name, "left out", "it has no values", 1.0)


def _guess_images(table: _Assignment) -> None:
    for c in table.unassigned():
        paths = [v for v in c.levels if v.lower().endswith(words.IMAGE_SUFFIXES)]
        if not c.number and c.levels and len(paths) > 0.9 * len(c.levels):
            role: GuessedRole = "left out" if table.with_role("image") else "image"
            table.assign(c.name, role, f"its values name image files, such as {paths[0]}", 0.95)


FEWEST_AREAS = 10

_SPLIT_VALUES = frozenset(
    ("train", "training", "valid", "validation", "val", "dev", "test", "testing", "holdout")
)


def _guess_splits(table: _Assignment) -> None:
    for c in table.unassigned():
        values = {v.lower() for v in c.levels}
        if values and values <= _SPLIT_VALUES and values & {"test", "testing", "holdout"}:
            role: GuessedRole = "left out" if table.with_role("split") else "split"
            table.assign(c.name, role, "its values are " + ", ".join(sorted(values)), 0.95)
        elif "fold" in words.words_of(c.name) and c.distinct <= 100:
            table.assign(c.name, "left out", "its name suggests cross-validation folds", 0.8)


def _guess_weight(table: _Assignment) -> None:
    for c in table.unassigned():
        name = words.whole_word(c.name)
        exact = name in words.WEIGHT_WORDS - {"weight"}
        if c.number and exact:
            reason = (
                "its name suggests a survey weight; choose it as the weight if rows should be "
                "weighted by it"
            )
            table.assign(c.name, "left out", reason, 0.7)


def _guess_identifiers(table: _Assignment) -> None:
    for c in table.unassigned():
        why = _identifier(c, table.sample.rows)
        if why:
            table.assign(c.name, "identifier", why, 0.9)


def _identifier(c: ColumnProfile, sample: pl.DataFrame) -> str | None:
    if c.known < 20:
        return None
    named = bool(set(words.words_of(c.name)) & words.IDENTIFIER_WORDS) or (
        words.whole_word(c.name) in words.IDENTIFIER_WORDS
    )
    if c.number:
        if not c.whole or c.distinct < c.known:
            return None
        if named:
            return "its name suggests an identifier and no value repeats"
        values = sample[c.name].drop_nulls()
        counts = bool(values.is_sorted()) or bool((values - values.min()).max() == c.known - 1)
        return "it numbers the rows" if counts else None
    if c.dtype.startswith(("Date", "Boolean")):
        return None
    if c.distinct > 0.9 * c.known:
        return f"nearly every row has a different text ({c.distinct:,} values in {c.known:,} rows)"
    return "its name suggests an identifier" if named and c.distinct > 0.5 * c.known else None


def _sensitive_candidates(table: _Assignment) -> list[Guess]:
    reasons = [(c, _sensitive(c)) for c in table.unassigned() if c.distinct >= 2]
    return [Guess(c.name, "sensitive", *why) for c, why in reasons if why is not None]


def _sensitive(c: ColumnProfile) -> tuple[str, float] | None:
    levels = frozenset(v.strip().lower() for v in c.levels)
    for values, reason in words.SENSITIVE_VALUES:
        if levels == values:
            return reason, 0.95 if _topic(c) else 0.8
    named = words.words_of(c.name)
    if set(named) & words.NOT_SENSITIVE_WITH:
        return None
    topic = _topic(c)
    if topic is not None:
        confidence = 0.95 if len(named) == 1 else 0.75
        weak = named[0] in ("native",) and c.distinct > 12
        return f"its name suggests {topic}", 0.45 if weak else confidence
    ethnic = levels & words.ETHNIC_VALUES - {"other", "mixed", "native", "indian"}
    if not c.number and len(ethnic) >= 2 and len(levels & words.ETHNIC_VALUES) > 0.6 * len(levels):
        return f"its values name ethnic groups, such as {sorted(ethnic)[0]}", 0.9
    return None


def _topic(c: ColumnProfile) -> str | None:
    named = words.words_of(c.name)
    whole = words.whole_word(c.name)
    for word in (*named, whole):
        if word in words.SENSITIVE_WORDS:
            return words.SENSITIVE_WORDS[word]
    for prefix, topic in words.SENSITIVE_PREFIXES.items():
        if whole.startswith(prefix):
            return topic
    few = c.distinct <= 12 or (not c.number and c.distinct <= 60)
    matches = [words.SENSITIVE_IF_FEW[w] for w in named if w in words.SENSITIVE_IF_FEW]
    return matches[0] if few and matches else None


def _guess_sensitive(table: _Assignment, candidates: Sequence[Guess]) -> None:
    """The most confident ones; a second column on a topic ("age_cat") is shown but not used."""
    topics: set[str] = set()
    for guess in sorted(candidates, key=lambda g: -g.confidence):
        c = table.columns[guess.column]
        topic = _topic(c) or _topic_of_values(c)
        again = topic in topics and (c.whole or not c.number)
        full = len(table.with_role("sensitive")) >= MOST_SENSITIVE
        if guess.confidence < MIN_CONFIDENCE or (again and _topic(c) is None):
            continue  # M and F under another name may be misdemeanour and felony
        if again or full:
            reason = f"{guess.reason}, like another column that is used"
            table.assign(c.name, "left out", reason, 0.6)
        else:
            table.assigned[c.name] = guess
            topics.add(topic)


def _topic_of_values(c: ColumnProfile) -> str:
    levels = frozenset(v.strip().lower() for v in c.levels)
    return "sex" if any(levels == values for values, _ in words.SENSITIVE_VALUES) else "race"


def _guess_target(table: _Assignment, sensitive: Iterable[str]) -> ColumnProfile | None:
    barred = set(sensitive)
    candidates = [c for c in table.unassigned() if c.name not in barred and _may_be_target(c)]
    last = list(table.columns)[-1] if table.columns else ""
    ranked = sorted(candidates, key=lambda c: -_target_weight(c, last))
    if not ranked or _target_weight(ranked[0], last) < 1:
        return None
    best = _richer(ranked[0], ranked[1:], table.sample.rows)
    reason = _target_reason(best, last)
    others = [c.name for c in ranked[1:4] if c is not best and _target_weight(c, last) >= 2]
    if best is not ranked[0]:
        reason += f", and '{ranked[0].name}' is derived from it"
    if others:
        reason += f"; also possible: {', '.join(others)}"
    table.assign(best.name, "target", reason, min(0.95, 0.3 + 0.15 * _target_weight(best, last)))
    return best


def _attribute_as_target(table: _Assignment, sensitive: Sequence[Guess]) -> ColumnProfile | None:
    """Images of people often come with attributes only: a binary one can be the outcome."""
    for guess in sensitive:
        if table.columns[guess.column].distinct == 2:
            reason = "no other column could be the outcome of these images, and it has two values"
            table.assign(guess.column, "target", reason, 0.5)
            return table.columns[guess.column]
    return None


def _may_be_target(c: ColumnProfile) -> bool:
    named = set(words.words_of(c.name))
    if c.distinct < 2 or named & words.DATE_WORDS or c.dtype.startswith("Date"):
        return False
    if named & words.PREDICTION_WORDS or (c.number and _is_score_name(c)):
        return False
    return c.number or c.distinct <= 20


def _is_score_name(c: ColumnProfile) -> bool:
    named = set(words.words_of(c.name))
    return bool(named & words.SCORE_WORDS) and not named & words.NOT_SCORE_WITH


def _target_weight(c: ColumnProfile, last: str) -> float:
    named = set(words.words_of(c.name)) | {words.whole_word(c.name)}
    weight = 3.0 * bool(named & words.TARGET_WORDS) + 2.0 * bool(named & words.TARGET_TOPICS)
    return weight + 1.5 * (c.name == last) + (0.75 if c.distinct == 2 else 0.0)


def _target_reason(c: ColumnProfile, last: str) -> str:
    named = set(words.words_of(c.name)) | {words.whole_word(c.name)}
    why = []
    if named & (words.TARGET_WORDS | words.TARGET_TOPICS):
        why.append("its name suggests an outcome")
    if c.name == last:
        why.append("it is the last column")
    if c.distinct == 2:
        why.append(f"it has two values ({' and '.join(sorted(c.levels))})")
    return ", ".join(why)


def _richer(
    best: ColumnProfile, others: Sequence[ColumnProfile], sample: pl.DataFrame
) -> ColumnProfile:
    """Prefer the number that a binary candidate was derived from by a cut."""
    if best.distinct > 2:
        return best
    outcome, n = outcome_codes(sample[best.name])
    for c in others:
        named = set(words.words_of(c.name))
        if (
            c.number
            and c.distinct > 10
            and named & (words.TARGET_WORDS | words.TARGET_TOPICS)
            and separation(binned(sample[c.name], 200), outcome, n) > 0.999
        ):
            return c
    return best


def _guess_systems(table: _Assignment, target: ColumnProfile) -> None:
    labels = set(target.levels)
    for c in table.unassigned():
        named = set(words.words_of(c.name)) | {words.whole_word(c.name)}
        same = (
            bool(c.levels) and set(c.levels) <= labels
            if task_of(target) != "regression"
            else c.number
        )
        if named & words.PREDICTION_WORDS and same:
            table.assign(
                c.name,
                "prediction",
                "its name suggests a decision and its values are the target's",
                0.9,
            )
        elif c.number and _is_score_name(c):
            _guess_score(table, c, target)


def _guess_score(table: _Assignment, c: ColumnProfile, target: ColumnProfile) -> None:
    for other in table.with_role("score"):
        if table.sample.rows[other].equals(table.sample.rows[c.name], check_names=False):
            table.assign(c.name, "left out", f"it duplicates the score '{other}'", 0.95)
            return
        if other in c.name:
            table.assign(c.name, "left out", f"a variant of the score '{other}'", 0.6)
            return
    if c.distinct > 2 or target.distinct > 2:
        table.assign(c.name, "score", "its name suggests a score", 0.8)


def _guess_cluster(table: _Assignment) -> None:
    """The first keyword of the list wins; clusters need several rows each.

    An area or occupation with a handful of values is a feature: intervals over so few clusters
    would be too wide to be useful.
    """
    for rank, word in enumerate(words.CLUSTER_WORDS):
        institution = rank < words.CLUSTER_WORDS.index("province")
        for c in table.unassigned():
            enough = institution or c.distinct >= FEWEST_AREAS
            if enough and word in words.words_of(c.name) and _may_be_cluster(c):
                confidence = 0.8 if institution else 0.6
                reason = f"its name contains '{word}' and it has {c.distinct} values"
                table.assign(c.name, "cluster", reason, confidence)
                return


def _may_be_cluster(c: ColumnProfile) -> bool:
    return (not c.number or c.whole) and 3 <= c.distinct <= c.known / 5


def _guess_leaks(table: _Assignment, target: ColumnProfile) -> None:
    for c in table.unassigned():
        strength = table.sample.predicts(c.name, target.name)
        limit = LEAK_NUMBER if task_of(target) == "regression" else LEAK
        if c.distinct > 1 and strength >= limit:
            reason = (
                f"on its own it predicts '{target.name}' suspiciously well (AUROC {strength:.3f})"
            )
            table.assign(c.name, "leak", reason, 0.9)


def _guess_features(table: _Assignment) -> None:
    for c in table.unassigned():
        named = set(words.words_of(c.name))
        copy = re.fullmatch(r"(.+?)(\.\d+| \(\d+\)|_duplicated_\d+)", c.name)
        if c.distinct == 1 and not c.missing:
            table.assign(c.name, "left out", "all its values are the same", 0.95)
        elif score := _score_behind(table, c):
            table.assign(c.name, "left out", f"it is derived from the score '{score}'", 0.8)
        elif copy and copy[1] in table.columns and _same(table.sample.rows, copy[1], c.name):
            table.assign(c.name, "left out", f"it duplicates '{copy[1]}'", 0.95)
        elif not c.number and (c.distinct > 200 or c.dtype.startswith("Date")):
            what = "dates" if c.dtype.startswith("Date") or named & words.DATE_WORDS else "text"
            table.assign(c.name, "left out", f"{what} with {c.distinct:,} distinct values", 0.6)
        else:
            table.assign(c.name, "feature", "nothing suggests another role", 0.6)


def _score_behind(table: _Assignment, c: ColumnProfile) -> str | None:
    """A score, or a variant of one, that determines this column: "low" for 1 to 4."""
    rows = table.sample.rows
    for guess in table.assigned.values():
        score = table.columns.get(guess.column)
        named = guess.part == "score" or guess.reason.startswith("a variant of the score")
        if score is None or not named or not 2 <= c.distinct < score.distinct:
            continue
        enough = rows.height >= 20 * score.distinct
        pairs = rows.select(score.name, c.name).n_unique()
        if enough and pairs == rows[score.name].n_unique():
            return score.name
    return None


def _same(sample: pl.DataFrame, a: str, b: str) -> bool:
    return label_text(sample[a]).equals(label_text(sample[b]), check_names=False)
