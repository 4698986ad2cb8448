"""COMPAS: the decile score in use against boosted trees, its certificates recomputed by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.ensemble import HistGradientBoostingClassifier

from fairaudit import choose_between

FEATURES = ("age", "priors_count", "juv_fel_count", "juv_misd_count", "juv_other_count")
CUT = 5  # the decile score's "medium" begins here


@pytest.fixture(scope="module")
def rows(shared_data: Path) -> pd.DataFrame:
    """Rows that the trees were not trained on, with what both systems say."""
    table = pd.read_csv(shared_data / "compas" / "compas_two_years_noname.csv")
    train = np.random.default_rng(0).random(len(table)) < 0.5
    trees = HistGradientBoostingClassifier(random_state=0, max_iter=60, max_depth=3)
    trees.fit(table.loc[train, list(FEATURES)], table.loc[train, "two_year_recid"])
    rest = table[~train].reset_index(drop=True)
    rest["trees"] = trees.predict(rest[list(FEATURES)])
    rest["decile"] = (rest["decile_score"] >= CUT).astype(int)
    return rest


@pytest.mark.parametrize("attribute", ["race", "sex"])
def test_every_certificate_follows_from_its_four_counts(
    rows: pd.DataFrame, attribute: str
) -> None:
    choice = choose_between(
        rows["two_year_recid"], rows["decile"], {"trees": rows["trees"]},
        sensitive_features=rows[[attribute]],
    )  # fmt: skip
    assert choice.certificates
    for entry in choice.certificates:
        facts = entry["splits"]["choose"]
        counts = facts["paired_table"]
        gains, losses = counts["candidate_only"], counts["baseline_only"]
        assert facts["n"] == sum(counts.values())
        assert facts["difference"] == pytest.approx((gains - losses) / facts["n"])
        if facts["p"] is not None and gains + losses:
            exact = binomtest(gains, gains + losses, alternative="greater").pvalue
            assert facts["p"] >= exact - 1e-12  # the more cautious of two tests
        if entry["used"]:
            assert facts["lower"] > 0
            assert choice.chosen[entry["group"]] == "trees"


@pytest.mark.parametrize("attribute", ["race", "sex"])
def test_counts_of_both_halves_are_those_of_the_table(rows: pd.DataFrame, attribute: str) -> None:
    choice = choose_between(
        rows["two_year_recid"], rows["decile"], {"trees": rows["trees"]},
        sensitive_features=rows[[attribute]],
    )  # fmt: skip
    right = {name: rows[name] == rows["two_year_recid"] for name in ("trees", "decile")}
    for entry in choice.certificates:
        mine = rows[attribute] == entry["group"]
        both = sum(s["paired_table"]["candidate_only"] for s in entry["splits"].values())
        assert both == int((mine & right["trees"] & ~right["decile"]).sum())
        assert sum(s["n"] for s in entry["splits"].values()) == int(mine.sum())


def test_somebody_gains_and_no_group_is_shown_to_lose(rows: pd.DataFrame) -> None:
    choice = choose_between(
        rows["two_year_recid"], rows["decile"], {"trees": rows["trees"]},
        sensitive_features=rows[["race"]],
    )  # fmt: skip
    assert "trees" in choice.chosen.values()
    used = choice.check.filter(choice.check["system"] == choice.check["chosen"])
    assert "harmed" not in used["verdict"].to_list()
