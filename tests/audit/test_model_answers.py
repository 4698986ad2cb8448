"""Every model's answer to the same rows: which rows are wrong, and on which models disagree."""

from __future__ import annotations

import polars as pl
import pytest

from fairaudit.audit.model_answers import ModelAnswers, answers_side_by_side
from fairaudit.audit.predictions import audit_predictions
from fairaudit.audit.result import AuditResult
from fairaudit.exceptions import SpecError

Y = [1, 1, 1, 0, 0, 0, 1, 0]
A = [1, 0, 1, 1, 0, 0, 0, 0]
B = [1, 1, 0, 1, 0, 1, 0, 0]
SEX = ["f", "f", "f", "f", "m", "m", "m", "m"]


@pytest.fixture(scope="module")
def result() -> AuditResult:
    return audit_predictions(
        y_true=Y, y_pred={"a": A, "b": B}, sensitive_features={"sex": SEX}, keep_rows=True
    )


@pytest.fixture(scope="module")
def answers(result: AuditResult) -> ModelAnswers:
    return answers_side_by_side(result, attribute="sex", split="test")


def rows(frame: pl.DataFrame) -> list[int]:
    return sorted(frame["row"].to_list())


def test_every_row_has_its_group_and_every_answer(answers: ModelAnswers) -> None:
    frame = answers.rows.sort("row")
    assert answers.models == ("a", "b")
    assert frame["y"].to_list() == Y
    assert frame["group"].to_list() == SEX
    assert frame[ModelAnswers.column("a")].to_list() == A
    assert frame[ModelAnswers.column("b")].to_list() == B


@pytest.mark.parametrize(
    ("selection", "model", "expected"),
    [
        ("wrong", "a", [1, 3, 6]),
        ("wrong", "b", [2, 3, 5, 6]),
        ("fp", "a", [3]),
        ("fn", "a", [1, 6]),
        ("fp", "b", [3, 5]),
        ("fn", "b", [2, 6]),
        ("disagree", "a", [1, 2, 5]),
        ("all", "b", list(range(8))),
    ],
)
def test_rows_by_what_a_model_answers(
    answers: ModelAnswers, selection: str, model: str, expected: list[int]
) -> None:
    assert rows(answers.selected(selection, model)) == expected  # type: ignore[arg-type]


def test_one_model_alone_never_disagrees() -> None:
    alone = audit_predictions(
        y_true=Y, y_pred={"a": A}, sensitive_features={"sex": SEX}, keep_rows=True
    )
    answers = answers_side_by_side(alone, attribute="sex", split="test")
    assert answers.selected("disagree", "a").is_empty()


def test_an_unknown_model_is_refused(answers: ModelAnswers) -> None:
    with pytest.raises(SpecError, match="no model 'c'; choose one of a, b"):
        answers.selected("wrong", "c")
