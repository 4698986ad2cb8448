"""The chart of a choice between systems says what its table says."""

from __future__ import annotations

import numpy as np
import pytest

from fairaudit import choose_between
from fairaudit.audit.no_harm.choose_between import SystemChoice
from fairaudit.plots.system_choice import differences
from fairaudit.text.sentences.system_choice import system_choice_how, system_choice_lead
from fairaudit.text.sentences.system_reasons import with_reasons


def chosen(wrong: dict[str, list[float]], sizes: tuple[int, ...], **asked: object) -> SystemChoice:
    """A choice where each system is wrong with its chance in each group."""
    rng = np.random.default_rng(0)
    groups = np.repeat(np.arange(len(sizes)), sizes)
    y = rng.integers(0, 2, len(groups))
    answers = {
        name: np.where(rng.random(len(y)) < np.asarray(chance)[groups], 1 - y, y)
        for name, chance in wrong.items()
    }
    names = np.array([f"group {g}" for g in range(len(sizes))])[groups]
    old = answers.pop("old")
    return choose_between(y, old, answers, sensitive_features=names, **asked)


@pytest.fixture(scope="module")
def choice() -> SystemChoice:
    """Better in group 0, equal in group 1; group 2 is too small to be judged."""
    wrong = {"old": [0.3, 0.3, 0.3], "new": [0.15, 0.3, 0.3]}
    return chosen(wrong, (2000, 2000, 20), confidence=0.9)


def test_used_systems_are_filled_and_bars_are_the_bounds(choice: SystemChoice) -> None:
    drawn = differences(choice.table, confidence=0.9, tolerance=0.0)
    dots = [t for t in drawn.figure.data if t.x[0] is not None and t.error_x.array is not None]
    judged = choice.table.drop_nulls("lower")
    assert [t.x[0] for t in dots] == judged["difference"].to_list()
    low = [t.x[0] - t.error_x.arrayminus[0] for t in dots]
    assert low == pytest.approx(judged["lower"].to_list())
    hollow = [t.marker.symbol.endswith("-open") for t in dots]
    assert hollow == (judged["system"] != judged["chosen"]).to_list()


def test_the_words_name_the_level_and_who_cannot_be_judged(choice: SystemChoice) -> None:
    said = differences(choice.table, confidence=0.9, tolerance=0.0, where="on some rows").alt
    assert "on some rows, bounds with 90% confidence" in said
    assert "new for group 0 (used) +" in said
    assert "new for group 2 cannot be judged" in said
    assert any("cannot be judged" in a.text for a in differences(
        choice.table, confidence=0.9, tolerance=0.0).figure.layout.annotations)  # fmt: skip


def test_the_lead_says_who_gets_what_and_what_other_rows_show(choice: SystemChoice) -> None:
    said = system_choice_lead(choice, "baseline")
    assert said.startswith("**new is used for group 0.** group 1 and group 2 keep baseline.")
    assert "Rows that took no part confirm the gain for group 0." in said
    assert "90% confidence" in system_choice_how(choice, 0.5)
    assert "50% of the rows took no part" in system_choice_how(choice, 0.5)


def test_the_lead_of_a_choice_for_nobody_says_what_is_missing() -> None:
    equal = chosen({"old": [0.3, 0.3], "new": [0.28, 0.3]}, (300, 300))
    said = system_choice_lead(equal, "baseline")
    assert said.startswith("**All groups keep baseline**: no other system is shown to do no harm.")
    small = chosen({"old": [0.3], "new": [0.1]}, (20,))
    assert "no group has enough rows" in system_choice_lead(small, "baseline")


def test_the_lead_names_a_certain_gain_that_is_not_taken() -> None:
    wrong = {"old": [0.1, 0.3], "new": [0.02, 0.3]}
    said = system_choice_lead(chosen(wrong, (3000, 3000), objective="min_gap"), "baseline")
    assert "nobody" not in said
    assert "All groups keep baseline" in said
    assert "A certain gain is not taken: new would bring group 0" in said
    assert "the gap would widen" in said


def test_no_sentence_holds_more_than_two_numbers(choice: SystemChoice) -> None:
    for reason in (*with_reasons(choice.table)["reason"], *with_reasons(choice.check)["reason"]):
        for sentence in reason.split(". "):
            numbers = [word for word in sentence.split() if word.strip("(+−).,;").replace(
                ".", "").replace(",", "").isdigit()]  # fmt: skip
            assert len(numbers) <= 2, sentence
