"""Everything that could prevent or weaken an audit, each problem with its remedy."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from fairaudit.data.doctor import column_problems as of_columns
from fairaudit.data.doctor import group_problems as of_groups
from fairaudit.data.doctor import label_problems as of_labels
from fairaudit.data.doctor import outcome_problems as of_outcome
from fairaudit.data.doctor import value_problems as of_values
from fairaudit.data.doctor.problem import ExaminedTable, Problem

_ORDER = {"error": 0, "warning": 1, "note": 2}


def find_problems(evidence: ExaminedTable) -> list[Problem]:
    """Every problem, the most severe first."""
    problems = [p for check in _CHECKS for p in check(evidence)]
    return sorted(problems, key=lambda p: _ORDER[p.severity])


_CHECKS: tuple[Callable[[ExaminedTable], Iterator[Problem]], ...] = (
    of_outcome.target_problems,
    of_outcome.unusable_roles,
    of_columns.constant_columns,
    of_columns.duplicated_names,
    of_columns.identifying_features,
    of_columns.many_levels,
    of_groups.unsuitable_groups,
    of_groups.identity_shares,
    of_outcome.excluded_leaks,
    of_outcome.leaking_features,
    of_labels.near_labels,
    of_columns.repeating_ids,
    of_values.mixed_types,
    of_values.number_text,
    of_values.births_as_text,
    of_values.infinite_values,
    of_values.many_missing,
    of_values.coded_missing,
    of_columns.unsuitable_clusters,
    of_labels.prediction_labels,
    of_groups.proxies,
    of_groups.sensitive_problems,
    of_columns.few_rows,
)
