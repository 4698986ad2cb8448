"""Sentences about errors by group: the extremes, the gap, and whether it is beyond chance."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.stats.estimates import UNJUDGED, UNSTABLE
from fairaudit.text import numbers, table_rows
from fairaudit.text.findings import Finding, finding_of, gap_of, is_significant
from fairaudit.text.group_words import called, is_unknown, members
from fairaudit.text.meaning import (
    Claim,
    claim_of,
    events,
    in_sentence,
    is_one_sided,
    title,
    worse_end,
)
from fairaudit.text.metric_words import is_rate
from fairaudit.text.sentences.bounds import bounds_sentences
from fairaudit.text.sentences.equivalence import equivalence_sentence
from fairaudit.text.sentences.phrases import Row, ci, estimate, joined, on, points
from fairaudit.text.voice import Voice, voice_of

_OPPOSITE = {"tpr": "fnr", "tnr": "fpr"}  # what goes wrong is what one counts


def errors_lead(
    result: AuditResult, *, attribute: str, metric: str, model: str, split: str
) -> str:
    """The extreme groups with their intervals, whether they differ beyond chance, and the gap."""
    view = {"attribute": attribute, "metric": metric, "model": model, "split": split}
    return joined(errors_sentences(result, **view))


def errors_sentences(
    result: AuditResult, *, attribute: str, metric: str, model: str, split: str
) -> list[str]:
    """The same, one by one: who is worst off first."""
    view = {"attribute": attribute, "metric": metric, "model": model, "split": split}
    if table_rows.is_bounded(result, **view):
        return bounds_sentences(result, **view)
    table = table_rows.errors_of(
        result, attribute=attribute, metric=metric, split=split, models=[model]
    )
    judged = table.filter(pl.col("value").is_not_null())
    stable = table_rows.stable(judged)
    subject = _Subject(**view, voice=voice_of(result), rows=table_rows.of_known_groups(stable))
    if judged.is_empty():
        where = on(split, subject.voice)
        return [f"{where}, no group of {attribute} has enough rows to judge the {subject.what}."]
    if judged.height == 1:
        return [subject.alone()]
    if subject.worst["value"] == subject.best["value"]:
        below = equivalence_sentence(result, **view)
        return [subject.equal(), *subject.aside(stable), below, _excluded(table, judged, stable)]
    groups = subject.rows["group"].to_list()
    finding = finding_of(result, **view, groups=groups)
    other = _beside(result, subject, view) if finding is Finding.SIGNIFICANT else subject.best
    return [
        subject.compared(finding, other),
        subject.far_end() if other["group"] != subject.best["group"] else "",
        *subject.aside(stable),
        subject.gap(gap_of(result, **view)),
        equivalence_sentence(result, **view),
        _times(result, subject.worst, subject.best, view, subject.voice)
        if finding is Finding.SIGNIFICANT
        else "",
        _excluded(table, judged, stable),
    ]


def _beside(result: AuditResult, subject: _Subject, view: Row) -> Row:
    """Whom the worst group is compared with: the largest other one, else the far end.

    The far end is often a small group; the largest other one is what most people compare with,
    where the two differ significantly.
    """
    others = subject.rows.filter(pl.col("group") != subject.worst["group"])
    largest = others.sort("n", descending=True, maintain_order=True).row(0, named=True)
    pair = [subject.worst["group"], largest["group"]]
    if "pairs" not in result.tables or finding_of(result, **view, groups=pair) is not (
        Finding.SIGNIFICANT
    ):
        return subject.best
    return largest


@dataclass(frozen=True)
class _Subject:
    """One metric of one model by one attribute: the groups that can be compared, worst first."""

    attribute: str
    metric: str
    model: str
    split: str
    voice: Voice
    rows: pl.DataFrame

    @property
    def worst(self) -> Row:
        return self.rows.row(0, named=True)

    @property
    def best(self) -> Row:
        return self.rows.row(-1, named=True)

    @property
    def claim(self) -> Claim | None:
        return claim_of(self.metric, self.voice)

    @property
    def what(self) -> str:
        return f"{in_sentence(self.metric, self.voice)} of {self.model}"

    def who(self, row: Row) -> str:
        return members(str(row["group"]), self.attribute, self.voice)

    def share(self, row: Row, claim: Claim, voice: Voice | None) -> str:
        """`**44.8%** (95% CI …, 1,795 rows) of African-American people who did not re-offend`."""
        rows = row["n"] if row["denominator"] is None else row["denominator"]
        number = estimate({**row, "n": rows}, self.metric, voice)
        whom = f" {claim.whom}" if claim.whom and voice is not None else ""
        return f"{number} of {self.who(row)}{whom}"

    def alone(self) -> str:
        claim, row = self.claim, self.worst
        if claim is not None:
            share = self.share(row, claim, self.voice)
            return f"{on(self.split, self.voice)}, {self.model} {claim.verb} {share}{claim.rest}."
        only = f"the {self.what} for {called(row['group'], self.attribute)} is"
        return f"{on(self.split, self.voice)}, {only} {estimate(row, self.metric, self.voice)}."

    def equal(self) -> str:
        same = f"all {self.rows.height} groups of {self.attribute} have the same {self.what}"
        value = numbers.value(self.worst["value"], self.metric)
        return f"{on(self.split, self.voice)}, {same}: **{value}**."

    def compared(self, finding: Finding, other: Row) -> str:
        """The worst group beside another; only a significant difference makes it the worst."""
        claim = self.claim
        if claim is None:
            return f"{on(self.split, self.voice)}, {self._both_values(finding, other)}."
        worst = self.share(self.worst, claim, self.voice) + claim.rest
        against = self.share(other, claim, None)
        sentence = f"{on(self.split, self.voice)}, {self.model} {claim.verb} {worst}"
        if finding is Finding.SIGNIFICANT:
            return f"{sentence}, against {against}{self._places(other)}."
        ends = ", the groups at the ends" if self.rows.height > 2 else ""
        return f"{sentence} and {against}{ends}: {_undecided(finding, self.attribute)}."

    def _places(self, other: Row) -> str:
        """Which places the two groups have among several."""
        if self.rows.height < 3:
            return ""
        if other["group"] != self.best["group"]:
            rest = "that of the largest other group"
        else:
            rest = f"the {self._opposite}"
        return f": the {self.end} share by {self.attribute} and {rest}"

    @property
    def end(self) -> str:
        if is_one_sided(self.metric):
            return "most one-sided"
        return worse_end(self.metric, self.voice) or "highest"

    @property
    def _opposite(self) -> str:
        return {"highest": "lowest", "lowest": "highest"}.get(self.end, "least one-sided")

    def aside(self, rows: pl.DataFrame) -> list[str]:
        """The groups of which it is only known that nothing is known, apart from the others."""
        groups = set(self.rows["group"])
        return [
            f"Apart from these, it is {estimate(row, self.metric)} for {self.who(row)}."
            for row in rows.iter_rows(named=True)
            if row["group"] not in groups
        ]

    def gap(self, row: Row | None) -> str:
        """The gap; it says so where it reaches to a group that was set aside."""
        sentence = gap_sentence(row, self.metric, self.voice)
        ends = [] if row is None else str(row["group"]).split(" vs ")
        apart = any(is_unknown(end) and end not in set(self.rows["group"]) for end in ends)
        return sentence.replace("The gap is", "With them, the gap is", 1) if apart else sentence

    def far_end(self) -> str:
        """The group at the other end, where the worst was not compared with it."""
        claim = self.claim
        if claim is None:
            far = called(self.best["group"], self.attribute)
            return f"The {self._opposite} is {estimate(self.best, self.metric)} for {far}."
        return f"The {self._opposite} share is {self.share(self.best, claim, None)}."

    def _both_values(self, finding: Finding, other: Row) -> str:
        """The same for metrics that are no plain share of people."""
        worst = called(self.worst["group"], self.attribute)
        beside = called(other["group"], self.attribute)
        low = estimate(self.worst, self.metric, self.voice)
        high = estimate(other, self.metric)
        if finding is Finding.SIGNIFICANT:
            return f"{worst} has the {self.end} {self.what}: {low}, against {high} for {beside}"
        run = f"{low} for {worst} and {high} for {beside} at the ends"
        return f"the {self.what} by {self.attribute} is {run}: " + _undecided(
            finding, self.attribute
        )


def _undecided(finding: Finding, attribute: str) -> str:
    if finding is Finding.UNKNOWN:
        return "without intervals it is not known whether groups differ beyond chance"
    if finding is Finding.UNADJUSTED:
        return "no significant difference once adjusted for multiple testing"
    return f"no difference beyond chance by {attribute}"


def gap_sentence(row: Row | None, metric: str, voice: Voice) -> str:
    """The gap with its interval and, for rates, its bias-corrected value."""
    if row is None:
        return ""
    words = f"The gap is {points(row['value'], row['low'], row['high'], metric, voice)}"
    if row["low"] is None or row["high"] is None or row["corrected"] is None:
        return f"{words}."
    if is_rate(metric):
        words += f"; bias-corrected, {numbers.points(row['corrected'], metric)}"
    return f"{words}."


def _times(result: AuditResult, worst: Row, best: Row, view: Row, voice: Voice) -> str:
    """How many times as frequent the event is in one of the two groups as in the other.

    The ratio is that of the same two groups, with the interval that allows for their being the
    extremes; no sentence where it includes 1 or rounds to 1.
    """
    counted = str(_OPPOSITE.get(view["metric"], view["metric"]))
    row = gap_of(result, **{**view, "metric": counted}, kind="ratio")
    counted_events = events(counted, voice)
    if not counted_events or row is None or not row["value"] or row["high"] is None:
        return ""
    pair = str(row["group"])
    names = {f"{a} vs {b}": (a, b) for a, b in _orders(worst["group"], best["group"])}
    if pair not in names or row["high"] >= 1:
        return ""
    less, more = (members(name, view["attribute"], voice) for name in names[pair])
    times = f"{1 / row['value']:.2g}"
    if float(times) <= 1:
        return ""
    top = f"{1 / row['low']:.2g}" if row["low"] else "any number"
    span = ci(f"{1 / row['high']:.2g} to {top}", voice)
    return f"{counted_events} are {times} times as frequent for {more} as for {less} ({span})."


def _orders(one: str, other: str) -> tuple[tuple[str, str], tuple[str, str]]:
    return (one, other), (other, one)


def _excluded(table: pl.DataFrame, judged: pl.DataFrame, stable: pl.DataFrame) -> str:
    few, blank = judged.height - stable.height, table.height - judged.height
    return joined(
        [
            f"{_groups(few)} with few rows {'is' if few == 1 else 'are'} excluded." if few else "",
            f"{_groups(blank)} cannot be judged." if blank else "",
        ]
    )


def _groups(count: int) -> str:
    return numbers.count(count, "group")


def gap_words(row: Row, voice: Voice) -> str:
    """A significant gap in words, with its interval."""
    metric = str(row["metric"])
    gap = points(row["value"], row["low"], row["high"], metric, voice, mark="**")
    where = f"between the groups of {row['attribute']}"
    return f"{title(metric, voice)} of {row['model']} differs significantly {where}: by {gap}."


def gap_leads(result: AuditResult, gaps: pl.DataFrame) -> list[str]:
    """The significant of these gaps in words, or that there is none."""
    voice = voice_of(result)
    significant = [row for row in gaps.iter_rows(named=True) if is_significant(result, row)]
    if significant or gaps.is_empty():
        return [gap_words(row, voice) for row in significant]
    return [
        "No gap between groups is statistically significant, adjusted for multiple testing "
        f"(level {voice.alpha:.2g})."
    ]


# -- what the numbers cannot say -----------------------------------------------------------------


def limits(result: AuditResult, *, attribute: str, metric: str, model: str, split: str) -> str:
    """Which gap would have gone undetected, and how far the gap's interval can be relied on."""
    asked = (
        (pl.col("attribute") == attribute)
        & (pl.col("metric") == metric)
        & (pl.col("model") == model)
        & (pl.col("split") == split)
    )
    sentences = []
    if (table := result.tables.get("detectable")) is not None:
        known = table.filter(asked & pl.col("gap_detectable").is_not_null())
        rows = known.sort("gap_detectable", "n", descending=[True, False]).head(1)
        voice = voice_of(result)
        sentences += [detectable_sentence(row, voice) for row in rows.iter_rows(named=True)]
    gaps = result.gaps.filter(asked & (pl.col("kind") == "difference")).head(1)
    sentences += [coverage_note(row) for row in gaps.iter_rows(named=True)]
    return joined(sentences)


