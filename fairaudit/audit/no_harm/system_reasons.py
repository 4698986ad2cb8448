"""Why a group gets the system it gets, in sentences of at most two numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fairaudit.audit.no_harm.system_decision import Decided
from fairaudit.methods.no_harm_table import HARMED, Bounds, ChoiceRules, rows_needed
from fairaudit.stats.estimates import UNJUDGED
from fairaudit.stats.paired_differences import Evidence


def amount(value: float, metric: str) -> str:
    """A difference in points; AUROC as a number, −MSE in the target's squared unit."""
    if metric == "neg_mse":
        said = f"{value:.4g}"
    else:
        said = f"{value:.3f}" if metric == "auroc" else f"{100 * value:.1f} points"
    return said.replace("-", "−")


def reasons(decided: Decided) -> list[list[str]]:
    """For every candidate one reason a group, on the rows that decide."""
    return [
        _of_candidate(decided, k, found, limits)
        for k, (found, limits) in enumerate(zip(decided.evidence, decided.limits, strict=True), 1)
    ]


def _of_candidate(decided: Decided, k: int, found: Evidence, limits: Bounds) -> list[str]:
    needed = rows_needed(found, limits, decided.rules)
    return [_reason(decided, k, found, limits, g, needed[g]) for g in range(len(found.n))]


def _reason(
    decided: Decided, k: int, found: Evidence, limits: Bounds, g: int, needed: int | None
) -> str:
    name, metric = f"'{decided.rows.names[k]}'", found.metric
    if not found.judged[g] or not np.isfinite(found.difference[g]):
        why = found.obstacle[g] or "the performance is not defined"
        return f"Cannot be judged: {why}."
    if decided.pick[g] == k:
        return f"{name} is used: it {_gain(found, limits, g)}."
    if not limits.admissible[g]:
        more = f" About {needed:,} rows would show it." if needed else ""
        sign = "+" if found.difference[g] > 0 else ""
        estimate = amount(found.difference[g], metric)
        return (
            f"Harm cannot be ruled out: {name} may lose up to {amount(-limits.lower[g], metric)} "
            f"(estimate {sign}{estimate}).{more}"
        )
    return f"{name} would do no harm: it {_gain(found, limits, g)}. {_why_not(decided, found, g)}"


def _gain(found: Evidence, limits: Bounds, g: int) -> str:
    """What a harmless system does to a group: a gain, or a loss within what is tolerated."""
    gain, least = found.difference[g], limits.lower[g]
    if gain < 0:
        return f"loses {amount(-gain, found.metric)}, at most {amount(-least, found.metric)}"
    if least < 0:
        loss = amount(-least, found.metric)
        return f"gains {amount(gain, found.metric)}, and loses at most {loss}"
    return f"gains {amount(gain, found.metric)}, at least {amount(least, found.metric)}"


def _why_not(decided: Decided, found: Evidence, g: int) -> str:
    """Why an admissible system is not used."""
    if decided.reverted[g]:
        return "It is not used because a group of one attribute would lose."
    taken = decided.rows.names[decided.pick[g]]
    own = 0.0 if decided.pick[g] == 0 else decided.evidence[decided.pick[g] - 1].difference[g]
    if found.difference[g] <= own + 1e-12:
        return f"'{taken}' serves the group at least as well."
    aim = (
        "the gap would widen" if decided.rules.objective == "min_gap" else "the aim is not served"
    )
    return f"It is not used because {aim}; '{taken}' is kept."


def later(
    decided: Decided, k: int, found: Evidence, limits: Bounds, verdicts: Sequence[str]
) -> list[str]:
    """What rows that took no part say of one candidate, by group."""
    return [_later(decided, k, found, limits, g, verdict) for g, verdict in enumerate(verdicts)]


def _later(decided: Decided, k: int, found: Evidence, limits: Bounds, g: int, verdict: str) -> str:
    if decided.pick[g] != k:
        return "Not used for this group, so not tested here."
    name = f"'{decided.rows.names[k]}'"
    if verdict == UNJUDGED:
        return f"{name} is used; these rows cannot judge it: {found.obstacle[g]}."
    change = amount(abs(found.difference[g]), found.metric)
    moved = "gains" if found.difference[g] >= 0 else "loses"
    if verdict == HARMED:
        return f"{name} does harm here: it {moved} {change}."
    return f"{name} {moved} {change} here; harm is not shown."


def by_hand(row: Mapping[str, Any], later: Mapping[str, Any] | None, rules: ChoiceRules) -> str:
    """A paragraph with which a reader recomputes the decision about one group and candidate."""
    said = [f"Group '{row['group']}': {row['reason']}"]
    if later is not None:
        said.append(f"On rows that took no part: {later['reason']}")
    if row["p"] is not None:
        said.append(
            f"The p-value of harm beyond the tolerance is {row['p']:.4g}, its level "
            f"{row['level']:.4g} (Holm, family-wise {rules.alpha:.4g})."
        )
    if row["metric"] == "accuracy" and row["both_right"] is not None:
        said.append(_counts(row))
    return " ".join(said)


def _counts(row: Mapping[str, Any]) -> str:
    n, gains, losses = row["n"], row["candidate_only"], row["baseline_only"]
    if row["difference"] is None or abs((gains - losses) / max(n, 1) - row["difference"]) > 1e-9:
        return "Rows are weighted, so that counts alone do not give the difference."
    return (
        f"By hand: of {n} rows '{row['system']}' alone is right on {gains}, the baseline alone on "
        f"{losses}; the difference is ({gains} − {losses}) / {n}, and the exact test asks how "
        f"often {gains + losses} fair coins show at least {gains} heads."
    )
