"""Small groups merged into one: as the request says, everywhere, stated, and undone by 0."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fairaudit import AuditResult, AuditSpec, ColumnRoles, Dataset, run_audit
from fairaudit.audit.database.pushdown import audit_table
from fairaudit.data.small_groups import merged_labels, merging
from fairaudit.report.sections import sections
from fairaudit.text.sentences.warnings import warning_sentences

SIZES = {"white": 200, "black": 120, "asian": 40, "roma": 9, "sami": 6}


def _frame() -> pl.DataFrame:
    rng = np.random.default_rng(4)
    race = np.repeat(list(SIZES), list(SIZES.values()))
    n = len(race)
    return pl.DataFrame(
        {
            "y": rng.choice(["no", "yes"], n),
            "system": rng.choice(["no", "yes"], n),
            "race": race,
            "sex": rng.choice(["f", "m"], n),
            "age": rng.integers(18, 80, n),
            "x": rng.random(n),
        }
    )


def _roles() -> ColumnRoles:
    return ColumnRoles.model_validate(
        {
            "target": "y", "positive": "yes", "meaning": "good", "features": ("x",),
            "predictions": ("system",), "sensitive": ("race", "sex", "age"),
        }
    )  # fmt: skip


def _audit(**asked: object) -> AuditResult:
    spec = AuditSpec.model_validate(
        {"roles": _roles(), "kind": "predictions", "n_boot": 0, "intersections": 1, **asked}
    )
    return run_audit(Dataset(_frame(), _roles()), spec)


def _groups(result: AuditResult, attribute: str = "race") -> set[str]:
    return set(result.errors.filter(pl.col("attribute") == attribute)["group"])


@pytest.mark.parametrize(
    ("rows", "below", "joined"),
    [
        ({"a": 50, "b": 9, "c": 6}, 15, {"b", "c"}),
        ({"a": 50, "b": 30, "c": 9, "d": 3}, 15, {"b", "c", "d"}),
        ({"a": 50, "b": 30, "c": 9}, 15, {"b", "c"}),
        ({"a": 50, "b": 9}, 15, set()),
        ({"a": 5, "b": 4, "c": 3}, 15, set()),
        ({"a": 50, "b": 30}, 15, set()),
        ({}, 15, set()),
        ({"a": 50, "b": 30, "Other": 40, "c": 3}, 15, {"c"}),
        ({"a": 50, "other": 2, "b": 20, "c": 3}, 15, {"b", "c"}),
    ],
)
def test_groups_join_until_they_are_large_enough(
    rows: dict[str, float], below: int, joined: set[str]
) -> None:
    assert merged_labels(rows, below).keys() == joined


def test_a_group_called_other_takes_the_small_ones() -> None:
    assert merged_labels({"a": 50, "b": 30, "Otros": 40, "c": 3}, 15) == {"c": "Otros"}


def test_numbers_cut_at_quartiles_and_missing_answers_stay() -> None:
    frame = _frame().with_columns(
        race=pl.when(pl.col("race") == "sami").then(None).otherwise(pl.col("race"))
    )
    mends = merging(frame, ("race", "age"), 45)
    assert [(m.column, set(m.into)) for m in mends] == [("race", {"asian", "roma"})]
    assert merging(frame, ("race", "age"), 0) == ()


def test_an_audit_merges_states_and_undoes() -> None:
    merged = _audit(merge_below=15, suppress_below=10)
    assert _groups(merged) == {"white", "black", "asian", "Other"}
    other = merged.errors.filter((pl.col("group") == "Other") & (pl.col("metric") == "tpr"))
    assert other["n"].to_list() == [15]
    assert "suppressed" not in set(merged.errors["status"])
    said = " ".join(merged.summary["mends"])
    assert "'roma' as 'Other'" in said
    assert "'sami' as 'Other'" in said
    assert any("as 'Other'" in s for section in sections(merged) for s in section.sentences)
    assert _groups(_audit(merge_below=0)) == set(SIZES)
    assert set(_groups(merged, "sex")) == {"f", "m"}
    assert merged.provenance["spec"]["merge_below"] == 15


def test_the_offer_stands_where_groups_are_hidden_or_too_small() -> None:
    hiding = [
        w
        for w in warning_sentences(_audit(suppress_below=10).summary["warnings"])
        if "--merge-below" in w
    ]
    assert len(hiding) == 1
    assert "'race'" in hiding[0]
    assert "--merge-below 10" in hiding[0]
    for asked in ({}, {"suppress_below": 10, "merge_below": 15}):
        assert not [
            w
            for w in warning_sentences(_audit(**asked).summary["warnings"])
            if "--merge-below" in w
        ]


def test_the_offer_of_a_trained_audit_counts_all_splits() -> None:
    spec = AuditSpec(roles=_roles(), method="linear", n_boot=0, intersections=1, suppress_below=10)
    warnings = warning_sentences(run_audit(Dataset(_frame(), _roles()), spec).summary["warnings"])
    offer = next(w for w in warnings if "--merge-below" in w)
    below = int(offer.split("--merge-below ")[1].split(")")[0])
    assert below >= 50
    after = run_audit(Dataset(_frame(), _roles()), spec.model_copy(update={"merge_below": below}))
    race = after.errors.filter(pl.col("attribute") == "race")
    assert "suppressed" not in set(race["status"])


def test_a_counted_table_merges_as_a_loaded_one() -> None:
    counted = audit_table(
        _frame().lazy(), _roles(), confidence=0.95, merge_below=15, metrics=["tpr"]
    )
    loaded = _audit(merge_below=15, metrics=("tpr",))
    for attribute in ("race", "age"):
        assert _groups(counted, attribute) == _groups(loaded, attribute)
    assert counted.summary["mends"] == loaded.summary["mends"]
