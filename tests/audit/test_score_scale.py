"""Scores on their own scale: the cut, its direction, what is stated of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fairaudit import audit_predictions
from fairaudit.audit import reanalysis
from fairaudit.audit.database.pushdown import audit_table
from fairaudit.audit.run import run_audit
from fairaudit.audit.score_scale import cut_of, scale_facts
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
from fairaudit.data.doctor.table_scores import lone_scores
from fairaudit.data.mends import AsMissing, AsNumbers, Mend, mended
from fairaudit.data.roles import ColumnRoles, Cut
from fairaudit.exceptions import InputError, SpecError
from fairaudit.text.sentences.warnings import warning_sentences

RNG = np.random.default_rng(0)
N = 400
Y = RNG.integers(0, 2, N)
DECILE = np.clip(np.round(RNG.normal(4 + 3 * Y, 2)), 1, 10)
SEX = RNG.choice(["f", "m"], N)
FRAME = pl.DataFrame({"y": Y, "decile": DECILE, "sex": SEX})
SCALE = {"low": 1.0, "high": 10.0, "step": 1.0}


def _audit(cut: Cut | None, score: str = "decile", **spec: object) -> object:
    cuts = {} if cut is None else {score: cut}
    roles = ColumnRoles(target="y", scores=(score,), sensitive=("sex",), cuts=cuts)
    frame = FRAME.with_columns(turned=11 - pl.col("decile"), race=pl.lit("r"))
    asked = AuditSpec(roles=roles, kind="predictions", n_boot=0, **spec)  # type: ignore[arg-type]
    return run_audit(Dataset(frame, roles), asked)


@pytest.mark.parametrize(
    ("text", "at", "side"),
    [("5", 5, "above"), (">=5", 5, "above"), ("=5", 5, "above"), ("≤ 0.25", 0.25, "below"),
     ("<=-3", -3, "below"), ("1e3", 1000, "above")],
)  # fmt: skip
def test_cuts_are_read_as_people_write_them(text: str, at: float, side: str) -> None:
    assert cut_of(text) == Cut.model_validate({"at": at, "side": side})


@pytest.mark.parametrize("text", ["", "high", "<5>", "nan", "inf", "5 6"])
def test_what_is_no_cut_is_refused(text: str) -> None:
    with pytest.raises(SpecError, match="is no number"):
        cut_of(text)


def test_a_cut_decides_at_its_value_and_is_stated() -> None:
    r = audit_predictions(FRAME["y"], y_score=FRAME["decile"], sensitive_features=SEX, cuts=6)
    rate = r.errors.filter(metric="selection_rate", group="all")["value"].item()
    assert rate == pytest.approx((DECILE >= 6).mean())
    facts = r.summary["scores"]["model"]
    assert facts == {**SCALE, "cut": 6.0, "side": "above", "selected_share": rate}
    assert "brier" not in set(r.errors["metric"])
    by_name = audit_predictions(
        FRAME["y"], y_score={"decile": DECILE}, sensitive_features=SEX, cuts={"decile": ">=6"}
    )
    assert by_name.errors["value"].to_list() == r.errors["value"].to_list()


def test_low_scores_that_select_are_the_mirror_of_high_ones() -> None:
    above, below = _audit(Cut(at=6)), _audit(Cut(at=5, side="below"), "turned")
    values = ["group", "metric", "n", "value", "low", "high", "status"]
    assert_frame_equal(above.errors.select(values), below.errors.select(values))
    roc = [
        set(r.tables["roc"].filter(group="f").select("fpr", "tpr").rows()) for r in (above, below)
    ]
    assert roc[0] == roc[1]
    assert below.summary["scores"]["turned"]["side"] == "below"


def test_probabilities_of_the_negative_class_are_turned_for_every_metric() -> None:
    p = np.clip(DECILE / 10, 0, 1)
    one = audit_predictions(Y, y_score=p, sensitive_features=SEX, cuts=0.5, n_boot=50)
    other = audit_predictions(Y, y_score=1 - p, sensitive_features=SEX, cuts="<=0.5", n_boot=50)
    for metric in ("auroc", "auprc", "brier", "ece", "tpr"):
        a, b = (r.errors.filter(metric=metric)["value"].to_list() for r in (one, other))
        assert a == pytest.approx(b)


@pytest.mark.parametrize("where", ["python", "table", "counted"])
def test_without_a_cut_a_score_of_its_own_scale_is_refused_with_its_range(where: str) -> None:
    says = r"runs from 1 to 10 \(quartiles 4, 6 and 7\).*name the cut.*decile"
    roles = ColumnRoles(target="y", scores=("decile",), sensitive=("sex",))
    asked = {
        "python": lambda: audit_predictions(Y, y_score={"decile": DECILE}, sensitive_features=SEX),
        "table": lambda: _audit(None),
        "counted": lambda: audit_table(FRAME.lazy(), roles, confidence=0.95),
    }
    with pytest.raises(InputError, match=says):
        asked[where]()


@pytest.mark.parametrize(
    ("written", "mend"),
    [
        ([f"{v:g} pts" if v == 3 else f"{v:g}" for v in DECILE], AsNumbers(column="decile")),
        (np.where(DECILE == 3, "unknown", DECILE.astype(str)), AsNumbers(column="decile")),
        (np.where(DECILE == 3, -99.0, DECILE), AsMissing(column="decile", values=("-99",))),
    ],
)
def test_the_scale_is_that_of_the_mended_score(written: object, mend: Mend) -> None:
    known = DECILE != 3
    frame = FRAME.with_columns(decile=pl.Series(written))  # type: ignore[arg-type]
    roles = ColumnRoles(
        target="y", scores=("decile",), sensitive=("sex",), cuts={"decile": Cut(at=6)},
        mends=(mend,),
    )  # fmt: skip
    assert lone_scores(roles, mended(frame, (mend,))) == ("decile",)
    data = Dataset(frame.filter(pl.Series(known)), roles)
    facts = run_audit(data, AuditSpec(roles=roles, kind="predictions", n_boot=0))
    found = facts.summary["scores"]["decile"]
    share = float((DECILE[known] >= 6).mean())
    assert found == {**SCALE, "cut": 6.0, "side": "above", "selected_share": share}
    with pytest.raises(InputError, match=r"'decile' .*missing"):
        run_audit(Dataset(frame, roles), AuditSpec(roles=roles, kind="predictions", n_boot=0))


def test_a_cut_of_no_score_is_refused() -> None:
    with pytest.raises(SpecError, match="there is no score 'age'; the scores are decile"):
        audit_predictions(Y, y_score={"decile": DECILE}, sensitive_features=SEX, cuts={"age": 3})


def test_scores_in_a_database_are_cut_at_the_same_place() -> None:
    roles = ColumnRoles(
        target="y", scores=("decile",), sensitive=("sex",), cuts={"decile": Cut(at=6)}
    )
    there = audit_table(FRAME.lazy(), roles, confidence=0.95, n_boot=0, split="all")
    here = _audit(Cut(at=6))
    values = ["group", "metric", "n", "value", "low", "high"]
    order = ["metric", "group"]
    a, b = (
        r.errors.filter(pl.col("attribute") == "sex").select(values).sort(order)
        for r in (there, here)
    )
    assert_frame_equal(a, b)
    assert there.summary["scores"] == here.summary["scores"]


@pytest.mark.parametrize(
    ("cut", "says"),
    [
        (Cut(at=1), "marks 100.0% of all rows at ≥ 1"),
        (Cut(at=99), "marks 0.0% of all rows at ≥ 99"),
        (Cut(at=4, side="below"), "--cut 'decile>=…'"),
    ],
)
def test_a_doubtful_cut_or_direction_is_said(cut: Cut, says: str) -> None:
    assert any(says in w for w in warning_sentences(_audit(cut).summary["warnings"]))


def test_a_sound_cut_raises_no_doubt() -> None:
    assert not _audit(Cut(at=6)).summary["warnings"]


def test_the_scoring_rate_of_new_york_is_cut_at_the_median_and_says_so() -> None:
    roles = ColumnRoles(scores=("decile",), sensitive=("sex", "race"), meaning="good")
    frame = FRAME.with_columns(race=pl.Series(RNG.choice(["a", "b"], N)))
    spec = AuditSpec(roles=roles, kind="predictions", preset="nyc-ll144", n_boot=0)
    r = run_audit(Dataset(frame, roles), spec)
    assert any("above the median" in w for w in warning_sentences(r.summary["warnings"]))
    rate = r.errors.filter(metric="selection_rate", group="all")["value"].item()
    assert rate == pytest.approx((np.median(DECILE) < DECILE).mean())
    hits = r.tables["preset_sex"]["selected"].sum()
    assert hits == (np.median(DECILE) < DECILE).sum()


def test_decisions_that_one_cut_explains_tell_the_cut() -> None:
    score = np.array([1.0, 2, 3, 4])
    assert scale_facts(score, np.array([0, 0, 1, 1]), None)["cut"] == 3
    turned = scale_facts(score, np.array([1, 1, 0, 0]), None)
    assert (turned["cut"], turned["side"]) == (2, "below")
    assert scale_facts(score, np.array([0, 1, 0, 1]), None)["cut"] is None
    assert scale_facts(np.array([0.0, 0.1, 0.37]), np.array([0, 1, 0]), None)["step"] is None


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("keep", [False, True])
def test_thresholds_move_on_any_scale_and_side(exact: bool, keep: bool) -> None:
    if exact and not keep:
        pytest.skip("all scores are needed")
    r = audit_predictions(
        Y, y_score=11 - DECILE, sensitive_features=pl.DataFrame({"sex": SEX}), cuts="<=5",
        keep_rows=keep, n_boot=50,
    )  # fmt: skip
    for at in (1, 3, 5, 10):
        errors, _, _ = reanalysis.recompute(
            r,
            model="model",
            attribute="sex",
            threshold=at,
            confidence=0.95,
            exact=exact,
        )
        mine = SEX == "f"
        told = errors.filter(metric="selection_rate", group="f")["value"].item()
        assert told == pytest.approx((11 - DECILE[mine] <= at).mean())
    if keep:
        rows = reanalysis.rows_behind(
            r, model="model", attribute="sex", group="f", cell="fp", threshold=3
        )
        assert (rows["score"] <= 3).all()
        assert len(rows) == ((11 - DECILE <= 3) & (Y == 0) & (SEX == "f")).sum()
