"""Everything that could prevent or weaken an audit, each problem with its remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from fairaudit.data.doctor import role_keywords as words
from fairaudit.data.doctor.assignment import Guess
from fairaudit.data.doctor.column_profile import ColumnProfile, RowSample
from fairaudit.data.doctor.key_guesses import is_number_text, is_repeating_id
from fairaudit.data.doctor.leaks import SUSPECT, leaks_among
from fairaudit.data.doctor.proxies import STRONG
from fairaudit.data.doctor.target_guesses import task_of
from fairaudit.data.grouping import group_labels
from fairaudit.data.labels import label_text
from fairaudit.data.mends import AsMissing, AsNumbers, JoinLabels, LeaveOut, Mend, RepeatingId
from fairaudit.data.near_labels import joining, near_equal
from fairaudit.data.outcome import guess_positive
from fairaudit.data.roles import ColumnRoles, label_counts, resolve
from fairaudit.exceptions import SpecError
from fairaudit.inputs.labels import MISSING

Severity = Literal["error", "warning", "note"]
MANY_LEVELS = 200
FEW_ROWS = 30
MOST_LABELS = 5_000
_OTHER = frozenset(("other", "others", "andere", "sonstige", "otro", "otros", "autre", "autres"))
_OTHER_NAME = "other"
_ORDER = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Problem:
    """One finding: errors prevent the audit, warnings weaken it, notes are for information.

    `mends` are what one click does about it; `safe` where they can do no harm, so that
    `fairaudit doctor --fix` takes them too.
    """

    code: str
    severity: Severity
    column: str | None
    text: str
    remedy: str
    mends: tuple[Mend, ...] = ()
    safe: bool = False


@dataclass(frozen=True)
class ExaminedTable:
    """What the checks examine."""

    frame: pl.DataFrame
    columns: Mapping[str, ColumnProfile]
    roles: ColumnRoles
    proxies: pl.DataFrame
    sample: RowSample
    guesses: Sequence[Guess] = ()

    @property
    def used(self) -> list[ColumnProfile]:
        """Columns with a role."""
        return [self.columns[c] for c in self.roles.columns if c in self.columns]


def find_problems(evidence: ExaminedTable) -> list[Problem]:
    """Every problem, the most severe first."""
    problems = [p for check in _CHECKS for p in check(evidence)]
    return sorted(problems, key=lambda p: _ORDER[p.severity])


def _target(evidence: ExaminedTable) -> Iterator[Problem]:
    name = evidence.roles.target
    if name is None:
        yield Problem(
            "no_target", "warning", None, "no column looks like the outcome",
            "choose the target, or audit selections without a known outcome",
        )  # fmt: skip
        return
    if name not in evidence.columns:
        return
    c = evidence.columns[name]
    if c.missing:
        yield Problem(
            "target_missing", "warning", name,
            f"the target '{name}' is missing in {c.missing:,} of {c.rows:,} rows",
            "these rows are excluded and listed; fill in the values if you can",
        )  # fmt: skip
    if c.distinct < 2:
        return
    if evidence.roles.task != "regression":
        rare = min(c.values.values())
        if rare < FEW_ROWS and c.distinct <= 100:
            label = min(c.values, key=lambda v: c.values[v])
            yield Problem(
                "rare_class", "warning", name,
                f"the target '{name}' has the value '{label}' in only {rare:,} rows",
                "combine it with another value, or expect wide intervals",
            )  # fmt: skip


def _roles(evidence: ExaminedTable) -> Iterator[Problem]:
    try:
        resolve(evidence.frame, evidence.roles)
    except SpecError as error:
        text, _, remedy = str(error).partition("; ")
        yield Problem("role", "error", None, text, remedy or "choose another column for this role")


def _constant(evidence: ExaminedTable) -> Iterator[Problem]:
    for c in evidence.columns.values():
        has_role = c.name in evidence.roles.columns
        if c.distinct == 0:
            yield Problem("empty_column", "note", c.name, f"column '{c.name}' has no values",
                          "exclude it")  # fmt: skip
        elif c.distinct == 1 and not c.missing:
            yield Problem("constant", "warning" if has_role else "note", c.name,
                          f"column '{c.name}' has the same value in every row",
                          "exclude it; it carries no information",
                          *_leave_out(c.name, evidence))  # fmt: skip


_COPY = re.compile(r"(.+?)( \(\d+\)|_duplicated_\d+|\.\d+)")


def _duplicated(evidence: ExaminedTable) -> Iterator[Problem]:
    for name in evidence.columns:
        match = _COPY.fullmatch(name)
        if match is None or match[1] not in evidence.columns:
            continue
        a, b = (label_text(evidence.frame[n]) for n in (match[1], name))
        same = a.equals(b, check_names=False)
        what = "with the same values" if same else "with other values"
        yield Problem(
            "duplicated_name", "note" if same else "warning", name,
            f"the name '{match[1]}' was used more than once, {what} ('{name}')",
            "exclude one of them" if same else "give each column a unique name",
            *(_leave_out(name, evidence) if same else ()),
        )  # fmt: skip


def _identifiers(evidence: ExaminedTable) -> Iterator[Problem]:
    for name in (*evidence.roles.features, *evidence.roles.sensitive):
        c = evidence.columns.get(name)
        if c is None or c.known < 20 or c.dtype.startswith("Date"):
            continue
        text = not c.number and c.distinct > 0.9 * c.known
        named = set(words.words_of(name)) & words.IDENTIFIER_WORDS
        if text or (c.whole and c.distinct == c.known and named):
            yield Problem(
                "identifier_feature", "warning", name,
                f"column '{name}' identifies rows ({c.distinct:,} values in {c.known:,} rows)",
                "remove it from the features; a model can only memorise it",
                *_leave_out(name, evidence),
            )  # fmt: skip


def _levels(evidence: ExaminedTable) -> Iterator[Problem]:
    for name in evidence.roles.features:
        c = evidence.columns.get(name)
        if c is not None and not c.number and MANY_LEVELS < c.distinct <= 0.9 * c.known:
            yield Problem(
                "many_levels", "warning", name,
                f"column '{name}' has {c.distinct:,} distinct text values",
                "combine them; otherwise all but the 50 most frequent are pooled",
            )  # fmt: skip


def _groups(evidence: ExaminedTable) -> Iterator[Problem]:
    all_rows = np.ones(evidence.frame.height, dtype=bool)
    for name in evidence.roles.sensitive:
        c = evidence.columns.get(name)
        if c is None or c.distinct == 0:
            continue
        labels, counts = np.unique(
            group_labels(evidence.frame[name], all_rows), return_counts=True
        )
        small = [(str(g), int(k)) for g, k in zip(labels, counts, strict=True) if k < FEW_ROWS]
        if len(labels) > 50:
            yield Problem(
                "many_groups", "warning", name,
                f"sensitive column '{name}' has {len(labels):,} groups",
                "combine its values into a few recognisable groups",
            )  # fmt: skip
        elif small:
            listed = ", ".join(f"{g} ({k})" for g, k in small[:5])
            yield Problem(
                "small_group", "warning", name,
                f"groups of '{name}' with fewer than {FEW_ROWS} rows: {listed}",
                "combine them or collect more rows; otherwise some results cannot be judged",
                _pooled(name, [g for g, _ in small], list(labels)),
            )  # fmt: skip


def _excluded_leaks(evidence: ExaminedTable) -> Iterator[Problem]:
    for guess in evidence.guesses:
        if guess.part == "leak":
            yield Problem(
                "leak", "warning", guess.column, f"column '{guess.column}': {guess.reason}",
                "it was excluded from the features; add it if it is known before the outcome",
            )  # fmt: skip


def _leaks(evidence: ExaminedTable) -> Iterator[Problem]:
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
                *_leave_out(feature, evidence),
            )  # fmt: skip
        elif feature not in leaking and strength >= SUSPECT and task_of(target) != "regression":
            yield Problem(
                "telling", "note", feature,
                f"column '{feature}' on its own predicts the target '{name}' well "
                f"(AUROC {strength:.2f})",
                "make sure that it is known before the outcome",
                (LeaveOut(column=feature),),
            )  # fmt: skip


def _leave_out(column: str, evidence: ExaminedTable) -> tuple[tuple[Mend, ...], bool]:
    """Leaving a column out, as the last two facts of a problem; nothing where it has no role."""
    roles = evidence.roles
    needed = {roles.target, roles.unit, *roles.sensitive, *roles.predictions, *roles.scores}
    if column not in roles.columns or column == roles.target:
        return (), False
    return (LeaveOut(column=column),), column not in needed


def _pooled(column: str, small: Sequence[str], groups: Sequence[str]) -> tuple[Mend, ...]:
    """Small groups become one; a single one joins a group that is called other, if any."""
    small = [g for g in small if g != MISSING]
    other = next((g for g in groups if g.strip().lower() in _OTHER), None)
    into = other or _OTHER_NAME
    joined = {g: into for g in small if g != into}
    if not joined or (len(joined) < 2 and other is None):
        return ()
    return (JoinLabels(column=column, into=joined),)


def _translated(
    name: str, c: ColumnProfile, target: ColumnProfile
) -> tuple[tuple[Mend, ...], bool]:
    """The labels of a decision in the words of the outcome, where words say which is which."""
    if c.distinct != 2 or target.distinct != 2:
        return (), False
    yes = guess_positive(sorted(c.levels), name).label
    positive = guess_positive(sorted(target.levels), target.name).label
    if yes is None or positive is None:
        return (), False
    no, negative = (next(v for v in levels if v != p)
                    for levels, p in ((c.levels, yes), (target.levels, positive)))  # fmt: skip
    into = {old: new for old, new in ((yes, positive), (no, negative)) if old != new}
    return (JoinLabels(column=name, into=into),), False


def _near_labels(evidence: ExaminedTable) -> Iterator[Problem]:
    """Labels that look the same; target and predictions share theirs."""
    roles = evidence.roles
    shared = [c for c in (roles.target, *roles.predictions) if c in evidence.columns]
    if roles.task != "regression":
        yield from _alike(evidence, [str(c) for c in shared])
    apart = (*roles.sensitive, roles.cluster, roles.split, *roles.features)
    for name in dict.fromkeys(apart):
        if name in evidence.columns and name not in shared:
            yield from _alike(evidence, [str(name)])


def _alike(evidence: ExaminedTable, names: Sequence[str]) -> Iterator[Problem]:
    texts = [n for n in names if evidence.columns[n].dtype == "String"]
    if not texts or any(evidence.columns[n].distinct > MOST_LABELS for n in texts):
        return
    counts: dict[str, int] = {}
    by_column = {name: label_counts(evidence.frame[name]) for name in texts}
    for position, name in enumerate(texts):
        for label, rows in by_column[name].items():
            # the target's way of writing a label wins over that of a prediction
            counts[label] = counts.get(label, 0) + rows * (10**9 if position == 0 else 1)
    alike = near_equal(counts)
    if not alike:
        return
    replaced = joining(alike)
    mends = tuple(
        JoinLabels(column=name, into=into)
        for name, labels in by_column.items()
        if (into := {old: new for old, new in replaced.items() if old in labels})
    )
    pairs = "; ".join(" and ".join(repr(v) for v in group) for group in alike[:4])
    more = f"; and {len(alike) - 4} more" if len(alike) > 4 else ""
    feature = names[0] in evidence.roles.features
    yield Problem(
        "near_labels", "note" if feature else "warning", mends[0].column,
        f"labels of {' and '.join(repr(m.column) for m in mends)} look the same: {pairs}{more}",
        "join them; as it stands each is a class or group of its own",
        mends, True,
    )  # fmt: skip


def _repeating_ids(evidence: ExaminedTable) -> Iterator[Problem]:
    roles = evidence.roles
    unit = evidence.columns.get(roles.unit or "")
    if unit is not None:
        yield Problem(
            "repeating_id", "note", unit.name,
            f"'{unit.name}' has {unit.distinct:,} values in {unit.known:,} rows, so several rows "
            "belong to one",
            "these rows stay together in training or test, and count as one cluster unless a "
            "cluster is named",
        )  # fmt: skip
        return
    for c in evidence.columns.values():
        if c.name in roles.columns and c.name not in roles.features:
            continue
        if is_repeating_id(c) and not evidence.guesses:
            yield Problem(
                "repeating_id", "warning", c.name,
                f"'{c.name}' has {c.distinct:,} values in {c.known:,} rows, so several rows "
                "belong to one, and some may be in training and others in test",
                "keep the rows of each together",
                (RepeatingId(column=c.name),), True,
            )  # fmt: skip
            return


def _mixed(evidence: ExaminedTable) -> Iterator[Problem]:
    for c in evidence.used:
        if c.number or c.dtype != "String" or not c.values:
            continue
        total = sum(c.values.values())
        numeric = sum(n for v, n in c.values.items() if is_number_text(v))
        if 0.5 * total <= numeric < total and c.name not in evidence.roles.predictions:
            word = next(v for v in c.values if not is_number_text(v))
            yield Problem(
                "mixed_types", "warning", c.name,
                f"column '{c.name}' mixes numbers with text such as '{word}'",
                "read the column as numbers; as it stands every number is a category",
                (AsNumbers(column=c.name),), numeric >= 0.9 * total,
            )  # fmt: skip


def _number_text(evidence: ExaminedTable) -> Iterator[Problem]:
    for c in evidence.used:
        if c.number or c.dtype != "String" or c.name == evidence.roles.target or not c.values:
            continue
        signed = [v for v in c.values if re.search(r"[%$€£,]", v)]
        if signed and all(is_number_text(v) for v in c.values):
            yield Problem(
                "number_text", "warning", c.name,
                f"column '{c.name}' contains numbers written as text, such as '{signed[0]}'",
                "read the column as numbers; as it stands every number is a category",
                (AsNumbers(column=c.name),), True,
            )  # fmt: skip


def _infinite(evidence: ExaminedTable) -> Iterator[Problem]:
    for c in evidence.used:
        if c.infinite:
            yield Problem(
                "infinite", "warning", c.name,
                f"column '{c.name}' has {c.infinite:,} infinite values",
                "correct them (perhaps a division by zero); they are treated as missing",
            )  # fmt: skip


def _missing(evidence: ExaminedTable) -> Iterator[Problem]:
    for c in evidence.used:
        share = c.missing / max(c.rows, 1)
        if c.name == evidence.roles.target or share <= 0.3 or not c.distinct:
            continue
        yield Problem(
            "many_missing", "warning" if share > 0.6 else "note", c.name,
            f"column '{c.name}' is missing in {share:.0%} of the rows",
            "check that missingness does not depend on the group, or exclude the column",
        )  # fmt: skip


_CODES = frozenset(("-9", "-99", "-999", "-9999", "99", "999", "9999", "99999"))


def _coded_missing(evidence: ExaminedTable) -> Iterator[Problem]:
    for c in evidence.used:
        if not c.number or c.name == evidence.roles.target or c.distinct < 5:
            continue
        values = [float(v) for v in c.levels if v not in _CODES and _plain(v)]
        codes = [
            v
            for v in c.levels
            if v in _CODES and c.values[v] >= 5 and values and _outlying(float(v), values)
        ]
        if codes:
            yield Problem(
                "coded_missing", "note", c.name,
                f"column '{c.name}' has the value {codes[0]} in {c.values[codes[0]]:,} rows, far "
                "from the others",
                "if it means missing, read it as missing",
                (AsMissing(column=c.name, values=tuple(codes)),),
            )  # fmt: skip


def _plain(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _outlying(value: float, others: Sequence[float]) -> bool:
    low, high = min(others), max(others)
    return value < low - (high - low) * 0.5 or value > high + (high - low) * 0.5


def _clusters(evidence: ExaminedTable) -> Iterator[Problem]:
    name = evidence.roles.cluster
    if name is None or name not in evidence.columns:
        return
    c = evidence.columns[name]
    if 2 <= c.distinct < 5:
        yield Problem(
            "few_clusters", "warning", name,
            f"cluster column '{name}' has only {c.distinct} values",
            "intervals based on clusters need about 10 clusters or more",
        )  # fmt: skip
    if c.known and c.distinct > 0.5 * c.known:
        yield Problem(
            "tiny_clusters", "warning", name,
            f"cluster column '{name}' has {c.distinct:,} values in {c.known:,} rows",
            "most clusters have one row; choose a coarser column",
            (LeaveOut(column=name),),
        )  # fmt: skip


def _systems(evidence: ExaminedTable) -> Iterator[Problem]:
    target = evidence.columns.get(evidence.roles.target or "")
    if target is None or task_of(target) == "regression":
        return
    for name in evidence.roles.predictions:
        c = evidence.columns.get(name)
        strange = sorted(set(c.levels) - set(target.levels)) if c is not None else []
        if c is not None and strange:
            yield Problem(
                "prediction_labels", "error", name,
                f"prediction column '{name}' contains '{strange[0]}', which the target does not",
                f"use the target's values ({', '.join(sorted(target.levels)[:6])})",
                *_translated(name, c, target),
            )  # fmt: skip


def _proxies(evidence: ExaminedTable) -> Iterator[Problem]:
    """One finding per sensitive attribute, with its strongest proxies."""
    used = [*evidence.roles.features, evidence.roles.cluster]
    strong = evidence.proxies.filter(pl.col("auroc") >= STRONG, pl.col("feature").is_in(used))
    for attribute in evidence.roles.sensitive:
        proxies = strong.filter(pl.col("sensitive") == attribute).select("feature", "auroc").rows()
        if not proxies:
            continue
        listed = ", ".join(f"'{feature}' ({auroc:.2f})" for feature, auroc in proxies[:4])
        more = f" and {len(proxies) - 4} more" if len(proxies) > 4 else ""
        yield Problem(
            "proxy", "note", proxies[0][0],
            f"'{attribute}' can be predicted from {listed}{more} (AUROC)",
            f"a model without '{attribute}' can still infer it from these columns; consider "
            "whether they are needed",
        )  # fmt: skip


def _no_sensitive(evidence: ExaminedTable) -> Iterator[Problem]:
    if not evidence.roles.sensitive:
        yield Problem(
            "no_sensitive", "warning", None, "no column looks like a sensitive attribute",
            "choose at least one; latent groups cannot be found without one",
        )  # fmt: skip
    for name in evidence.roles.sensitive:
        c = evidence.columns.get(name)
        if c is not None and c.missing:
            yield Problem(
                "sensitive_missing", "note", name,
                f"'{name}' is missing in {c.missing:,} rows",
                f"these rows form a separate group, {MISSING}",
            )  # fmt: skip


def _size(evidence: ExaminedTable) -> Iterator[Problem]:
    if evidence.frame.height < 200:
        yield Problem(
            "few_rows", "warning", None, f"the table has only {evidence.frame.height:,} rows",
            "expect wide intervals; training needs a few hundred rows",
        )  # fmt: skip


_CHECKS: tuple[Callable[[ExaminedTable], Iterator[Problem]], ...] = (
    _target, _roles, _constant, _duplicated, _identifiers, _levels, _groups, _excluded_leaks,
    _leaks, _near_labels, _repeating_ids, _mixed, _number_text, _infinite, _missing,
    _coded_missing, _clusters, _systems, _proxies, _no_sensitive, _size,
)  # fmt: skip
