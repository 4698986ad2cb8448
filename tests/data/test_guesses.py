"""Guesses on tables that look like well-known ones: every role, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from fairaudit.data.dataset import Dataset
from fairaudit.data.doctor.diagnosis import Guess, examine
from fairaudit.data.mends import mended
from tests.data.lookalike import Truth
from tests.data.lookalikes import LOOKALIKES
from tests.data.lookalikes_wider import WIDER

TABLES = {**LOOKALIKES, **WIDER}


def _wrong(name: str) -> list[str]:
    frame, truth = TABLES[name]()
    found = examine(frame)
    guesses = {g.column: g for g in found.guesses if g.confidence >= 0.5}
    asked = [c for q in found.to_ask if q.fact == "target" for c in q.options]
    facts = Dataset(frame, found.roles).outcome
    if asked:
        truth = replace(truth, meaning=None, positive=None)
    wrong = [f"meaning: {facts.meaning}"] if truth.meaning not in (None, facts.meaning) else []
    wrong += (
        [f"positive: {facts.positive}"] if truth.positive not in (None, facts.positive) else []
    )
    return wrong + [
        f"{column}: {guesses[column].part if column in guesses else None}, not {role}"
        for column in frame.columns
        if column not in truth.free
        and (role := _role(column, truth)) != _guessed(column, guesses, asked)
    ]


def _guessed(column: str, guesses: Mapping[str, Guess], asked: Sequence[str]) -> str:
    """The role that is used; a target to be asked is as good as one that is guessed."""
    return "target" if column in asked else _coarse(guesses[column].part)


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


def _parts(frame: pl.DataFrame) -> dict[str, str]:
    return {g.column: g.part for g in examine(frame).guesses}


N = 400
RNG = np.random.default_rng(11)
COIN = RNG.integers(0, 2, N)


@pytest.mark.parametrize(
    ("columns", "target"),
    [
        ({"target": COIN, "toxicity": RNG.random(N)}, "target"),
        ({"label": COIN, "n": COIN[::-1], "churned": COIN[::-1]}, "label"),
        ({"outcome": COIN, "hired_num": RNG.integers(0, 9, N)}, "outcome"),
        ({"toxic": COIN, "toxicity_annotator_count": RNG.integers(3, 9, N)}, "toxic"),
        ({"left": COIN, "salary": ["low", "medium", "low", "high"] * (N // 4)}, "left"),
    ],
)
def test_the_word_target_wins_and_counts_never_are_one(
    columns: dict[str, object], target: str
) -> None:
    assert examine(pl.DataFrame(columns)).roles.target == target


@pytest.mark.parametrize(
    "name", ["model_toxicity", "perspective_toxic", "api_default", "ai_recidivism"]
)
def test_a_system_and_a_topic_make_a_score(name: str) -> None:
    frame = pl.DataFrame({"defaulted": COIN, name: np.round(COIN + RNG.normal(size=N), 3)})
    assert _parts(frame)[name] == "score"


def test_the_score_of_a_credit_bureau_is_no_score_of_a_system() -> None:
    frame = pl.DataFrame({"score": RNG.integers(310, 840, N), "defaulted": COIN})
    assert _parts(frame)["score"] == "feature"
    assert _parts(frame.with_columns(score=RNG.random(N)))["score"] == "score"


def _identities(n: int = 1000) -> pl.DataFrame:
    rng = np.random.default_rng(0)
    rates = {"male": 0.3, "muslim": 0.2, "black": 0.1, "hindu": 0.02, "female": 0.3,
             "jewish": 0.05, "homosexual_gay_or_lesbian": 0.25, "christian": 0.2}  # fmt: skip
    is_one = {k: rng.random(n) < p for k, p in rates.items()}
    shares = {k: np.where(one, rng.random(n) / 2 + 0.5, 0) for k, one in is_one.items()}
    return pl.DataFrame({**shares, "toxic": rng.integers(0, 2, n)})


def test_identities_as_shares_are_sensitive_the_larger_groups_first() -> None:
    found = examine(_identities())
    assert set(found.roles.sensitive) >= {"male", "female", "muslim", "black"}
    assert not set(found.roles.features) & set(_identities().columns)
    assert "hindu" not in found.roles.sensitive
    problem = next(p for p in found.problems if p.code == "identity_share")
    assert problem.safe
    [mend] = problem.mends
    values = mended(_identities(), [mend])[mend.column]
    assert values.to_list() == ["yes" if v >= 0.5 else "no" for v in _identities()[mend.column]]
    assert mended(mended(_identities(), [mend]), [mend])[mend.column].equals(values)


def test_a_share_of_residents_is_no_identity() -> None:
    frame = pl.DataFrame({"foreign": RNG.random(N), "male": RNG.random(N), "hired": COIN})
    assert examine(frame).roles.sensitive == ()


@pytest.mark.parametrize(
    ("values", "topic"),
    [
        (["White", "Black", "Asian or Pacific Islander", "Amer Indian Aleut or Eskimo"], True),
        (["Black or African American", "Two or more races", "Native Hawaiian", "White"], True),
        (["marié(e)", "célibataire", "divorcé(e)", "pacsé(e)"], True),
        (["casado(a)", "soltero(a)", "viudo/a"], True),
        (["żonaty", "kawaler", "rozwiedziony"], True),
        (["black", "white", "red", "silver"], False),
        (["black leather", "white leather", "black cloth"], False),
        (["Single Family: built", "Single Family: made", "Multifamily"], False),
        (["Nonfiler", "Joint both under 65", "Single", "Head of household"], False),
    ],
)
def test_values_of_ethnicity_and_marital_status_are_known_by_their_words(
    values: list[str], topic: bool
) -> None:
    frame = pl.DataFrame({"v7": [values[i % len(values)] for i in range(N)], "hired": COIN})
    assert (examine(frame).roles.sensitive == ("v7",)) == topic


def test_the_age_is_preferred_to_the_date_of_birth() -> None:
    births = pl.Series([f"{1940 + i % 60}-03-{i % 28 + 1:02d}" for i in range(N)]).str.to_date()
    frame = pl.DataFrame({"dob": births, "age": 18 + np.arange(N) % 60, "hired": COIN})
    assert examine(frame).roles.sensitive == ("age",)
    assert examine(frame.drop("age")).roles.sensitive == ("dob",)


@pytest.mark.parametrize("name", ["hospdead", "d.time", "slos", "death_date", "DiedInICU"])
def test_what_follows_a_death_is_a_leak_of_it(name: str) -> None:
    frame = pl.DataFrame({name: RNG.integers(0, 50, N), "x": COIN[::-1], "death": COIN})
    assert _parts(frame)[name] == "leak"


@pytest.mark.parametrize(
    ("name", "part"), [("foreign_request", "feature"), ("puntaje_prueba", "feature"),
                       ("lycee", "cluster"), ("foreign_worker", "sensitive")],
)  # fmt: skip
def test_words_beside_a_word_decide(name: str, part: str) -> None:
    values = np.arange(N) % 20 if part == "cluster" else np.arange(N) // 3 % 2
    values = np.arange(N) % 99 if name == "puntaje_prueba" else values
    assert _parts(pl.DataFrame({name: values, "hired": COIN}))[name] == part


def test_ages_of_a_census_without_a_header_start_at_birth() -> None:
    frame = pl.DataFrame(
        {"column_1": np.arange(N) % 91, "column_2": RNG.integers(0, 52, N), "column_3": COIN}
    )
    assert examine(frame).roles.sensitive == ("column_1",)
    hours = frame.with_columns(column_2=1 + np.arange(N) % 99, column_1=17 + np.arange(N) % 74)
    assert examine(hours).roles.sensitive == ("column_1",)


DIGITS = RNG.choice(np.arange(1_000_000, 9_999_999), N, replace=False)


@pytest.mark.parametrize(
    ("name", "values", "part"),
    [
        ("num_allocataire", DIGITS, "identifier"),
        ("dossier_nr", DIGITS, "identifier"),
        ("expediente", DIGITS, "identifier"),
        ("ser_num", RNG.integers(1, 90_000, N), "identifier"),
        ("loan_amount", DIGITS, "feature"),
        ("claimant_income", DIGITS, "feature"),
        ("Eingangsdatum", [f"{i % 28 + 1:02d}.03.2024" for i in range(N)], "left out"),
        ("seen", [f"{i % 12 + 1}/{i % 28 + 1}/2023" for i in range(N)], "left out"),
        ("stopdate", 20_240_101 + RNG.integers(0, 28, N), "left out"),
        ("total_rec_int", RNG.integers(0, 9, N), "leak"),
        ("last_pymnt_amnt", RNG.integers(0, 9, N), "leak"),
        ("importe_recuperado", RNG.integers(0, 9, N), "leak"),
        ("pct", RNG.integers(1, 40, N), "cluster"),
        ("pct_white", RNG.integers(1, 40, N), "feature"),
    ],
)
def test_numbers_dates_and_amounts_have_their_roles(name: str, values: Any, part: str) -> None:
    assert (
        _parts(pl.DataFrame({name: values, "x": COIN[::-1], "loan_default": COIN}))[name] == part
    )


@pytest.mark.parametrize("name", TABLES)
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


def _people(n: int = 400) -> dict[str, Any]:
    """Columns that every table of people has."""
    draws = np.random.default_rng(7)
    return {"sex": draws.choice(["f", "m"], n), "gpa": draws.normal(3, 0.4, n).round(2)}


@pytest.mark.parametrize(
    ("name", "part"),
    [("geboortejaar", "sensitive"), ("anno_di_nascita", "sensitive"),
     ("rok_urodzenia", "sensitive"), ("bouwjaar", "feature")],
)  # fmt: skip
def test_years_of_birth_are_known_in_more_languages(name: str, part: str) -> None:
    draws = np.random.default_rng(1)
    table = {"sex": _people()["sex"], name: draws.integers(1940, 2004, 400)}
    assert _parts(pl.DataFrame({**table, "y": draws.integers(0, 2, 400)}))[name] == part


@pytest.mark.parametrize("name", ["date_naissance", "birth_date", "data_nascita"])
def test_a_date_of_birth_is_an_age(name: str) -> None:
    draws = np.random.default_rng(2)
    day = pl.Series(draws.integers(-9000, 11000, 400)).cast(pl.Int32).cast(pl.Date)
    parts = _parts(pl.DataFrame({**_people(), name: day, "y": draws.integers(0, 2, 400)}))
    assert parts[name] == "sensitive"


@pytest.mark.parametrize(
    ("name", "part"),
    [("polisnummer", "unit"), ("Vertragsnummer", "unit"), ("huisnummer", "feature"),
     ("schoolnummer", "feature")],
)  # fmt: skip
def test_compounds_that_number_something_are_repeating_ids(name: str, part: str) -> None:
    draws = np.random.default_rng(3)
    table = {**_people(), name: draws.integers(30_000, 30_300, 400)}
    assert _parts(pl.DataFrame({**table, "y": draws.integers(0, 2, 400)}))[name] == part


@pytest.mark.parametrize(
    ("name", "part"),
    [("fraudescore", "score"), ("Ausfallscore", "score"), ("Bonitätsscore", "feature"),
     ("kredietscore", "feature")],
)  # fmt: skip
def test_compounds_that_end_in_score_are_scores_but_a_bureaus(name: str, part: str) -> None:
    draws = np.random.default_rng(4)
    table = {**_people(), name: draws.integers(0, 1000, 400)}
    assert _parts(pl.DataFrame({**table, "y": draws.integers(0, 2, 400)}))[name] == part


@pytest.mark.parametrize("time", ["days_to_readmission", "fraud_lag_days", "weeks_until_default"])
def test_a_time_to_the_event_is_not_preferred_to_the_event(time: str) -> None:
    draws = np.random.default_rng(5)
    event = draws.random(400) < 0.3
    when = pl.Series(draws.integers(1, 90, 400)).set(pl.Series(~event), None)
    target = {"days_to_readmission": "readmit", "fraud_lag_days": "fraud"}.get(time, "default")
    parts = _parts(pl.DataFrame({**_people(), time: when, target: np.where(event, 1, 2)}))
    assert (parts[target], parts[time]) == ("target", "leak")


@pytest.mark.parametrize("taken_up", ["enrolled", "matriculated", "joined"])
def test_whoever_follows_a_decision_does_not_replace_it(taken_up: str) -> None:
    draws = np.random.default_rng(6)
    admitted = draws.random(400) < 0.4
    table = {
        **_people(),
        "decision": np.where(admitted, "Admit", "Deny"),
        taken_up: np.where(admitted & (draws.random(400) < 0.5), "Yes", "No"),
    }
    parts = _parts(pl.DataFrame(table))
    assert (parts["decision"], parts[taken_up]) == ("target", "leak")


@pytest.mark.parametrize("judge", ["decision_recruiter", "Entscheidung_Richter", "advies_arts"])
def test_a_persons_decision_beside_a_score_is_the_outcome(judge: str) -> None:
    draws = np.random.default_rng(8)
    table = {**_people(), judge: draws.choice(["yes", "no"], 400), "ai_score": draws.random(400)}
    parts = _parts(pl.DataFrame(table))
    assert (parts[judge], parts["ai_score"]) == ("target", "score")
    del table["ai_score"]  # alone it is a decision whose outcome nobody knows
    assert _parts(pl.DataFrame(table))[judge] == "prediction"


@pytest.mark.parametrize("silent", ["onbekend", "Unknown", "keine Angabe"])
def test_an_outcome_of_which_nothing_is_said_is_no_class(silent: str) -> None:
    draws = np.random.default_rng(9)
    frame = pl.DataFrame({**_people(), "fraud": draws.choice(["yes", "no", silent], 400)})
    [problem] = [p for p in examine(frame).problems if p.code == "no_answer"]
    assert problem.safe
    roles = examine(frame, mends=problem.mends).roles
    assert (roles.task, roles.positive) == ("binary", "yes")


@pytest.mark.parametrize("date", ["Inkasso_am", "warrant_issued"])
def test_a_written_date_that_most_rows_lack_is_a_leak_not_an_identifier(date: str) -> None:
    draws = np.random.default_rng(10)
    event = draws.random(400) < 0.4
    written = [f"{d % 28 + 1:02}.{d % 12 + 1:02}.{1900 + d % 120}" for d in range(400)]
    values = pl.Series(written).set(pl.Series(~event), None)
    parts = _parts(pl.DataFrame({**_people(), date: values, "default": event.astype(int)}))
    assert parts[date] == "leak"
