"""Why a group gets the system it gets, in sentences of at most two numbers."""

from __future__ import annotations

from typing import Any

import polars as pl

from fairaudit.audit.no_harm.choose_between import SystemChoice
from fairaudit.methods.no_harm_table import HARMED, ChoiceRules
from fairaudit.stats.estimates import UNJUDGED
from fairaudit.text.sentences.phrases import Row

_WHY_NOT = {
    "reverted": "It is not used because a group of one attribute would lose.",
    "no better": "'{chosen}' serves the group at least as well.",
    "wider gap": "It is not used because the gap would widen; '{chosen}' is kept.",
    "no gain": "It is not used because the objective is not served; '{chosen}' is kept.",
}


def amount(value: float, metric: str) -> str:
    """A difference in points; AUROC as a number, −MSE in the target's squared unit."""
    if metric == "neg_mse":
        text = f"{value:.4g}"
    else:
        text = f"{value:.3f}" if metric == "auroc" else f"{100 * value:.1f} points"
    return text.replace("-", "−")


def with_reasons(table: pl.DataFrame) -> pl.DataFrame:
    """A table of candidates by group with a sentence in `reason`."""
    sentences = [reason(row) for row in table.iter_rows(named=True)]
    return table.with_columns(reason=pl.Series(sentences, dtype=pl.String))


def reason(row: Row) -> str:
    """Why a group got one candidate or did not, or what rows that took no part show of it."""
    name, code = f"'{row['system']}'", row["reason"]
    if code == "not tested":
        return "Not used for this group, so not tested here."
    if code == "checked":
        return _checked(row)
    if code == "unjudged":
        return f"Cannot be judged: {row['obstacle'] or 'the performance is not defined'}."
    if code == "used":
        return f"{name} is used: it {_gain(row)}."
    if code == "not shown":
        return _not_shown(row)
    return f"{name} would do no harm: it {_gain(row)}. {why_not(row)}"


def why_not(row: Row) -> str:
    """Why an admissible system is not used."""
    return _WHY_NOT[row["reason"]].format(chosen=row["chosen"])


def _not_shown(row: Row) -> str:
    more = f" About {row['rows_needed']:,} rows would show it." if row["rows_needed"] else ""
    sign = "+" if row["difference"] > 0 else ""
    return (
        f"Harm cannot be ruled out: '{row['system']}' may lose up to "
        f"{amount(-row['lower'], row['metric'])} "
        f"(estimate {sign}{amount(row['difference'], row['metric'])}).{more}"
    )


def _gain(row: Row) -> str:
    """What a harmless system does to a group: a gain, or a loss within what is tolerated."""
    gain, least, metric = row["difference"], row["lower"], row["metric"]
    if gain < 0:
        return f"loses {amount(-gain, metric)}, at most {amount(-least, metric)}"
    if least < 0:
        return f"gains {amount(gain, metric)}, and loses at most {amount(-least, metric)}"
    return f"gains {amount(gain, metric)}, at least {amount(least, metric)}"


def _checked(row: Row) -> str:
    name = f"'{row['system']}'"
    if row["verdict"] == UNJUDGED:
        return f"{name} is used; these rows cannot judge it: {row['obstacle']}."
    change = amount(abs(row["difference"]), row["metric"])
    verb = "gains" if row["difference"] >= 0 else "loses"
    if row["verdict"] == HARMED:
        return f"{name} does harm here: it {verb} {change}."
    return f"{name} {verb} {change} here; harm is not shown."


# -- certificates ---------------------------------------------------------------------------------


def worded_certificates(choice: SystemChoice) -> list[dict[str, Any]]:
    """The certificates with a paragraph in `words`, from which a reader recomputes each one."""
    later = {(r["group"], r["system"]): r for r in choice.check.iter_rows(named=True)}
    rows = choice.table.iter_rows(named=True)
    return [
        {**facts, "words": _by_hand(row, later.get((row["group"], row["system"])), choice.rules)}
        for facts, row in zip(choice.certificates, rows, strict=True)
    ]


def _by_hand(row: Row, later: Row | None, rules: ChoiceRules) -> str:
    sentences = [f"Group '{row['group']}': {reason(row)}"]
    if later is not None:
        sentences.append(f"On rows that took no part: {reason(later)}")
    if row["p"] is not None:
        sentences.append(
            f"The p-value of harm beyond the tolerance is {row['p']:.4g}, its level "
            f"{row['level']:.4g} (Holm, family-wise {rules.alpha:.4g})."
        )
    if row["metric"] == "accuracy" and row["both_right"] is not None:
        sentences.append(_counts(row))
    return " ".join(sentences)


def _counts(row: Row) -> str:
    n, gains, losses = row["n"], row["candidate_only"], row["baseline_only"]
    if row["difference"] is None or abs((gains - losses) / max(n, 1) - row["difference"]) > 1e-9:
        return "Rows are weighted, so that counts alone do not give the difference."
    return (
        f"By hand: of {n} rows '{row['system']}' alone is right on {gains}, the baseline alone on "
        f"{losses}; the difference is ({gains} − {losses}) / {n}, and the exact test asks how "
        f"often {gains + losses} fair coins show at least {gains} heads."
    )
