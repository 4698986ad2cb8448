"""Which metrics an audit measures: the named ones, or all that apply."""

from __future__ import annotations

from collections.abc import Sequence

from fairaudit.audit.evaluate import (
    Truth,
)
from fairaudit.audit.metrics import multiclass
from fairaudit.data.roles import Task
from fairaudit.exceptions import SpecError
from fairaudit.inputs.options import (
    check_names,
)
from fairaudit.stats.metric_definitions import (
    BINARY,
    DECISIONS,
    FAMILIES,
    REGRESSION,
    SCORES,
    base_name,
)

KNOWN_METRICS: dict[Task, tuple[str, ...]] = {
    "binary": (*BINARY, *SCORES, "mean_score"),
    "multiclass": (*BINARY, *SCORES),
    "regression": (*REGRESSION, "mean_prediction"),
}
# what is measured when nothing is named: of the rates of each class the others follow
USUAL_METRICS: dict[Task, tuple[str, ...]] = {
    "binary": (*BINARY, *SCORES),
    "regression": REGRESSION,
    "multiclass": (*multiclass.WHOLE, *multiclass.MACRO, *multiclass.USUAL, *SCORES),
}


def chosen_metrics(
    metrics: Sequence[str] | None, task: Task, truth: Truth = "all"
) -> tuple[str, ...]:
    """The metrics to measure; a gap's own name stands for the rates it is made of.

    Without an outcome these are, unless some are named, those that need none.

    Raises
    ------
    SpecError
        When a name is not known for the task, or none is named.
    """
    known = KNOWN_METRICS[task]
    if metrics is None:
        return (
            tuple(m for m in known if m in DECISIONS) if truth == "none" else USUAL_METRICS[task]
        )
    if not metrics:
        raise SpecError("no metric is named; leave metrics out for all that apply")
    metrics = check_names(metrics, "metrics", "leave metrics out for all that apply")
    wanted = [p for m in metrics for p in FAMILIES.get(m, (base_name(m),))]
    unknown = [m for m in metrics if not set(FAMILIES.get(m, (base_name(m),))) <= set(known)]
    if unknown:
        raise SpecError(
            f"metrics: expected metrics of a {task} outcome ({', '.join(known)}), got "
            f"'{unknown[0]}', which is not known for it"
        )
    return tuple(dict.fromkeys(wanted))
