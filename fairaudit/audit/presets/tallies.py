"""People and selections by category; people who did not answer are counted apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from fairaudit.audit.presets.decisions import Decisions, Float
from fairaudit.data.non_answers import NonAnswers
from fairaudit.inputs.group_codes import Grouping, cross, encode
from fairaudit.inputs.labels import CROSS, MISSING, cell_parts

SILENT = "did_not_answer"  # the table of labels that were taken as no answer


@dataclass(frozen=True)
class Tally:
    """One attribute: categories with people, and the labels that are no answers.

    Attributes
    ----------
    names : the G categories
    n, selected : (G,) people, and people selected
    silent : people by label that says nothing of them
    """

    attribute: str
    names: tuple[str, ...]
    n: Float
    selected: Float
    silent: Mapping[str, int]

    @property
    def rate(self) -> Float:
        """(G,) selected over n; categories exist, so n > 0."""
        return self.selected / self.n

    @property
    def unknown(self) -> int:
        """People of unknown category."""
        return sum(self.silent.values())


def tallies(
    decided: Decisions, attributes: Sequence[str], unknown: NonAnswers, *, crossed: bool = False
) -> list[Tally]:
    """The tally of each attribute, with `crossed` also that of their intersections."""
    single = [Grouping(a, *encode(decided.groups[a], a)) for a in attributes]
    groupings = [*single, cross(single)] if crossed else single
    return [_tally(grouping, decided, unknown) for grouping in groupings]


def _tally(grouping: Grouping, decided: Decisions, unknown: NonAnswers) -> Tally:
    G = len(grouping.names)
    n = np.bincount(grouping.codes, decided.people, G).astype(np.float64)
    chosen = decided.people * decided.selected
    hits = np.bincount(grouping.codes, chosen, G).astype(np.float64)
    silent = np.array([_is_silent(grouping.attribute, x, unknown) for x in grouping.names], bool)
    known = ~silent & (n > 0)
    labels = np.array(grouping.names, dtype=object)
    return Tally(
        grouping.attribute,
        tuple(labels[known]),
        n[known],
        hits[known],
        {x: int(k) for x, k in zip(labels[silent], n[silent], strict=True) if k},
    )


def _is_silent(attribute: str, name: str, unknown: NonAnswers) -> bool:
    attributes = attribute.split(CROSS)
    parts = cell_parts(name) if len(attributes) > 1 else [name]
    return any(pair in unknown for pair in zip(attributes, parts, strict=True))


def silent_table(counted: Sequence[Tally]) -> dict[str, pl.DataFrame]:
    """`SILENT`: the labels of people who did not answer, and their number; nothing without."""
    rows = [(t.attribute, label, k) for t in counted for label, k in t.silent.items()]
    if not rows:
        return {}
    schema = {"attribute": pl.String, "category": pl.String, "applicants": pl.Int64}
    return {SILENT: pl.DataFrame(rows, schema=schema, orient="row")}


def unknown_sentence(tally: Tally) -> str:
    """How many people are counted apart."""
    return f"{tally.unknown} people of unknown {tally.attribute} are not in the table."


def silent_sentence(tally: Tally) -> list[str]:
    """Which labels were taken as no answer, and how to change that."""
    if not tally.silent:
        return []
    named = ", ".join(f"{_quoted(label)} ({k:,})" for label, k in tally.silent.items())
    return [
        f"{tally.attribute}: taken as no answer: {named}. To change that, name labels that are "
        "answers (--answered) or further ones that are none (--not-answered)."
    ]


def _quoted(label: str) -> str:
    return "no value" if label == MISSING else f"“{label}”"
