"""Which columns are sensitive attributes, by their names and values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from fairaudit.data.doctor import sensitive_words as words
from fairaudit.data.doctor.assignment import MIN_CONFIDENCE, Guess, RoleAssignment
from fairaudit.data.doctor.column_profile import ColumnProfile
from fairaudit.data.doctor.origin_values import origin_topic
from fairaudit.data.name_words import folded, whole_word, words_of

MOST_SENSITIVE = 6
FEW_NUMBERS, FEW_TEXTS = 12, 60
OLDEST = 130
YOUNGEST_ADULT = 10
HALF = 0.5
SURE = 0.7
FEWEST_IDENTITIES = 3  # annotators label several
_FIRST_NAMED = ("race", "ethnicity", "hispanic origin", "caste", "sex")
_LAST_NAMED = ("age",)
_FRACTION_WORDS = frozenset(("pct", "percent", "percentage", "share", "ratio", "prop", "frac"))


def sensitive_candidates(table: RoleAssignment) -> list[Guess]:
    """Columns that could be sensitive, with reason and confidence, in the order of the table."""
    shares = [c.name for c in table.unassigned() if is_identity_share(c)]
    lone = shares if len(shares) < FEWEST_IDENTITIES else []  # else a share of residents
    reasons = [(c, _sensitive(c)) for c in table.unassigned() if _divides(c)]
    reasons = [(c, why) for c, why in reasons if c.name not in lone or _has_strong_word(c)]
    named = [Guess(c.name, "sensitive", *why) for c, why in reasons if why is not None]
    named = _with_children(table, named)
    if not any(g.confidence >= MIN_CONFIDENCE and g.reason.endswith(" age") for g in named):
        named += _ages_without_a_name(table, {g.column for g in named})
    return named


def assign_sensitive(table: RoleAssignment, candidates: Sequence[Guess]) -> None:
    """The most confident ones; a second column on a topic ("age_cat") is shown but not used."""
    topics: set[str] = set()
    several = sum(map(_is_identity, table.columns.values())) >= FEWEST_IDENTITIES
    for guess in _ranked(table, candidates):
        c = table.columns[guess.column]
        topic = topic_of(c) or _topic_of_values(c)
        key = f"one {topic}" if several and _is_identity(c) else topic
        a_measure = c.number and not c.whole and not c.dtype.startswith("Date")
        again = key in topics and not a_measure and key == topic
        again |= key != topic and topic in topics
        full = len(table.with_role("sensitive")) >= MOST_SENSITIVE
        relative = _is_of_a_relative(c)
        if guess.confidence < MIN_CONFIDENCE and not (relative and again):
            continue
        if again and topic_of(c) is None:
            continue  # M and F under another name may be misdemeanour and felony
        if again or full:
            reason = f"{guess.reason}, like another column that is used"
            if not again:
                reason = f"{guess.reason}, but {MOST_SENSITIVE} others are used already"
            table.assign(c.name, "left out", reason, 0.6)
        else:
            table.assigned[c.name] = guess
            topics.add(key)


def _with_children(table: RoleAssignment, guesses: list[Guess]) -> list[Guess]:
    """Where nobody else has such an attribute, the rows are about children: child_race."""
    own = {topic_of(table.columns[g.column]) for g in guesses if g.confidence >= MIN_CONFIDENCE}
    return [
        replace(g, confidence=0.75)
        if "child" in words_of(g.column) and topic_of(table.columns[g.column]) not in own
        else g
        for g in guesses
    ]


def _ranked(table: RoleAssignment, candidates: Sequence[Guess]) -> list[Guess]:
    """What is protected nearly everywhere first, then the most confident.

    Of columns that each say one identity, the larger groups come first.
    """

    def place(guess: Guess) -> tuple[float, ...]:
        c = table.columns[guess.column]
        rows = table.sample.rows[c.name]
        core = (topic_of(c) or _topic_of_values(c)) in (*_FIRST_NAMED, *_LAST_NAMED)
        sure = guess.confidence >= SURE
        size = int((rows >= HALF).sum()) if _is_identity(c) else len(rows)
        return not sure, not core or _is_identity(c), -guess.confidence, -size

    return sorted(candidates, key=place)


def is_identity_share(c: ColumnProfile) -> bool:
    """Whether a column gives one identity ("female", "muslim") as a share from 0 to 1."""
    return _is_identity(c) and not c.whole


def _is_identity(c: ColumnProfile) -> bool:
    """Whether a column of numbers from 0 to 1 is named by the words of an identity alone."""
    named = set(words_of(c.name))
    fits = named <= words.IDENTITIES | words.IDENTITY_COMPANIONS
    one = bool(named - words.IDENTITY_COMPANIONS) or "other" in named
    return c.number and _is_share(c) and fits and one


def _has_strong_word(c: ColumnProfile) -> bool:
    return not words.STRONG.keys().isdisjoint({*words_of(c.name), whole_word(c.name)})


def _divides(c: ColumnProfile) -> bool:
    """Two values, or one and missing where it is what most people of the table speak."""
    return c.distinct >= 2 or (c.distinct == 1 and c.missing > 0 and topic_of(c) == "language")


def usual_order(columns: Sequence[ColumnProfile]) -> list[str]:
    """The names of sensitive columns: race and ethnicity first, sex, others, then age."""

    def place(c: ColumnProfile) -> int:
        topic = topic_of(c) or _topic_of_values(c)
        if topic in _FIRST_NAMED:
            return _FIRST_NAMED.index(topic) - len(_FIRST_NAMED)
        return 1 if topic in _LAST_NAMED else 0

    return [c.name for c in sorted(columns, key=place)]


def topic_of(c: ColumnProfile) -> str | None:
    """The sensitive topic that a column's name suggests, if its values can be of that topic."""
    topic = _named_topic(c)
    return topic if topic is not None and _possible(topic, c) else None


