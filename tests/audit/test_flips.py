"""What changing one sensitive column alone does to a model's answers."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fairaudit import AuditSpec, ColumnRoles
from fairaudit.audit.fitted import Prediction
from fairaudit.audit.run import run_audit
from fairaudit.audit.whatif import flips
from fairaudit.audit.whatif.flips import FLIPS, flip_table
from fairaudit.data.dataset import Dataset
from fairaudit.data.splits import SplitSpec
from tests.audits import FEW


def people(n=900, seed=0, target="y"):
    rng = np.random.default_rng(seed)
    sex = rng.choice(["f", "m"], n)
    age = rng.integers(20, 70, n)
    x = rng.normal(size=n)
    signal = x + 0.8 * (sex == "m") + 0.02 * (age - 45) + rng.normal(size=n)
    return pl.DataFrame(
        {
            "x": x,
            "sex": sex,
            "age": age,
            "site": rng.choice(["a", "b", "c", "d", "e", "f"], n),
            "w": rng.uniform(0.5, 2, n),
            "y": (signal > 0).astype(int) if target == "y" else signal,
        }
    )


ROLES = ColumnRoles(target="y", features=("x", "age"), sensitive=("sex", "age"), positive="1")


def flipped(answer, frame=None, roles=ROLES, **given):
    data = Dataset(people() if frame is None else frame, roles)
    prepared = data.prepared()
    return flip_table(data, prepared, answer, **given, confidence=0.95), prepared


def test_a_known_rule_changes_by_what_it_says():
    """Score 0.3 for f and 0.7 for m, decided at 0.5: every row flips, by 0.4."""

    def answer(rows):
        score = np.where(rows.groups["sex"] == "m", 0.7, 0.3)
        return {"rule": Prediction((score > 0.5).astype(int), score)}

    table, prepared = flipped(answer)
    sex = table.filter(attribute="sex").rows_by_key("measure", named=True, unique=True)
    assert sex["label"]["value"] == 1
    assert sex["score"]["value"] == pytest.approx(0.4)
    assert sex["label"]["n"] == (prepared.arrays.split == 2).sum()
    assert sex["label"]["low"] > 0.97
    assert sex["score"]["high"] == pytest.approx(0.4)
    age = table.filter(attribute="age")
    assert (age.select("value", "low", "high").to_numpy() == 0).all()
    assert table.schema == FLIPS


def test_several_values_are_averaged_over_the_others():
    """A score that rises by 0.1 a quartile moves by the mean distance to the other quartiles."""

    def answer(rows):
        names = sorted(set(prepared.arrays.groups["age"]), key=str)
        place = {name: i for i, name in enumerate(names)}
        score = np.array([0.1 * place[g] for g in rows.groups["age"]])
        return {"rule": Prediction((score > 0.15).astype(int), score)}

    data = Dataset(people(), ROLES)
    prepared = data.prepared()
    found = flip_table(data, prepared, answer, confidence=0.95).filter(
        attribute="age", measure="score"
    )
    test = prepared.arrays.part("test").groups["age"]
    names = sorted(set(prepared.arrays.groups["age"]), key=str)
    place = np.array([names.index(g) for g in test])
    wanted = np.mean([np.mean([0.1 * abs(p - q) for q in range(4) if q != p]) for p in place])
    assert found["value"].item() == pytest.approx(wanted)
    assert found["levels"].item() == 4
    assert found["low"].item() < wanted < found["high"].item()


def test_the_column_changes_in_features_and_in_the_gate_and_nothing_else_does():
    seen = []

    def answer(rows):
        seen.append(rows)
        return {"rule": Prediction(np.zeros(len(rows), dtype=int), np.zeros(len(rows)))}

    _, prepared = flipped(answer)
    usual = seen[0]
    place = prepared.arrays.feature_names.index("age")
    aged = [rows for rows in seen[1:] if len(set(rows.groups["age"])) == 1]
    assert len(aged) == 4
    for rows in aged:
        assert np.unique(rows.X[:, place]).size == 1
        assert (np.delete(rows.X, place, 1) == np.delete(usual.X, place, 1)).all()
        assert (rows.groups["sex"] == usual.groups["sex"]).all()
    for rows in (r for r in seen[1:] if len(set(r.groups["sex"])) == 1):
        assert (rows.X == usual.X).all()  # sex is no feature here
        column = prepared.arrays.sensitive_names.index("sex=f")
        assert np.unique(rows.sensitive[:, column]).size == 1


def test_an_audit_of_a_model_without_the_column_says_that_nothing_moves():
    frame = people()
    roles = ColumnRoles(target="y", features=("x",), sensitive=("sex", "age"), positive="1")
    blind = run_audit(
        Dataset(frame, roles), AuditSpec(roles=roles, method="linear", n_boot=50, metrics=FEW)
    )
    assert (blind.tables["flips"]["high"] == 0).all()
    seeing = run_audit(
        Dataset(frame, roles), AuditSpec(roles=roles, method="linear-s", n_boot=50, metrics=FEW)
    )
    moved = seeing.tables["flips"].filter(attribute="sex", measure="score")
    assert moved["low"].item() > 0.1


@pytest.mark.parametrize(
    ("method", "models"),
    [
        ("erm-s", ["erm-s"]),
        ("decoupled", ["decoupled"]),
        ("group-dro", ["group-dro"]),
        ("threshold", ["threshold"]),
        ("rome-em", ["rome-em", "baseline"]),
        ("rome-moe", ["rome-moe", "baseline"]),
        ("fair-sde", ["fair-sde", "expert", "baseline", "fair-sde, group guessed"]),
        ("fair-medl", ["fair-medl", "fair-medl (fixed)", "baseline"]),
    ],
)
def test_every_method_can_be_asked_again(method, models):
    roles = ColumnRoles(
        target="y", features=("x",), sensitive=("sex",), positive="1", cluster="site", weight="w"
    )
    quick = {"max_epochs": 2} if method not in ("threshold", "rome-em") else {}
    spec = AuditSpec(
        roles=roles, method=method, params=quick, n_boot=50, metrics=("selection_rate", "tpr")
    )
    table = run_audit(Dataset(people(400), roles), spec).tables["flips"]
    assert table["model"].unique(maintain_order=True).to_list() == models
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"] + 1e-12).all()


def test_a_predicted_number_moves_in_its_own_units():
    frame = people(target="number")
    roles = ColumnRoles(target="y", features=("x",), sensitive=("sex",), task="regression")
    spec = AuditSpec(roles=roles, method="linear-s", n_boot=50)
    table = run_audit(Dataset(frame, roles), spec).tables["flips"]
    assert table["measure"].to_list() == ["value"]
    assert table["value"].item() == pytest.approx(0.8, abs=0.25)


def test_clusters_widen_the_interval():
    frame = people(2000)

    def answer(rows):
        up = np.isin(rows.row_id % 6, [0, 1]) & (rows.groups["sex"] == "m")
        return {"rule": Prediction(up.astype(int), np.where(up, 0.9, 0.1))}

    frame = frame.with_columns(site=pl.Series((np.arange(2000) % 6).astype(str)))
    alone, _ = flipped(answer, frame)
    together, _ = flipped(answer, frame, ROLES.model_copy(update={"cluster": "site"}))
    width = [
        t.filter(attribute="sex")["high"] - t.filter(attribute="sex")["low"]
        for t in (alone, together)
    ]
    assert (width[1] > 2 * width[0]).all()


def test_one_cluster_gives_a_value_and_no_interval():
    def answer(rows):
        up = (rows.row_id % 2 == 0) & (rows.groups["sex"] == "m")
        return {"rule": Prediction(up.astype(int), np.where(up, 0.9, 0.1))}

    place = pl.int_range(pl.len()) % 3
    names = pl.Series(["train", "validation", "test"])
    frame = people().with_columns(site=place).with_columns(part=names[pl.Series(range(900)) % 3])
    data = Dataset(frame, ROLES.model_copy(update={"cluster": "site", "split": "part"}))
    prepared = data.prepared(SplitSpec(by="column"))
    assert len(set(prepared.arrays.part("test").cluster)) == 1
    table = flip_table(data, prepared, answer, confidence=0.95)
    sex = table.filter(attribute="sex")
    assert sex["value"].null_count() == 0
    assert sex["low"].null_count() == sex["high"].null_count() == sex.height


def test_labels_that_stay_are_no_proof_that_the_column_is_not_seen():
    def answer(rows):
        return {"rule": Prediction(np.zeros(len(rows), dtype=int))}

    table, _ = flipped(answer)
    assert (table["value"] == 0).all()
    assert (table["high"] > 0).all()


def test_large_tables_are_asked_about_a_part_of_their_rows(monkeypatch):
    monkeypatch.setattr(flips, "MOST_ROWS", 50)

    def answer(rows):
        return {"rule": Prediction((rows.groups["sex"] == "m").astype(int))}

    table, _ = flipped(answer)
    assert table["n"].unique().to_list() == [50]
    assert flipped(answer)[0].equals(table)


def test_missing_values_are_a_value_too():
    frame = people().with_columns(
        sex=pl.when(pl.int_range(pl.len()) % 9 == 0).then(None).otherwise("sex")
    )

    def answer(rows):
        return {"rule": Prediction((rows.groups["sex"] == "(missing)").astype(int))}

    table, _ = flipped(answer, frame)
    sex = table.filter(attribute="sex")
    assert sex["levels"].item() == 3
    assert 0.4 < sex["value"].item() < 0.65
