"""Identifiers of rows, and repeating ids: the people that several rows belong to."""

from __future__ import annotations

import re

import polars as pl

from fairaudit.data.doctor import role_keywords as words
from fairaudit.data.doctor.assignment import RoleAssignment
from fairaudit.data.doctor.column_profile import ColumnProfile
from fairaudit.data.doctor.sensitive_words import BIRTHS, PHRASES
from fairaudit.data.name_words import whole_word, words_of

FEWEST_UNITS = 20
MOST_ROWS_PER_UNIT = 50
FEWEST_NUMBERED = 5
FEWEST_CODES, SHORTEST_CODE = 100, 5
_NUMBER = re.compile(r"[+-]?[$€£¥]?\s*\d[\d,.'\s\u00a0\u202f]*([eE][+-]?\d+)?\s*[%$€£¥]?")


def is_number_text(text: str) -> bool:
    """Whether a text is a number as people write it: 1,234.50 or $5 or 12 %."""
    return bool(_NUMBER.fullmatch(text.strip())) and not _DATE.fullmatch(text.strip())


_DATE = re.compile(
    r"(\d{1,2}[./-]\d{1,2}[./-](\d{4}|\d{2})|\d{4}[./]\d{1,2}[./]\d{1,2})\.?"
    r"([T ,]+\d{1,2}:\d{2}(:\d{2})?.*)?"
)


def share_of_dates(c: ColumnProfile) -> float:
    """The share of a text column's rows that hold a date, such as 05.03.2024 or 3/31/2024."""
    total = sum(c.values.values())
    dates = sum(n for v, n in c.values.items() if _DATE.fullmatch(v.strip()))
    return dates / total if total else 0.0


def share_of_numbers(c: ColumnProfile) -> float:
    """The share of a text column's rows that hold a number written as text."""
    total = sum(c.values.values())
    return sum(n for v, n in c.values.items() if is_number_text(v)) / total if total else 0.0


_CODE = re.compile(r"(?=.*\d)(?=.*[A-Z])[A-Z0-9]{10,34}")  # LEI, IBAN, BIC with a branch, VIN


def share_of_codes(c: ColumnProfile) -> float:
    """The share of a text column's rows that hold a registered code of one length, as an LEI."""
    total = sum(c.values.values())
    codes = {v: n for v, n in c.values.items() if _CODE.fullmatch(v.strip())}
    one_length = len({len(v.strip()) for v in codes}) == 1
    return sum(codes.values()) / total if total and one_length else 0.0


def guess_births(table: RoleAssignment) -> None:
    """Dates of birth that are text: neither identifiers nor groups, and no features."""
    for c in table.unassigned():
        if is_birth_as_text(c):
            reason = "dates of birth as text; read them as years to compare people by age"
            table.assign(c.name, "left out", reason, 0.9)


def is_birth_as_text(c: ColumnProfile) -> bool:
    """Whether a column of text holds dates of birth."""
    named = {*words_of(c.name), whole_word(c.name)}
    phrased = any(phrase <= named for phrase, topic in PHRASES if topic == "age")
    if c.number or c.dtype.startswith("Date") or not (named & BIRTHS or phrased):
        return False
    total = sum(c.values.values())
    written = sum(n for v, n in c.values.items() if _is_written_date(v.strip()))
    return bool(total) and written > 0.9 * total


def _is_written_date(text: str) -> bool:
    return bool(_DATE.fullmatch(text) or re.fullmatch(r"\d{4}-\d{2}-\d{2}.*", text))


def reports_loans(table: RoleAssignment) -> bool:
    """Whether the columns are those of mortgage reports, in which a respondent is a lender."""
    named = {whole_word(name) for name in table.columns}
    return len(named & words.MORTGAGE_COLUMNS) >= 2


def guess_identifiers(table: RoleAssignment) -> None:
    """Columns that number or name the rows, assigned."""
    for c in table.unassigned():
        why = _identifier(c, table.sample.rows)
        if why:
            table.assign(c.name, "identifier", why, 0.9)


def guess_unit(table: RoleAssignment) -> None:
    """The repeating id, assigned as unit; further repeating ids are no features either."""
    lenders = reports_loans(table)
    units = [
        c
        for c in table.unassigned()
        if is_repeating_id(c) and not (lenders and names_a_respondent(c.name))
    ]
    units.sort(key=lambda c: (not _names_a_person(c.name), c.distinct))
    for c in units[:1]:
        reason = (
            f"its name suggests an id, and its values repeat ({c.distinct:,} values in "
            f"{c.known:,} rows): rows with one value stay together"
        )
        table.assign(c.name, "unit", reason, 0.85)
    for c in units[1:]:
        reason = f"its name suggests an id; '{units[0].name}' already says which rows belong"
        table.assign(c.name, "identifier", f"{reason} together", 0.7)


def names_a_respondent(name: str) -> bool:
    """Whether a column is the id of a respondent: "respondent_id"."""
    return "respondent" in words_of(name) or whole_word(name) == "respondentid"


