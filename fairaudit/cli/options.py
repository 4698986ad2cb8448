"""Parses values of command-line options."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from fairaudit.audit.questions import PrimaryQuestion, primary_of
from fairaudit.audit.score_scale import cut_of
from fairaudit.data.roles import Cut
from fairaudit.exceptions import SpecError


def names(text: str | None) -> tuple[str, ...]:
    """Column names of a comma-separated option; a name with a comma must be quoted."""
    parts = [part for row in csv.reader([text or ""], skipinitialspace=True) for part in row]
    return tuple(part.strip() for part in parts if part.strip())


def cuts_of(pairs: Sequence[str] | None) -> dict[str, Cut]:
    """`SCORE=5`, `SCORE>=5` and `SCORE<=5` as cuts by score.

    Raises
    ------
    SpecError
        If a pair names no score, no number, or a score twice.
    """
    cuts: dict[str, Cut] = {}
    for pair in pairs or ():
        parts = re.fullmatch(r"(.+?)\s*(<=|>=|≤|≥|=)\s*([^<>=≤≥]+)", pair)
        if parts is None:
            raise SpecError(f"--cut {pair!r} is no cut; write SCORE=5, 'SCORE>=5' or 'SCORE<=5'")
        name = parts[1].strip()
        if name in cuts:
            raise SpecError(f"--cut names score '{name}' twice; leave one out")
        cuts[name] = cut_of(parts[2] + parts[3])
    return cuts


def primary_question(text: str | None, groups: str | None) -> PrimaryQuestion | None:
    """`METRIC by ATTRIBUTE` and `GROUP, REFERENCE` as the primary question.

    Raises
    ------
    SpecError
        If the text names no metric and attribute, or groups are named without a question or are
        not two.
    """
    pair = names(groups)
    if text is None:
        if pair:
            raise SpecError("--primary-groups names groups of no question; add --primary")
        return None
    metric, by, attribute = (part.strip() for part in text.partition(" by "))
    if not by or not metric or not attribute:
        raise SpecError(f"--primary {text!r} is no question; write METRIC by ATTRIBUTE")
    if pair and len(pair) != 2:
        raise SpecError(
            f"--primary-groups: expected two groups, got {len(pair)}; write GROUP,REFERENCE"
        )
    return primary_of((metric, attribute, *pair))
