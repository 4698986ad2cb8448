"""A stored result answers for other thresholds and levels, and gives the rows behind a gap."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from fairaudit import AuditResult, audit_predictions
from fairaudit.audit import reanalysis
from fairaudit.exceptions import InputError, SpecError

MODEL = {"model": "model", "split": "test"}


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> AuditResult:
    rng = np.random.default_rng(0)
    n = 1000
    S = pl.DataFrame({"sex": rng.choice(["f", "m"], n), "race": rng.choice(["u", "v", "w"], n)})
    y = rng.integers(0, 2, n)
    score = np.round(np.clip(rng.normal(0.35 + 0.3 * y, 0.2), 0, 1), 2)
    label = (score >= 0.5).astype(int)
    r = audit_predictions(
        y, label, y_score=score, sensitive_features=S, intersections=2, n_boot=200
    )
    ids = np.arange(n) + 5000
    predictions = pl.DataFrame(
        {"row": ids, "split": "test", "model": "model", "y": y, "label": label, "score": score}
    ).with_columns(pl.col("y", "label").cast(pl.Float64))
    people = pl.DataFrame({"row": ids, "split": "test"}).with_columns(S)
    latent = pl.DataFrame({"row": ids, "split": "test", "group": rng.integers(0, 2, n)})
    tables = {**r.tables, "predictions": predictions, "people": people, "latent": latent}
    folder: Path = tmp_path_factory.mktemp("result")
    AuditResult(tables, r.summary).save(folder)
    return AuditResult.load(folder)


def test_the_stored_counts_give_the_stored_errors(result: AuditResult) -> None:
    errors, _, counts = reanalysis.recompute(result, **MODEL, attribute="race", confidence=0.95)
    kept = result.errors.filter(pl.col("attribute") == "race")
    both = errors.join(kept, on=["group", "metric"])
    assert len(both) == len(errors) > 0
    assert np.allclose(both["value"], both["value_right"])
    assert np.allclose(both["low"], both["low_right"], atol=0.02)
    assert counts["n"].sum() == 1000


def test_a_new_threshold_gives_the_counts_of_the_rows(result: AuditResult) -> None:
    for exact in (False, True):
        _, _, counts = reanalysis.recompute(
            result,
            **MODEL,
            attribute="sex",
            threshold=0.62,
            exact=exact,
            confidence=0.95,
        )
        rows = reanalysis.rows_with_groups(result, **MODEL, attribute="sex")
        for row in counts.iter_rows(named=True):
            mine = rows.filter(pl.col("group") == row["group"])
            fp = mine.filter((pl.col("y") == 0) & (pl.col("score") >= 0.62))
            assert row["fp"] == len(fp)


def test_more_confidence_widens_the_intervals(result: AuditResult) -> None:
    low, high = (
        reanalysis.recompute(result, **MODEL, attribute="sex", metrics=["tpr"], confidence=c)[0]
        for c in (0.8, 0.99)
    )
    assert ((high["high"] - high["low"]) > (low["high"] - low["low"])).all()


def test_a_gap_leads_to_its_counts_and_its_rows(result: AuditResult) -> None:
    gap = result.gaps.filter(
        (pl.col("attribute") == "sex × race")
        & (pl.col("metric") == "fpr")
        & (pl.col("kind") == "difference")
    ).row(0, named=True)
    highest, lowest = gap["group"].split(" vs ")
    counts = result.tables["counts"].filter(
        pl.col("group").is_in([highest, lowest]), attribute="sex × race", split="test"
    )
    assert len(counts) == 2
    rates = {r["group"]: r["fp"] / (r["fp"] + r["tn"]) for r in counts.to_dicts()}
    assert rates[highest] - rates[lowest] == pytest.approx(gap["value"])
    for row in counts.to_dicts():
        for cell in ("tp", "fp", "tn", "fn"):
            found = reanalysis.rows_behind(
                result, **MODEL, attribute="sex × race", group=row["group"], cell=cell
            )
            assert len(found) == row[cell]
            assert (found["row"] >= 5000).all()


def test_rows_follow_a_moved_threshold(result: AuditResult) -> None:
    found = reanalysis.rows_behind(
        result, **MODEL, attribute="sex", group="f", cell="fn", threshold=0.9
    )
    assert (found["score"] < 0.9).all()
    assert (found["y"] == 1).all()
    own = reanalysis.rows_behind(
        result, **MODEL, attribute="sex", group="f", cell="fn", threshold={"f": 0.9, "m": 0.1}
    )
    assert own.equals(found)


def test_latent_groups_and_everybody_have_members_too(result: AuditResult) -> None:
    latent = reanalysis.members(result, "latent group", "test")
    assert set(latent["group"]) == {"group 1", "group 2"}
    assert set(reanalysis.members(result, "all", "test")["group"]) == {"all"}
    inside = reanalysis.members(result, "sex | race=u", "test")
    assert len(inside) == (result.tables["people"]["race"] == "u").sum()


def test_attributes_come_in_the_order_of_the_table(result: AuditResult) -> None:
    assert reanalysis.attributes(result) == ["all", "sex", "race", "sex × race"]


def test_what_is_not_stored_is_said(result: AuditResult) -> None:
    with pytest.raises(SpecError, match="attribute 'age' is not stored"):
        reanalysis.members(result, "age", "test")
    with pytest.raises(InputError, match="no counts of 'other'"):
        reanalysis.cells_of(result, model="other", split="test", attribute="sex")
    with pytest.raises(SpecError, match="stores no predictions"):
        reanalysis.rows_behind(AuditResult({}), **MODEL, attribute="sex", group="f")
