"""Presets against hand-worked examples, and the lines they must not draw."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from fairaudit import ColumnRoles, audit_predictions
from fairaudit.audit import presets
from fairaudit.audit.database.pushdown import audit_table
from fairaudit.audit.presets.four_fifths import flip_flop, shortfall
from fairaudit.audit.run import run_audit
from fairaudit.audit.spec import AuditSpec
from fairaudit.data.dataset import Dataset
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
    left = (
        _ll144(options=presets.PresetOptions(leave_out_reason="too few to say"))
        .tables["race"]
        .filter(small)
    )
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
    with pytest.raises(SpecError, match="no column tells"):
        presets.apply("nyc-ll144", selected=[0, 1], groups=groups, confidence=0.95)
    named = presets.apply(
        "nyc-ll144",
        selected=[0, 1],
        groups=groups,
        confidence=0.95,
        options=presets.PresetOptions(sex="a", race="b"),
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


def test_the_profile_of_the_ai_act_is_dated_after_its_amendment() -> None:
    rule = presets.load("eu-ai-act")
    assert rule.version == "2026-07-27"
    assert "2026/1744" in rule.citation
    assert any(line.startswith("Not checked: ") for line in rule.not_set)


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
        options=presets.PresetOptions(leave_out_reason="too few"),
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
    assert set(applied.tables) == {"did_not_answer"}
    assert "g: no row has a known group." in applied.sentences


# -- people who did not answer --------------------------------------------------------------------

FIVE_WAYS = {
    "I don’t wish to answer": (20, 16),  # 80%, more than any category
    "Decline to Self-Identify": (5, 5),
    "prefer_not_to_say": (4, 4),
    "N/A": (3, 3),
    "keine Angabe": (2, 2),
}


def _answered(name: str, **options: object) -> presets.Applied:
    race = {"White": (100, 50), "Black": (100, 45), **FIVE_WAYS}
    selected, labels = _people(race)
    sex = ["F", "M"] * (len(labels) // 2)
    return presets.apply(
        name,
        selected=selected,
        groups={"sex": sex, "race": labels},
        confidence=0.95,
        options=presets.PresetOptions(**options),
    )


@pytest.mark.parametrize(("name", "key"), [("nyc-ll144", "category"), ("four-fifths", "group")])
def test_five_ways_of_not_answering_are_no_categories(name: str, key: str) -> None:
    applied = _answered(name)
    table = applied.tables["race"]
    ratios = dict(zip(table[key], table["impact_ratio"], strict=True))
    assert ratios == {"White": 1.0, "Black": pytest.approx(0.9)}  # .45 / .50
    assert "34 people of unknown race are not in the table." in applied.sentences
    silent = applied.tables["did_not_answer"].filter(pl.col("attribute") == "race")
    counts = dict(zip(silent["category"], silent["applicants"], strict=True))
    assert counts == {label: n for label, (n, _) in FIVE_WAYS.items()}
    assert any("“I don’t wish to answer” (20)" in s for s in applied.sentences)


@pytest.mark.parametrize("name", ["nyc-ll144", "four-fifths"])
def test_a_person_decides_which_labels_are_answers(name: str) -> None:
    applied = _answered(name, answered=("keine angabe",), not_answered=("black",))
    key = "category" if name == "nyc-ll144" else "group"
    assert set(applied.tables["race"][key]) == {"White", "keine Angabe"}
    assert "132 people of unknown race are not in the table." in applied.sentences


def test_a_disability_of_none_is_a_group() -> None:
    selected, label = _people({"None": (100, 50), "Yes": (50, 20), "Prefer not to say": (9, 9)})
    table = presets.apply(
        "four-fifths", selected=selected, groups={"disability": label}, confidence=0.95
    ).tables["disability"]
    assert dict(zip(table["group"], table["impact_ratio"], strict=True)) == {
        "None": 1.0,
        "Yes": pytest.approx(0.8),
    }


# -- which columns are sex and race ---------------------------------------------------------------


def _columns(*names: str, **options: object) -> presets.Applied:
    n = 40
    values = [["a", "b"] * (n // 2), ["u", "v", "v", "u"] * (n // 4), ["k", "l"] * (n // 2)]
    return presets.apply(
        "nyc-ll144",
        selected=[0, 1, 1, 0] * (n // 4),
        groups=dict(zip(names, values, strict=False)),
        confidence=0.95,
        options=presets.PresetOptions(**options),
    )


@pytest.mark.parametrize("name", ["trace_source", "bracelet", "racetrack", "embrace", "race_time"])
def test_a_name_that_contains_race_is_no_race(name: str) -> None:
    with pytest.raises(SpecError, match=rf"race/ethnicity among 'sex', '{name}'.*--race-column"):
        _columns("sex", name)


@pytest.mark.parametrize("name", ["middlesex_county", "essex", "intersex_ward", "engendered"])
def test_a_name_that_contains_sex_is_no_sex(name: str) -> None:
    with pytest.raises(SpecError, match=rf"sex among 'race', '{name}'.*--sex-column"):
        _columns("race", name)


def test_columns_of_race_and_sex_are_chosen_beside_names_that_contain_them() -> None:
    table = _columns("Applicant Sex", "applicant_ethnicity", "trace_source").tables
    assert table["sex"]["category"].to_list() == ["a", "b"]
    assert table["race"]["category"].to_list() == ["u", "v"]


def test_two_columns_that_could_be_the_race_are_asked_about() -> None:
    with pytest.raises(SpecError, match=r"'race', 'ethnicity' could be it; .*--race-column"):
        _columns("race", "sex", "ethnicity")
    assert _columns("race", "sex", "ethnicity", race="ethnicity").tables["race"].height == 2


def test_values_tell_the_columns_where_names_do_not() -> None:
    applied = presets.apply(
        "nyc-ll144",
        selected=[0, 1, 1, 0],
        groups={
            "q17": ["Male", "Female", "Male", "Prefer not to say"],
            "q18": ["White", "Black", "Asian", "Unknown"],
        },
        confidence=0.95,
    )
    assert applied.tables["sex"]["category"].to_list() == ["Female", "Male"]
    assert applied.tables["race"]["category"].to_list() == ["Asian", "Black", "White"]


# -- weights ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nyc-ll144", "four-fifths"])
def test_weights_change_nothing_unless_they_count_people(name: str) -> None:
    selected, race = np.array([1, 0, 1, 0, 1, 0]), ["A", "A", "B", "B", "C", "C"]
    sex, people = ["F", "M", "M", "F", "F", "M"], np.array([30, 30, 10, 30, 2, 2])
    groups = {"sex": sex, "race": race}

    def applied(weight: object = None, *, counts: bool = False) -> presets.Applied:
        return presets.apply(
            name, selected=selected, groups=groups, weight=weight, confidence=0.95,
            options=presets.PresetOptions(weight_counts_people=counts),
        )  # fmt: skip

    rows, ignored, counted = applied(), applied(people * 1.5), applied(people, counts=True)
    assert rows.tables["race"].equals(ignored.tables["race"])
    assert any("Sample weights are not used" in s for s in ignored.sentences)
    assert not any("eights are not used" in s for s in rows.sentences)
    assert counted.tables["race"]["applicants"].to_list() == [60, 40, 4]
    assert counted.tables["race"]["selected"].to_list() == [30, 10, 2]
    assert counted.tables["race"]["impact_ratio"].to_list() == [1.0, 0.5, 1.0]
    repeated = presets.apply(
        name, selected=np.repeat(selected, people), confidence=0.95,
        groups={k: np.repeat(v, people) for k, v in groups.items()},
    )  # fmt: skip
    assert repeated.tables["race"].equals(counted.tables["race"])


def test_the_median_of_scores_is_that_of_all_people() -> None:
    score, people = np.array([1.0, 2, 3, 4]), np.array([1, 1, 5, 2])  # median 3 of nine people
    groups = {"sex": ["F", "M", "F", "M"], "race": ["A", "B", "A", "B"]}
    table = presets.apply(
        "nyc-ll144", score=score, groups=groups, weight=people, confidence=0.95,
        options=presets.PresetOptions(weight_counts_people=True),
    ).tables["sex"]  # fmt: skip
    assert table["selected"].to_list() == [0, 2]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        people, score = rng.integers(1, 4, 9), rng.integers(0, 6, 9).astype(float)
        whole = np.repeat(score, people)
        table = presets.apply(
            "nyc-ll144", score=score, groups={"sex": ["F"] * 9, "race": ["A"] * 9},
            weight=people, confidence=0.95,
            options=presets.PresetOptions(weight_counts_people=True),
        ).tables["sex"]  # fmt: skip
        assert table["selected"].item() == (whole > np.median(whole)).sum()


def test_weights_that_cannot_be_numbers_of_people_are_refused() -> None:
    options = presets.PresetOptions(weight_counts_people=True)
    with pytest.raises(InputError, match=r"one is 0\.5; use whole numbers"):
        presets.apply(
            "four-fifths", selected=[0, 1], groups={"g": ["a", "b"]}, weight=[0.5, 1],
            confidence=0.95, options=options,
        )  # fmt: skip
    with pytest.raises(SpecError, match="there are none; name the weight column"):
        presets.apply(
            "four-fifths", selected=[0, 1], groups={"g": ["a", "b"]}, confidence=0.95,
            options=options,
        )  # fmt: skip


# -- people without an outcome, in a table ------------------------------------------------------


def _audited(frame: pl.DataFrame, preset: str, options: dict[str, object], **roles: object):
    told = ColumnRoles.model_validate({"sensitive": ("sex", "race"), "meaning": "good", **roles})
    spec = AuditSpec(
        roles=told, kind="predictions", preset=preset, n_boot=0, preset_options=options
    )
    return run_audit(Dataset(frame, told), spec)


def _applicants() -> pl.DataFrame:
    rng = np.random.default_rng(5)
    n = 200
    return pl.DataFrame(
        {
            "_row": np.arange(n),
            "hired": rng.integers(0, 2, n),
            "other": pl.Series(rng.integers(0, 2, n)).set(pl.Series(np.arange(n) % 7 == 0), None),
            "stayed": pl.Series(rng.integers(0, 2, n)).set(pl.Series(np.arange(n) % 3 > 0), None),
            "sex": rng.choice(["F", "M", "Decline to state"], n),
            "race": rng.choice(["White", "Black"], n),
            "copies": rng.integers(1, 4, n),
        }
    )


@pytest.mark.parametrize("preset", ["nyc-ll144", "four-fifths"])
def test_everybody_with_a_decision_is_counted(preset: str) -> None:
    frame = _applicants().drop_nulls("other")
    both = {"predictions": ("hired", "other")}
    table = _audited(frame, preset, {}, target="stayed", **both).tables["preset_race"]
    assert table["applicants"].sum() == len(frame)
    assert table["selected"].sum() == frame["hired"].sum()


def test_options_reach_a_rule_from_the_request() -> None:
    options = {"weight_counts_people": True, "answered": ["Decline to state"]}
    frame = _applicants().drop("other")
    result = _audited(frame, "four-fifths", options, predictions=("hired",), weight="copies")
    table = result.tables["preset_sex"]
    assert table["applicants"].sum() == frame["copies"].sum()
    assert "Decline to state" in table["group"].to_list()


def test_a_rule_on_selections_refuses_numbers() -> None:
    frame = pl.DataFrame({"_row": [0, 1, 2], "p": [1.0, 2, 3], "y": [1.0, 2, 2], "g": list("aab")})
    roles = ColumnRoles(target="y", predictions=("p",), sensitive=("g",), task="regression")
    spec = AuditSpec(roles=roles, kind="predictions", preset="four-fifths", n_boot=0)
    with pytest.raises(SpecError, match="counts who was selected, and the task is regression"):
        run_audit(Dataset(frame, roles), spec)


# -- tables that are only counted -----------------------------------------------------------------


@pytest.mark.parametrize("preset", ["nyc-ll144", "four-fifths"])
@pytest.mark.parametrize("counts", [False, True])
def test_counted_tables_give_the_tables_of_the_rows(preset: str, *, counts: bool) -> None:
    frame = _applicants().drop("other")
    options = {"weight_counts_people": counts}
    whole = _audited(frame, preset, options, predictions=("hired",), weight="copies")
    roles = ColumnRoles(
        predictions=("hired",), sensitive=("sex", "race"), weight="copies", meaning="good"
    )
    streamed = audit_table(
        frame.lazy(), roles, confidence=0.95, n_boot=0, preset=preset,
        preset_options=presets.PresetOptions.model_validate(options),
    )  # fmt: skip
    names = [name for name in whole.tables if name.startswith("preset_")]
    assert len(names) == (4 if preset == "nyc-ll144" else 3)
    for name in names:
        assert_frame_equal(whole.tables[name], streamed.tables[name])
    assert whole.summary["preset"] == streamed.summary["preset"]


def test_the_scoring_rate_of_a_counted_table_is_that_of_its_rows() -> None:
    rng = np.random.default_rng(2)
    frame = pl.DataFrame(
        {
            "_row": np.arange(300),
            "s": rng.integers(0, 100, 300) / 100,
            "sex": rng.choice(["F", "M"], 300),
            "race": rng.choice(["White", "Black"], 300),
        }
    )
    whole = _audited(frame, "nyc-ll144", {}, scores=("s",))
    roles = ColumnRoles(scores=("s",), sensitive=("sex", "race"), meaning="good")
    streamed = audit_table(frame.lazy(), roles, confidence=0.95, n_boot=0, preset="nyc-ll144")
    assert streamed.tables["preset_sex"]["rate_of"][0] == "scoring rate"
    assert_frame_equal(whole.tables["preset_race"], streamed.tables["preset_race"])
