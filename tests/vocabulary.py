"""Words that an audit may or may not use, by what its outcome means for a person."""

from __future__ import annotations

import re

SELECTING = re.compile(r"\b(de)?select(s|ed|ions?)?\b|\breject(s|ed|ions?)?\b", re.I)
FLAGGING = re.compile(r"\bflag(s|ged)?\b|\bmiss(es|ed)\b|\bcleared\b", re.I)
MISTAKING = re.compile(r"\bmistak(en|es)\b|\brecognise[sd]\b", re.I)
JUDGING = re.compile(
    r"\bwrong(ly)?\b|\brightly\b|\bcorrect(ly)?\b|\bmistak\w+|\bmiss(es|ed)\b|\baccura\w+"
    r"|\berror(s| rates?)\b|\b(false|true)[- ](positive|negative)|\bprecision\b|\bAUROC\b"
    r"|\b[TF][PN]R\b|\brecall\b",
    re.I,
)
FORBIDDEN = {
    "good": (FLAGGING, MISTAKING),
    "bad": (SELECTING, MISTAKING),
    "neutral": (SELECTING, FLAGGING),
}


def found(pattern: re.Pattern[str], text: str) -> list[str]:
    """Where a pattern occurs, with the words around it."""
    return [text[max(0, m.start() - 50) : m.end() + 30] for m in pattern.finditer(text)]


def visible(html: str) -> str:
    """What a reader sees of a page: no style, no request in JSON, no tags."""
    bare = re.sub(r"<(style|pre|script)\b.*?</\1>", " ", html, flags=re.S)
    return re.sub(r"<[^>]+>", " ", bare)
