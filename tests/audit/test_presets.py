"""Presets against hand-worked examples, and the lines they must not draw."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from fairaudit import ColumnRoles, audit_predictions
from fairaudit.audit import presets
from fairaudit.audit.presets.employment import flip_flop, shortfall
from fairaudit.exceptions import InputError, SpecError


def _people(table: dict[str, tuple[int, int]]) -> tuple[np.ndarray, list[str]]:
    """Rows from {category: (applicants, selected)}."""
    selected = np.concatenate([np.r_[np.ones(s), np.zeros(n - s)] for n, s in table.values()])
    return selected, [c for c, (n, _) in table.items() for _ in range(n)]


RACE = {
    "Hispanic or Latino": (408, 204),
    "White": (797, 412),
    "Black": (390, 170),
    "Native Hawaiian": (119, 52),
    "Asian": (616, 302),
    "Native American": (41, 18),
    "Two or more": (213, 96),
}


def _ll144(**options: object) -> presets.Applied:
    selected, race = _people(RACE)
    sex = np.where(np.arange(len(race)) % 2 == 0, "Female", "Male")
    return presets.apply(
        "nyc-ll144",
        selected=selected,
        groups={"sex": sex, "race": race},
        **options,
        confidence=0.95,
    )


def test_impact_ratios_equal_the_hand_worked_table() -> None:
    table = _ll144().tables["race"]
    ratios = dict(zip(table["category"], table["impact_ratio"], strict=True))
    # each rate over White's 412/797 = .51694, to three places by hand
    by_hand = {
        "White": 1.000,
        "Hispanic or Latino": 0.967,
        "Black": 0.843,
        "Native Hawaiian": 0.845,
        "Asian": 0.948,
        "Native American": 0.849,
        "Two or more": 0.872,
    }
    assert {k: round(v, 3) for k, v in ratios.items()} == by_hand


def test_local_law_144_draws_no_line_at_four_fifths() -> None:
    applied = _ll144()
    assert "below_four_fifths" not in applied.tables["race"].columns
    assert any("sets no threshold" in s for s in applied.sentences)
    found = [s for s in applied.sentences if s not in applied.preset.not_set]
    assert not any("fifths" in s or "below" in s or "pass" in s for s in found)


def test_small_categories_leave_the_ratios_only_with_a_reason() -> None:
    small = pl.col("category") == "Native American"  # 41 of 2,584 people: 1.6%
    kept = _ll144().tables["race"].filter(small).row(0, named=True)
    assert kept["impact_ratio"] is not None
    left = _ll144(leave_out_reason="too few to say").tables["race"].filter(small)
    row = left.row(0, named=True)
    assert row["left_out"]
    assert row["impact_ratio"] is None
    assert (row["applicants"], row["selected"]) == (41, 18)  # still shown


def test_unknown_categories_are_counted_apart() -> None:
    selected = [1, 0, 1, 0, 1, 1]
    sex = ["F", "F", "M", "M", "unknown", None]
    race = ["A", "B", "A", "B", "A", "B"]
    applied = presets.apply(
        "nyc-ll144", selected=selected, groups={"sex": sex, "race": race}, confidence=0.95
    )
    assert applied.tables["sex"]["category"].to_list() == ["F", "M"]
    assert "2 people of unknown sex are not in the table." in applied.sentences
    assert applied.tables["sex_by_race"]["category"].to_list() == [
        "F × A",
        "F × B",
        "M × A",
        "M × B",
    ]


def test_the_scoring_rate_is_the_share_above_the_median_of_everybody() -> None:
    score = [1.0, 2.0, 3.0, 4.0, 5.0]  # median 3: only 4 and 5 are above it
    sex, race = ["F", "F", "F", "M", "M"], ["A", "A", "B", "B", "A"]
    table = presets.apply(
        "nyc-ll144", score=score, groups={"sex": sex, "race": race}, confidence=0.95
    ).tables["sex"]
    assert table["rate"].to_list() == [0.0, 1.0]
    assert table["impact_ratio"].to_list() == [0.0, 1.0]


def test_columns_of_other_names_are_asked_for() -> None:
    groups = {"a": ["x", "y"], "b": ["u", "v"]}
    with pytest.raises(SpecError, match="no column name tells"):
        presets.apply("nyc-ll144", selected=[0, 1], groups=groups, confidence=0.95)
    named = presets.apply(
        "nyc-ll144", selected=[0, 1], groups=groups, attributes=("a", "b"), confidence=0.95
    )
    assert set(named.tables) == {"sex", "race", "sex_by_race"}


def test_four_fifths_by_hand() -> None:
    # 48 of 80 against 12 of 40: 30% is half of 60%
    selected, group = _people({"men": (80, 48), "women": (40, 12)})
    table = presets.apply(
        "four-fifths", selected=selected, groups={"sex": group}, confidence=0.95
    ).tables["sex"]
    women = table.filter(pl.col("group") == "women").row(0, named=True)
    assert women["impact_ratio"] == pytest.approx(0.5)
    assert women["below_four_fifths"]
    assert women["shortfall"] == 8  # .8 × .6 × 40 = 19.2 → 20 needed, 12 there
    # pooled 60/120 = .5: z = (.3 − .6) / sqrt(.25 (1/40 + 1/80))
    assert women["z"] == pytest.approx(-0.3 / np.sqrt(0.25 * (1 / 40 + 1 / 80)))
    assert women["test"] == "Boschloo"
    assert women["p"] < 0.005
    men = table.filter(pl.col("group") == "men").row(0, named=True)
    assert (men["test"], men["p"], men["impact_ratio"]) == ("reference", None, 1.0)


def test_flip_flop_counts_moves_by_hand() -> None:
    # 12/40 against 48/80: moving k: (12+k)/40 ≥ .8 (48−k)/80 → 12+k ≥ 19.2−.4k → k ≥ 5.14
    assert flip_flop((12, 40), (48, 80), 0.8) == 6
    # 50/100 against 60/100: (50−k) < .8 (60+k) → 50−k < 48+.8k → k > 1.11
    assert flip_flop((50, 100), (60, 100), 0.8) == 2
    assert flip_flop((10, 10), (10, 10), 0.8) is None  # nobody can be moved


def test_shortfall_is_nothing_when_four_fifths_is_reached() -> None:
    assert shortfall(48, 100, 0.6, 0.8) == 0
    assert shortfall(47, 100, 0.6, 0.8) == 1


def test_every_preset_says_when_it_was_read_and_what_it_does_not_set() -> None:
    for name in presets.NAMES:
        preset = presets.load(name)
        assert preset.name == name
        assert len(preset.retrieved) == 10
        assert preset.citation
        assert preset.not_set
        assert preset.url.startswith("https://")


def test_an_unknown_preset_lists_the_known() -> None:
    with pytest.raises(SpecError, match="four-fifths"):
        presets.load("five-fifths")


def test_the_data_profile_counts_by_hand() -> None:
    frame = pl.DataFrame(
        {"y": ["no", "yes", "yes", "no"], "sex": ["F", "F", "M", None], "x": [1, None, 3, 4]}
    )
    roles = ColumnRoles(target="y", features=("x",), sensitive=("sex",), positive="yes")
    r = audit_predictions(frame["y"], frame["y"], sensitive_features=frame["sex"], n_boot=50)
    applied = presets.apply(
        "eu-ai-act", result=r, frame=frame, roles=roles, rationale="because", confidence=0.95
    )
    profile = applied.tables["data_profile"]
    women = profile.filter(pl.col("group") == "F").row(0, named=True)
    assert (women["n"], women["share"], women["base_rate"], women["missing"]) == (2, 0.5, 0.5, 0.5)
    assert "(missing)" in profile["group"].to_list()
    assert applied.tables["rationale"]["text"].to_list() == ["because"]


def test_the_model_card_separates_unitary_from_intersectional_results() -> None:
    rng = np.random.default_rng(0)
    y, p = rng.integers(0, 2, 400), rng.integers(0, 2, 400)
    S = pl.DataFrame({"a": rng.choice(["u", "v"], 400), "b": rng.choice(["w", "x"], 400)})
    r = audit_predictions(y, p, sensitive_features=S, intersections=2, n_boot=100)
    tables = presets.apply("model-card", result=r, confidence=0.95).tables
    assert set(tables["unitary"]["attribute"]) == {"a", "b"}
    assert set(tables["intersectional"]["attribute"]) == {"a × b"}
    assert tables["blanks"]["text"].to_list() == [""] * 5


def test_nobody_selected_and_a_category_left_out_gives_no_ratio() -> None:
    groups = {"sex": ["F"] * 60 + ["M"] * 59 + ["X"], "race": ["A", "B"] * 60}
    applied = presets.apply(
        "nyc-ll144",
        selected=[0] * 120,
        groups=groups,
        leave_out_reason="too few",
        confidence=0.95,
    )
    table = applied.tables["sex"]
    assert table["left_out"].to_list() == [False, False, True]
    assert table["impact_ratio"].null_count() == 3
    assert "0 people of unknown sex are not in the table." in applied.sentences


def test_a_stored_system_of_scores_alone_has_a_scoring_rate() -> None:
    score = np.array([0.1, 0.2, 0.3, 0.4, 0.45, 0.6])  # median .35, far from a cut at .5
    sex, race = ["F", "F", "F", "M", "M", "M"], ["A", "B"] * 3
    r = audit_predictions(
        [0, 1] * 3, None, y_score={"s": score}, n_boot=0, keep_rows=True,
        sensitive_features={"sex": sex, "race": race},
    )  # fmt: skip
    roles = ColumnRoles(target="y", scores=("s",), sensitive=("sex", "race"))
    table = presets.apply("nyc-ll144", result=r, roles=roles, confidence=0.95).tables["sex"]
    assert table["rate"].to_list() == [0, 1]
    decided = presets.apply("nyc-ll144", result=r, confidence=0.95).tables["sex"]
    assert decided["rate"].to_list() == [0, pytest.approx(1 / 3)]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"score": [1.0, np.nan, 2.0]}, "missing or infinite"),
        ({"selected": [1, 0, 2]}, "selected must be 0 or 1"),
        ({"selected": [1, 0]}, "column 'sex': expected 2 rows"),
    ],
)
def test_people_that_cannot_be_counted_are_named(asked: dict[str, object], says: str) -> None:
    groups = {"sex": ["F", "M", "M"], "race": ["A", "A", "B"]}
    with pytest.raises(InputError, match=says):
        presets.apply("nyc-ll144", groups=groups, **asked, confidence=0.95)


def test_exactly_four_fifths_is_not_below() -> None:
    selected, group = _people({"a": (100, 36), "b": (100, 45)})  # .36 / .45 rounds below .8
    table = presets.apply(
        "four-fifths", selected=selected, groups={"g": group}, confidence=0.95
    ).tables["g"]
    assert table["below_four_fifths"].to_list() == [False, False]
    assert table["shortfall"].to_list() == [0, 0]


def test_groups_nobody_knows_are_said() -> None:
    applied = presets.apply(
        "four-fifths", selected=[1, 0], groups={"g": [None, "?"]}, confidence=0.95
    )
    assert applied.tables == {}
    assert "g: no row has a known group." in applied.sentences
