"""What if the decision threshold were different: a slider, or thresholds that equalise rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast

import polars as pl
import streamlit as st

from fairaudit.audit import reanalysis
from fairaudit.audit.result import AuditResult
from fairaudit.audit.score_scale import FEW_SELECTED, scale_facts
from fairaudit.audit.whatif import thresholds as threshold_whatif
from fairaudit.audit.whatif.chosen_rules import RuleName, choose_apart
from fairaudit.audit.whatif.threshold_counts import Ladder, for_capacity
from fairaudit.audit.whatif.thresholds import EqualOdds
from fairaudit.exceptions import InputError
from fairaudit.plots import errors
from fairaudit.stats.metric_definitions import BINARY
from fairaudit.text import meaning, numbers
from fairaudit.text.findings import gap_of
from fairaudit.text.meaning import selected_word
from fairaudit.text.screens import errors as wording
from fairaudit.text.sentences import phrases
from fairaudit.text.sentences.errors import errors_lead
from fairaudit.text.sentences.thresholds import BY_PLACES, judged_apart
from fairaudit.text.voice import Voice, confidence_of, voice_of
from fairaudit.ui import layout, session, url_widgets
from fairaudit.ui.result_page import OpenedAudit
from fairaudit.ui.score_scale import STEPS, rounded_step

Thresholds = Mapping[str, float] | EqualOdds
MOST_STEPS = 1_000  # of a slider; finer scales are rounded
_ALWAYS = ("same", "capacity")  # rules that need no outcome
_DECIDED = ("selection_rate",)  # metrics that need none


def rules(voice: Voice) -> Mapping[str, str]:
    """The rules by name; without an outcome those that need none."""
    rate = meaning.in_sentence("selection_rate", voice).replace("rate", "rates")
    names = {
        "same": "One threshold, set by hand",
        "capacity": f"One threshold, by the number of people to be {selected_word(voice)}",
        "cheapest": "One threshold, lowest cost",
        "own": "Lowest cost in each group",
        "tpr": "Equal opportunity (equal true-positive rates)",
        "selection_rate": f"Demographic parity (equal {rate})",
        "fpr": "Equal false-positive rates",
        "odds": "Equalized odds (equal true- and false-positive rates, partly randomised)",
    }
    return names if voice.judges else {name: names[name] for name in _ALWAYS}


@dataclass(frozen=True)
class ThresholdScale:
    """The score's own scale: range, step, the cut in force, and which side of it selects."""

    low: float
    high: float
    step: float
    cut: float | None
    below: bool = False

    @property
    def middle(self) -> float:
        """A step in the middle of the range."""
        steps = round((self.high - self.low) / (2 * self.step))
        return self.low + steps * self.step

    @property
    def probability(self) -> bool:
        """Whether scores lie between 0 and 1."""
        return self.low >= 0 and self.high <= 1


def scale_of(result: AuditResult, *, model: str, split: str) -> ThresholdScale | None:
    """The scale as recorded with the audit, else as its stored predictions show it."""
    facts = (result.summary.get("scores") or {}).get(model)
    if facts is None:
        rows = result.tables.get("predictions", pl.DataFrame())
        if rows.is_empty() or "score" not in rows.columns:
            return None
        rows = rows.filter(model=model, split=split).drop_nulls("score")
        if rows.is_empty():
            return None
        facts = scale_facts(rows["score"].to_numpy(), rows["label"].to_numpy(), None)
    low, high = facts["low"], facts["high"]
    below = facts["side"] == "below"
    if low >= 0 and high <= 1:
        return ThresholdScale(0.0, 1.0, 0.01, facts["cut"], below)
    step = facts["step"]
    if step is None or (high - low) / step > MOST_STEPS:
        step = rounded_step((high - low) / STEPS)
    return ThresholdScale(low, high, step, facts["cut"], below)


def explorer(audit: OpenedAudit, *, attribute: str, metric: str, model: str, split: str) -> None:
    """Controls, the change by group, and the metric over all thresholds."""
    result = audit.result
    voice = voice_of(result)
    if metric not in (BINARY if voice.judges else _DECIDED):
        layout.note(wording.not_of_threshold(meaning.title(metric, voice)))
        return
    scale = scale_of(result, model=model, split=split)
    if scale is None:
        layout.note(wording.NO_SCORES)
        return
    try:
        who = session.workspace().cache_key
        ladder = _ladder(who, audit.job.id, model, split, attribute, result)
        move = _controls(ladder, scale, voice)
    except InputError as error:
        layout.note(str(error))
        return
    view = {"attribute": attribute, "model": model, "split": split}
    moved = what_if(result, move.judged, move.thresholds, **view)
    layout.statement(_change(moved, attribute, metric, model, split))
    if move.note:
        layout.note(move.note)
    _share(ladder, move.thresholds, scale, voice)
    if not ladder.sure:
        layout.note(wording.NO_INTERVALS)
    drawn = errors.by_group(moved, attribute=attribute, metric=metric, split=split)
    layout.chart(drawn, key="at-threshold")
    curve = threshold_whatif.sweep(ladder, metric, confidence=confidence_of(result))
    at = _single(move.thresholds)
    layout.described_chart(
        errors.threshold(
            curve, metric=metric, at=at, in_force=scale.cut, below=scale.below, voice=voice,
            attribute=attribute,
        ),
        key="over-thresholds",
    )  # fmt: skip
    layout.data_table(_threshold_table(move.thresholds), key="thresholds", name="thresholds")


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


