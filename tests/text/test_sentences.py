"""Sentences hold the numbers of the tables and claim nothing that the tables do not say."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import polars as pl
import pytest

from fairaudit.audit.result import ERRORS, AuditResult
from fairaudit.plots import compare, whatif
from fairaudit.text import numbers
from fairaudit.text.findings import gap_of
from fairaudit.text.sentences import stress
from fairaudit.text.sentences.compare import compare_lead
from fairaudit.text.sentences.effects import effects_lead
from fairaudit.text.sentences.errors import errors_lead, limits
from fairaudit.text.sentences.groups import groups_lead
from fairaudit.text.sentences.selection import selection_lead
from fairaudit.text.sentences.whatif import preferences, whatif_lead
from fairaudit.text.voice import Voice

ResultOf = Callable[[str], AuditResult]
VOICE = Voice(0.95)
ASK = {"attribute": "sex", "metric": "tpr", "split": "test"}


def made(*rows: tuple[str, float | None]) -> AuditResult:
    full = [
        ("m", "test", "sex", g, "tpr", 40, v, None, None,
         "estimated" if v is not None else "cannot be judged", 30.0, "Wilson")
        for g, v in rows
    ]  # fmt: skip
    return AuditResult({"errors": pl.DataFrame(full, schema=ERRORS, orient="row")})


def test_the_lead_names_worst_best_and_gap_with_their_numbers(result_of: ResultOf) -> None:
    result = result_of("linear")
    lead = errors_lead(result, model="linear", **ASK)
    rows = result.errors.filter(
        (pl.col("attribute") == "sex") & (pl.col("metric") == "tpr")
        & (pl.col("split") == "test") & (pl.col("model") == "linear")
    ).sort("value")  # fmt: skip
    for row in (rows.row(0, named=True), rows.row(-1, named=True)):
        assert f"**{numbers.value(row['value'], 'tpr')}**" in lead
    gap = gap_of(result, model="linear", **ASK)
    assert gap is not None
    assert f"The gap is {numbers.points(gap['value'], 'tpr')} (95% CI " in lead


def test_one_group_has_no_gap() -> None:
    lead = errors_lead(made(("F", 0.5)), model="m", **ASK)
    assert "gap" not in lead
    assert "**50.0%**" in lead


def test_groups_that_cannot_be_judged_are_counted() -> None:
    lead = errors_lead(made(("F", 0.5), ("M", 0.6), ("X", None)), model="m", **ASK)
    assert lead.endswith("1 group cannot be judged.")


def test_no_judgement_is_said_in_words() -> None:
    lead = errors_lead(made(("F", None)), model="m", **ASK)
    assert lead == (
        "On test rows, no group of sex has enough rows to judge the true-positive rate of m."
    )


@pytest.mark.parametrize(
    ("chosen", "text"),
    [
        (["baseline", "baseline"], "**All groups keep the baseline**"),
        (["expert", "expert"], "**The experts are used for all 2 groups.**"),
        (["expert", "baseline"], "**The expert is used for a**; b keeps the baseline."),
    ],
)
def test_the_decision_in_one_sentence(chosen: list[str], text: str) -> None:
    selection = pl.DataFrame(
        {
            "split": ["validation"] * 2, "group": ["a", "b"], "metric": ["accuracy"] * 2,
            "chosen": chosen, "verdict": ["", ""],
        }
    )  # fmt: skip
    assert selection_lead({"selection": selection}, VOICE).startswith(text)


def decided(**columns: list[object]) -> dict[str, pl.DataFrame]:
    """The choice for the groups a and b by accuracy, on 400 validation rows each."""
    usual = {
        "split": ["validation"] * 2, "group": ["a", "b"], "metric": ["accuracy"] * 2,
        "n": [400, 400], "chosen": ["baseline"] * 2, "verdict": ["no evidence"] * 2,
        "difference": [0.01, 0.083], "lower": [-0.02, 0.05], "rows_needed": [4100, None],
        "reason": ["not shown", "wider gap"], "objective": ["min_gap"] * 2,
        "gap_with": [None, 0.086],
    }  # fmt: skip
    return {"selection": pl.DataFrame({**usual, **columns})}


def test_a_certain_gain_that_is_left_is_said_with_its_reason() -> None:
    left = decided(verdict=["no evidence", "improves"])
    assert selection_lead(left, VOICE).startswith(
        "**All groups keep the baseline**, although an expert is shown to be better for b. "
        "**b would gain** +8.3 points, at least +5.0 points. It keeps the baseline because the "
        "objective is the smallest gap, and the gap would be 8.6 points."
    )


def test_results_of_earlier_versions_say_what_is_left_without_the_reason() -> None:
    left = decided(verdict=["no evidence", "improves"])["selection"]
    stored = {"selection": left.drop("objective", "gap_with", "rows_needed", "reason")}
    assert selection_lead(stored, VOICE).endswith(
        "**b would gain** +8.3 points, at least +5.0 points."
    )


@pytest.mark.parametrize("lower", [None, 0.0])
def test_point_estimates_show_nothing(lower: float | None) -> None:
    lead = selection_lead(decided(verdict=["improves"] * 2, lower=[lower] * 2), VOICE)
    assert "shown to be better" not in lead
    assert "would gain" not in lead


def test_a_gain_that_is_taken_is_said_with_its_bound() -> None:
    taken = decided(
        chosen=["baseline", "expert"], verdict=["no evidence", "improves"],
        objective=["max_min"] * 2, gap_with=[None, None], reason=["not shown", "used"],
    )  # fmt: skip
    assert selection_lead(taken, VOICE).startswith(
        "**The expert is used for b**; a keeps the baseline. b gains: +8.3 points on the rows of "
        "the choice, at least +5.0 points."
    )


def test_where_nothing_is_shown_the_rows_that_would_show_it_are_said() -> None:
    wanting = decided(reason=["not shown"] * 2, rows_needed=[4100, 900], gap_with=[None, None])
    assert selection_lead(wanting, VOICE).startswith(
        "**All groups keep the baseline**: no-harm could not be shown for any expert. Closest is "
        "b: about **900 of its rows** would be needed to show its estimated gain, and 400 took "
        "part."
    )


@pytest.mark.parametrize(("metric", "said"), [("neg_mse", True), ("accuracy", False)])
def test_a_bound_for_squared_errors_names_what_it_cannot_exclude(metric: str, said: bool) -> None:
    selection = pl.DataFrame(
        {
            "split": ["validation"] * 2, "group": ["a", "b"], "metric": [metric] * 2,
            "chosen": ["expert", "baseline"], "verdict": ["", ""],
        }
    )  # fmt: skip
    lead = selection_lead({"selection": selection}, VOICE)
    assert ("harm by rare large errors" in lead) is said


def test_harm_on_test_rows_is_named(result_of: ResultOf) -> None:
    tables = dict(result_of("sde").tables)
    group = tables["selection"]["group"].item(0)
    verdict = pl.when((pl.col("split") == "test") & (pl.col("group") == group))
    tables["selection"] = tables["selection"].with_columns(
        verdict=verdict.then(pl.lit("harmed")).otherwise("verdict")
    )
    assert f"**{group} is harmed**" in selection_lead(tables, VOICE)


def test_the_gap_before_and_after_is_that_of_the_table(result_of: ResultOf) -> None:
    tables = result_of("sde").tables
    lead = selection_lead(tables, VOICE)
    for row in tables["selection_gaps"].iter_rows(named=True):
        assert numbers.points(row["gap_after"], "accuracy") in lead


@pytest.mark.parametrize(
    ("ends", "text"),
    [
        ({}, "On test rows the gap goes from 4.1 points to **3.2 points**."),
        (
            {
                "gap_before_low": 0.01, "gap_before_high": 0.072,
                "gap_after_low": 0.005, "gap_after_high": 0.061,
            },
            "On test rows the gap goes from 4.1 points (95% CI 1.0 to 7.2) to **3.2 points** "
            "(0.5 to 6.1).",
        ),
        (
            dict.fromkeys(
                ("gap_before_low", "gap_before_high", "gap_after_low", "gap_after_high")
            ),
            "On test rows the gap goes from 4.1 points to **3.2 points**.",
        ),
    ],
)  # fmt: skip
def test_the_gap_is_told_with_its_intervals_where_there_are_any(
    ends: dict[str, float | None], text: str
) -> None:
    selection = pl.DataFrame(
        {
            "split": ["validation"], "group": ["a"], "metric": ["accuracy"],
            "chosen": ["expert"], "verdict": [""],
        }
    )  # fmt: skip
    gaps = pl.DataFrame({"split": ["test"], "gap_before": [0.041], "gap_after": [0.032], **ends})
    said = selection_lead({"selection": selection, "selection_gaps": gaps}, VOICE)
    assert text in said
    still = gaps.with_columns(
        gap_after="gap_before",
        **{f"gap_after_{e}": pl.col(f"gap_before_{e}") for e in ("low", "high") if ends},
    )
    span = " (95% CI 1.0 to 7.2)" if ends.get("gap_before_low") else ""
    said = selection_lead({"selection": selection, "selection_gaps": still}, VOICE)
    assert f"the gap stays at 4.1 points{span}." in said


def test_the_smallest_latent_group_is_described(result_of: ResultOf) -> None:
    table = result_of("rome").tables["groups"]
    small = table.sort("share").row(0, named=True)
    lead = groups_lead(table)
    assert lead.startswith("**2 latent groups**")
    assert small["rule"] in lead


def test_a_rule_that_describes_no_group_is_not_offered() -> None:
    table = pl.DataFrame(
        {
            "group": ["group 1", "group 2"],
            "share": [0.8, 0.2],
            "rule": ["age above 40", "age at most 40"],  # as stored before rules had a limit
            "fidelity": [0.9, 0.68],
        }
    )
    assert groups_lead(table).endswith("group 2: no simple rule describes this group.")


def test_what_a_number_of_groups_brings(result_of: ResultOf) -> None:
    result = result_of("sweep")
    sweep, metric = result.tables["sweep"], whatif.metric_of(result)
    lead = whatif_lead(sweep, metric, 2, VOICE)
    row = sweep.filter(pl.col("n_groups") == 2).row(0, named=True)
    ends = numbers.interval(row["worst_low"], row["worst_high"], metric)
    assert f"**{numbers.value(row['worst_group'], metric)}** (95% CI {ends})" in lead
    assert f"({numbers.interval(row['overall_low'], row['overall_high'], metric)})" in lead
    assert "evidence of latent groups" in lead.split(".")[0].lower()
    assert lead.index("latent groups") < lead.index("With **2 groups**")
    assert lead.count(". ") < 4, "a lead has at most four sentences"
    assert "BIC, a second opinion, prefers" in preferences(sweep)


def test_one_group_is_not_compared_with_itself(result_of: ResultOf) -> None:
    result = result_of("sweep")
    lead = whatif_lead(result.tables["sweep"], whatif.metric_of(result), 1, VOICE)
    assert lead.count("With ") == 1


def test_clusters_whose_interval_leaves_out_the_average_are_counted(result_of: ResultOf) -> None:
    result = result_of("medl")
    own = result.tables["effects"].filter((pl.col("effect") == "intercept") & pl.col("seen"))
    sure = own.filter((pl.col("low") > 0) | (pl.col("high") < 0)).height
    lead = effects_lead(result)
    assert lead.startswith(f"The 95% intervals of {sure} of **{own.height} clusters** exclude")
    low, high = (result.summary[f"icc_{end}"] for end in ("low", "high"))
    assert f"(ICC, 95% CI {low:.1%} to {high:.1%})" in lead


def test_a_share_of_clusters_without_an_interval_claims_none(result_of: ResultOf) -> None:
    result = result_of("medl")
    bare = replace(result, summary={**result.summary, "icc_low": None, "icc_high": None})
    assert "of the variance (ICC)" in effects_lead(bare)


def test_the_best_model_and_the_dominated_ones_are_named(result_of: ResultOf) -> None:
    table = compare.front_table(
        result_of("systems"), quality="accuracy", gap="tpr", attribute="sex", split="all"
    )
    lead = compare_lead(table, quality="accuracy", gap_title="tpr", voice=VOICE)
    best = table.sort("value", descending=True).row(0, named=True)
    assert lead.startswith(f"**{best['model']}** has the best estimated accuracy")
    assert f"(95% CI {numbers.interval(best['low'], best['high'], 'accuracy')}) at a gap" in lead
    assert f"({numbers.points_interval(best['gap_low'], best['gap_high'], 'tpr')})" in lead
    for name in table.filter(pl.col("dominated"))["model"]:
        assert f"Another model is no worse than {name} on both counts" in lead


@pytest.mark.parametrize(
    ("sure", "said"),
    [("both", "statistically better in both"), ("quality", "statistically better in accuracy"),
     ("gap", "statistically better in the gap"), ("neither", "but this may be chance")],
)  # fmt: skip
def test_a_dominated_model_is_told_with_what_is_sure(
    result_of: ResultOf, sure: str, said: str
) -> None:
    table = compare.front_table(
        result_of("systems"), quality="accuracy", gap="tpr", attribute="sex", split="all"
    )
    table = table.with_columns(
        dominated=pl.Series([False, True]), sure=pl.Series([None, sure], dtype=pl.String)
    )
    lead = compare_lead(table, quality="accuracy", gap_title="tpr", voice=VOICE)
    assert lead.endswith(f"on both counts, {said}.")


@pytest.mark.parametrize(
    ("names", "text"),
    [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c"),
     (list("abcdefg"), "a, b, c and 4 more")],
)  # fmt: skip
def test_lists_read_as_people_say_them(names: list[str], text: str) -> None:
    assert numbers.listed(names) == text


def test_what_could_not_be_seen_is_said(result_of: ResultOf) -> None:
    said = limits(result_of("linear"), model="linear", **ASK)
    rows = result_of("linear").tables["detectable"].filter(
        (pl.col("attribute") == "sex") & (pl.col("metric") == "tpr")
        & (pl.col("model") == "linear") & (pl.col("split") == "test")
    )  # fmt: skip
    assert f"{100 * rows['gap_detectable'].max():.1f} points would probably go undetected" in said


def test_without_a_table_of_what_can_be_seen_nothing_is_claimed() -> None:
    assert limits(made(("F", 0.5)), model="m", **ASK) == ""


def test_equal_groups_are_not_ranked() -> None:
    lead = errors_lead(made(("F", 0.0), ("M", 0.0)), model="m", **ASK)
    assert lead == (
        "On test rows, all 2 groups of sex have the same true-positive rate of m: **0.0%**."
    )


def test_a_gap_that_rests_on_few_rows_says_how_its_interval_did_in_simulations():
    from fairaudit.audit.predictions import audit_predictions

    truth, answer = [1, 0] * 60, [1, 0, 0, 0] * 30
    sex = ["m"] * 100 + ["f"] * 20
    result = audit_predictions(truth, answer, sensitive_features=pl.DataFrame({"sex": sex}))
    model, split = result.gaps.select("model", "split").row(0)
    said = limits(result, attribute="sex", metric="tpr", model=model, split=split)
    assert "fewer than 30 rows" in said
    assert "in simulations" in said
    assert "%" not in said.partition("Some group")[2]  # the level is the audit's


def test_a_shift_is_told_by_rule_with_its_draws(result_of: ResultOf) -> None:
    result = result_of("stress")
    table = result.tables["stress_shift"].filter(pl.col("strength") > 0)
    lead = stress.stress_lead(result)
    for rule in ("bound", "point estimates"):
        assert f"**{table.filter(pl.col('rule') == rule)['harmed'].mean():.1%}**" in lead
    draws = table.filter(pl.col("rule") == "bound").height * result.summary["stress"]["repeats"]
    assert f"{draws:,} draws" in lead


def test_probes_are_told_by_the_best_place_in_each_model(result_of: ResultOf) -> None:
    table = result_of("search").tables["probes"]
    lead = stress.probes_lead(table)
    for model in ("fair-medl", "baseline"):
        best = table.filter(pl.col("model") == model)["rank"].min()
        assert re.search(rf"\*\*{best}(st|nd|rd|th)\*\* in {model}", lead)
    assert f"among {table['features'][0]} features" in lead


def test_guessing_the_group_has_its_price_told(result_of: ResultOf) -> None:
    told = result_of("sde").summary["guessed_groups"]
    lead = stress.guessed_lead(result_of("sde"))
    assert f"**{told['right']:.1%}**" in lead
    assert numbers.value(told["performance_known"], "accuracy") in lead
    ends = numbers.interval(told["right_low"], told["right_high"], "accuracy")
    assert f"(95% CI {ends}) of the test rows" in lead
    assert lead.count(" rows)") == 2  # both accuracies with interval and rows


def flipped(*values: tuple[str, str, float]) -> pl.DataFrame:
    return pl.DataFrame(
        [
            {"model": model, "attribute": attribute, "measure": "label", "value": value,
             "low": value / 2, "high": value * 2, "n": 200, "levels": 2}
            for model, attribute, value in values
        ]
    )  # fmt: skip


def test_the_column_that_moves_most_decisions_is_named_with_its_interval() -> None:
    said = stress.flips_lead(
        flipped(("m", "sex", 0.01), ("m", "race", 0.04), ("x", "sex", 0.5)), VOICE
    )
    assert "value in **race**" in said
    assert "m decides otherwise for **4.0%** (95% CI 2.0% to 8.0%, 200 rows)" in said
    assert said.endswith("; the other columns: sex 1.0%.")


def test_a_model_that_does_not_see_the_columns_is_said_not_to_move() -> None:
    said = stress.flips_lead(flipped(("m", "sex", 0.0), ("m", "race", 0.0)), VOICE)
    assert said == "No prediction of m changes when a sensitive column alone is changed."


@pytest.mark.parametrize(
    ("number", "text"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (22, "22nd")]
)
def test_places_read_as_people_say_them(number: int, text: str) -> None:
    assert stress.ordinal(number) == text


def test_an_audit_without_stress_tests_claims_nothing(result_of: ResultOf) -> None:
    assert stress.stress_lead(result_of("systems")) == "No stress tests were run."
