"""`choose_between`: a choice among several systems for each group, for users."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.inputs.read import AuditInputs, read_inputs
from fairaudit.audit.inputs.stated import StatedFacts
from fairaudit.audit.no_harm.system_decision import Decided, decide_systems
from fairaudit.audit.no_harm.system_rows import SystemRows
from fairaudit.audit.no_harm.system_tables import (
    CHECK,
    CHOOSE,
    before_and_after,
    certificates_of,
    check_table,
    choice_table,
    forgone_table,
    overlapping_table,
)
from fairaudit.data.roles import Task
from fairaudit.exceptions import InputError, SpecError
from fairaudit.inputs.arrays import is_number
from fairaudit.inputs.group_codes import Grouping, cluster_codes, columns_of, cross, encode
from fairaudit.inputs.options import check_choice, check_confidence, check_count, wrong
from fairaudit.inputs.read import frame_columns, read_weights
from fairaudit.inputs.rows import same_rows
from fairaudit.methods.best_choice import Objective
from fairaudit.methods.no_harm_table import ChoiceRules
from fairaudit.stats.paired_differences import METRICS, Answers, Metric

BASELINE = "baseline"


@dataclass(frozen=True)
class SystemChoice:
    """For each group the system that serves it best among those shown to do it no harm.

    Attributes
    ----------
    table : polars.DataFrame
        A row for every group and candidate on the rows that decide: `group`, `n`, `system` (the
        candidate's name), `baseline`, `candidate` and `difference` (performance, higher is
        better), `lower` and `upper` (one-sided bounds of the difference, simultaneous over groups
        and candidates; null where it cannot be judged), `admissible`, `chosen` (the name of the
        system that the group gets), `verdict`, `reason` (a code), `rows_needed` (for the
        candidate to be admissible with 80% power), `p` and `level` of its test, paired counts.
        `fairaudit.text.sentences.system_reasons.with_reasons` puts the reasons into sentences.
    check : polars.DataFrame
        The same on rows that took no part in the choice; only systems that are used have bounds.
        Empty with `check=0`.
    chosen : dict of group to the name of a system
    forgone : polars.DataFrame
        Certain gains that the objective leaves: group, system, chosen, difference, lower, reason.
    overlapping : polars.DataFrame
        With several attributes, what the choice does to the groups of each attribute alone.
    summary : polars.DataFrame
        By split ("choose", "check"): gap, worst group and mean with the baseline for all
        ("before") and with the choice ("after"), with their intervals.
    certificates : list of dict
        For every group and candidate the numbers with which the decision is recomputed by hand.
    number : (n,) int
        The system that each row gets: 0 for the baseline, then the candidates in their order.
    """

    table: pl.DataFrame
    check: pl.DataFrame
    chosen: dict[str, str]
    forgone: pl.DataFrame
    overlapping: pl.DataFrame
    summary: pl.DataFrame
    rules: ChoiceRules
    number: NDArray[np.int64]

    @cached_property
    def certificates(self) -> list[dict[str, Any]]:
        """One entry for every group and candidate, as JSON values."""
        return certificates_of({CHOOSE: self.table, CHECK: self.check}, self.rules)


def choose_between(
    y_true: Any,
    baseline: Any,
    candidates: Any,
    *,
    sensitive_features: Any,
    metric: Metric = "accuracy",
    objective: Objective = "max_min",
    confidence: float = 0.95,
    tolerance: float = 0.0,
    y_score: Any = None,
    sample_weight: Any = None,
    clusters: Any = None,
    positive: Any = None,
    check: float = 0.5,
    random_state: int = 0,
) -> SystemChoice:
    """Choose for each group between a baseline and other systems so that no group is harmed.

    A candidate may serve a group when the paired one-sided lower bound of its performance minus
    the baseline's lies above −tolerance. The bounds hold for all groups and candidates at once,
    so that with probability `confidence` no group at all is worse off than with the baseline by
    more than the tolerance. Where no candidate passes, the group keeps the baseline.

    Parameters
    ----------
    y_true : (n,) outcomes, known for all rows
    baseline : (n,) decisions (or predicted values) of the system in use
    candidates : dict {name: (n,)} or frame with a column per candidate
        Systems made without these rows: a model that has seen them looks better than it is.
    sensitive_features : (n,) or (n, k) array, Series or frame
        With several columns the groups are their intersections, so that everyone is in one; the
        table `overlapping` says what happens to the groups of each column.
    metric : {"accuracy", "balanced_accuracy", "auroc", "neg_mse"}
        "auroc" needs `y_score` for all systems; "neg_mse" is for numeric outcomes.
    objective : {"max_min", "min_gap", "max_mean"}
        Each group its best harmless system; the smallest gap; the best mean with a gap no wider
        than the baseline's.
    confidence : of the bounds, above 0.5 and below 1
    tolerance : loss that is tolerated, in units of the metric (0.01 is one point)
    y_score : dict {name: (n,) scores} or frame; "baseline" names the baseline's
    sample_weight : (n,) weights; they count in accuracy and −MSE
    clusters : (n,) rows of one cluster are not independent and stay in one part
    positive : the positive label of a binary outcome, where words do not decide
    check : share of the rows that take no part in the choice and check it, 0 to 0.9
    random_state : seed of the split

    Returns
    -------
    SystemChoice

    Raises
    ------
    InputError
        When lengths differ, values are missing, a candidate has no name or the baseline's, or
        scores are missing for "auroc".
    SpecError
        When a parameter is out of its range, or the metric does not fit the outcome.

    Notes
    -----
    Accuracy: the exact conditional test of McNemar and Tango's score bound, of which the more
    cautious counts; AUROC: DeLong; −MSE: Hall's and Student's. Levels by Holm (1979). The choice
    among admissible systems is exact (Tan et al., arXiv 2511.06293, solve an integer program).

    Examples
    --------
    >>> import numpy as np
    >>> y, sex = np.tile([0, 1], 200), np.repeat(["f", "m"], 200)
    >>> old = np.where(np.arange(400) % 4 == 0, 1 - y, y)
    >>> new = np.where(sex == "f", y, old)
    >>> choice = choose_between(y, old, {"new": new}, sensitive_features=sex)
    >>> choice.chosen
    {'f': 'new', 'm': 'baseline'}
    """
    same_rows(
        y_true=y_true,
        baseline=baseline,
        sensitive_features=sensitive_features,
        sample_weight=sample_weight,
        clusters=clusters,
    )
    check_choice(metric, "metric", METRICS)
    rules = ChoiceRules(objective, check_confidence(confidence), confidence, tolerance)
    check_count(random_state, "random_state")
    systems = {BASELINE: baseline, **_named(candidates)}
    coded = _coded_answers(y_true, systems, y_score, metric, positive)
    rows = _rows(coded, sensitive_features, sample_weight, clusters)
    return choose_systems(rows, metric, rules, check=_share(check), seed=random_state)


def choose_systems(
    rows: SystemRows, metric: Metric, rules: ChoiceRules, *, check: float, seed: int
) -> SystemChoice:
    """The choice on part of the rows, checked on the others.

    Parameters
    ----------
    rows : SystemRows
    check : share of the rows that take no part in the choice
    seed : of the split
    """
    decide, apart = rows.in_two(check, seed)
    decided = decide_systems(decide, metric, rules)
    table = choice_table(decided)
    parts = {CHOOSE: decide, CHECK: apart} if len(apart.y) else {CHOOSE: decide}
    return SystemChoice(
        table,
        check_table(decided, apart) if CHECK in parts else table.clear(),
        decided.chosen,
        forgone_table(table),
        pl.concat([overlapping_table(decided, part, name) for name, part in parts.items()]),
        _summary(decided, parts),
        rules,
        decided.pick[rows.groups.codes],
    )


def _summary(decided: Decided, parts: Mapping[str, SystemRows]) -> pl.DataFrame:
    listed = [before_and_after(decided, part, name) for name, part in parts.items()]
    schema = {name: pl.String if name == "split" else pl.Float64 for name in listed[0]}
    return pl.DataFrame(listed, schema=schema)


def _share(check: Any) -> float:
    if isinstance(check, bool) or not is_number(check) or not 0 <= check <= 0.9:
        raise wrong("check", "a share from 0 to 0.9", check, "such as 0.5")
    return float(check)


def _named(candidates: Any) -> dict[str, Any]:
    """The candidates by name."""
    named = frame_columns(candidates, "candidates")
    if not named:
        raise InputError(
            "candidates: expected a dict {name: answers} or a frame with a column for each "
            "candidate; name each one"
        )
    if BASELINE in named:
        raise InputError(f"candidates: '{BASELINE}' is the baseline's name; choose another")
    return named


def _coded_answers(
    y_true: Any, systems: Mapping[str, Any], y_score: Any, metric: Metric, positive: Any
) -> AuditInputs:
    """Outcome and answers in codes, the baseline first."""
    if y_true is None:
        raise InputError("y_true: a choice needs outcomes that are known for everybody")
    scores = None if y_score is None else _scores(y_score, systems)
    if metric == "auroc" and scores is None:
        raise InputError("metric 'auroc' compares scores; pass y_score for all systems")
    task: Task | None = "regression" if metric == "neg_mse" else None
    coded = read_inputs(y_true, systems, scores, StatedFacts(task=task, positive=positive))
    _check_fit(metric, coded)
    return coded


def _scores(y_score: Any, systems: Mapping[str, Any]) -> Mapping[str, Any]:
    scores = frame_columns(y_score, "y_score")
    if scores is None or set(scores) != set(systems):
        raise InputError(
            f"y_score: expected a dict with the scores of {', '.join(systems)}, got "
            f"{'an unnamed column' if scores is None else ', '.join(scores)}; name each once"
        )
    return scores


def _check_fit(metric: Metric, inputs: AuditInputs) -> None:
    if metric != "neg_mse" and inputs.task == "regression":
        raise SpecError(f"metric '{metric}' is for classes, and y_true holds numbers; use neg_mse")
    if metric == "auroc" and inputs.task != "binary":
        raise SpecError("metric 'auroc' needs a binary outcome; use 'accuracy'")


def _rows(inputs: AuditInputs, sensitive: Any, weight: Any, clusters: Any) -> SystemRows:
    n = len(inputs.y)
    columns = columns_of(sensitive)
    if not columns:
        raise InputError(
            "sensitive_features: pass at least one column, whose groups are protected"
        )
    attributes = [Grouping(name, *encode(column, name)) for name, column in columns.items()]
    for attribute in attributes:
        if len(attribute.codes) != n:
            raise InputError(
                f"column '{attribute.attribute}': expected {n} rows, as many as y_true, got "
                f"{len(attribute.codes)}; pass one value per row"
            )
    systems = {name: Answers(a.label, a.score) for name, a in inputs.systems.items()}
    return SystemRows(
        inputs.y,
        systems,
        cross(attributes) if len(attributes) > 1 else attributes[0],
        attributes,
        None if clusters is None else cluster_codes(clusters, "clusters", n),
        None if weight is None else read_weights(weight, n),
    )
