"""Problems of columns as a whole: constants, copies, identifiers, clusters, too few rows."""

from __future__ import annotations

import re
from collections.abc import Iterator

from fairaudit.data.doctor import role_keywords as words
from fairaudit.data.doctor.key_guesses import is_repeating_id
from fairaudit.data.doctor.problem import ExaminedTable, Problem, leave_out
from fairaudit.data.labels import label_text
from fairaudit.data.mends import LeaveOut, RepeatingId
from fairaudit.data.name_words import words_of

MANY_LEVELS = 200


def constant_columns(evidence: ExaminedTable) -> Iterator[Problem]:
    for c in evidence.columns.values():
        has_role = c.name in evidence.roles.columns
        if c.distinct == 0:
            yield Problem("empty_column", "note", c.name, f"column '{c.name}' has no values",
                          "exclude it")  # fmt: skip
        elif c.distinct == 1 and not c.missing:
            yield Problem("constant", "warning" if has_role else "note", c.name,
                          f"column '{c.name}' has the same value in every row",
                          "exclude it; it carries no information",
                          *leave_out(c.name, evidence))  # fmt: skip


_COPY = re.compile(r"(.+?)( \(\d+\)|_duplicated_\d+|\.\d+)")


def duplicated_names(evidence: ExaminedTable) -> Iterator[Problem]:
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
            *(leave_out(name, evidence) if same else ()),
        )  # fmt: skip


def identifying_features(evidence: ExaminedTable) -> Iterator[Problem]:
    for name in (*evidence.roles.features, *evidence.roles.sensitive):
        c = evidence.columns.get(name)
        if c is None or c.known < 20 or c.dtype.startswith("Date"):
            continue
        text = not c.number and c.distinct > 0.9 * c.known
        named = set(words_of(name)) & words.IDENTIFIER_WORDS
        if text or (c.whole and c.distinct == c.known and named):
            yield Problem(
                "identifier_feature", "warning", name,
                f"column '{name}' identifies rows ({c.distinct:,} values in {c.known:,} rows)",
                "remove it from the features; a model can only memorise it",
                *leave_out(name, evidence),
            )  # fmt: skip


def many_levels(evidence: ExaminedTable) -> Iterator[Problem]:
    for name in evidence.roles.features:
        c = evidence.columns.get(name)
        if c is not None and not c.number and MANY_LEVELS < c.distinct <= 0.9 * c.known:
            yield Problem(
                "many_levels", "warning", name,
                f"column '{name}' has {c.distinct:,} distinct text values",
                "combine them or leave the column out; otherwise all but the 50 most frequent are "
                "pooled",
                (LeaveOut(column=name),),
            )  # fmt: skip


def repeating_ids(evidence: ExaminedTable) -> Iterator[Problem]:
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


def unsuitable_clusters(evidence: ExaminedTable) -> Iterator[Problem]:
    name = evidence.roles.cluster
    if name is None or name not in evidence.columns:
        return
    c = evidence.columns[name]
    if 2 <= c.distinct < 5:
        yield Problem(
            "few_clusters", "warning", name,
            f"cluster column '{name}' has only {c.distinct} values",
            "intervals based on clusters need about 10 clusters or more",
            (LeaveOut(column=name),),
        )  # fmt: skip
    if c.known and c.distinct > 0.5 * c.known:
        yield Problem(
            "tiny_clusters", "warning", name,
            f"cluster column '{name}' has {c.distinct:,} values in {c.known:,} rows",
            "most clusters have one row; choose a coarser column",
            (LeaveOut(column=name),),
        )  # fmt: skip


def few_rows(evidence: ExaminedTable) -> Iterator[Problem]:
    if evidence.frame.height < 200:
        yield Problem(
            "few_rows", "warning", None, f"the table has only {evidence.frame.height:,} rows",
            "expect wide intervals; training needs a few hundred rows",
        )  # fmt: skip
