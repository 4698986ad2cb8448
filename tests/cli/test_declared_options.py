"""What is declared on the command line beforehand: a margin and a primary question."""

from __future__ import annotations

import json
from pathlib import Path

import polars as pl
import pytest

from fairaudit.cli.options import primary_question
from fairaudit.data.samples import SAMPLES
from fairaudit.exceptions import SpecError
from tests.cli.test_cli import typed

LENDING = SAMPLES["lending"]


def _words(table: str, out: Path, *more: str) -> list[str]:
    words = ["audit", table, "--target", str(LENDING.roles.target), "--sensitive", "sex"]
    return [*words, "--prediction", "decision_a", "--out", str(out), *more]


@pytest.mark.parametrize("streamed", [False, True])
def test_margin_and_primary_question_reach_every_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, streamed: bool
) -> None:
    if streamed:
        monkeypatch.setattr("fairaudit.cli.commands.STREAMED_BYTES", 0)
    out = tmp_path / "out"
    more = ("--margin", "0.5", "--primary", "fpr by sex", "--primary-groups", "female,male")
    assert typed(monkeypatch, *_words(str(LENDING.path), out, *more)) == 0
    spec = json.loads((out / "spec.json").read_text("utf-8"))
    assert spec["margin"] == 0.5
    assert (spec["primary"]["metric"], spec["primary"]["attribute"]) == ("fpr", "sex")
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert summary["headline"][0].startswith("The primary question, declared beforehand")
    assert (summary["primary"]["group"], summary["primary"]["reference"]) == ("female", "male")
    assert summary["primary"]["below"]
    assert "The primary question" in (out / "report.html").read_text("utf-8")
    table = pl.read_csv(out / "csv" / "equivalence.csv")
    assert "shown to be below the margin" in " ".join(table["result"].to_list())


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (("--primary", "fpr by age"), "attribute 'age' is not part of this audit"),
        (("--primary", "fpr"), "write METRIC by ATTRIBUTE"),
        (("--primary-groups", "female,male"), "add --primary"),
        (("--margin", "5"), "margin: expected a number between 0 and 1"),
        (("--margin", "-1"), "margin"),
    ],
)
def test_what_cannot_be_answered_is_exit_code_2(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    more: tuple[str, ...],
    message: str,
) -> None:
    words = _words(str(LENDING.path), tmp_path / "out", *more)
    assert typed(monkeypatch, *words) == 2
    assert message in capsys.readouterr().err


def test_names_with_spaces_and_commas_are_questions_too() -> None:
    found = primary_question("equalized_odds by age group × sex", '"18, 19", 20+')
    assert found is not None
    assert (found.metric, found.attribute) == ("equalized_odds", "age group × sex")
    assert (found.group, found.reference) == ("18, 19", "20+")
    with pytest.raises(SpecError, match="expected two groups, got 3"):
        primary_question("tpr by sex", "a,b,c")


def test_columns_to_compare_within_reach_every_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    words = _words(str(LENDING.path), out, "--within", "purpose", "--intersections", "1")
    assert typed(monkeypatch, *words) == 0
    assert "within the same levels" in capsys.readouterr().out
    assert json.loads((out / "spec.json").read_text("utf-8"))["controls"] == ["purpose"]
    table = pl.read_csv(out / "csv" / "conditional.csv")
    assert set(table["attribute"]) == {"sex"}
    assert table["odds_ratio"].is_not_null().any()
    assert "Groups within the same levels" in (out / "report.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("column", "message"), [("jb", "no column 'jb'"), ("sex", "is a sensitive attribute")]
)
def test_columns_that_groups_cannot_be_compared_within_are_refused(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    column: str,
    message: str,
) -> None:
    words = _words(str(LENDING.path), tmp_path / "out", "--within", column)
    assert typed(monkeypatch, *words) == 2
    assert message in capsys.readouterr().err