def detectable_sentence(row: Row, voice: Voice) -> str:
    """Which gap these rows would probably miss, and how many would detect a smaller one."""
    metric, who = str(row["metric"]), members(str(row["group"]), str(row["attribute"]), voice)
    name = in_sentence(metric, voice)
    if row["gap_detectable"] is None:
        return f"With these rows of {who}, no gap in {name} could be detected."
    text = (
        f"With {numbers.rows(row['n'])} of {who}, a gap in {name} below "
        f"{numbers.points(row['gap_detectable'], metric)} would probably go undetected"
    )
    wanted = numbers.points(row["gap_wanted"], metric)
    if row["rows_needed"] is None:
        return f"{text}; no number of its rows would detect {wanted}."
    return f"{text}; {numbers.rows(row['rows_needed'])} would detect {wanted}."


def coverage_note(row: Row) -> str:
    """What is known of the interval's reliability at this size; empty where it was met.

    From the coverage simulations reported in docs/statistics.md.
    """
    kind = str(row.get("kind", ""))
    if row["status"] == UNSTABLE and kind:
        return (
            "Some group rests on fewer than 30 rows; in simulations, intervals of worst groups "
            "and spreads then covered the truth up to 5 points less often than they state."
        )
    if row["status"] == UNSTABLE:
        return "Fewer than 30 rows: the interval is wide and may cover less often than it states."
    if row["status"] == UNJUDGED:
        return "Fewer than 5 rows: no conclusion should rest on this number."
    return ""
