"""What an outcome means: the positive class and its meaning, guessed by words and stated."""

from __future__ import annotations

import polars as pl
import pytest

from fairaudit.data.dataset import Dataset
from fairaudit.data.outcome import guess_meaning, guess_positive
from fairaudit.data.outcome_words import BAD, GOOD, TOPICS
from fairaudit.data.roles import ColumnRoles

KNOWN = [  # column, negative, positive
    ("y", "0", "1"), ("y", "-1", "1"), ("y", "0", "2"), ("y", "0.0", "1.0"), ("y", "no", "2"),

    ("y", "- 50000.", "50000+."), ("readmitted", "NO", "<30"),
    ("y", "nein", "ja"), ("y", "нет", "да"), ("y", "non", "oui"), ("y", "no", "sí"),
    ("y", "いいえ", "はい"), ("y", "否", "是"), ("y", "hayır", "evet"), ("y", "nie", "tak"),
    ("y", "N", "Y"), ("y", "f", "t"), ("y", "F", "P"), ("y", "False", "True"), ("y", "-", "+"),
    ("y", "reject", "accept"), ("y", "ineligible", "eligible"), ("y", "unemployed", "employed"),
    ("y", "defaulted", "repaid"), ("default", "repaid", "defaulted"), ("y", "<=50K.", ">50K."),
    ("y", "rechazado", "aceptado"), ("y", "no aprobado", "aprobado"), ("y", "未通过", "通过"),
    ("y", "Nicht bestanden", "Bestanden"), ("y", "not hired", "hired"), ("y", "low", "high"),
    ("y", "no default", "default"), ("y", "non-default", "default"), ("y", "bad", "good"),
    ("y", "benign", "malignant"), ("y", "normal", "abnormal"), ("y", "ham", "spam"),
    ("y", "genuine", "fraud"), ("y", "absent", "present"), ("y", "none", "diabetes"),
    ("y", "dissatisfied", "satisfied"), ("y", "Charged Off", "Fully Paid"),
    ("y", "died", "survived"), ("y", "아니오", "예"), ("y", "नहीं", "हाँ"),
    ("y", "плохой", "хороший"),
    ("y", "tested_negative", "tested_positive"), ("y", "stayed", "left"), ("y", "fail", "pass"),
    ("decision", "Denied", "Approved"), ("y", "odmowa", "przyjęty"), ("y", "refusé", "accepté"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "negative", "positive"), KNOWN)
def test_words_decide_the_positive_class_in_either_order(
    name: str, negative: str, positive: str
) -> None:
    for levels in ((negative, positive), (positive, negative)):
        guess = guess_positive(levels, name)
        assert guess.label == positive
        assert positive in guess.reason


@pytest.mark.parametrize(
    "levels", [("1", "2"), ("M", "F"), ("male", "female"), ("a", "b"), ("3", "5"), ("a", "b", "c")]
)
def test_without_a_word_there_is_no_guess(levels: tuple[str, ...]) -> None:
    assert guess_positive(levels).label is None


@pytest.mark.parametrize(
    ("name", "positive", "negative", "meaning"),
    [
        ("two_year_recid", "1", "0", "bad"),
        ("two_year_recid", "0", "1", "good"),
        ("default.payment.next.month", "1", "0", "bad"),
        ("income", ">50K", "<=50K", "good"),
        ("income", "<=50K", ">50K", "bad"),
        ("readmitted", "1", "0", "bad"),
        ("readmitted", "<30", "NO", "bad"),
        ("readmitted", ">30", "NO", "bad"),
        ("income", "50000+.", "- 50000.", "good"),
        ("hired", "1", "0", "good"),
        ("Attrition", "Yes", "No", "bad"),
        ("credit", "good", "bad", "good"),
        ("credit", "bad", "good", "bad"),
        ("status", "not hired", "hired", "bad"),
        ("status", "no default", "default", "good"),
        ("action", "Loan originated", "Application denied", "good"),
        ("gender", "male", "female", "neutral"),
        ("species", "cat", "dog", "neutral"),
        ("eingestellt", "ja", "nein", "good"),
        ("rückfällig", "ja", "nein", "bad"),
        ("arstmade", "Y", "N", "bad"),
        ("TenYearCHD", "1", "0", "bad"),
        ("SeriousDlqin2yrs", "1", "0", "bad"),
        ("PUBCOV", "1", "0", "good"),
        ("public_coverage", "1", "0", "good"),
        ("left", "1", "0", "bad"),
        ("no_finding", "1", "0", "good"),
        ("resultat_controle", "indu", "conforme", "bad"),
        ("MIG", "1", "0", "neutral"),
        ("是否违约", "1", "0", "bad"),
        ("zatrudniony", "tak", "nie", "good"),
        ("column_15", ">50K", "<=50K", "good"),
    ],
)
def test_words_say_what_the_positive_class_means(
    name: str, positive: str, negative: str, meaning: str
) -> None:
    guess = guess_meaning(name, positive, negative)
    assert (guess.meaning, guess.sure) == (meaning, True)


