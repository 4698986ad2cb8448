"""Which part each column plays, guessed from its name and values; every guess says why."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import polars as pl

from fairaudit.data.doctor import role_keywords as words
from fairaudit.data.doctor.column_profile import Column, Sampled, binned, outcome_codes, separation
from fairaudit.data.labels import label_text
from fairaudit.data.roles import MAX_CLASSES, ColumnRoles, Task, guess_positive

Part = Literal[
    "target", "feature", "sensitive", "cluster", "weight", "prediction", "score", "image",
    "split", "identifier", "leak", "left out",
]  # fmt: skip
MOST_SENSITIVE = 6
LEAK, LEAK_NUMBER = 0.95, 0.98  # for a target cut at its median the bar is higher
SUSPECT = 0.85  # a feature that tells this much is worth a look
TAKEN = 0.5  # guesses below this confidence are shown but not taken


@dataclass(frozen=True)
class Guess:
    """One column's part, why, and how sure (0 to 1)."""

    column: str
    part: Part
    reason: str
    confidence: float


@dataclass
class _Table:
    """The evidence, and the parts given out so far."""

    columns: Mapping[str, Column]
    seen: Sampled
    given: dict[str, Guess] = field(default_factory=dict)

    def give(self, column: str, part: Part, reason: str, confidence: float) -> None:
        self.given[column] = Guess(column, part, reason, confidence)

    def free(self) -> list[Column]:
        return [c for c in self.columns.values() if c.name not in self.given]

    def named(self, part: Part) -> list[str]:
        held = [g for g in self.given.values() if g.part == part and g.confidence >= TAKEN]
        return [g.column for g in held]


def guess_parts(columns: Mapping[str, Column], seen: Sampled) -> list[Guess]:
    """A guess for every column, in the order of the table."""
    table = _Table(columns, seen)
    _guess_empty(table)
    _guess_images(table)
    _guess_splits(table)
    _guess_weight(table)
    _guess_identifiers(table)
    sensitive = _sensitive_candidates(table)
    target = _guess_target(table, {g.column for g in sensitive})
    if target is None and table.named("image"):
        target = _pictured(table, sensitive)
    _guess_sensitive(table, [g for g in sensitive if target is None or g.column != target.name])
    if target is not None:
        _guess_systems(table, target)
    _guess_cluster(table)
    if target is not None:
        _guess_leaks(table, target)
    _guess_features(table)
    return [table.given[c] for c in columns if c in table.given]


def roles_of(guesses: Sequence[Guess], columns: Mapping[str, Column], row_id: str) -> ColumnRoles:
    """The guesses that are sure enough, as roles."""
    held: dict[str, list[str]] = {}
    for guess in guesses:
        if guess.confidence >= TAKEN:
            held.setdefault(guess.part, []).append(guess.column)
    target = held.get("target", [None])[0]
    task = "binary" if target is None else task_of(columns[target])
    positive = None
    if target is not None and task == "binary" and columns[target].distinct == 2:
        positive = guess_positive(sorted(columns[target].levels))
    return ColumnRoles(
        target=target,
        features=tuple(held.get("feature", [])),
        sensitive=tuple(held.get("sensitive", [])),
        cluster=held.get("cluster", [None])[0],
        weight=held.get("weight", [None])[0],
        predictions=tuple(held.get("prediction", [])),
        scores=tuple(held.get("score", [])),
        image=held.get("image", [None])[0],
        split=held.get("split", [None])[0],
        row_id=row_id,
        task=task,
        positive=positive,
    )


def task_of(target: Column) -> Task:
    """Two values are binary; text and few whole numbers multiclass; other numbers regression."""
    if target.distinct <= 2:
        return "binary"
    few = target.distinct <= (10 if target.number else MAX_CLASSES)
    return "multiclass" if few and (not target.number or target.whole) else "regression"


def _guess_empty(table: _Table) -> None:
    for c in table.free():
        if c.distinct == 0:
            table.give(c.name, "left out", "it holds no value", 1.0)


def _guess_images(table: _Table) -> None:
    for c in table.free():
        paths = [v for v in c.levels if v.lower().endswith(words.IMAGE_SUFFIXES)]
        if not c.number and c.levels and len(paths) > 0.9 * len(c.levels):
            part: Part = "left out" if table.named("image") else "image"
            table.give(c.name, part, f"its values name image files, such as {paths[0]}", 0.95)


FEWEST_AREAS = 10

_SPLIT_VALUES = frozenset(
    ("train", "training", "valid", "validation", "val", "dev", "test", "testing", "holdout")
)


def _guess_splits(table: _Table) -> None:
    for c in table.free():
        said = {v.lower() for v in c.levels}
        if said and said <= _SPLIT_VALUES and said & {"test", "testing", "holdout"}:
            part: Part = "left out" if table.named("split") else "split"
            table.give(c.name, part, "its values are " + ", ".join(sorted(said)), 0.95)
        elif "fold" in words.words_of(c.name) and c.distinct <= 100:
            table.give(c.name, "left out", "its name says it numbers cross-validation folds", 0.8)


