"""Columns that are known only after the outcome: by strength, by what is missing, by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import polars as pl

from fairaudit.data.doctor import target_words as words
from fairaudit.data.doctor.column_profile import (
    ColumnProfile,
    RowSample,
    binned,
    profile,
    separation,
)
from fairaudit.data.doctor.target_guesses import task_of, topic_words
from fairaudit.data.name_words import whole_word, words_of

LEAK, LEAK_NUMBER = 0.85, 0.95  # a target cut at its median is easier to predict
SUSPECT = 0.8  # a feature that predicts the target this well is worth a look
NAMED = 0.6  # with a suspicious name, this is enough
PURE = 0.9  # share of one outcome among the rows with a value that gives the outcome away
FEWEST_FILLED = 20
DERIVED, FINE, MOST_CLASSES = 0.999, 200, 10


def leak_limit(target: ColumnProfile) -> float:
    """The AUROC from which a column alone gives the target away."""
    return LEAK_NUMBER if task_of(target) == "regression" else LEAK


def leaks_among(
    names: Iterable[str],
    target: ColumnProfile,
    columns: Mapping[str, ColumnProfile],
    sample: RowSample,
) -> dict[str, str]:
    """Columns that give the target away, each with the reason.

    Parameters
    ----------
    names : iterable of str
        Columns to check.
    target : ColumnProfile
    columns : mapping of str to ColumnProfile
        All columns of the table: `duration` is a leak only where calls are recorded.
    sample : RowSample

    Returns
    -------
    dict of str to str
        Column to reason, in the order of `names`.
    """
    checked = [columns[n] for n in names if n in columns and n != target.name]
    reasons = {c.name: _reason(c, target, columns, sample) for c in checked}
    certain = {name: reason for name, reason in reasons.items() if reason is not None}
    for c in checked:
        if c.name not in certain and (family := _family(c, certain, columns, sample)):
            reasons[c.name] = family
    return {name: reason for name, reason in reasons.items() if reason is not None}


def details_of(
    names: Iterable[str],
    decision: ColumnProfile,
    columns: Mapping[str, ColumnProfile],
    sample: RowSample,
) -> dict[str, str]:
    """Columns that are written down after a decision, each with the reason.

    What predicts a decision may be what it rests on, so that only missing values and names count.
    """
    reasons: dict[str, str] = {}
    for c in (columns[n] for n in names):
        checks = (_by_missing(c, decision, sample), _by_name(c, decision, columns, sample))
        if (reason := next((r for check in checks for r in check), None)) is not None:
            reasons[c.name] = reason
    return reasons


def leaking_columns(frame: pl.DataFrame, names: Iterable[str], target: str) -> dict[str, str]:
    """Like `leaks_among`, of a table: columns that give the target away, each with the reason."""
    columns = profile(frame, "")
    return leaks_among(names, columns[target], columns, RowSample(frame))


def _reason(
    c: ColumnProfile,
    target: ColumnProfile,
    columns: Mapping[str, ColumnProfile],
    sample: RowSample,
) -> str | None:
    checks = (
        _by_derivation(c, target, sample),
        _by_strength(c, target, sample),
        _by_missing(c, target, sample),
        _by_name(c, target, columns, sample),
    )
    return next((reason for check in checks for reason in check), None)


def _by_derivation(c: ColumnProfile, target: ColumnProfile, sample: RowSample) -> Iterator[str]:
    """A class cut from a numeric outcome is the outcome."""
    if not target.number or not 2 <= c.distinct <= MOST_CLASSES < target.distinct or c.missing:
        return
    bins = binned(sample.rows[target.name], FINE)
    if separation(bins, *sample.outcome(c.name)) >= DERIVED:
        yield f"its values are cut from '{target.name}'"


def _by_strength(c: ColumnProfile, target: ColumnProfile, sample: RowSample) -> Iterator[str]:
    strength = sample.predicts(c.name, target.name) if c.distinct > 1 else 0.5
    if strength >= leak_limit(target):
        yield f"on its own it predicts '{target.name}' suspiciously well (AUROC {strength:.3f})"


def _by_missing(c: ColumnProfile, target: ColumnProfile, sample: RowSample) -> Iterator[str]:
    if not c.missing or not c.known:
        return
    strength = missing_strength(c.name, target.name, sample)
    if strength >= leak_limit(target):
        yield (
            f"whether it is filled in predicts '{target.name}' suspiciously well "
            f"(AUROC {strength:.3f})"
        )
    elif task_of(target) != "regression" and (only := _filled_for(c.name, target.name, sample)):
        yield (
            f"it is filled in almost only where '{target.name}' has one value "
            f"({only:.0%} of the rows with a value)"
        )


def missing_strength(column: str, target: str, sample: RowSample) -> float:
    """AUROC of predicting the target from whether the column is filled in; 0.5 = chance."""
    codes = sample.rows[column].is_null().to_numpy().astype(np.int64)
    return separation(codes, *sample.outcome(target))


def _filled_for(column: str, target: str, sample: RowSample) -> float | None:
    """The share of the outcome that nearly all rows with a value have, if far above its rate."""
    outcome, _ = sample.outcome(target)
    filled = sample.rows[column].is_not_null().to_numpy() & (outcome >= 0)
    if filled.sum() < FEWEST_FILLED or filled.mean() > 0.9:
        return None
    shares = np.bincount(outcome[filled]) / filled.sum()
    top = int(shares.argmax())
    base = float((outcome[outcome >= 0] == top).mean())
    share = float(shares[top])
    return share if share >= PURE and (1 - share) <= 0.25 * (1 - base) else None


def _by_name(
    c: ColumnProfile,
    target: ColumnProfile,
    columns: Mapping[str, ColumnProfile],
    sample: RowSample,
) -> Iterator[str]:
    named, whole = set(words_of(c.name)), whole_word(c.name)
    if named & words.EARLIER and not any(
        p <= named for p in words.AFTERWARDS if p & words.EARLIER
    ):
        return
    if shared := _shared_outcome(c, target):
        yield f"its name suggests another record of the outcome ('{shared}')"
    if any(phrase <= named or "".join(sorted(phrase)) == whole for phrase in words.AFTERWARDS):
        yield "its name suggests that it is known only after the outcome"
    after = {*named, whole} & words.AFTER_A_DEATH or words.DEATH_WITHIN.search(whole)
    if _is_about_death(target) and after:
        yield "its name suggests that it is known only after the outcome"
    if _is_a_call(c, columns) or _is_suspicious(named, whole, target, c):
        strength = max(
            sample.predicts(c.name, target.name), missing_strength(c.name, target.name, sample)
        )
        if strength >= NAMED:
            yield (
                "its name suggests that it is known only after the outcome, and it predicts "
                f"'{target.name}' (AUROC {strength:.2f})"
            )
    if _is_another_rating(whole, columns):
        yield "it is another rating of the same text"
    if _is_sibling(c, target):
        yield f"its name and values suggest that it measures the same as '{target.name}'"


def _shared_outcome(c: ColumnProfile, target: ColumnProfile) -> str | None:
    if c.number and not (c.whole and c.distinct <= 2) and task_of(target) != "regression":
        return None
    shared = topic_words(c.name) & topic_words(target.name)
    return min(shared) if shared else None


def _is_about_death(target: ColumnProfile) -> bool:
    return bool({*words_of(target.name), whole_word(target.name)} & words.DEATH)


def _is_suspicious(named: set[str], whole: str, target: ColumnProfile, c: ColumnProfile) -> bool:
    until = bool(re.match(r"(days|time|months|weeks)(to|until|till)[a-z]", whole))
    follow_up = _is_about_death(target) and whole in ("time", "days", "duration") and c.number
    word = bool(named & words.SUSPICIOUS_WORDS)
    return until or follow_up or word or whole in words.SUSPICIOUS_NAMES


def _is_a_call(c: ColumnProfile, columns: Mapping[str, ColumnProfile]) -> bool:
    """ "duration" in a table of calls; a loan's duration is known beforehand."""
    named = set(words_of(c.name))
    if not c.number or not named & words.CALL_LENGTH:
        return False
    others = {w for name in columns for w in words_of(name)}
    return len(named) <= 2 and len(others & words.CONTACT_WORDS) >= 2