@pytest.mark.parametrize("name", ["PINCP", "G3", "zfya", "final_grade", "ESR"])
def test_a_numeric_outcome_has_a_meaning_too(name: str) -> None:
    assert guess_meaning(name, None).meaning == "good"


def test_every_topic_of_a_target_has_a_sense_and_no_word_has_two() -> None:
    for word, sense in TOPICS.items():
        guess = guess_meaning(word, "1", "0")
        assert (guess.meaning, guess.sure) == (("neutral", "good", "bad")[sense], True), word
    assert not GOOD & set(BAD)


def test_the_positive_label_is_the_finding_not_the_regular_case() -> None:
    assert guess_positive(("conforme", "indu")).label == "indu"
    assert guess_positive(("fraude", "konform")).label == "fraude"


def test_silent_names_are_neutral_and_say_that_nothing_decided() -> None:
    guess = guess_meaning("y", "1", "0")
    assert (guess.meaning, guess.sure) == ("neutral", False)
    assert "nothing in 'y'" in guess.reason


FRAME = pl.DataFrame(
    {"code": [1, 2] * 4, "hired": ["no", "yes"] * 4, "tool": ["rejected", "selected"] * 4,
     "sex": ["f", "m"] * 4}
)  # fmt: skip


def test_a_dataset_states_what_was_taken_and_why() -> None:
    unsure = Dataset(FRAME, ColumnRoles(target="code", sensitive=("sex",))).outcome
    assert (unsure.positive, unsure.sure) == ("2", False)
    assert "the larger label '2' was taken" in unsure.reason
    stated = Dataset(FRAME, ColumnRoles(target="code", positive="1", meaning="bad")).outcome
    assert (stated.positive, stated.negative, stated.meaning) == ("1", "2", "bad")
    assert stated.sure
    assert "stated in the request" in stated.reason


def test_without_an_outcome_the_decision_gives_the_words() -> None:
    outcome = Dataset(FRAME, ColumnRoles(predictions=("tool",), sensitive=("sex",))).outcome
    assert outcome.target is None
    assert (outcome.positive, outcome.meaning) == ("selected", "good")
    assert outcome.reason.startswith("no outcome known")


@pytest.mark.parametrize(
    ("roles", "names"),
    [
        ({"target": "hired", "predictions": ("hired",)}, "the target and a prediction"),
        ({"target": "hired", "sensitive": ("hired",)}, "the target and a sensitive attribute"),
        ({"target": "code", "scores": ("code",)}, "the target and a score"),
        ({"predictions": ("tool",), "features": ("tool",)}, "a feature and a prediction"),
        ({"scores": ("code",), "features": ("code",)}, "a feature and a score"),
        ({"weight": "code", "features": ("code",)}, "a feature and the weight"),
        ({"split": "tool", "sensitive": ("tool",)}, "a sensitive attribute and the split"),
        ({"cluster": "tool", "target": "tool"}, "the target and the cluster"),
        ({"unit": "code", "cluster": "code"}, "the cluster and the repeating id"),
    ],
)
def test_a_column_has_one_role(roles: dict[str, object], names: str) -> None:
    with pytest.raises(ValueError, match=f"cannot be both {names}; a column has one role"):
        ColumnRoles.model_validate(roles)
