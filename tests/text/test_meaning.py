"""Words, order and worse end follow what the outcome means; numbers never do."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from fairaudit import AuditResult, audit_predictions
from fairaudit.data.outcome import MEANINGS, Meaning
from fairaudit.report.choices import leading_metrics
from fairaudit.text import table_rows
from fairaudit.text.denominators import whose
from fairaudit.text.group_words import called, is_unknown, members
from fairaudit.text.meaning import claim_of, in_sentence, title, worse_end
from fairaudit.text.sentences.errors import errors_lead, errors_sentences
from fairaudit.text.voice import Voice

GOOD = Voice(0.95, "hired", "not hired", "good", target="status")
BAD = Voice(0.95, "1", "0", "bad", target="two_year_recid")
NEUTRAL = Voice(0.95, "male", "female", "neutral", target="gender")


@pytest.mark.parametrize(
    ("voice", "metric", "words"),
    [
        (GOOD, "tpr", "True-positive rate (rightly selected)"),
        (GOOD, "fnr", "False-negative rate (wrongly rejected)"),
        (GOOD, "fpr", "False-positive rate (wrongly selected)"),
        (GOOD, "selection_rate", "Selection rate"),
        (BAD, "fpr", "False-positive rate (wrongly flagged)"),
        (BAD, "fnr", "False-negative rate (missed)"),
        (BAD, "selection_rate", "Flag rate"),
        (NEUTRAL, "fpr", "False-positive rate (mistaken for male)"),
        (NEUTRAL, "fnr", "False-negative rate (mistaken for female)"),
        (NEUTRAL, "selection_rate", "Share labelled male"),
        (NEUTRAL, "fpr [cat]", "False-positive rate [cat] (mistaken for cat)"),
        (BAD, "auroc", "AUROC"),
    ],
)
def test_a_metric_keeps_its_term_and_gains_plain_words(
    voice: Voice, metric: str, words: str
) -> None:
    assert title(metric, voice) == words
    assert in_sentence(metric, voice)[1:] == words[1:]


@pytest.mark.parametrize(
    ("voice", "metric", "end"),
    [
        (GOOD, "selection_rate", "lowest"),
        (BAD, "selection_rate", "highest"),
        (NEUTRAL, "selection_rate", None),
        (BAD, "fpr", "highest"),
        (BAD, "tpr", "lowest"),
        (NEUTRAL, "error_rate", "highest"),
        (GOOD, "base_rate", None),
        (BAD, "mean_prediction", "highest"),
        (GOOD, "mean_score", "lowest"),
    ],
)
def test_the_worse_end_is_the_one_that_hurts(voice: Voice, metric: str, end: str | None) -> None:
    assert worse_end(metric, voice) == end


@pytest.mark.parametrize(
    ("target", "label", "words"),
    [
        ("two_year_recid", "0", "who did not re-offend"),
        ("two_year_recid", "1", "who re-offended"),
        ("default.payment.next.month", "0", "who did not default"),
        ("readmitted", "no", "who were not readmitted"),
        ("status", "not hired", "who were not hired"),
        ("loan", "repaid", "who repaid"),
        ("loan", "defaulted", "who defaulted"),
        ("hasDiabetes", "1", "with diabetes"),
        ("income", "<=50K", "whose income is <=50K"),
        ("y", "1", "whose y is 1"),
        ("", "1", "whose outcome is 1"),
    ],
)
def test_the_denominator_is_named_in_plain_words(target: str, label: str, words: str) -> None:
    assert whose(label, replace(BAD, target=target)) == words


@pytest.mark.parametrize(
    ("group", "attribute", "words"),
    [
        ("African-American", "race", "African-American people"),
        ("women", "sex", "women"),
        ("F", "sex", "people with sex F"),
        ("≤ 37", "age", "people aged 37 or under"),
        ("[70-80)", "age", "people aged 70–80"),
        ("26–32", "Age (years)", "people aged 26–32"),
        ("(30, 45]", "age_group", "people aged 30–45"),
        ("Less than 25", "age_cat", "people aged under 25"),
        ("Greater than 45", "ageCat", "people aged over 45"),
        ("60+", "AGE", "people aged 60 or over"),
        ("≥ 53", "alter", "people aged 53 or over"),
        ("34", "age", "people aged 34"),
        ("≤ 37", "income", "people with income ≤ 37"),
        ("(0.02, 0.06]", "share", "people with share 0.02–0.06"),
        ("20–30", "age_at_first_loan", "people with age_at_first_loan 20–30"),
        ("(missing)", "race", "people whose race is missing"),
        ("Unknown", "race", "people whose race is unknown"),
        ("?", "payer", "people whose payer is unknown"),
        ("n/a", "sex", "people whose sex is unknown"),
        ("Unknown/Invalid", "gender", "people whose gender is unknown"),
        ("Female", "sex", "women"),
        ("Other", "race", "people with race Other"),
        ("north", "region", "people with region north"),
        ("Sales", "jobTitle", "people with jobTitle Sales"),
        ("Female × north", "sex × region", "women with region north"),
        ("Native American", "race", "Native American people"),
        ("vrouw", "geslacht", "people with geslacht vrouw"),
        ("Femme", "sex", "people with sex Femme"),
        ("Non-binary", "gender", "Non-binary people"),
        ("España", "nacionalidad", "people with nacionalidad España"),
        ("Germany", "nationality", "people with nationality Germany"),
        ("Buddhist", "religion", "Buddhist people"),
        ("noire", "ethnie", "people with ethnie noire"),
        ("young", "age", "young people"),
        ("male × black", "sex × race", "black men"),
        ("≤ 25 × Male × Asian", "age × sex × race", "Asian men aged 25 or under"),
        ("33–48 × non", "age × foreign", "people aged 33–48 with foreign non"),
        ("F × yes", "sex × disability", "people with sex F and disability yes"),
        ("Black × ?", "race × sex", "Black people whose sex is unknown"),
        ("Married × Black", "status × race", "people with status Married and race Black"),
        ("odd × cell × x", "a × b", "people in odd × cell × x"),
        ("group 2", "latent group", "people in group 2"),
        ("yes", "disability", "people with disability yes"),
        ("unseen", "cluster seen", "people in unseen clusters"),
    ],
)
def test_groups_read_as_people(group: str, attribute: str, words: str) -> None:
    assert members(group, attribute, BAD) == words


@pytest.mark.parametrize(
    ("group", "attribute", "words"),
    [
        ("African-American", "race", "African-American"),
        ("[70-80)", "age", "age 70–80"),
        ("≤ 37", "age", "age ≤ 37"),
        ("?", "race", "unknown race"),
        ("33–48 × non", "age × foreign", "age 33–48 × foreign non"),
    ],
)
def test_groups_are_called_so_that_they_say_of_what(
    group: str, attribute: str, words: str
) -> None:
    assert called(group, attribute) == words


@pytest.mark.parametrize("label", ["other", "none", "Nan", "No", "Unknown Bay", "NA-1"])
def test_real_groups_are_not_taken_for_unknown(label: str) -> None:
    assert is_unknown(label) is (label == "Nan")


def test_rows_that_are_images_are_not_called_people() -> None:
    assert members("dark", "tone", replace(NEUTRAL, noun="images")) == "dark images"


# -- one audit under every meaning ---------------------------------------------------------------


@pytest.fixture(scope="module")
def audit() -> AuditResult:
    """Three groups, of which the first is flagged most often for no reason."""
    rng = np.random.default_rng(3)
    group = rng.choice(["north", "south", "islands"], 4000, p=[0.45, 0.4, 0.15])
    y = rng.integers(0, 2, 4000)
    wrong = np.select([group == "north", group == "south"], [0.45, 0.22], 0.1)
    flagged = np.where(y == 1, rng.random(4000) < 0.7, rng.random(4000) < wrong)
    return audit_predictions(
        y, {"tool": flagged.astype(int)}, sensitive_features={"region": group}, n_boot=100
    )


def meant(result: AuditResult, meaning: Meaning, **facts: str | None) -> AuditResult:
    named = {"target": "two_year_recid", "positive": "1", "negative": "0", "meaning": meaning}
    return replace(result, summary={**result.summary, "outcome": {**named, **facts}})


def asked(result: AuditResult, metric: str) -> dict[str, str]:
    split = str(result.errors["split"].item(0))
    return {"attribute": "region", "metric": metric, "model": "tool", "split": split}


def test_false_flags_lead_in_words_of_a_defendants_lawyer(audit: AuditResult) -> None:
    result = meant(audit, "bad")
    assert leading_metrics(result)[0] == "fpr"
    first = errors_sentences(result, **asked(result, "fpr"))[0]
    share = r"\*\*{}\d\.\d%\*\* \({}[\d.]+% to [\d.]+%, \d+ rows\) of people with region {}"
    worst, beside = share.format("4", "95% CI ", "north"), share.format("2", "", "south")
    pattern = (
        rf"On test rows, tool wrongly flags {worst} who did not re-offend, against {beside}: the "
        r"highest share by region and that of the largest other group\."
    )
    assert re.fullmatch(pattern, first), first
    assert "The lowest share is **" in errors_lead(result, **asked(result, "fpr"))


@pytest.mark.parametrize(
    ("meaning", "metric", "verb"),
    [
        ("good", "fpr", "wrongly selects"), ("good", "fnr", "wrongly rejects"),
        ("bad", "fpr", "wrongly flags"), ("bad", "fnr", "misses"),
        ("bad", "selection_rate", "flags"), ("good", "selection_rate", "selects"),
        ("neutral", "fpr", "mistakes"), ("neutral", "error_rate", "judges"),
    ],
)  # fmt: skip
def test_the_verb_follows_the_meaning(
    audit: AuditResult, meaning: Meaning, metric: str, verb: str
) -> None:
    result = meant(audit, meaning)
    assert f", tool {verb} **" in errors_lead(result, **asked(result, metric))


@pytest.mark.parametrize("label", ["Unknown", "?", "n/a", "(missing)"])
def test_an_unknown_group_is_told_apart_and_leads_no_sentence(label: str) -> None:
    rng = np.random.default_rng(5)
    group = rng.choice(["north", "south", label], 4000, p=[0.45, 0.4, 0.15])
    flagged = rng.random(4000) < np.select([group == "north", group == "south"], [0.4, 0.2], 0.7)
    result = meant(
        audit_predictions(
            rng.integers(0, 2, 4000), {"tool": flagged.astype(int)},
            sensitive_features={"region": group}, n_boot=100,
        ),
        "bad",
    )  # fmt: skip
    first, *rest = errors_sentences(result, **asked(result, "fpr"))
    assert "of people with region north" in first
    assert "of people with region south" in first
    assert "region is" not in first
    verb = "missing" if label == "(missing)" else "unknown"
    assert any(f"for people whose region is {verb}." in sentence for sentence in rest)
    assert any(sentence.startswith("With them, the gap is") for sentence in rest)


def numbers_in(text: str) -> set[str]:
    return set(re.findall(r"\d+\.\d%", text))


@pytest.mark.parametrize("metric", ["fpr", "tpr", "selection_rate", "error_rate"])
def test_relabelling_changes_words_and_order_only(audit: AuditResult, metric: str) -> None:
    results = [meant(audit, meaning) for meaning in MEANINGS]
    ask = asked(audit, metric)
    values = [
        dict(
            table_rows.errors_of(
                r, attribute="region", metric=metric, split=ask["split"], models=["tool"]
            )
            .select("group", "value")
            .iter_rows()
        )
        for r in results
    ]
    assert values[0] == values[1] == values[2]
    known = {f"{100 * v:.1f}%" for v in values[0].values()}
    for result in results:
        bold = re.findall(r"\*\*(\d+\.\d%)\*\*", errors_lead(result, **ask))
        assert set(bold) <= known
    if metric == "selection_rate":
        orders = [list(v) for v in values]
        assert orders[0] == orders[1][::-1]  # selected least, flagged most


def test_no_sentence_holds_more_than_two_intervals(audit: AuditResult) -> None:
    for meaning in MEANINGS:
        for metric in ("fpr", "fnr", "selection_rate", "error_rate", "auroc"):
            result = meant(audit, meaning)
            for sentence in errors_sentences(result, **asked(result, metric)):
                assert len(re.findall(r"\d%? to \d", sentence)) <= 2


def test_without_an_outcome_a_selection_rate_is_told_without_right_and_wrong() -> None:
    voice = replace(GOOD, target="", known=False)
    claim = claim_of("selection_rate", voice)
    assert claim is not None
    assert (claim.verb, claim.whom) == ("selects", "")
