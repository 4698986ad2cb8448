"""The no-harm choice in words that a reader checks by hand, and what must be known about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from fairaudit.audit.no_harm.decision import certificates
from fairaudit.stats.estimates import UNJUDGED
from fairaudit.text.sentences.choice_reasons import reason
from fairaudit.text.sentences.phrases import Row


def worded_certificates(tables: Mapping[str, pl.DataFrame]) -> list[dict[str, Any]]:
    """The certificate of each group with a paragraph in `words`."""
    selection = tables["selection"]
    return [
        {**facts, "words": _words(selection.filter(group=facts["group"]))}
        for facts in certificates(tables)
    ]


def _words(rows: pl.DataFrame) -> str:
    decided = rows.filter(split="validation").row(0, named=True)
    sentences = [f"Group '{decided['group']}': {reason(decided)}"]
    sentences += [f"On test rows: {reason(r)}" for r in rows.filter(split="test").to_dicts()]
    return " ".join([*sentences, _by_hand(decided)]).strip()


def _by_hand(row: Row) -> str:
    if row["both_right"] is None or row["metric"] != "accuracy":
        return ""
    plain = (row["expert_only"] - row["baseline_only"]) / max(row["n"], 1)
    if row["difference"] is not None and abs(plain - row["difference"]) > 1e-9:
        return (
            f"Rows are weighted: counted one by one, the difference would be ({row['expert_only']}"
            f" − {row['baseline_only']}) / {row['n']} = {100 * plain:+.1f} points."
        )
    return (
        f"By hand: ({row['expert_only']} − {row['baseline_only']}) / {row['n']} rows is the "
        f"difference; {row['both_right']} rows are right in both and {row['neither']} in neither."
    )


def choice_warnings(tables: Mapping[str, pl.DataFrame]) -> list[str]:
    """What a reader of the choice must know, in sentences; none where there is no choice.

    Says when the choice widens the gap (on validation or on test rows), when a group is harmed
    on test rows beyond its bound, and which groups cannot be judged.
    """
    if "selection_gaps" not in tables or "selection" not in tables:
        return []
    selection, gaps = tables["selection"], tables["selection_gaps"]
    rate = selection["metric"][0] not in ("neg_mse", "auroc") if len(selection) else True
    sentences = [_widened(row, rate) for row in gaps.iter_rows(named=True)]
    if harmed := _quoted(selection.filter(verdict="harmed")):
        sentences.append(f"On test rows the expert does worse than the baseline for {harmed}.")
    if unjudged := _quoted(selection.filter(split="validation", verdict=UNJUDGED)):
        sentences.append(f"Kept on the baseline because they cannot be judged: {unjudged}.")
    return [sentence for sentence in sentences if sentence]


def _quoted(rows: pl.DataFrame) -> str:
    return ", ".join(f"'{group}'" for group in rows["group"])


def _widened(row: Row, rate: bool) -> str:
    before, after = row["gap_before"], row["gap_after"]
    if before is None or after <= before + 1e-12:
        return ""
    old, new = (_gap(row, f"gap_{when}", rate) for when in ("before", "after"))
    return f"On {row['split']} rows the choice widens the gap from {old} to {new}."


def _gap(row: Row, name: str, rate: bool) -> str:
    """A gap with its interval, where the result holds one."""
    factor, form, unit = (100, ".1f", " points") if rate else (1, ".4g", "")
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    gap = f"{factor * row[name]:{form}}{unit}"
    if low is None or high is None:
        return gap
    return f"{gap} ({factor * low:{form}} to {factor * high:{form}})"
