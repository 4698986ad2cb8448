"""What stands in the way of an audit, all at once, in plain words, each with its remedy."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import polars as pl

from fairaudit.data.doctor import role_keywords as words
from fairaudit.data.doctor.column_profile import Column, Sampled
from fairaudit.data.doctor.guesses import LEAK, SUSPECT, Guess, task_of
from fairaudit.data.doctor.proxies import STRONG
from fairaudit.data.encoding import MISSING
from fairaudit.data.grouping import group_labels
from fairaudit.data.labels import label_text
from fairaudit.data.roles import ColumnRoles, resolve
from fairaudit.exceptions import SpecError

Severity = Literal["error", "warning", "note"]
MANY_LEVELS = 200
FEW_ROWS = 30
_ORDER = {"error": 0, "warning": 1, "note": 2}


@dataclass(frozen=True)
class Problem:
    """One finding: errors stop the audit, warnings weaken it, notes are good to know."""

    code: str
    severity: Severity
    column: str | None
    text: str
    remedy: str


@dataclass(frozen=True)
class Patient:
    """All that the checks look at."""

    frame: pl.DataFrame
    columns: Mapping[str, Column]
    roles: ColumnRoles
    proxies: pl.DataFrame
    seen: Sampled
    guesses: Sequence[Guess] = ()

    @property
    def used(self) -> list[Column]:
        """Columns with a role."""
        return [self.columns[c] for c in self.roles.columns if c in self.columns]


def find_problems(patient: Patient) -> list[Problem]:
    """Every problem, the gravest first."""
    found = [p for check in _CHECKS for p in check(patient)]
    return sorted(found, key=lambda p: _ORDER[p.severity])


def _target(patient: Patient) -> Iterator[Problem]:
    name = patient.roles.target
    if name is None:
        yield Problem(
            "no_target", "warning", None, "no column looks like the outcome",
            "name the target, or audit selections without a known outcome",
        )  # fmt: skip
        return
    if name not in patient.columns:
        return
    c = patient.columns[name]
    if c.missing:
        yield Problem(
            "target_missing", "warning", name,
            f"the target '{name}' is missing in {c.missing:,} of {c.rows:,} rows",
            "these rows are left out and listed; complete them if you can",
        )  # fmt: skip
    if c.distinct < 2:
        return
    if patient.roles.task != "regression":
        rare = min(c.values.values())
        if rare < FEW_ROWS and c.distinct <= 100:
            label = min(c.values, key=lambda v: c.values[v])
            yield Problem(
                "rare_class", "warning", name,
                f"the target '{name}' has the value '{label}' in only {rare:,} rows",
                "group it with another value, or expect wide intervals",
            )  # fmt: skip


def _roles(patient: Patient) -> Iterator[Problem]:
    try:
        resolve(patient.frame, patient.roles)
    except SpecError as error:
        text, _, remedy = str(error).partition("; ")
        yield Problem("role", "error", None, text, remedy or "choose another column for this part")


def _constant(patient: Patient) -> Iterator[Problem]:
    for c in patient.columns.values():
        role = c.name in patient.roles.columns
        if c.distinct == 0:
            yield Problem("empty_column", "note", c.name, f"column '{c.name}' holds no value",
                          "leave it out")  # fmt: skip
        elif c.distinct == 1 and not c.missing:
            yield Problem("constant", "warning" if role else "note", c.name,
                          f"column '{c.name}' has the same value in every row",
                          "leave it out; it tells nothing")  # fmt: skip


_COPY = re.compile(r"(.+?)( \(\d+\)|_duplicated_\d+|\.\d+)")


def _duplicated(patient: Patient) -> Iterator[Problem]:
    for name in patient.columns:
        match = _COPY.fullmatch(name)
        if match is None or match[1] not in patient.columns:
            continue
        a, b = (label_text(patient.frame[n]) for n in (match[1], name))
        same = a.equals(b, check_names=False)
        what = "with the same values" if same else "with other values"
        yield Problem(
            "duplicated_name", "note" if same else "warning", name,
            f"the name '{match[1]}' was used more than once, {what} ('{name}')",
            "leave one out" if same else "give each column a name of its own",
        )  # fmt: skip


def _identifiers(patient: Patient) -> Iterator[Problem]:
    for name in (*patient.roles.features, *patient.roles.sensitive):
        c = patient.columns.get(name)
        if c is None or c.known < 20 or c.dtype.startswith("Date"):
            continue
        text = not c.number and c.distinct > 0.9 * c.known
        named = set(words.words_of(name)) & words.IDENTIFIER_WORDS
        if text or (c.whole and c.distinct == c.known and named):
            yield Problem(
                "identifier_feature", "warning", name,
                f"column '{name}' identifies rows ({c.distinct:,} values in {c.known:,} rows)",
                "take it out of the features; a model can only learn it by heart",
            )  # fmt: skip


def _levels(patient: Patient) -> Iterator[Problem]:
    for name in patient.roles.features:
        c = patient.columns.get(name)
        if c is not None and not c.number and MANY_LEVELS < c.distinct <= 0.9 * c.known:
            yield Problem(
                "many_levels", "warning", name,
                f"column '{name}' has {c.distinct:,} different texts",
                "group them; otherwise all but the 50 most frequent are pooled",
            )  # fmt: skip


def _groups(patient: Patient) -> Iterator[Problem]:
    everyone = np.ones(patient.frame.height, dtype=bool)
    for name in patient.roles.sensitive:
        c = patient.columns.get(name)
        if c is None or c.distinct == 0:
            continue
        labels, counts = np.unique(group_labels(patient.frame[name], everyone), return_counts=True)
        small = [(str(g), int(k)) for g, k in zip(labels, counts, strict=True) if k < FEW_ROWS]
        if len(labels) > 50:
            yield Problem(
                "many_groups", "warning", name,
                f"sensitive column '{name}' has {len(labels):,} groups",
                "pool its values into a few groups that people recognise",
            )  # fmt: skip
        elif small:
            listed = ", ".join(f"{g} ({k})" for g, k in small[:5])
            yield Problem(
                "small_group", "warning", name,
                f"groups of '{name}' with fewer than {FEW_ROWS} rows: {listed}",
                "pool them or collect more rows; their numbers will be marked as not judgeable",
            )  # fmt: skip


def _left_out(patient: Patient) -> Iterator[Problem]:
    for guess in patient.guesses:
        if guess.part == "leak":
            yield Problem(
                "leak", "warning", guess.column, f"column '{guess.column}': {guess.reason}",
                "it was left out of the features; add it if it is known before the outcome",
            )  # fmt: skip


def _leaks(patient: Patient) -> Iterator[Problem]:
    name = patient.roles.target
    if name is None or name not in patient.columns or patient.columns[name].distinct < 2:
        return
    for feature in patient.roles.features:
        if feature not in patient.columns or patient.columns[feature].distinct < 2:
            continue
        strength = patient.seen.telling(feature, name)
        if strength >= LEAK and not patient.guesses:  # guessed features have been through this
            yield Problem(
                "leak", "warning", feature,
                f"column '{feature}' alone tells the target '{name}' suspiciously well (AUROC "
                f"{strength:.3f})",
                "take it out of the features if it is only known after the outcome",
            )  # fmt: skip
        elif SUSPECT <= strength < LEAK and patient.roles.task != "regression":
            yield Problem(
                "telling", "note", feature,
                f"column '{feature}' alone tells the target '{name}' well (AUROC {strength:.2f})",
                "make sure that it is known before the outcome",
            )  # fmt: skip


def _mixed(patient: Patient) -> Iterator[Problem]:
    for c in patient.used:
        if c.number or c.dtype != "String" or not c.values:
            continue
        total = sum(c.values.values())
        numeric = sum(n for v, n in c.values.items() if _is_number(v))
        if 0.5 * total <= numeric < total:
            word = next(v for v in c.values if not _is_number(v))
            yield Problem(
                "mixed_types", "warning", c.name,
                f"column '{c.name}' mixes numbers with text such as '{word}'",
                "correct these cells or leave them empty; now every number is a category",
            )  # fmt: skip


def _number_text(patient: Patient) -> Iterator[Problem]:
    for c in patient.used:
        if c.number or c.dtype != "String" or c.name == patient.roles.target or not c.values:
            continue
        signed = [v for v in c.values if re.search(r"[%$€£,]", v)]
        if signed and all(_is_number(v) for v in c.values):
            yield Problem(
                "number_text", "warning", c.name,
                f"column '{c.name}' holds numbers written as text, such as '{signed[0]}'",
                "remove the signs; now every number is a category",
            )  # fmt: skip


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"[+-]?[$€£]?\d[\d,.\s]*([eE][+-]?\d+)?%?", text))


def _infinite(patient: Patient) -> Iterator[Problem]:
    for c in patient.used:
        if c.infinite:
            yield Problem(
                "infinite", "warning", c.name,
                f"column '{c.name}' has {c.infinite:,} infinite values",
                "correct them; they are treated as missing (a division by zero, perhaps)",
            )  # fmt: skip


def _missing(patient: Patient) -> Iterator[Problem]:
    for c in patient.used:
        share = c.missing / max(c.rows, 1)
        if c.name == patient.roles.target or share <= 0.3 or not c.distinct:
            continue
        yield Problem(
            "many_missing", "warning" if share > 0.6 else "note", c.name,
            f"column '{c.name}' is missing in {share:.0%} of the rows",
            "check that missing does not depend on the group, or leave the column out",
        )  # fmt: skip


_CODES = frozenset(("-9", "-99", "-999", "-9999", "99", "999", "9999", "99999"))


def _coded_missing(patient: Patient) -> Iterator[Problem]:
    for c in patient.used:
        if not c.number or c.name == patient.roles.target or c.distinct < 5:
            continue
        values = [float(v) for v in c.levels if v not in _CODES and _plain(v)]
        found = [
            v
            for v in c.levels
            if v in _CODES and c.values[v] >= 5 and values and _outlying(float(v), values)
        ]
        if found:
            yield Problem(
                "coded_missing", "note", c.name,
                f"column '{c.name}' has the value {found[0]} in {c.values[found[0]]:,} rows, far "
                "from the others",
                "if it stands for missing, leave these cells empty",
            )  # fmt: skip


def _plain(text: str) -> bool:
    try:
        return bool(np.isfinite(float(text)))
    except ValueError:
        return False


def _outlying(value: float, others: Sequence[float]) -> bool:
    low, high = min(others), max(others)
    return value < low - (high - low) * 0.5 or value > high + (high - low) * 0.5


def _clusters(patient: Patient) -> Iterator[Problem]:
    name = patient.roles.cluster
    if name is None or name not in patient.columns:
        return
    c = patient.columns[name]
    if 2 <= c.distinct < 5:
        yield Problem(
            "few_clusters", "warning", name,
            f"cluster column '{name}' has only {c.distinct} values",
            "intervals that resample clusters need about 10 or more",
        )  # fmt: skip
    if c.known and c.distinct > 0.5 * c.known:
        yield Problem(
            "tiny_clusters", "warning", name,
            f"cluster column '{name}' has {c.distinct:,} values in {c.known:,} rows",
            "most clusters hold one row; choose a coarser column",
        )  # fmt: skip


def _systems(patient: Patient) -> Iterator[Problem]:
    target = patient.columns.get(patient.roles.target or "")
    if target is None or task_of(target) == "regression":
        return
    for name in patient.roles.predictions:
        c = patient.columns.get(name)
        strange = sorted(set(c.levels) - set(target.levels)) if c is not None else []
        if strange:
            yield Problem(
                "prediction_labels", "error", name,
                f"prediction column '{name}' holds '{strange[0]}', which the target never does",
                f"use the target's values ({', '.join(sorted(target.levels)[:6])})",
            )  # fmt: skip


def _given_away(patient: Patient) -> Iterator[Problem]:
    """One finding a sensitive attribute, with the strongest columns."""
    used = [*patient.roles.features, patient.roles.cluster]
    strong = patient.proxies.filter(pl.col("auroc") >= STRONG, pl.col("feature").is_in(used))
    for attribute in patient.roles.sensitive:
        told = strong.filter(pl.col("sensitive") == attribute).select("feature", "auroc").rows()
        if not told:
            continue
        listed = ", ".join(f"'{feature}' ({auroc:.2f})" for feature, auroc in told[:4])
        more = f" and {len(told) - 4} more" if len(told) > 4 else ""
        yield Problem(
            "proxy", "note", told[0][0],
            f"'{attribute}' can be told from {listed}{more} (AUROC)",
            f"a model that may not see '{attribute}' still can through these columns; judge "
            "whether they are needed",
        )  # fmt: skip


def _no_sensitive(patient: Patient) -> Iterator[Problem]:
    if not patient.roles.sensitive:
        yield Problem(
            "no_sensitive", "warning", None, "no column looks like a sensitive attribute",
            "name at least one; latent groups need one to be found",
        )  # fmt: skip
    for name in patient.roles.sensitive:
        c = patient.columns.get(name)
        if c is not None and c.missing:
            yield Problem(
                "sensitive_missing", "note", name,
                f"'{name}' is missing in {c.missing:,} rows",
                f"they are kept as a group of their own, {MISSING}",
            )  # fmt: skip


def _size(patient: Patient) -> Iterator[Problem]:
    if patient.frame.height < 200:
        yield Problem(
            "few_rows", "warning", None, f"the table has only {patient.frame.height:,} rows",
            "expect wide intervals; training needs some hundred rows",
        )  # fmt: skip


_CHECKS: tuple[Callable[[Patient], Iterator[Problem]], ...] = (
    _target, _roles, _constant, _duplicated, _identifiers, _levels, _groups, _left_out, _leaks,
    _mixed, _number_text, _infinite, _missing, _coded_missing, _clusters, _systems, _given_away,
    _no_sensitive, _size,
)  # fmt: skip