def _is_code_of_one_length(c: ColumnProfile) -> bool:
    """Numbers such as 7201345, all different and of one length, that measure nothing."""
    if c.low is None or c.high is None or c.low <= 0 or c.known < FEWEST_CODES:
        return False
    digits = len(str(int(c.low)))
    if digits != len(str(int(c.high))) or digits < SHORTEST_CODE:
        return False
    named = set(words_of(c.name))
    counted = bool(named & {"num", "nr", "no", "number", "code", "nummer", "numero"})
    return (_names_a_person(c.name) or counted) and not named & words.AMOUNT_WORDS


def _is_order_number(c: ColumnProfile) -> bool:
    """ "STOP ORDER NO": large whole numbers under the name of a document's number."""
    ends = words_of(c.name)[-1:] and words_of(c.name)[-1] in words.NUMBERED_ENDINGS
    document = {*words_of(c.name)} & words.DOCUMENTS
    large = c.whole and (c.low or 0) >= 1000
    return bool(ends and document and large and c.distinct > 0.5 * c.known)


def is_repeating_id(c: ColumnProfile) -> bool:
    """Whether a column is an id, by its name, of something that has several rows."""
    named = set(words_of(c.name))
    person = _names_a_person(c.name)
    key = bool(named & words.KEY_WORDS) or whole_word(c.name) in words.KEY_WORDS
    counted = person and named & words.COUNTING_WORDS
    if not (key or counted or _is_person_alone(c) or _is_numbered_compound(c, named)):
        return False
    if (c.number and not c.whole) or c.dtype.startswith(("Date", "Boolean")):
        return False
    if named & {*words.INSTITUTIONS, *words.AREAS, *words.SPANS} or _is_name(named):
        return False
    few_rows_each = c.known <= MOST_ROWS_PER_UNIT * c.distinct
    return FEWEST_UNITS <= c.distinct < c.known and (person or few_rows_each)


def _names_a_person(name: str) -> bool:
    whole = whole_word(name)
    return bool(set(words_of(name)) & words.PERSON_WORDS) or whole in words.PERSON_WORDS


def _is_numbered_compound(c: ColumnProfile, named: set[str]) -> bool:
    """ "polisnummer" with many values; a number of a school, a house or a telephone is no key."""
    stems = (*words.NO_KEY_STEMS, *words.INSTITUTIONS, *words.AREAS)
    compounds = [w for w in named if w.endswith(words.IDENTIFIER_ENDINGS)]
    compounds = [w for w in compounds if w not in words.IDENTIFIER_ENDINGS]
    return c.distinct > 0.2 * c.known and any(not w.startswith(stems) for w in compounds)


def _is_person_alone(c: ColumnProfile) -> bool:
    """ "patient" or "customer" with many values that are no measurement."""
    alone = len(words_of(c.name)) == 1 and _names_a_person(c.name)
    return alone and c.distinct > 0.05 * c.known


def _is_name(named: set[str]) -> bool:
    return bool(named & {"name", "names", "surname", "firstname", "lastname", "fullname"})


def _identifier(c: ColumnProfile, sample: pl.DataFrame) -> str | None:
    if c.number and c.known >= FEWEST_NUMBERED and _is_order_number(c):
        return "its name suggests the number of a document, and it measures nothing"
    if c.known < FEWEST_UNITS:
        return None
    whole = whole_word(c.name)
    named = bool(set(words_of(c.name)) & words.IDENTIFIER_WORDS) or (
        whole in words.IDENTIFIER_WORDS or whole.endswith(words.IDENTIFIER_ENDINGS)
    )
    if c.number:
        return _row_number(c, sample, named)
    if c.dtype.startswith(("Date", "Boolean")) or share_of_dates(c) > 0.9:
        return None
    if share_of_numbers(c) > 0.5 and not named:
        return None
    if c.distinct > 0.9 * c.known and not (c.distinct < c.known and is_repeating_id(c)):
        return f"nearly every row has a different text ({c.distinct:,} values in {c.known:,} rows)"
    if is_repeating_id(c):
        return None
    return "its name suggests an identifier" if named and c.distinct > 0.5 * c.known else None


def _row_number(c: ColumnProfile, sample: pl.DataFrame, named: bool) -> str | None:
    serial = bool(set(words_of(c.name)) & words.SERIAL_WORDS)
    if c.whole and serial and c.distinct > 0.9 * c.known and not is_repeating_id(c):
        return "its name suggests a serial number and hardly a value repeats"
    if not c.whole or c.distinct < c.known:
        return None
    if named:
        return "its name suggests an identifier and no value repeats"
    if _is_code_of_one_length(c):
        return f"every row has another number of {len(str(int(c.high or 0)))} digits"
    values = sample[c.name].drop_nulls()
    counts = bool(values.is_sorted()) or bool((values - values.min()).max() == c.known - 1)
    return "it numbers the rows" if counts else None
