"""Problems of labels: some that look the same, and decisions in other words than the outcome."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from fairaudit.data.doctor.column_profile import ColumnProfile
from fairaudit.data.doctor.problem import ExaminedTable, Problem
from fairaudit.data.doctor.system_guesses import read_as_decision
from fairaudit.data.doctor.target_guesses import task_of
from fairaudit.data.mends import JoinLabels, Mend
from fairaudit.data.near_labels import joining, near_equal
from fairaudit.data.outcome import guess_positive
from fairaudit.data.roles import label_counts

MOST_LABELS = 5_000


def near_labels(evidence: ExaminedTable) -> Iterator[Problem]:
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


def _stays_turned(c: ColumnProfile, target: ColumnProfile, evidence: ExaminedTable) -> bool:
    """Whether the column would be turned in the target's own labels too, by what it is called."""
    if target.distinct != 2:
        return False
    same = replace(c, values=dict(target.values), distinct=2)
    read = read_as_decision(same, target, evidence.roles.positive)
    return read is not None and bool(read.remark)


def prediction_labels(evidence: ExaminedTable) -> Iterator[Problem]:
    target = evidence.columns.get(evidence.roles.target or "")
    if target is None or task_of(target) == "regression":
        return
    for name in evidence.roles.predictions:
        c = evidence.columns.get(name)
        if c is None:
            continue
        strange = sorted(set(c.levels) - set(target.levels))
        read = read_as_decision(c, target, evidence.roles.positive)
        if read is not None and read.remark and _stays_turned(c, target, evidence):
            yield Problem(
                "prediction_labels", "note", name,
                f"the label {read.remark}, because of what '{name}' and '{target.name}' mean for "
                "a person",
                "rename the column if its yes stands for that of the target",
            )  # fmt: skip
        elif not strange:
            continue
        elif read is not None and read.remark:
            yield Problem(
                "prediction_labels", "note", name, f"the label {read.remark}",
                "join the labels if that is right; code the column as the target is if not",
                *_translated(name, c, target),
            )  # fmt: skip
        elif read is None:
            yield Problem(
                "prediction_labels", "error", name,
                f"prediction column '{name}' contains '{strange[0]}', which the target does not",
                f"use the target's values ({', '.join(sorted(target.levels)[:6])})"
                + (", or 0 and 1" if target.distinct == 2 else ""),
                *_translated(name, c, target),
            )  # fmt: skip


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
