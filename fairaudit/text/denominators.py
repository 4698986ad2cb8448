"""Who a rate is a share of, in plain words: "people who did not re-offend"."""

from __future__ import annotations

import re
from collections.abc import Mapping

from fairaudit.data.outcome_words import NEGATIONS, NO, YES, plain
from fairaudit.text.voice import Voice

# beginnings of words for outcomes, and what is said of people with and without them
_EVENTS: Mapping[str, tuple[str, str]] = {
    "recid": ("who re-offended", "who did not re-offend"),
    "reoffen": ("who re-offended", "who did not re-offend"),
    "rearrest": ("who were arrested again", "who were not arrested again"),
    "readmi": ("who were readmitted", "who were not readmitted"),
    "default": ("who defaulted", "who did not default"),
    "delinq": ("who fell behind", "who did not fall behind"),
    "repa": ("who repaid", "who did not repay"),
    "hire": ("who were hired", "who were not hired"),
    "approv": ("who were approved", "who were not approved"),
    "admi": ("who were admitted", "who were not admitted"),
    "accept": ("who were accepted", "who were not accepted"),
    "promot": ("who were promoted", "who were not promoted"),
    "eligib": ("who are eligible", "who are not eligible"),
    "ineligib": ("who are not eligible", "who are eligible"),
    "qualif": ("who are qualified", "who are not qualified"),
    "employ": ("who are employed", "who are not employed"),
    "unemploy": ("who are not employed", "who are employed"),
    "pass": ("who passed", "who did not pass"),
    "fail": ("who failed", "who did not fail"),
    "graduat": ("who graduated", "who did not graduate"),
    "dropout": ("who dropped out", "who did not drop out"),
    "attrition": ("who left", "who stayed"),
    "churn": ("who left", "who stayed"),
    "died": ("who died", "who did not die"),
    "death": ("who died", "who did not die"),
    "mortality": ("who died", "who did not die"),
    "surviv": ("who survived", "who did not survive"),
    "fraud": ("with fraud", "without fraud"),
    "cancer": ("with cancer", "without cancer"),
    "malignan": ("with a malignant finding", "without a malignant finding"),
    "diabet": ("with diabetes", "without diabetes"),
    "disease": ("with the disease", "without the disease"),
    "stroke": ("with a stroke", "without a stroke"),
    "sepsis": ("with sepsis", "without sepsis"),
}


def whose(label: str, voice: Voice) -> str:
    """What marks people with this outcome: "who did not re-offend", "whose income is >50K".

    The words of the outcome's name or of the label itself where they are known ones, else the
    name and the label as they are.
    """
    if not label:
        return ""
    answer, word = plain(label), _event(label)
    if answer in YES | NO and (event := _event(voice.target)) is not None:
        return event[0] if answer in YES else event[1]
    if word is not None:
        return word[1] if _negated(label) else word[0]
    return f"whose {voice.target or 'outcome'} is {label}"


def _event(text: str) -> tuple[str, str] | None:
    """What is said of people where a known word of outcomes is in the text."""
    words = re.findall(r"[a-z]+", plain(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)))
    return next((_EVENTS[k] for w in words for k in _EVENTS if w.startswith(k)), None)


def _negated(label: str) -> bool:
    return any(word in NEGATIONS for word in plain(label).replace("-", " ").split())
