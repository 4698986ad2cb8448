"""Guesses on tables that look like well-known ones: every role, and nothing else."""

from __future__ import annotations

import polars as pl
import pytest

from fairaudit.data.doctor.diagnosis import examine
from tests.data.lookalikes import LOOKALIKES, Truth


def _wrong(name: str) -> list[str]:
    frame, truth = LOOKALIKES[name]()
    found = examine(frame)
    guesses = {g.column: g for g in found.guesses if g.confidence >= 0.5}
    return [
        f"{column}: {guesses[column].part if column in guesses else None}, not {role}"
        for column in frame.columns
        if column not in truth.free
        and (role := _role(column, truth)) != _coarse(guesses[column].part)
    ]


def _role(column: str, truth: Truth) -> str:
    """The role of a column; "free" stands for a feature or a column that is left out."""
    roles: dict[str, frozenset[str | None]] = {
        "target": frozenset({truth.target}),
        "sensitive": frozenset(truth.sensitive),
        "cluster": frozenset({truth.cluster}),
        "unit": frozenset({truth.unit}),
        "identifier": frozenset(truth.identifiers),
        "score": frozenset(truth.scores),
        "prediction": frozenset(truth.predictions),
        "leak": frozenset(truth.leaks),
    }
    return next((role for role, columns in roles.items() if column in columns), "free")


def _coarse(role: str) -> str:
    return "free" if role in ("feature", "left out", "weight") else role


@pytest.mark.parametrize("name", LOOKALIKES)
def test_every_role_of_a_table_like_a_well_known_one(name: str) -> None:
    assert _wrong(name) == []


@pytest.mark.parametrize(
    ("names", "order"),
    [
        (("sex", "age", "race"), ("race", "sex", "age")),
        (("alter", "religion", "geschlecht"), ("geschlecht", "religion", "alter")),
        (("gender", "disability", "ethnicity"), ("ethnicity", "gender", "disability")),
    ],
)
def test_race_and_sex_are_suggested_before_age(
    names: tuple[str, ...], order: tuple[str, ...]
) -> None:
    values = {
        "age": list(range(20, 70)), "alter": list(range(20, 70)),
        "sex": ["F", "M"], "gender": ["female", "male"], "geschlecht": ["w", "m"],
        "race": ["Black", "White", "Asian"], "ethnicity": ["Hispanic", "White", "Black"],
        "religion": ["none", "hindu", "muslim"], "disability": ["yes", "no"],
    }  # fmt: skip
    rows = 300
    frame = pl.DataFrame(
        {n: [values[n][i * 7 % len(values[n])] for i in range(rows)] for n in names}
        | {"hired": [i % 2 for i in range(rows)]}
    )
    assert examine(frame).roles.sensitive == order
