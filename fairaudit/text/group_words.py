"""What groups are called in sentences: "women aged 25 or under"."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from fairaudit.data.doctor.sensitive_words import FEW, STRONG
from fairaudit.data.outcome_words import NO, YES, plain
from fairaudit.inputs.labels import CROSS
from fairaudit.text.voice import Voice

_UNKNOWN = frozenset(
    map(
        plain,
        (
            "?", "??", "-", "n/a", "na", "n.a.", "#n/a", "nan", "null", "none given", "unknown",
            "unknown/invalid", "unknown or not reported", "not known", "unk", "missing",
            "(missing)", "not available", "unavailable", "not stated", "not specified",
            "unspecified", "not reported", "not recorded", "not disclosed", "undisclosed",
            "declined", "declined to answer", "decline to answer", "refused", "no answer",
            "prefer not to say", "prefer not to answer", "prefer not to disclose",
            "i don't wish to answer", "unbekannt", "keine angabe", "k.a.", "k. a.", "inconnu",
            "non renseigné", "desconocido", "sin dato", "desconhecido", "não informado",
            "sconosciuto", "onbekend", "okänd", "ukjent", "ukendt", "nieznany", "neznámý",
            "неизвестно", "невідомо", "άγνωστο", "bilinmiyor", "ismeretlen", "未知", "不明",
            "不詳", "미상",
        ),
    )
)  # fmt: skip
_AGES = frozenset(
    (
        "age", "ages", "aged", "agep", "alter", "edad", "idade", "leeftijd", "alder", "wiek",
        "vek", "yas", "eta", "ika", "eletkor", "возраст",
    )
)  # fmt: skip
_AGE_COMPANIONS = frozenset(
    (
        "group", "groups", "band", "cat", "category", "bin", "bins", "bucket", "range", "class",
        "years", "yrs", "year", "in", "of", "patient", "client", "applicant",
    )
)  # fmt: skip
_PEOPLE: Mapping[str, str] = {"male": "men", "female": "women", "man": "men", "woman": "women"}
_PLURALS = frozenset(
    (
        "women", "men", "girls", "boys", "children", "adults", "seniors", "whites",
        "blacks", "asians", "hispanics", "foreigners", "citizens", "immigrants", "people",
        "persons", "students", "teachers",
    )
)  # fmt: skip
_GENDERS = frozenset(
    ("nonbinary", "non-binary", "non binary", "transgender", "trans", "intersex", "queer")
)
_ENGLISH = frozenset(  # words in names of attributes whose labels are English adjectives
    (
        "age", "ages", "sex", "gender", "race", "races", "racial", "ethnicity", "ethnic", "ethn",
        "religion",
        "religious", "faith", "creed", "hispanic", "latino", "latina", "latinx", "disability",
        "disabled", "marital", "married", "veteran", "orientation", "minority", "skin", "tone",
    )
)  # fmt: skip
_REST = frozenset(("other", "others", "rest", "misc", "else", "andere", "otro", "autre", "(rare)"))
_OF_NO_PERSON = frozenset(
    (
        "region", "state", "province", "county", "district", "city", "town", "country", "area",
        "zone", "site", "school", "hospital", "clinic", "ward", "location", "place", "branch",
        "department", "occupation", "job", "workclass", "industry", "sector", "payer", "cluster",
    )
)  # fmt: skip
_CODE = re.compile(r"[≤≥<>-]?\s*\d|[\[(]|.{1,2}$")  # ranges, "(missing)", F and M
_SENSITIVE_NAMES: Mapping[str, str] = {**FEW, **STRONG}  # words in names, and their topics
_N = r"\d+(?:\.\d+)?"
_SPAN = re.compile(rf"[\[(]?\s*(-?{_N})\s*(?:[-–,;]|to|bis)\s*(-?{_N})\s*[\])]?")
_UPTO = re.compile(rf"(?:≤|<=|up to|at most)\s*({_N})")
_UNDER = re.compile(rf"(?:<|under|below|less than|younger than|unter)\s*({_N})")
_FROM = re.compile(
    rf"(?:≥|>=|at least|from)\s*({_N})|({_N})\s*(?:\+|and over|or over|or more|plus)"
)
_OVER = re.compile(rf"(?:>|over|above|more than|greater than|older than|über)\s*({_N})")


def is_unknown(group: str) -> bool:
    """Whether a label says that nothing is known, so that it names no group of people."""
    return plain(group).strip() in _UNKNOWN


def members(group: str, attribute: str, voice: Voice) -> str:
    """The people of a group in a sentence: "African-American people", "women aged 25 or under"."""
    if attribute == "cluster seen":
        return f"{voice.noun} in {group} clusters"
    if re.match(r"(latent )?group \d", group):
        return f"{voice.noun} in {group}"
    groups, attributes = group.split(CROSS), attribute.split(CROSS)
    if len(groups) != len(attributes):
        return f"{voice.noun} in {group}"
    return _described(groups, attributes, voice.noun)


def _described(groups: Sequence[str], attributes: Sequence[str], noun: str) -> str:
    """People with each of these labels: adjectives, noun, age, then what has no short form."""
    pairs = list(zip(groups, attributes, strict=True))
    heads = [p for p in pairs if noun == "people" and _head(*p)]
    ages = [p for p in pairs if p not in heads and _aged(*p)]
    unknown = [p for p in pairs if is_unknown(p[0])]
    plain_ones = [p for p in pairs if p not in (*heads, *ages, *unknown)]
    adjectives = [p for p in plain_ones if _is_adjective(*p, noun)]
    if len(adjectives) > 1 or len(heads) > 1:
        return _listed_labels(pairs, noun)
    words = [a for a, _ in adjectives] + [_head(*heads[0]) if heads else noun]
    words += [_aged(*pair) for pair in ages]
    others = [p for p in plain_ones if p not in adjectives]
    if others:
        words.append("with " + " and ".join(f"{a} {_bare(g)}" for g, a in others))
    if unknown:
        verb = "is missing" if all(g == "(missing)" for g, _ in unknown) else "is unknown"
        which = " and ".join(a for _, a in unknown)
        words.append(f"whose {which} {verb if len(unknown) == 1 else 'are unknown'}")
    return " ".join(words)


def _listed_labels(pairs: Sequence[tuple[str, str]], noun: str) -> str:
    return f"{noun} with " + " and ".join(f"{a} {_bare(g)}" for g, a in pairs)


def called(group: str, attribute: str) -> str:
    """The group in a sentence: a bare number, range or answer says of what ("age ≤ 37")."""
    groups, attributes = group.split(CROSS), attribute.split(CROSS)
    if len(groups) != len(attributes):
        return group
    return CROSS.join(_called(g, a) for g, a in zip(groups, attributes, strict=True))


def _called(group: str, attribute: str) -> str:
    if is_unknown(group):
        return f"unknown {attribute}"
    bare = re.match(r"[≤≥<>-]?\s*\d|[\[(]", group) or plain(group) in YES | NO
    return f"{attribute} {_bare(group)}" if bare else group


def _head(group: str, attribute: str) -> str:
    """A group that is a word for people by itself: "women"; "" for others."""
    label = group.casefold().strip()
    if label in _PEOPLE and not _is_age(attribute):
        return _PEOPLE[label]
    return group if label in _PLURALS else ""


def _is_code(group: str) -> bool:
    label = plain(group).strip()
    return bool(_CODE.match(group)) or label in YES | NO | _REST or "=" in group


def _is_adjective(group: str, attribute: str, noun: str) -> bool:
    """Whether the label reads well before the noun: "Black people", never "Femme people"."""
    if _is_code(group) or _is_of_no_person(attribute):
        return False
    named = _words(attribute)
    topics = {_SENSITIVE_NAMES[word] for word in named & _SENSITIVE_NAMES.keys()}
    if noun != "people" or not topics:
        return True
    if not named & _ENGLISH or "nationality" in topics:
        return False
    return "sex" not in topics or plain(group).strip() in _GENDERS


def _is_of_no_person(attribute: str) -> bool:
    """Whether labels are names of places or trades, which are no adjectives of people."""
    return bool(_OF_NO_PERSON & _words(attribute))


def _is_age(attribute: str) -> bool:
    words = _words(attribute)
    return bool(_AGES & words) and words <= _AGES | _AGE_COMPANIONS


def _words(attribute: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", attribute)
    return set(re.findall(r"[^\W\d_]+", spaced.casefold()))


def _aged(group: str, attribute: str) -> str:
    """ "aged 25 or under" for a range of ages; "" for anything else."""
    if not _is_age(attribute):
        return ""
    label = group.casefold().strip()
    if span := _SPAN.fullmatch(label):
        return f"aged {span[1]}–{span[2]}"
    for pattern, words in (
        (_UPTO, "aged {} or under"), (_UNDER, "aged under {}"),
        (_FROM, "aged {} or over"), (_OVER, "aged over {}"), (re.compile(f"({_N})"), "aged {}"),
    ):  # fmt: skip
        if match := pattern.fullmatch(label):
            return words.format(next(filter(None, match.groups())))
    return ""


def _bare(group: str) -> str:
    """A range without its brackets; other labels as they are."""
    span = _SPAN.fullmatch(group.strip())
    return f"{span[1]}–{span[2]}" if span and group.strip()[0] in "[(" else group