def _guess_weight(table: _Table) -> None:
    for c in table.free():
        name = words.whole_word(c.name)
        exact = name in words.WEIGHT_WORDS - {"weight"}
        if c.number and exact:
            table.give(c.name, "left out", "its name says survey weight; choose it as weight if "
                       "rows should count by it", 0.7)  # fmt: skip


def _guess_identifiers(table: _Table) -> None:
    for c in table.free():
        why = _identifier(c, table.seen.rows)
        if why:
            table.give(c.name, "identifier", why, 0.9)


def _identifier(c: Column, sample: pl.DataFrame) -> str | None:
    if c.known < 20:
        return None
    named = bool(set(words.words_of(c.name)) & words.IDENTIFIER_WORDS) or (
        words.whole_word(c.name) in words.IDENTIFIER_WORDS
    )
    if c.number:
        if not c.whole or c.distinct < c.known:
            return None
        if named:
            return "its name says identifier and no value repeats"
        values = sample[c.name].drop_nulls()
        counts = bool(values.is_sorted()) or bool((values - values.min()).max() == c.known - 1)
        return "it numbers the rows" if counts else None
    if c.dtype.startswith(("Date", "Boolean")):
        return None
    if c.distinct > 0.9 * c.known:
        return f"nearly every row has its own text ({c.distinct:,} values in {c.known:,} rows)"
    return "its name says identifier" if named and c.distinct > 0.5 * c.known else None


def _sensitive_candidates(table: _Table) -> list[Guess]:
    found = [(c, _sensitive(c)) for c in table.free() if c.distinct >= 2]
    return [Guess(c.name, "sensitive", *why) for c, why in found if why is not None]


def _sensitive(c: Column) -> tuple[str, float] | None:
    levels = frozenset(v.strip().lower() for v in c.levels)
    for values, reason in words.SENSITIVE_VALUES:
        if levels == values:
            return reason, 0.95 if _topic(c) else 0.8
    named = words.words_of(c.name)
    if set(named) & words.NOT_SENSITIVE_WITH:
        return None
    topic = _topic(c)
    if topic is not None:
        sure = 0.95 if len(named) == 1 else 0.75
        weak = named[0] in ("native",) and c.distinct > 12
        return f"its name says {topic}", 0.45 if weak else sure
    ethnic = levels & words.ETHNIC_VALUES - {"other", "mixed", "native", "indian"}
    if not c.number and len(ethnic) >= 2 and len(levels & words.ETHNIC_VALUES) > 0.6 * len(levels):
        return f"its values name ethnic groups, such as {sorted(ethnic)[0]}", 0.9
    return None


def _topic(c: Column) -> str | None:
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


def _guess_sensitive(table: _Table, candidates: Sequence[Guess]) -> None:
    """The surest columns; a second column on the same topic ("age_cat") is shown, not taken."""
    topics: set[str] = set()
    for guess in sorted(candidates, key=lambda g: -g.confidence):
        c = table.columns[guess.column]
        topic = _topic(c) or _topic_of_values(c)
        again = topic in topics and (c.whole or not c.number)
        full = len(table.named("sensitive")) >= MOST_SENSITIVE
        if guess.confidence < TAKEN or (again and _topic(c) is None):
            continue  # M and F under another name may be misdemeanour and felony
        if again or full:
            reason = f"{guess.reason}, like another column that was taken"
            table.give(c.name, "left out", reason, 0.6)
        else:
            table.given[c.name] = guess
            topics.add(topic)


def _topic_of_values(c: Column) -> str:
    levels = frozenset(v.strip().lower() for v in c.levels)
    return "sex" if any(levels == values for values, _ in words.SENSITIVE_VALUES) else "race"


def _guess_target(table: _Table, sensitive: Iterable[str]) -> Column | None:
    barred = set(sensitive)
    candidates = [c for c in table.free() if c.name not in barred and _may_be_target(c)]
    last = list(table.columns)[-1] if table.columns else ""
    ranked = sorted(candidates, key=lambda c: -_target_weight(c, last))
    if not ranked or _target_weight(ranked[0], last) < 1:
        return None
    best = _richer(ranked[0], ranked[1:], table.seen.rows)
    reason = _target_reason(best, last)
    others = [c.name for c in ranked[1:4] if c is not best and _target_weight(c, last) >= 2]
    if best is not ranked[0]:
        reason += f", and '{ranked[0].name}' is made of it"
    if others:
        reason += f"; also possible: {', '.join(others)}"
    table.give(best.name, "target", reason, min(0.95, 0.3 + 0.15 * _target_weight(best, last)))
    return best


def _pictured(table: _Table, sensitive: Sequence[Guess]) -> Column | None:
    """Pictures of people often come with attributes only; one of two values can be the outcome."""
    for guess in sensitive:
        if table.columns[guess.column].distinct == 2:
            reason = "no other column could be the outcome of these images, and it has two values"
            table.give(guess.column, "target", reason, 0.5)
            return table.columns[guess.column]
    return None


