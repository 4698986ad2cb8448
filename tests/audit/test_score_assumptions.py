"""Which score belongs to which decision, and what an audit assumes or refuses of scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest

from fairaudit import audit_predictions
from fairaudit.audit.database.pushdown import audit_table
from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.data.doctor.score_decisions import boundary_between, systems_among
from fairaudit.data.doctor.table_scores import (
    lone_scores,
    suggested_cuts,
    sure_cuts,
    systems_of,
)
from fairaudit.data.mends import AsNumbers
from fairaudit.data.roles import ColumnRoles, Cut
from fairaudit.exceptions import InputError, SpecError
from fairaudit.text.sentences.warnings import warning_sentences

RNG = np.random.default_rng(5)
N = 300
Y = RNG.integers(0, 2, N)
RANK = RNG.integers(20, 100, N) + 30 * Y
FRAME = pl.DataFrame(
    {
        "sex": RNG.choice(["f", "m"], N),
        "hired": Y,
        "recruiter": RNG.integers(0, 2, N),
        "tool_b": RNG.integers(0, 2, N),
        "ai_rank": RANK,
        "short_list": np.where(RANK >= 70, "yes", "no"),
        "tool_b_score": 0.4 * Y + 0.6 * RNG.random(N),
    }
)


def _audit(**roles: Any) -> Any:
    named = ColumnRoles(**{"target": "hired", "sensitive": ("sex",), **roles})
    spec = AuditSpec(roles=named, kind="predictions", n_boot=0, intersections=1)
    return run_audit(Dataset(FRAME, named), spec)


def _systems(result: Any) -> dict[str, bool]:
    """Whether each system has scores."""
    return {name: name in result.summary["scores"] for name in result.summary["systems"]}


@pytest.mark.parametrize(
    ("decisions", "scores", "pairs"),
    [
        (["Entscheidung_Recruiter"], ["KI_Score"], [None]),
        (["decision_a", "decision_b"], ["score_b", "score_a"], ["score_a", "score_b"]),
        (["tool_a", "tool_b"], ["tool_c_score"], [None, None]),
        (["tool_a"], ["tool_b_score"], [None]),
        (["tool", "tool_b"], ["tool_b_score", "tool_score"], ["tool_score", "tool_b_score"]),
        (["y_pred"], ["y_score"], ["y_score"]),
        (["compas_label"], ["compas_decile"], ["compas_decile"]),
        (["recid_flag"], ["recidivism_risk"], ["recidivism_risk"]),
        (["compas_label"], ["compas_decile", "compas_violent_decile"], [None]),
        (["prediction"], ["probability"], [None]),
        (["model_2_pred"], ["model_1_score"], [None]),
    ],
)
def test_scores_belong_to_decisions_that_share_a_word(decisions, scores, pairs) -> None:
    codes = {d: RNG.integers(0, 2, N) for d in decisions}
    systems = systems_among(codes, {s: RNG.random(N) for s in scores})
    assert systems[: len(decisions)] == list(zip(decisions, pairs, strict=True))
    assert {s for _, s in systems if s is not None} == set(scores)


@pytest.mark.parametrize("overruled", [0, 1, 3, 4])
@pytest.mark.parametrize("turned", [False, True])
def test_a_cut_that_reproduces_a_decision_pairs_them(overruled: int, turned: bool) -> None:
    score = np.round(RNG.random(N), 3)
    yes = score < 0.4 if turned else score >= 0.4
    flipped = RNG.choice(N, overruled, replace=False)
    yes[flipped] ^= True
    fit = boundary_between(score, yes)
    near = overruled <= 0.01 * N
    assert (fit is not None) is near
    assert systems_among({"clerk": yes.astype(int)}, {"machine": score}) == (
        [("clerk", "machine")] if near else [("clerk", None), (None, "machine")]
    )
    if fit is not None and not overruled:
        assert (fit.below < 0.4 <= fit.above, fit.high_is_yes) == (True, not turned)
        assert fit.cut().side == ("below" if turned else "above")
        assert fit.cut(high=turned).side == ("above" if turned else "below")


@pytest.mark.parametrize("rare", [1, 4])
def test_rare_decisions_lie_above_a_cut_by_chance(rare: int) -> None:
    score = RNG.permutation(N)
    assert boundary_between(score, score >= N - rare) is None
    seldom = np.zeros(N, dtype=bool)
    seldom[:3] = True  # "no" to everybody differs in 1% of the rows only
    assert boundary_between(score, seldom) is None
    assert boundary_between(score, score >= N - 5) is not None


def test_rows_counted_together_fit_as_the_rows_do() -> None:
    score, yes = np.array([1.0, 2, 3, 3]), np.array([False, False, True, False])
    times = np.array([400.0, 300, 300, 5])
    fit = boundary_between(score, yes, times)
    assert fit is not None
    assert (fit.below, fit.above, fit.differing, fit.rows) == (2, 3, 5, 1005)


@pytest.mark.parametrize("where", ["table", "counted"])
def test_a_score_of_another_system_is_audited_on_its_own(where: str) -> None:
    roles = {"predictions": ("recruiter",), "scores": ("tool_b_score",)}
    named = ColumnRoles(target="hired", sensitive=("sex",), **roles)
    run = {
        "table": lambda: _audit(**roles),
        "counted": lambda: audit_table(FRAME.lazy(), named, confidence=0.95, n_boot=0),
    }
    assert _systems(run[where]()) == {"recruiter": False, "tool_b_score": True}


@pytest.mark.parametrize("where", ["table", "counted"])
def test_a_score_without_decisions_and_cut_is_refused(where: str) -> None:
    roles = {"predictions": ("recruiter",), "scores": ("ai_rank",)}
    named = ColumnRoles(target="hired", sensitive=("sex",), **roles)
    run = {
        "table": lambda: _audit(**roles),
        "counted": lambda: audit_table(FRAME.lazy(), named, confidence=0.95),
    }
    with pytest.raises(InputError, match=r"score 'ai_rank' runs from .* name the cut"):
        run[where]()


@pytest.mark.parametrize(
    ("roles", "systems"),
    [
        ({"predictions": ("tool_b",), "scores": ("tool_b_score",)}, {"tool_b": True}),
        ({"predictions": ("short_list",), "scores": ("ai_rank",)}, {"short_list": True}),
        (
            {"predictions": ("recruiter", "short_list"), "scores": ("ai_rank", "tool_b_score")},
            {"recruiter": False, "short_list": True, "tool_b_score": True},
        ),
    ],
)
def test_scores_join_the_decisions_they_belong_to(roles: Any, systems: dict[str, bool]) -> None:
    named = ColumnRoles(target="hired", sensitive=("sex",), **roles)
    frame = FRAME.with_columns(short_list=(pl.col("short_list") == "yes").cast(pl.Int64))
    spec = AuditSpec(roles=named, kind="predictions", n_boot=0, intersections=1)
    assert _systems(run_audit(Dataset(frame, named), spec)) == systems


SERIES = FRAME.to_pandas()


@pytest.mark.parametrize(
    ("y_pred", "y_score", "systems"),
    [
        (SERIES["recruiter"], SERIES["tool_b_score"], {"model": True}),  # as in scikit-learn
        (FRAME["recruiter"], FRAME["tool_b_score"], {"model": True}),
        ({"x": Y}, {"tool_b_score": SERIES["tool_b_score"]}, {"x": False, "tool_b_score": True}),
        (SERIES["tool_b"], SERIES["tool_b_score"], {"model": True}),
        (FRAME["tool_b"].to_numpy(), FRAME["tool_b_score"].to_numpy(), {"model": True}),
        ({"clerk": FRAME["tool_b"]}, FRAME["tool_b_score"].to_numpy(), {"clerk": True}),
        (FRAME["tool_b"].to_list(), FRAME["tool_b_score"], {"model": True}),
        ((SERIES["ai_rank"] > 60).rename("boss"), SERIES["ai_rank"], {"model": True}),
        ({"ai": Y, "hr": 1 - Y}, {"ai_p": FRAME["tool_b_score"]}, {"ai": True, "hr": False}),
        (pd.DataFrame({"a": Y, "b": RANK > 70}), {"s": RANK}, {"a": False, "b": True}),
    ],
)  # fmt: skip
def test_python_pairs_scores_and_decisions_by_the_same_rule(y_pred, y_score, systems) -> None:
    pred = y_pred.astype(int) if isinstance(y_pred, pd.DataFrame | pd.Series) else y_pred
    r = audit_predictions(Y, pred, y_score=y_score, sensitive_features=FRAME["sex"], n_boot=0)
    assert _systems(r) == systems


@pytest.mark.parametrize(
    ("cuts", "said"), [({}, True), ({"tool_b_score": {"at": 0.5, "side": "above"}}, False)]
)
def test_a_cut_that_nobody_stated_is_said(cuts: dict[str, Any], said: bool) -> None:
    found = " ".join(
        warning_sentences(_audit(scores=("tool_b_score",), cuts=cuts).summary["warnings"])
    )
    assert ("has no stated cut, so 0.5 was assumed" in found) == said


# -- the direction ------------------------------------------------------------------------------

LOW = 1 - FRAME["tool_b_score"].to_numpy()  # low scores go with being hired
TURNED = FRAME.with_columns(tool_b_score=LOW)


def _low(where: str, **more: Any) -> Any:
    cuts = {"tool_b_score": Cut(at=0.5, side=more["side"])} if "side" in more else {}
    roles = ColumnRoles(
        target="hired", sensitive=("sex",), scores=("tool_b_score",), cuts=cuts,
        positive=more.get("positive"),
    )  # fmt: skip
    spec = AuditSpec(roles=roles, kind="predictions", n_boot=0, intersections=1)
    if where == "table":
        return run_audit(Dataset(TURNED, roles), spec)
    if where == "counted":
        return audit_table(TURNED.lazy(), roles, confidence=0.95, n_boot=0)
    cut = {"above": ">=0.5", "below": "<=0.5"}.get(more.get("side", ""))
    return audit_predictions(
        Y, y_score={"tool_b_score": LOW}, sensitive_features=FRAME["sex"], n_boot=0,
        cuts=None if cut is None else {"tool_b_score": cut}, positive=more.get("positive"),
    )  # fmt: skip


@pytest.mark.parametrize("where", ["table", "counted", "python"])
def test_a_score_that_contradicts_the_outcome_needs_a_side(where: str) -> None:
    with pytest.raises(InputError, match=r"'tool_b_score' ranks 1 below 0.*<=0\.5.*positive") as e:
        _low(where)
    assert ("cuts={" in str(e.value)) == (where == "python")
    for stated in ({"side": "below"}, {"side": "above"}, {"positive": "0"}):
        r = _low(where, **stated)
        auroc = r.errors.filter(metric="auroc", group="all")["value"].item()
        assert (auroc > 0.5) == (stated != {"side": "above"})
        doubts = [
            w
            for w in warning_sentences(r.summary["warnings"])
            if "ranks the positive class below" in w
        ]
        assert bool(doubts) == (stated == {"side": "above"})


def test_metrics_that_rest_on_no_cut_are_not_refused() -> None:
    r = audit_predictions(
        Y, y_score=LOW, sensitive_features=FRAME["sex"], metrics=["auroc"], n_boot=0
    )
    assert r.errors.filter(group="all")["value"].item() < 0.5


# -- suggested cuts -----------------------------------------------------------------------------


def test_a_yes_no_column_that_is_a_cut_of_a_score_tells_the_cut() -> None:
    roles = ColumnRoles(target="hired", sensitive=("sex",), scores=("ai_rank", "tool_b_score"))
    found = suggested_cuts(FRAME, roles)
    assert found["ai_rank"].cut == Cut(at=RANK[RANK >= 70].min())
    assert found["ai_rank"].reason == "'short_list' is yes exactly where ai_rank is at least 70"
    assert set(found) == {"ai_rank"}


def test_the_side_of_a_suggested_cut_never_follows_from_the_outcome() -> None:
    """Else a score that is wrong about people would be turned round, unsaid."""
    frame = FRAME.with_columns(
        band=pl.when(pl.col("ai_rank") <= 60).then(pl.lit("yes")).otherwise(pl.lit("no"))
    ).drop("short_list")
    roles = ColumnRoles(target="hired", scores=("ai_rank",))
    found = suggested_cuts(frame, roles)["ai_rank"]
    assert found.sure is False
    assert "nothing says which side selects" in found.reason
    assert sure_cuts(frame, roles) == {}
    alone = sure_cuts(frame, ColumnRoles(scores=("ai_rank",)))["ai_rank"].cut
    assert alone == Cut(at=60, side="below")  # nothing but "band" says what is selected


@pytest.mark.parametrize(
    ("score", "target", "side"),
    [
        ("risk_score", "recid", "above"), ("risk_score", "hired", "below"),
        ("safety_score", "recid", "below"), ("aptitude_score", "hired", "above"),
        ("fraudescore", "fraud", "above"), ("default_prob", "repaid", "below"),
        ("not_repaid_score", "default", "above"), ("probability", "hired", "above"),
        ("kans", "hired", "above"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("turned", [False, True])
def test_what_a_score_is_about_decides_the_side(
    score: str, target: str, side: str, turned: bool
) -> None:
    outcome = 1 - Y if turned else Y  # whether it is right or wrong about people
    frame = pl.DataFrame({score: RANK, target: outcome, "band": np.where(RANK >= 70, "a", "b")})
    cut = sure_cuts(frame, ColumnRoles(target=target, scores=(score,)))[score].cut
    assert cut.side == side


@pytest.mark.parametrize(
    ("column", "target", "side"),
    [("short_list", "hired", "above"), ("flagged_fraud", "fraud", "above"),
     ("rejected", "hired", "below"), ("approved", "default", "below")],
)  # fmt: skip
def test_what_the_decision_means_decides_the_side_of_a_silent_score(
    column: str, target: str, side: str
) -> None:
    yes = np.where(RANK >= 70, "yes", "no")
    frame = pl.DataFrame({"ai_rank": RANK, target: Y, column: yes})
    cut = sure_cuts(frame, ColumnRoles(target=target, scores=("ai_rank",)))["ai_rank"].cut
    assert cut.side == side


def test_an_outcome_never_tells_a_cut_of_its_own_score() -> None:
    """Errors at such a cut would be none, on the rows that chose it."""
    frame = FRAME.with_columns(passed=(pl.col("ai_rank") >= 70).cast(pl.Int64))
    for drop in ([], ["short_list"]):  # nor do columns that repeat it
        roles = ColumnRoles(target="passed", sensitive=("sex",), scores=("ai_rank",))
        assert suggested_cuts(frame.drop(drop), roles) == {}


def test_nearly_exact_cuts_say_in_how_many_rows_they_differ() -> None:
    odd = FRAME["short_list"].to_list()
    odd[0] = {"yes": "no", "no": "yes"}[odd[0]]
    roles = ColumnRoles(target="hired", scores=("ai_rank",))
    found = suggested_cuts(FRAME.with_columns(short_list=pl.Series(odd)), roles)
    assert "in all but 1 of 300 rows" in found["ai_rank"].reason


@pytest.mark.parametrize(
    "also", [{"sensitive": ("short_list",)}, {"cuts": {"ai_rank": Cut(at=9)}}]
)
def test_sensitive_columns_and_stated_cuts_suggest_nothing(also: dict[str, Any]) -> None:
    assert suggested_cuts(FRAME, ColumnRoles(target="hired", scores=("ai_rank",), **also)) == {}


def test_scores_with_a_stated_cut_decide_for_themselves() -> None:
    named = {"predictions": ("tool_b",), "scores": ("tool_b_score",)}
    roles = ColumnRoles(target="hired", cuts={"tool_b_score": Cut(at=0.5)}, **named)
    assert systems_of(roles, FRAME) == [("tool_b", None), (None, "tool_b_score")]
    assert lone_scores(roles, FRAME) == ("tool_b_score",)


# -- words and places ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("meaning", "verb"), [("good", "selects"), ("bad", "flags"), ("neutral", "marks")]
)
@pytest.mark.parametrize("where", ["table", "counted", "python"])
def test_a_doubtful_cut_speaks_as_the_outcome_does(meaning: Any, verb: str, where: str) -> None:
    roles = ColumnRoles(
        target="hired", sensitive=("sex",), scores=("ai_rank",), meaning=meaning,
        cuts={"ai_rank": Cut(at=-5)},
    )  # fmt: skip
    spec = AuditSpec(roles=roles, kind="predictions", n_boot=0, intersections=1)
    run = {
        "table": lambda: run_audit(Dataset(FRAME, roles), spec),
        "counted": lambda: audit_table(FRAME.lazy(), roles, confidence=0.95, n_boot=0),
        "python": lambda: audit_predictions(
            Y, y_score={"ai_rank": RANK}, sensitive_features=FRAME["sex"], n_boot=0, cuts=-5,
            meaning=meaning,
        ),
    }  # fmt: skip
    said = " ".join(warning_sentences(run[where]().summary["warnings"]))
    assert f"Score 'ai_rank' {verb} 100.0% of all rows" in said


def test_tables_that_are_counted_where_they_lie_refuse_mends() -> None:
    mend = AsNumbers(column="ai_rank")
    roles = ColumnRoles(target="hired", sensitive=("sex",), predictions=("tool_b",), mends=(mend,))
    with pytest.raises(SpecError, match=r"roles\.mends: 'frame' is counted where it lies.*mend"):
        audit_table(FRAME.lazy(), roles, confidence=0.95)


def test_rows_of_one_id_are_one_cluster_in_counted_tables_too() -> None:
    frame = FRAME.with_columns(person=pl.Series(np.arange(N) // 3))
    named = {"target": "hired", "sensitive": ("sex",), "predictions": ("tool_b",)}
    one, other = (
        audit_table(frame.lazy(), ColumnRoles(**named, **{role: "person"}), confidence=0.95)
        for role in ("unit", "cluster")
    )
    assert one.errors.equals(other.errors)
    alone = audit_table(frame.lazy(), ColumnRoles(**named), confidence=0.95)
    assert not one.errors["low"].equals(alone.errors["low"])
