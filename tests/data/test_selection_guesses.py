"""Decisions and the outcomes after them, history before them, and what has to be asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest

from fairaudit.data.dataset import Dataset
from fairaudit.data.doctor.diagnosis import Diagnosis, examine

N = 800
RNG = np.random.default_rng(5)
PERSON: Mapping[str, Any] = {
    "sex": RNG.choice(["F", "M"], N),
    "age": RNG.integers(18, 80, N),
    "amount": RNG.normal(5000, 1000, N).round(2),
    "months": RNG.integers(1, 60, N),
}
MERIT = RNG.normal(50, 12, N).round(1)
CHOSEN = MERIT + RNG.normal(0, 8, N) > 50
LATER = RNG.random(N) < 0.4


def _words(yes: np.ndarray, labels: tuple[Any, Any]) -> list[Any]:
    return [labels[0] if v else labels[1] for v in yes.tolist()]


def _only(values: list[Any], where: np.ndarray) -> list[Any]:
    return [v if w else None for v, w in zip(values, where.tolist(), strict=True)]


def _table(**columns: Any) -> pl.DataFrame:
    return pl.DataFrame({**PERSON, **columns})


def _parts(found: Diagnosis) -> dict[str, str]:
    return {g.column: g.part for g in found.guesses}


def _asked(found: Diagnosis) -> dict[str, tuple[str, ...]]:
    return {q.fact: q.options for q in found.to_ask}


@pytest.mark.parametrize(
    ("decision", "outcome", "labels"),
    [
        ("eingestellt", "Probezeit_bestanden", ("ja", "nein")),
        ("assunto", "contratto_confermato", ("sì", "no")),
        ("board_vote", "back_in_custody", ("1", "0")),
        ("kaksi", "kolme", ("k", "e")),
        ("tilldelad", "klar_i_tid", ("tilldelad", "ej aktuell")),
    ],
)
def test_what_is_known_for_the_selected_alone_is_the_outcome(
    decision: str, outcome: str, labels: tuple[str, str]
) -> None:
    later = _only(_words(LATER, ("1", "0")), CHOSEN)
    frame = _table(**{decision: _words(CHOSEN, labels), outcome: later})
    found = examine(frame)
    assert found.roles.target == outcome
    assert found.roles.known_for == decision
    known = Dataset(frame, found.roles).frame[outcome]
    assert known.is_not_null().to_list() == CHOSEN.tolist()


def test_a_detail_of_the_outcome_is_not_the_outcome() -> None:
    placed = _words(LATER, ("2", "1"))
    homes = [f"home {k}" for k in RNG.integers(0, 5, N)]
    found = examine(_table(placement_12_mois=placed, lieu=_only(homes, LATER)))
    assert found.roles.target == "placement_12_mois"
    assert _parts(found)["lieu"] == "leak"
    assert _asked(found) == {"positive": ("1", "2"), "meaning": ("good", "bad", "neutral")}


@pytest.mark.parametrize(
    ("decision", "outcome"),
    [("grant_awarded", "degree_completed"), ("bewilligt", "nach_2_jahren"),
     ("admitted", "graduated_within_6_years")],
)  # fmt: skip
def test_an_outcome_of_all_lies_after_the_decision(decision: str, outcome: str) -> None:
    frame = _table(
        merit_index=MERIT,
        **{decision: _words(MERIT > 50, ("Yes", "No")), outcome: _words(LATER, ("Yes", "No"))},
    )
    found = examine(frame)
    assert found.roles.target == outcome
    assert decision in found.roles.predictions
    assert found.roles.scores == ("merit_index",)


@pytest.mark.parametrize("name", ["eviction_record", "prior_arrests", "vorstrafe", "antecedentes"])
def test_history_before_a_decision_is_no_outcome(name: str) -> None:
    frame = _table(
        **{name: _words(LATER, ("Y", "N"))},
        income=RNG.integers(1000, 9000, N),
        decision=_words(CHOSEN, ("Approve", "Decline")),
        decline_reason=_only(["income"] * N, ~CHOSEN),
    )
    found = examine(frame)
    assert found.roles.target is None
    assert found.roles.predictions == ("decision",)
    assert _parts(found)["decline_reason"] in ("leak", "left out")
    assert "target" not in _asked(found)


def test_what_may_be_history_is_asked() -> None:
    frame = _table(
        defaulted=_words(LATER, ("Y", "N")),
        income=RNG.integers(1000, 9000, N),
        decision=_words(CHOSEN, ("Approve", "Decline")),
    )
    found = examine(frame)
    assert found.roles.target is None
    assert _asked(found)["target"] == ("defaulted",)
    before = frame.select(*PERSON, "income", "defaulted", "decision")
    assert examine(before).roles.target == "defaulted"


@pytest.mark.parametrize("values", [LATER.astype(int), MERIT, RNG.integers(0, 5, N)])
def test_a_target_suggested_by_its_place_alone_is_asked(values: Any) -> None:
    found = examine(_table(zz=values))
    assert found.roles.target is None
    assert _asked(found) == {"target": ("zz",)}
    assert any(p.code == "target_unsaid" and "zz" in p.text for p in found.problems)
    assert examine(_table(zz=values), target="zz").roles.target == "zz"


def test_of_two_equally_plausible_outcomes_a_person_chooses() -> None:
    two = {"hired": _words(CHOSEN, ("1", "0")), "churned": _words(LATER, ("1", "0"))}
    assert "target" in _asked(examine(_table(churned=two["churned"], promoted=two["hired"])))
    assert "target" not in _asked(examine(_table(hired=two["hired"])))


@pytest.mark.parametrize(
    ("labels", "target"),
    [(("Readmitted.", "Not-readmitted."), True), ((">50K", "<=50K"), True),
     (("north", "south"), False)],
)  # fmt: skip
def test_labels_that_name_an_outcome_need_no_name(labels: tuple[str, str], target: bool) -> None:
    found = examine(_table(column_9=_words(LATER, labels)))
    assert (found.roles.target == "column_9") == target


def test_points_that_a_decision_follows_are_its_score() -> None:
    later = _only(_words(LATER, ("ja", "nein")), CHOSEN)
    found = examine(
        _table(
            Testpunkte=MERIT + np.where(CHOSEN, 12, -12),
            eingestellt=_words(CHOSEN, ("ja", "nein")),
            Probezeit_bestanden=later,
        )
    )
    assert found.roles.scores == ("Testpunkte",)
    assert found.roles.predictions == ("eingestellt",)


def test_what_is_stated_is_not_asked() -> None:
    frame = _table(zz=_words(LATER, ("a1", "b2")))
    assert set(_asked(examine(frame, target="zz"))) == {"positive", "meaning"}
    stated = examine(frame, target="zz", positive="a1", meaning="bad")
    assert _asked(stated) == {}
    assert stated.outcome is not None
    assert (stated.outcome.positive, stated.outcome.meaning) == ("a1", "bad")


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("lengua_materna", ["Castellano", "Quechua", "Aimara"]),
        ("v7", ["English", "Spanish", "Somali", "Other"]),
        ("thuistaal", ["Nederlands", "Turks", "Arabisch"]),
        ("origine_parents", ["France", "Maghreb", "Afrique subsaharienne", "Autre"]),
        ("pochodzenie", ["Polska", "Ukraina", "inne"]),
        ("column_5", ["Catholic", "Muslim", "None", "Hindu"]),
        ("kind", ["jongen", "meisje"]),
    ],
)
def test_values_of_languages_origins_and_religions_are_sensitive(
    name: str, values: list[str]
) -> None:
    frame = _table(**{name: [values[i % len(values)] for i in range(N)]}, hired=LATER.astype(int))
    assert name in examine(frame.drop("sex")).roles.sensitive


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("plant", ["Germany", "France", "Poland"]),
        ("destination_country_code", ["DE", "FR", "PL"]),
        ("origine_candidature", ["site web", "cooptation", "agence"]),
        ("course", ["English", "Maths", "Biology", "Chemistry"]),
    ],
)
def test_places_and_words_of_something_else_are_not_sensitive(
    name: str, values: list[str]
) -> None:
    frame = _table(**{name: [values[i % len(values)] for i in range(N)]}, hired=LATER.astype(int))
    assert name not in examine(frame).roles.sensitive


@pytest.mark.parametrize("name", ["Did Not Attend", "No Show", "nao_compareceu"])
def test_an_event_that_did_not_happen_is_an_outcome_people_fear(name: str) -> None:
    found = examine(_table(**{"risk %": MERIT, name: _words(LATER, ("Yes", "No"))}))
    assert found.outcome is not None
    assert (found.roles.target, found.outcome.meaning) == (name, "bad")


def test_an_outcome_among_the_features_of_a_scored_table_is_asked() -> None:
    more = {f"count_{k}": RNG.integers(0, 9, N) for k in range(4)}
    frame = _table(score=MERIT, arrest_flag=_words(LATER, ("Y", "N")), **more)
    assert _asked(examine(frame))["target"] == ("arrest_flag",)
    assert examine(frame.drop("score")).roles.target == "arrest_flag"


def test_yes_and_no_behind_a_score_is_asked_although_no_word_names_it() -> None:
    frame = _table(risk_score=MERIT, zz=_words(LATER, ("yes", "no")), region_code=["x", "y"] * 400)
    found = examine(frame)
    assert found.roles.scores == ("risk_score",)
    assert _asked(found)["target"] == ("zz",)


@pytest.mark.parametrize("name", ["Model PD", "Indice di profilazione", "profiling_points", "pd"])
def test_probabilities_and_profiles_are_scores(name: str) -> None:
    shares = np.round((MERIT - MERIT.min()) / np.ptp(MERIT), 4)
    assert examine(_table(**{name: shares}, defaulted=LATER.astype(int))).roles.scores == (name,)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("MRN", RNG.integers(10_000, 90_000, N // 2).repeat(2)),
        ("permit nr", [431207, 877120, 662001, 910022, 554102, 730021] + [None] * (N - 6)),
        ("STOP ORDER NO", [int(v) if v % 5 == 0 else None for v in range(100_000, 100_000 + N)]),
    ],
)
def test_numbers_of_people_and_documents_are_no_features(name: str, values: Any) -> None:
    found = examine(_table(**{name: values}, defaulted=LATER.astype(int)))
    assert name not in found.roles.features


def test_days_since_an_identity_card_are_no_identity() -> None:
    frame = _table(DAYS_ID_PUBLISH=-RNG.integers(0, 400, N), defaulted=LATER.astype(int))
    assert examine(frame).roles.unit is None


@pytest.mark.parametrize("score", ["risk_score", "danger_score"])
def test_findings_and_outcome_agree_on_the_meaning(score: str) -> None:
    later = _only(_words(LATER, ("1", "0")), CHOSEN)
    frame = _table(**{score: MERIT, "vote": _words(CHOSEN, ("ja", "nein")), "seen_again": later})
    found = examine(frame)
    assert found.outcome is not None
    said = {p.code for p in found.problems} & {"meaning_unsaid"}
    assert bool(said) == found.outcome.guessed_meaning == ("meaning" in _asked(found))


def test_who_was_selected_does_not_say_what_came_of_it() -> None:
    later = _only(_words(LATER, ("1", "0")), CHOSEN)
    found = examine(_table(released=_words(CHOSEN, ("1", "0")), seen_again=later))
    assert found.roles.known_for == "released"
    assert "meaning" in _asked(found)