def _sensitive(c: ColumnProfile) -> tuple[str, float] | None:
    topic = topic_of(c)
    levels = _levels(c)
    if levels in words.SEX_VALUES:
        reason = "its values are " + _listed(sorted(c.levels))
        return reason, 0.95 if topic else 0.8
    named = words_of(c.name)
    if set(named) & words.NOT_SENSITIVE_WITH:
        return None
    if topic is not None:
        return f"its name suggests {topic}", _confidence(c, named, topic)
    return _by_values(c, levels)


def _confidence(c: ColumnProfile, named: tuple[str, ...], topic: str) -> float:
    if _is_of_a_relative(c):
        return 0.6 if topic in words.INHERITED and words.PARENTS & set(named) else 0.4
    if topic in words.OFTEN_USEFUL:
        return 0.55
    if topic == "country of birth" and c.distinct > FEW_NUMBERS:
        return 0.45  # too many groups to be judged one by one
    birth = words.BIRTHS & {*named, whole_word(c.name)}
    if topic == "age" and (birth or c.dtype.startswith("Date")):
        return 0.7  # a date of birth, where the age itself is there too
    return 0.95 if len(named) == 1 else 0.75


def _by_values(c: ColumnProfile, levels: frozenset[str]) -> tuple[str, float] | None:
    if c.number or not levels:
        return None
    ethnic = _ethnic(levels)
    companions = [v for v in levels if v in ethnic or _tokens(v) & words.RACE_COMPANIONS]
    if len(ethnic) >= 2 and len(companions) > 0.6 * len(levels) and _not_just_colours(ethnic):
        return f"its values name ethnic groups, such as {sorted(ethnic)[0]}", 0.9
    marital = _marital(levels)
    different = frozenset().union(*(_tokens(v) & words.MARITAL_TOKENS for v in marital))
    if len(different) >= 2 and len(marital) >= max(2, 0.6 * len(levels)):
        return f"its values name marital statuses, such as {sorted(marital)[0]}", 0.8
    if any(_tokens(v) & words.INSURANCE_VALUES for v in levels) and len(levels) <= FEW_NUMBERS:
        return "its values name kinds of health insurance", 0.55
    if topic := origin_topic(c.name, levels):
        many = topic == "country of origin" and c.distinct > FEW_NUMBERS
        return f"its values suggest {topic}", 0.45 if many else 0.6
    return None


def _tokens(level: str) -> frozenset[str]:
    """The words of a value: "marie(e)" → marie, e; "asian-pac-islander" → asian, pac, islander."""
    return frozenset(re.findall(r"[^\W\d_]+", level))


def _ethnic(levels: frozenset[str]) -> frozenset[str]:
    return frozenset(v for v in levels if v in words.RACE_VALUES or _tokens(v) & words.RACE_TOKENS)


def _not_just_colours(ethnic: frozenset[str]) -> bool:
    """Black and white may be paint, unless a third word or nothing else makes them people."""
    tokens = (words.RACE_TOKENS | words.RACE_VALUES) - words.COLOURS
    return ethnic == {"black", "white"} or any({v, *_tokens(v)} & tokens for v in ethnic)


def _marital(levels: frozenset[str]) -> frozenset[str]:
    named = {v for v in levels if v in words.MARITAL_VALUES or _tokens(v) & words.MARITAL_TOKENS}
    return frozenset(named)