@dataclass(frozen=True)
class Move:
    """Thresholds, the rows on which they are judged, and a remark on these rows."""

    thresholds: Thresholds
    judged: Ladder
    note: str = ""


def _controls(ladder: Ladder, scale: ThresholdScale, voice: Voice) -> Move:
    left, right, third = url_widgets.row(3)
    names = rules(voice)
    with left:
        rule = url_widgets.one_of("Rule", list(names), key="rule", format_func=names.__getitem__)
    if rule == "same":
        with right:
            return Move(dict.fromkeys(ladder.names, _slider(scale, voice)), ladder)
    if rule == "capacity":
        with right:
            places = _places(ladder)
        cut = for_capacity(ladder, places)
        return Move(dict.fromkeys(ladder.names, cut), ladder, BY_PLACES)
    costs = threshold_whatif.Costs()
    if voice.judges:
        with right:
            fp = _cost("Cost of a false positive", "cost-fp")
        with third:
            fn = _cost("Cost of a false negative", "cost-fn")
        costs = threshold_whatif.Costs(fp, fn)
    return ruled(ladder, cast(RuleName, rule), costs)


def _slider(scale: ThresholdScale, voice: Voice) -> float:
    """The threshold on the score's own scale; it starts at the cut in force."""
    start = scale.cut if scale.cut is not None else (0.5 if scale.probability else scale.middle)
    whole = all(float(n).is_integer() for n in (scale.low, scale.high, scale.step, start))
    kind = int if whole else float
    low, high, step = (kind(n) for n in (scale.low, scale.high, scale.step))
    way = "or below" if scale.below else "or above"
    key = "threshold" if scale.probability else f"threshold-{scale.low:g}-{scale.high:g}"
    chosen = st.slider(
        f"Threshold ({selected_word(voice)} at {way})",
        low,
        high,
        min(max(kind(start), low), high),
        step,
        key=key,
        bind="query-params",
    )
    return float(chosen)


def _places(ladder: Ladder) -> float:
    total = float(ladder.total.sum())
    return float(
        st.number_input("Places", 0.0, total, round(total / 2), 1.0, key="places",
                        bind="query-params")
    )  # fmt: skip


def _share(ladder: Ladder, thresholds: Thresholds, scale: ThresholdScale, voice: Voice) -> None:
    """How many rows one threshold selects, beside the cut in force; a warning at the extremes."""
    at = _single(thresholds)
    if at is None:
        return
    chosen = float(ladder.above.sum(axis=(0, 1))[int(ladder.steps(at)[0])])
    share, word = chosen / float(ladder.total.sum()), selected_word(voice)
    sign = "≤" if scale.below else "≥"
    force = "" if scale.cut is None else f"; the cut in force is {sign} {scale.cut:g}"
    text = f"**{numbers.percent(share)}** of the rows are {word}"
    layout.note(f"At {sign} {at:g}, {text}{force}.")
    if not FEW_SELECTED < share < 1 - FEW_SELECTED:
        nearly = "all" if share > 0.5 else "no"
        st.warning(
            wording.nearly_all(nearly, word),
            icon=":material/warning:",
        )


def _cost(label: str, key: str) -> float:
    return float(st.number_input(label, 0.0, 1000.0, 1.0, 0.5, key=key, bind="query-params"))


def ruled(ladder: Ladder, rule: RuleName, costs: threshold_whatif.Costs) -> Move:
    """The thresholds that a rule sets, chosen on half of the rows and judged on the others.

    Raises
    ------
    InputError
        If a group has too few rows to choose its threshold on some and judge it on others.
    """
    chosen = choose_apart(ladder, rule, costs)
    note = judged_apart(chosen.chosen_on, chosen.judged_on, clustered=ladder.clustered is not None)
    return Move(chosen.rule, chosen.others, note)


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
        & pl.col("metric").is_in(BINARY if voice_of(result).judges else _DECIDED)
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
    voice = voice_of(moved)
    was, now = (
        phrases.points(row["value"], row["low"], row["high"], metric, level, mark="**")
        for row, level in ((before, voice), (after, None))
    )
    name = meaning.in_sentence(metric, voice)
    return wording.gaps(name, attribute, was, now)


def _single(thresholds: Thresholds) -> float | None:
    """The threshold shared by all groups, or None."""
    cuts = set() if isinstance(thresholds, EqualOdds) else set(thresholds.values())
    return cuts.pop() if len(cuts) == 1 else None


def _threshold_table(thresholds: Thresholds) -> pl.DataFrame:
    if isinstance(thresholds, EqualOdds):
        return thresholds.table()
    return pl.DataFrame({"group": list(thresholds), "threshold": list(thresholds.values())})
