"""What if the decision threshold were different: a slider, or thresholds that equalise rates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

import polars as pl
import streamlit as st

from fairaudit.audit import reanalysis
from fairaudit.audit.result import AuditResult
from fairaudit.audit.whatif import thresholds as threshold_whatif
from fairaudit.audit.whatif.threshold_counts import Ladder
from fairaudit.audit.whatif.thresholds import EqualOdds
from fairaudit.exceptions import InputError
from fairaudit.plots import errors
from fairaudit.stats.metric_definitions import BINARY
from fairaudit.text import meaning, numbers
from fairaudit.text.findings import gap_of
from fairaudit.text.sentences.errors import errors_lead
from fairaudit.text.voice import confidence_of, voice_of
from fairaudit.ui import layout, session, url_widgets
from fairaudit.ui.result_page import OpenedAudit

Rule = Literal["same", "cheapest", "own", "tpr", "selection_rate", "fpr", "odds"]
Thresholds = Mapping[str, float] | EqualOdds
RULES: Mapping[str, str] = {
    "same": "One threshold, set by hand",
    "cheapest": "One threshold, lowest cost",
    "own": "Lowest cost in each group",
    "tpr": "Equal opportunity (equal true-positive rates)",
    "selection_rate": "Demographic parity (equal selection rates)",
    "fpr": "Equal false-positive rates",
    "odds": "Equalized odds (equal true- and false-positive rates, partly randomised)",
}


def explorer(audit: OpenedAudit, *, attribute: str, metric: str, model: str, split: str) -> None:
    """Controls, the change by group, and the metric over all thresholds."""
    result = audit.result
    voice = voice_of(result)
    if metric not in BINARY:
        layout.note(
            f"{meaning.title(metric, voice)} does not depend on the threshold; choose a rate."
        )
        return
    try:
        who = session.workspace().cache_key
        ladder = _ladder(who, audit.job.id, model, split, attribute, result)
        thresholds = _controls(ladder)
    except InputError as error:
        layout.note(str(error))
        return
    moved = what_if(result, ladder, thresholds, attribute=attribute, model=model, split=split)
    drawn = errors.by_group(moved, attribute=attribute, metric=metric, split=split)
    layout.statement(_change(moved, attribute, metric, model, split))
    if not ladder.sure:
        layout.note(
            "No intervals are available at other thresholds: the rows are clustered, and this "
            "result does not record which row belongs to which cluster."
        )
    layout.chart(drawn, key="at-threshold")
    curve = threshold_whatif.sweep(ladder, metric, confidence=confidence_of(result))
    shown = errors.threshold(
        curve, metric=metric, at=_single(thresholds), voice=voice, attribute=attribute
    )
    layout.described_chart(shown, key="over-thresholds")
    layout.data_table(_threshold_table(thresholds), key="thresholds", name="thresholds")


@st.cache_data(max_entries=16, show_spinner=False)
def _ladder(
    who: tuple[str, str],
    job_id: str,
    model: str,
    split: str,
    attribute: str,
    _result: AuditResult,
) -> Ladder:
    """Counts at every threshold of a stored result, cached because clustered rows need a join."""
    return reanalysis.ladder_of(_result, model=model, split=split, attribute=attribute)


def _controls(ladder: Ladder) -> Thresholds:
    left, right, third = url_widgets.row(3)
    with left:
        rule = url_widgets.one_of("Rule", list(RULES), key="rule", format_func=RULES.__getitem__)
    if rule == "same":
        with right:
            cut = st.slider("Threshold", 0.0, 1.0, 0.5, 0.01, key="threshold", bind="query-params")
        return dict.fromkeys(ladder.names, float(cut))
    with right:
        fp = _cost("Cost of a false positive", "cost-fp")
    with third:
        fn = _cost("Cost of a false negative", "cost-fn")
    return ruled(ladder, cast(Rule, rule), threshold_whatif.Costs(fp, fn))


def _cost(label: str, key: str) -> float:
    return float(st.number_input(label, 0.0, 1000.0, 1.0, 0.5, key=key, bind="query-params"))


def ruled(ladder: Ladder, rule: Rule, costs: threshold_whatif.Costs) -> Thresholds:
    """The thresholds that a rule sets for each group; randomised for equalized odds.

    Raises
    ------
    InputError
        If a group has no rows from which the rule's rate could be computed.
    """
    if rule == "cheapest" or rule == "own":
        return threshold_whatif.cheapest(ladder, costs, per_group=rule == "own")
    if rule == "same":
        return dict.fromkeys(ladder.names, 0.5)
    if rule == "odds":
        return threshold_whatif.equalized_odds(ladder, costs=costs)
    return threshold_whatif.equal_rates(ladder, rule, costs=costs).thresholds


def what_if(
    result: AuditResult,
    ladder: Ladder,
    thresholds: Thresholds,
    *,
    attribute: str,
    model: str,
    split: str,
) -> AuditResult:
    """Errors of the current decisions and at other thresholds, as two models of one result."""
    wanted = (
        (pl.col("model") == model)
        & (pl.col("split") == split)
        & pl.col("attribute").is_in([attribute, "all"])
        & pl.col("metric").is_in(BINARY)
    )
    current = result.errors.filter(wanted).with_columns(model=pl.lit(current_name(model)))
    confidence = confidence_of(result)
    new, gaps = threshold_whatif.at_threshold(
        ladder, thresholds, model=moved_name(model), split=split, confidence=confidence
    )
    old_gaps = result.gaps.filter(wanted).with_columns(model=pl.lit(current_name(model)))
    return AuditResult(
        {
            "errors": pl.concat([current, new], how="diagonal_relaxed"),
            "gaps": pl.concat([old_gaps, gaps], how="diagonal_relaxed"),
        },
        {**result.summary, "confidence": confidence},
        result.provenance,
    )


def current_name(model: str) -> str:
    """The name under which the stored decisions of a model are shown."""
    return f"{model}, current decisions"


def moved_name(model: str) -> str:
    """The name under which a model with other thresholds is shown."""
    return f"{model}, new threshold"


def _change(moved: AuditResult, attribute: str, metric: str, model: str, split: str) -> str:
    query = {"attribute": attribute, "metric": metric, "split": split}
    before = gap_of(moved, model=current_name(model), **query)
    after = gap_of(moved, model=moved_name(model), **query)
    if before is None or after is None:
        return errors_lead(moved, model=moved_name(model), **query)
    was, now = (
        numbers.points_with_interval(row["value"], row["low"], row["high"], metric)
        for row in (before, after)
    )
    name = meaning.in_sentence(metric, voice_of(moved))
    return (
        f"With the current decisions, the gap in {name} by "
        f"{attribute} is **{was}**; with the new threshold it is **{now}**."
    )


def _single(thresholds: Thresholds) -> float | None:
    """The threshold shared by all groups, or None."""
    cuts = set() if isinstance(thresholds, EqualOdds) else set(thresholds.values())
    return cuts.pop() if len(cuts) == 1 else None


def _threshold_table(thresholds: Thresholds) -> pl.DataFrame:
    if isinstance(thresholds, EqualOdds):
        return thresholds.table()
    return pl.DataFrame({"group": list(thresholds), "threshold": list(thresholds.values())})