def _levels(c: ColumnProfile) -> frozenset[str]:
    return frozenset(folded(v).strip().lower().rstrip(".") for v in c.levels)


def _named_topic(c: ColumnProfile) -> str | None:
    named, whole = words_of(c.name), whole_word(c.name)
    for phrase, topic in words.PHRASES:
        if phrase <= set(named):
            return topic
    for word in (*named, whole):
        if word in words.STRONG:
            return words.STRONG[word]
    for prefix, topic in words.PREFIXES.items():
        if whole.startswith(prefix):
            return topic
    if whole == "eta" and c.whole and _possible_ages(c):  # as a number with decimals it is none
        return "age"
    few = [w for w in dict.fromkeys((*named, whole)) if w in words.FEW]
    few = [w for w in few if w == whole or w not in words.WHOLE_NAME_ONLY]
    return words.FEW[few[0]] if few and _has_few_values(c) else None


def _has_few_values(c: ColumnProfile) -> bool:
    return _is_identity(c) or c.distinct <= (FEW_NUMBERS if c.number else FEW_TEXTS)


def _possible(topic: str, c: ColumnProfile) -> bool:
    """Whether the values can be of this topic: an age of 3,000 or 800 sexes cannot."""
    if topic == "age":
        return _possible_ages(c)
    if not c.number:
        return c.distinct <= (FEW_NUMBERS if topic == "sex" else 300)
    if set(words_of(c.name)) & _FRACTION_WORDS or _is_share(c):
        return True
    return c.whole and c.distinct <= (FEW_NUMBERS if topic == "sex" else FEW_TEXTS * 10)


def _is_share(c: ColumnProfile) -> bool:
    return c.low is not None and c.high is not None and c.low >= 0 and c.high <= 1


def _possible_ages(c: ColumnProfile) -> bool:
    if c.dtype.startswith("Date"):
        return bool(words.BIRTHS & {*words_of(c.name), whole_word(c.name)})
    if not c.number:
        return c.distinct <= 130
    if c.high is None or c.low is None:
        return False
    if whole_word(c.name) in words.STRONG or _is_days_of_life(c):  # or with codes for missing
        return True
    year_of_birth = c.low >= 1850 and c.high <= 2100
    return year_of_birth or (c.low >= -1 and c.high <= OLDEST)


def _is_days_of_life(c: ColumnProfile) -> bool:
    """Days since birth, also as a negative number: DAYS_BIRTH."""
    low, high = sorted((abs(c.low or 0.0), abs(c.high or 0.0)))
    return {"days", "birth"} <= set(words_of(c.name)) and low > 0 and high <= 365.25 * OLDEST


def _is_of_a_relative(c: ColumnProfile) -> bool:
    if _named_topic(c) == "family status":  # a parent who raises children alone
        return False
    return bool(set(words_of(c.name)) & (words.RELATIVES | words.PARENTS))


def _topic_of_values(c: ColumnProfile) -> str:
    if c.number:
        return "age"
    levels = _levels(c)
    if levels in words.SEX_VALUES:
        return "sex"
    if any(_tokens(v) & words.INSURANCE_VALUES for v in levels):
        return "health insurance"
    if not (_ethnic(levels) or _marital(levels)) and (topic := origin_topic(c.name, levels)):
        return topic
    return "marital status" if len(_marital(levels)) > len(_ethnic(levels)) else "race"


def _ages_without_a_name(table: RoleAssignment, barred: set[str]) -> list[Guess]:
    """The one column of a table without a header whose numbers look like ages."""
    numbered = re.compile(r"column_?\d+|x?\d+|v\d+", re.IGNORECASE)
    if not all(numbered.fullmatch(name) for name in table.columns):
        return []
    possible = [c for c in table.unassigned() if c.name not in barred and _looks_like_ages(c)]
    adults = [c for c in possible if (c.low or 0) >= YOUNGEST_ADULT]
    ages = adults or [c for c in possible if c.low == 0]  # a census counts children too
    return [
        Guess(c.name, "sensitive", f"its values look like age ({c.low:g} to {c.high:g})", 0.5)
        for c in (ages if len(ages) == 1 else [])
    ]


def _looks_like_ages(c: ColumnProfile) -> bool:
    if not (c.number and c.whole and c.distinct >= 30) or c.low is None or c.high is None:
        return False
    return 0 <= c.low <= 30 and 60 <= c.high <= 110 and c.distinct >= 0.7 * (c.high - c.low)


def _listed(values: Sequence[str]) -> str:
    return (
        " and ".join(values) if len(values) < 3 else f"{', '.join(values[:-1])} and {values[-1]}"
    )