def _may_be_target(c: Column) -> bool:
    named = set(words.words_of(c.name))
    if c.distinct < 2 or named & words.DATE_WORDS or c.dtype.startswith("Date"):
        return False
    if named & words.PREDICTION_WORDS or (c.number and _is_score_name(c)):
        return False
    return c.number or c.distinct <= 20


def _is_score_name(c: Column) -> bool:
    named = set(words.words_of(c.name))
    return bool(named & words.SCORE_WORDS) and not named & words.NOT_SCORE_WITH


def _target_weight(c: Column, last: str) -> float:
    named = set(words.words_of(c.name)) | {words.whole_word(c.name)}
    weight = 3.0 * bool(named & words.TARGET_WORDS) + 2.0 * bool(named & words.TARGET_TOPICS)
    return weight + 1.5 * (c.name == last) + (0.75 if c.distinct == 2 else 0.0)


def _target_reason(c: Column, last: str) -> str:
    named = set(words.words_of(c.name)) | {words.whole_word(c.name)}
    why = []
    if named & (words.TARGET_WORDS | words.TARGET_TOPICS):
        why.append("its name says outcome")
    if c.name == last:
        why.append("it is the last column")
    if c.distinct == 2:
        why.append(f"it has two values ({' and '.join(sorted(c.levels))})")
    return ", ".join(why)


def _richer(best: Column, others: Sequence[Column], sample: pl.DataFrame) -> Column:
    """A number that a two-valued candidate was cut from is the outcome itself."""
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


def _guess_systems(table: _Table, target: Column) -> None:
    labels = set(target.levels)
    for c in table.free():
        named = set(words.words_of(c.name)) | {words.whole_word(c.name)}
        same = (
            bool(c.levels) and set(c.levels) <= labels
            if task_of(target) != "regression"
            else c.number
        )
        if named & words.PREDICTION_WORDS and same:
            table.give(
                c.name, "prediction", "its name says decision and its values are the target's", 0.9
            )
        elif c.number and _is_score_name(c):
            _guess_score(table, c, target)


def _guess_score(table: _Table, c: Column, target: Column) -> None:
    for other in table.named("score"):
        if table.seen.rows[other].equals(table.seen.rows[c.name], check_names=False):
            table.give(c.name, "left out", f"it repeats the score '{other}'", 0.95)
            return
        if other in c.name:
            table.give(c.name, "left out", f"a variant of the score '{other}'", 0.6)
            return
    if c.distinct > 2 or target.distinct > 2:
        table.give(c.name, "score", "its name says score", 0.8)


def _guess_cluster(table: _Table) -> None:
    """The first word of the list wins; clusters need some rows each.

    An area or occupation with a handful of values is a feature: intervals over so few clusters
    would say little.
    """
    for rank, word in enumerate(words.CLUSTER_WORDS):
        institution = rank < words.CLUSTER_WORDS.index("province")
        for c in table.free():
            enough = institution or c.distinct >= FEWEST_AREAS
            if enough and word in words.words_of(c.name) and _may_be_cluster(c):
                sure = 0.8 if institution else 0.6
                reason = f"its name says {word} and it has {c.distinct} values"
                table.give(c.name, "cluster", reason, sure)
                return


def _may_be_cluster(c: Column) -> bool:
    return (not c.number or c.whole) and 3 <= c.distinct <= c.known / 5


def _guess_leaks(table: _Table, target: Column) -> None:
    for c in table.free():
        strength = table.seen.telling(c.name, target.name)
        bar = LEAK_NUMBER if task_of(target) == "regression" else LEAK
        if c.distinct > 1 and strength >= bar:
            reason = f"it alone tells '{target.name}' suspiciously well (AUROC {strength:.3f})"
            table.give(c.name, "leak", reason, 0.9)


def _guess_features(table: _Table) -> None:
    for c in table.free():
        named = set(words.words_of(c.name))
        copy = re.fullmatch(r"(.+?)(\.\d+| \(\d+\)|_duplicated_\d+)", c.name)
        if c.distinct == 1 and not c.missing:
            table.give(c.name, "left out", "all its values are the same", 0.95)
        elif told := _score_behind(table, c):
            table.give(c.name, "left out", f"it follows from the score '{told}'", 0.8)
        elif copy and copy[1] in table.columns and _same(table.seen.rows, copy[1], c.name):
            table.give(c.name, "left out", f"it repeats '{copy[1]}'", 0.95)
        elif not c.number and (c.distinct > 200 or c.dtype.startswith("Date")):
            what = "dates" if c.dtype.startswith("Date") or named & words.DATE_WORDS else "text"
            table.give(c.name, "left out", f"{what} of {c.distinct:,} different values", 0.6)
        else:
            table.give(c.name, "feature", "nothing says otherwise", 0.6)


def _score_behind(table: _Table, c: Column) -> str | None:
    """A score, or a variant of one, that fixes this column's value: "low" for 1 to 4."""
    rows = table.seen.rows
    for guess in table.given.values():
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
