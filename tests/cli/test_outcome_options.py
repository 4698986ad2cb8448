"""What the command line takes for the outcome, what it guesses, and what it says of both."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from fairaudit.cli.options import cuts_of
from fairaudit.cli.roles import complete_roles, named_roles
from fairaudit.exceptions import SpecError
from fairaudit.stats.metric_definitions import DECISIONS
from tests.cli.test_cli import typed

RNG = np.random.default_rng(0)
N = 200
SEX = RNG.choice(["F", "M"], N)
HIT = RNG.integers(0, 2, N)


def _table(folder: Path, **columns: Any) -> str:
    path = folder / "people.csv"
    pl.DataFrame({"sex": SEX, "age": RNG.integers(20, 60, N), **columns}).write_csv(path)
    return str(path)


def _audit(monkeypatch: Any, capsys: Any, tmp_path: Path, table: str, *words: str) -> Any:
    """The JSON of an audit and what stood on stderr."""
    out = ["--sensitive", "sex", "--out", str(tmp_path / "out"), "--json"]
    code = typed(monkeypatch, "audit", table, *words, *out)
    said = capsys.readouterr()
    return code, json.loads(said.out) if code == 0 else None, said.err


def _errors(tmp_path: Path) -> pl.DataFrame:
    return pl.read_parquet(tmp_path / "out" / "errors.parquet")


@pytest.mark.parametrize("name", ["pred", "selected", "hired", "outcome", "flagged_by_tool"])
@pytest.mark.parametrize("more", [[], ["--no-target"]], ids=["unsaid", "said"])
def test_a_named_prediction_is_never_the_outcome(monkeypatch, capsys, tmp_path, name, more):
    table = _table(tmp_path, **{name: HIT})
    code, told, err = _audit(monkeypatch, capsys, tmp_path, table, "--prediction", name, *more)
    assert code == 0
    assert told["outcome"]["target"] is None
    assert set(_errors(tmp_path)["metric"]) == {"selection_rate"}
    assert ("no outcome is named" in err) is not more
    assert ("--no-target" in err) is not more


def test_an_outcome_is_guessed_for_decisions_only_if_its_words_name_one(
    monkeypatch, capsys, tmp_path
):
    recid = _table(tmp_path, tool=HIT, two_year_recid=HIT[::-1])
    _, told, err = _audit(monkeypatch, capsys, tmp_path, recid, "--prediction", "tool")
    assert "outcome: two_year_recid (guessed: " in err
    assert (told["outcome"]["target"], told["outcome"]["meaning"]) == ("two_year_recid", "bad")
    mute = _table(tmp_path, tool=HIT, q17=HIT[::-1])
    _, told, err = _audit(monkeypatch, capsys, tmp_path, mute, "--prediction", "tool")
    assert told["outcome"]["target"] is None
    assert set(_errors(tmp_path)["metric"]) <= set(DECISIONS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--target", "tool", "--prediction", "tool"], "--target and --prediction"),
        (["--target", "age", "--score", "age"], "--target and --score"),
        (["--target", "y", "--prediction", "tool", "--cluster", "tool"], "--cluster and --pred"),
        (["--target", "y", "--no-target", "--prediction", "tool"], "exclude each other"),
        (["--prediction", "tool", "--meaning", "nice"], "choose one of good, bad, neutral"),
        (["--target", "y", "--score", "age"], "name the cut: --cut age="),
        (["--target", "y", "--cut", "age"], "is no cut; write SCORE=5"),
        (["--target", "y", "--cut", "age=old"], "is no number"),
        (["--target", "y", "--cut", "age=5", "--cut", "age<=3"], "names score 'age' twice"),
        (["--target", "empty", "--prediction", "tool"], "--no-target"),
        (
            ["--prediction", "tool", "--no-target", "--outcome-known-for", "y"],
            "no target is named",
        ),
        (["--prediction", "tool", "--confidence", "0.4"], "confidence"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_options(
    monkeypatch, capsys, tmp_path, words, says
):
    table = _table(tmp_path, tool=HIT, y=HIT[::-1], empty=[None] * N)
    code, _, err = _audit(monkeypatch, capsys, tmp_path, table, *words)
    assert code == 2
    assert says in err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("negative", "positive", "meaning"),
    [("ineligible", "eligible", "good"), ("nein", "ja", "neutral"), ("genuine", "fraud", "bad"),
     ("unemployed", "employed", "good"), ("rechazado", "aceptado", "good")],
)  # fmt: skip
def test_the_three_facts_are_printed_with_their_reason(
    monkeypatch, capsys, tmp_path, negative, positive, meaning
):
    label = np.array([negative, positive])
    table = _table(tmp_path, outcome=label[HIT], tool=label[HIT[::-1]])
    words = ["--target", "outcome", "--prediction", "tool", "--sensitive", "sex"]
    assert typed(monkeypatch, "audit", table, *words, "--out", str(tmp_path / "out")) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert f"Outcome: outcome; positive class: {positive}" in said
    assert f"'{positive}'" in said
    _, told, err = _audit(monkeypatch, capsys, tmp_path, table, *words[:4])
    assert (told["outcome"]["positive"], told["outcome"]["meaning"]) == (positive, meaning)
    assert ("--meaning" in err) is (meaning == "neutral")


def test_where_no_word_decides_a_warning_names_the_options(monkeypatch, capsys, tmp_path):
    table = _table(tmp_path, code=HIT + 1, tool=HIT[::-1] + 1)
    words = ["--target", "code", "--prediction", "tool"]
    _, told, err = _audit(monkeypatch, capsys, tmp_path, table, *words)
    assert told["outcome"]["positive"] == "2"
    assert "--positive" in err
    assert "--meaning" in err
    stated = [*words, "--positive", "1", "--meaning", "bad"]
    _, told, err = _audit(monkeypatch, capsys, tmp_path, table, *stated)
    assert (told["outcome"]["positive"], told["outcome"]["meaning"]) == ("1", "bad")
    assert "warning" not in err


def test_a_cut_names_its_score_and_its_side(monkeypatch, capsys, tmp_path):
    decile = RNG.integers(1, 11, N)
    table = _table(tmp_path, decile=decile, y=HIT)
    for cut, share in (("decile=8", decile >= 8), ("decile<=3", decile <= 3)):
        _, told, _ = _audit(monkeypatch, capsys, tmp_path, table, "--target", "y", "--cut", cut)
        scale = told["summary"]["scores"]["decile"]
        assert (scale["low"], scale["high"], scale["step"]) == (1, 10, 1)
        assert scale["selected_share"] == pytest.approx(share.mean())


def _some(outcome: np.ndarray) -> pl.Series:
    """The outcomes of those who were granted."""
    return pl.Series(outcome).set(pl.Series(HIT == 0), None)


def test_an_outcome_known_for_some_is_bounded(monkeypatch, capsys, tmp_path):
    table = _table(tmp_path, granted=HIT, repaid=_some(RNG.integers(0, 2, N)))
    words = ["--target", "repaid", "--prediction", "granted", "--outcome-known-for", "granted"]
    code, told, _ = _audit(monkeypatch, capsys, tmp_path, table, *words)
    assert code == 0
    assert told["outcome"]["known_for"] == "granted"
    bounds = pl.read_parquet(tmp_path / "out" / "bounds.parquet")
    assert set(bounds["kind"]) == {"value", "difference", "ratio"}
    errors = _errors(tmp_path)
    rate = errors.filter(metric="selection_rate", group="all")
    assert (rate["n"].item(), rate["value"].item()) == (N, pytest.approx(HIT.mean()))
    assert errors.filter(metric="tpr")["value"].null_count() == 3


def test_the_level_of_all_intervals_can_be_set(monkeypatch, capsys, tmp_path):
    table = _table(tmp_path, tool=HIT)
    widths = []
    for level in ("0.8", "0.99"):
        words = ["--no-target", "--prediction", "tool", "--confidence", level]
        _, told, _ = _audit(monkeypatch, capsys, tmp_path, table, *words)
        assert told["summary"]["confidence"] == float(level)
        row = _errors(tmp_path).filter(group="F").row(0, named=True)
        widths.append(row["high"] - row["low"])
    assert widths[0] < widths[1]


@pytest.mark.parametrize("command", ["run", "sweep", "stress", "compare"])
def test_training_without_an_outcome_is_refused(monkeypatch, capsys, tmp_path, command):
    path = tmp_path / "t.csv"
    pl.DataFrame({"sex": SEX, "colour": RNG.choice(["a", "b", "c"], N)}).write_csv(path)
    more = {"run": ["--method", "linear"], "compare": ["--methods", "linear,linear-s"]}
    words = [str(path), "--features", "colour", "--sensitive", "sex", "--out", str(tmp_path / "o")]
    assert typed(monkeypatch, command, *words, *more.get(command, [])) == 2
    assert "--target" in capsys.readouterr().err


def test_a_trained_audit_states_the_outcome_too(monkeypatch, capsys, tmp_path):
    table = _table(tmp_path, x=RNG.normal(size=N), defaulted=HIT, tool=HIT[::-1])
    words = ["--target", "defaulted", "--features", "x,age", "--sensitive", "sex"]
    words += ["--method", "linear", "--prediction", "tool", "--out", str(tmp_path / "o"), "--json"]
    assert typed(monkeypatch, "run", table, *words, "--positive", "0") == 0
    facts = json.loads(capsys.readouterr().out)["outcome"]
    assert (facts["target"], facts["positive"], facts["meaning"]) == ("defaulted", "0", "good")


def test_a_named_column_is_guessed_for_no_other_role() -> None:
    frame = pl.DataFrame({"sex": SEX, "hired": HIT, "site": RNG.integers(0, 5, N), "w": HIT + 0.5})
    for role in ("predictions", "sensitive", "features"):
        roles, _ = complete_roles(frame, named_roles(**{role: ("hired",)}))
        assert roles.target != "hired"
    roles, _ = complete_roles(frame, named_roles(weight="w", unit="site", predictions=("hired",)))
    assert (roles.weight, roles.unit, roles.predictions) == ("w", "site", ("hired",))
    assert not {"w", "site", "hired"} & {*roles.features, *roles.sensitive, str(roles.cluster)}


@pytest.mark.parametrize("name", ["a=b", "risk score", "p<q"])
def test_scores_with_signs_in_their_names_can_be_cut(name: str) -> None:
    assert cuts_of([f"{name}=5"])[name].at == 5
    with pytest.raises(SpecError, match="is no cut"):
        cuts_of(["=5"])


def test_decisions_in_a_database_need_no_outcome(monkeypatch, capsys, tmp_path):
    duckdb = pytest.importorskip("duckdb", reason="the extra 'sql' is not installed")
    table = _table(tmp_path, tool=HIT, decile=RNG.integers(1, 11, N))
    with duckdb.connect(str(tmp_path / "people.db")) as connection:
        connection.execute("CREATE TABLE people AS SELECT * FROM read_csv(?)", [table])
    source = f"duckdb:///{tmp_path / 'people.db'}::people"
    words = ["--prediction", "tool", "--cut", "decile=6"]
    code, told, _ = _audit(monkeypatch, capsys, tmp_path, source, *words, "--no-target")
    assert code == 0
    assert told["outcome"]["target"] is None
    assert set(_errors(tmp_path)["model"]) == {"tool", "decile"}
    assert set(_errors(tmp_path)["metric"]) <= set(DECISIONS)
    code, _, err = _audit(monkeypatch, capsys, tmp_path, source, *words)
    assert code == 2
    assert "--no-target" in err


@pytest.mark.parametrize(
    ("option", "names"),
    [(["--read", "decimal=,"], "--read decimal=…"), (["--no-header"], "--header")],
)
@pytest.mark.parametrize("where", ["database", "huge"])
def test_options_of_reading_are_refused_where_a_table_is_counted_as_it_lies(
    monkeypatch, capsys, tmp_path, option, names, where
):
    table = _table(tmp_path, tool=HIT, y=HIT[::-1])
    monkeypatch.setattr("fairaudit.cli.commands.STREAMED_BYTES", 10)
    source = "duckdb:///people.db::people" if where == "database" else table
    words = ["--target", "y", "--prediction", "tool", *option]
    code, _, err = _audit(monkeypatch, capsys, tmp_path, source, *words)
    assert code == 2
    assert f"{names} does not apply to" in err


RANK = RNG.integers(20, 100, N) + 30 * HIT


def test_a_guessed_score_of_another_system_is_left_out_and_said(monkeypatch, capsys, tmp_path):
    table = _table(tmp_path, hired=HIT, recruiter_decision=HIT[::-1], ai_score=RANK)
    code, told, err = _audit(monkeypatch, capsys, tmp_path, table, "--target", "hired")
    assert code == 0
    assert told["summary"]["systems"] == ["recruiter_decision"]
    assert "score: ai_score is left out" in err
    assert "--cut ai_score=" in err
    words = ["--target", "hired", "--prediction", "recruiter_decision", "--score", "ai_score"]
    code, _, err = _audit(monkeypatch, capsys, tmp_path, table, *words)
    assert code == 2
    assert "score 'ai_score' runs from" in err


@pytest.mark.parametrize("command", ["run", "sweep"])
def test_training_says_which_guessed_scores_it_leaves_out(monkeypatch, capsys, tmp_path, command):
    table = _table(tmp_path, x=RNG.normal(size=N), hired=HIT, risk_score=RANK)
    more = {"run": ["--method", "linear"], "sweep": ["--groups", "1..2"]}
    words = [table, "--target", "hired", "--sensitive", "sex", "--out", str(tmp_path / "o")]
    assert typed(monkeypatch, command, *words, *more[command], "--json") == 0
    assert "score: risk_score is left out" in capsys.readouterr().err


def test_the_cut_that_a_column_shows_is_taken_with_its_reason(monkeypatch, capsys, tmp_path):
    short = np.where(RANK >= 70, "yes", "no")
    table = _table(tmp_path, ai_score=RANK, interviewed=short, hired=HIT)
    words = ["--target", "hired", "--score", "ai_score"]
    code, told, err = _audit(monkeypatch, capsys, tmp_path, table, *words)
    assert code == 0
    at = RANK[RANK >= 70].min()
    assert told["summary"]["scores"]["ai_score"]["cut"] == at
    assert f"cut: ai_score>={at} (guessed: 'interviewed' is yes exactly where ai_score" in err
    stated = [*words[:2], "--cut", "ai_score=90"]
    _, told, err = _audit(monkeypatch, capsys, tmp_path, table, *stated)
    assert told["summary"]["scores"]["ai_score"]["cut"] == 90
    assert "guessed" not in err
    assert typed(monkeypatch, "doctor", table, "--json") == 0
    assert json.loads(capsys.readouterr().out)["roles"]["cuts"]["ai_score"]["at"] == at
    unsaid = _table(tmp_path, hired=HIT, ai_score=RANK, second_round=short)
    code, _, err = _audit(monkeypatch, capsys, tmp_path, unsaid, *words)
    assert code == 2  # no word says which side of the score a second round is
    assert "name the cut: --cut ai_score=" in err


def test_a_score_that_contradicts_the_outcome_is_refused(monkeypatch, capsys, tmp_path):
    low = np.round(0.3 * (1 - HIT) + 0.7 * RNG.random(N), 3)
    table = _table(tmp_path, hired=HIT, ai_score=low)
    words = ["--target", "hired", "--score", "ai_score"]
    code, _, err = _audit(monkeypatch, capsys, tmp_path, table, *words)
    assert code == 2
    assert "--cut 'ai_score<=0.5'" in err
    assert "--positive '0'" in err
    for stated in (["--cut", "ai_score<=0.5"], ["--positive", "0"]):
        assert _audit(monkeypatch, capsys, tmp_path, table, *words, *stated)[0] == 0


@pytest.mark.parametrize("score", ["ai_score", "risk_score", "probability"])
def test_a_guessed_score_that_contradicts_the_outcome_is_left_out(
    monkeypatch, capsys, tmp_path, score
):
    low = np.round(0.3 * (1 - HIT) + 0.7 * RNG.random(N), 3)
    tool = np.where(RNG.random(N) < 0.2, 1 - HIT, HIT)
    table = _table(tmp_path, hired=HIT, predicted=tool, **{score: low})
    code, told, err = _audit(monkeypatch, capsys, tmp_path, table, "--target", "hired")
    assert code == 0
    assert told["summary"]["systems"] == ["predicted"]
    assert score in err


@pytest.mark.parametrize("score", ["ai_score", "risk_score"])
def test_the_only_score_if_guessed_and_contradicted_is_measured_without_a_cut(
    monkeypatch, capsys, tmp_path, score
):
    low = np.round(0.3 * (1 - HIT) + 0.7 * RNG.random(N), 3)
    table = _table(tmp_path, hired=HIT, **{score: low})
    code, _, err = _audit(monkeypatch, capsys, tmp_path, table, "--target", "hired")
    assert code == 0
    assert f"score: {score} (guessed) is measured without a cut only" in err
    assert set(_errors(tmp_path)["metric"]) <= {"auroc", "auprc", "mean_score"}


LABELS = {
    "granted": ("repaid", ("no", "yes"), ("no", "yes")),
    "freigelassen": ("rueckfall", ("nein", "ja"), ("0", "1")),
    "signale": ("fraude", ("non", "oui"), ("conforme", "indu")),
    "selected": ("hired", ("0", "1"), ("false", "true")),
}


@pytest.mark.parametrize("column", LABELS)
def test_an_outcome_missing_where_a_column_says_no_is_known_for_its_yes(
    monkeypatch, capsys, tmp_path, column
):
    target, answers, outcomes = LABELS[column]
    outcome = _some(np.array(outcomes)[RNG.integers(0, 2, N)])
    tool = np.array(outcomes)[RNG.integers(0, 2, N)]
    table = _table(tmp_path, **{column: np.array(answers)[HIT], "tool": tool, target: outcome})
    words = ["--target", target, "--prediction", "tool"]
    code, told, err = _audit(monkeypatch, capsys, tmp_path, table, *words)
    assert code == 0
    assert told["outcome"]["known_for"] == column
    assert f"outcome known for: {column} (guessed: '{target}' is missing exactly where it" in err
    assert (tmp_path / "out" / "bounds.parquet").exists()
    assert typed(monkeypatch, "doctor", table, "--json") == 0
    assert json.loads(capsys.readouterr().out)["roles"]["known_for"] == column
    _, told, _ = _audit(monkeypatch, capsys, tmp_path, table, "--no-target", *words[2:])
    assert told["outcome"]["known_for"] is None


@pytest.mark.parametrize("labels", [(1, 2), ("k", "e"), ("innvilget", "avvist")])
def test_any_two_labels_can_say_where_the_outcome_is_known(labels) -> None:
    granted = [labels[0] if v else labels[1] for v in HIT.tolist()]
    repaid = pl.Series(RNG.integers(0, 2, N)).set(pl.Series(HIT == 0), None)
    frame = pl.DataFrame({"sex": SEX, "granted": granted, "repaid": repaid})
    roles, _ = complete_roles(frame, named_roles(target="repaid", sensitive=("sex",)))
    assert roles.known_for == "granted"


@pytest.mark.parametrize("odd", ["one more missing", "one less missing", "sensitive"])
def test_an_outcome_missing_elsewhere_is_known_for_nothing(odd) -> None:
    known = HIT == 1
    if odd.startswith("one"):
        known = known.copy()
        known[np.flatnonzero(known == odd.startswith("one more"))[0]] ^= True
    repaid = pl.Series(RNG.integers(0, 2, N)).set(pl.Series(~known), None)
    frame = pl.DataFrame({"sex": SEX, "granted": HIT, "repaid": repaid})
    sensitive = ("sex", "granted") if odd == "sensitive" else ("sex",)
    roles, said = complete_roles(frame, named_roles(target="repaid", sensitive=sensitive))
    assert roles.known_for is None
    assert not any("known for" in text for text in said)


def test_the_command_line_decides_how_a_rule_counts_people(monkeypatch, capsys, tmp_path):
    said = np.where(np.arange(N) % 5 == 0, "Would rather not say", SEX)
    table = _table(tmp_path, hired=HIT, race=RNG.choice(["A", "B"], N), kin=said)
    words = ["--no-target", "--prediction", "hired", "--meaning", "good", "--out"]
    rule = ["--preset", "nyc-ll144", "--sex-column", "kin", "--race-column", "race"]

    def counted(name: str, *more: str) -> pl.DataFrame:
        command = ("audit", table, "--sensitive", "kin,race", *words, str(tmp_path / name))
        assert typed(monkeypatch, *command, *rule, *more) == 0
        return pl.read_csv(tmp_path / name / "csv" / "preset_sex.csv")

    assert counted("listed")["category"].to_list() == ["F", "M"]
    edited = counted("edited", "--answered", "would rather not SAY", "--not-answered", "M")
    assert edited["category"].to_list() == ["F", "Would rather not say"]
    silent = pl.read_csv(tmp_path / "edited" / "csv" / "preset_did_not_answer.csv")
    assert silent["category"].to_list() == ["M"]
    capsys.readouterr()
