"""Which combination of ROME's experts predicts, why, and what it costs and gains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fairaudit.audit.result import AuditResult
from fairaudit.text import numbers
from fairaudit.text.metric_words import in_sentence

_NAMES: Mapping[str, str] = {
    "pooled": "the pooled model",
    "gate": "the experts weighted by membership (gate)",
    "minimax": "the experts tilted towards the worst group (minimax)",
}
_ROWS: Mapping[str, str] = {
    "validation": "validation rows",
    "cross-fitted": "training rows by models that have not seen them",
    "training": "training rows",
    "too few": "training rows",
}
_METRICS: Mapping[str, str] = {"log": "log_loss", "squared": "mse"}


def combination_sentence(result: AuditResult) -> str:
    """What `combine="auto"` picked, or "" where nothing was picked."""
    facts = result.summary.get("combination")
    if not isinstance(facts, Mapping) or facts["reason"] == "one group":
        return ""
    loss = str(result.summary.get("loss"))
    return _sentence(facts, _METRICS.get(loss, loss))


def _sentence(facts: Mapping[str, Any], metric: str) -> str:
    name, rows = _NAMES[facts["name"]], _ROWS[facts["rows"]]
    if facts["reason"] == "too few rows":
        return f"Predictions are those of **{name}**: there are too few rows to judge others by."
    if facts["reason"] == "no evidence":
        return (
            f"Predictions are those of **{name}**: on {rows} there is no evidence of groups that "
            f"sensitive attributes tell apart (p = {facts['evidence']:.2g})."
        )
    if facts["reason"] == "limit":
        return (
            f"Predictions are those of **{name}**: no combination keeps the average "
            f"{in_sentence(metric)} within {numbers.value(facts['limit'], metric)}, and this one "
            "comes closest."
        )
    if facts["name"] == "pooled":
        return (
            f"Predictions are those of **{name}**: on {rows} no combination of the experts serves "
            "the worst group clearly better without a worse average or harm to a group."
        )
    worst, average = (_change(facts, what, metric) for what in ("worst", "average"))
    return (
        f"Predictions are those of **{name}**: compared with the pooled model, on {rows} the "
        f"{in_sentence(metric)} {worst}. That {average}."
    )


def _change(facts: Mapping[str, Any], what: str, metric: str) -> str:
    """`of the worst group falls from 37.3 to 15.4`."""
    pooled, own = (facts["candidates"][i][what] for i in (0, facts["position"]))
    whose = "of the worst group" if what == "worst" else "of all rows"
    verb = "falls" if own <= pooled else "rises"
    before, after = (numbers.value(v, metric) for v in (pooled, own))
    return f"{whose} {verb} from {before} to {after}"