def _is_another_rating(whole: str, columns: Mapping[str, ColumnProfile]) -> bool:
    """Ratings of a text for toxicity, insults and threats are made together."""
    ratings = {whole_word(n) for n in columns} & words.RATINGS
    return whole in ratings and len(ratings) >= words.FEWEST_RATINGS


def _is_sibling(c: ColumnProfile, target: ColumnProfile) -> bool:
    """G1 and G2 beside G3: the same measurement at other times."""
    mine, theirs = (re.fullmatch(r"(.*?)(\d+)", n) for n in (c.name, target.name))
    if mine is None or theirs is None or mine[1].lower() != theirs[1].lower() or not mine[1]:
        return False
    if not (c.number and target.number) or c.high is None or target.high is None:
        return False
    return abs(c.high - target.high) <= 0.1 * max(abs(target.high), 1) and target.distinct > 2


def _family(
    c: ColumnProfile,
    certain: Mapping[str, str],
    columns: Mapping[str, ColumnProfile],
    sample: RowSample,
) -> str | None:
    """A column that is filled in where its leaking siblings of one prefix are: r_jail_in."""
    prefix, mark, _ = c.name.partition("_")
    if not mark or not c.missing:
        return None
    siblings = [n for n in certain if n.startswith(prefix + "_") and columns[n].missing]
    if len(siblings) < 2:
        return None
    mine = sample.rows[c.name].is_not_null()
    for name in siblings:
        theirs = sample.rows[name].is_not_null()
        if int((mine & ~theirs).sum()) <= 0.01 * max(int(mine.sum()), 1):
            return f"it is filled in only where '{name}' is, which gives the outcome away"
    return None
