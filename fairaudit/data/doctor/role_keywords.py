"""Keywords that suggest a column's role: English names and well-known values."""

from __future__ import annotations

import re


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


# Keyword → topic. Keywords of the second table only count in columns with few values
# ("foreign-worker": yes/no), not in measurements ("PctForeignBorn": 0.12).
SENSITIVE_WORDS = {
    "sex": "sex", "sx": "sex", "gender": "sex", "race": "race", "races": "race",
    "racial": "race", "ethnicity": "race", "ethnic": "race", "ethn": "race", "age": "age",
    "ages": "age", "religion": "religion", "religious": "religion", "disability": "disability",
    "disabled": "disability", "handicap": "disability", "nationality": "nationality",
    "caste": "caste", "dob": "age", "birthdate": "age", "birthyear": "age",
}  # fmt: skip
SENSITIVE_IF_FEW = {
    "male": "sex", "female": "sex", "marital": "marital status", "minority": "race",
    "minrty": "race", "foreign": "nationality", "citizenship": "nationality",
    "citizen": "nationality", "hispanic": "race", "latino": "race", "black": "race",
    "white": "race", "asian": "race", "indigenous": "race", "native": "nationality",
    "veteran": "veteran status", "pregnant": "pregnancy", "pregnancy": "pregnancy",
    "orientation": "orientation", "immigrant": "nationality", "refugee": "nationality",
    "skin": "race", "skintone": "race", "tone": "race",
}  # fmt: skip
# Words that turn a sensitive word into a measurement of something else ("whitePerCap").
NOT_SENSITIVE_WITH = _set(
    """per cap capita income score list paper box board count mortgage loan page"""
)
SENSITIVE_PREFIXES = {"racepct": "race", "ethni": "race", "gender": "sex", "agepct": "age"}
SENSITIVE_VALUES: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset(("m", "f")), "its values are M and F"),
    (frozenset(("male", "female")), "its values are male and female"),
    (frozenset(("man", "woman")), "its values are man and woman"),
    (frozenset(("men", "women")), "its values are men and women"),
    (frozenset(("male", "female", "other")), "its values are male, female and other"),
    (frozenset(("m", "f", "x")), "its values are M, F and X"),
    (frozenset(("male", "female", "nonbinary")), "its values are male, female and nonbinary"),
)
ETHNIC_VALUES = _set(
    """white black asian hispanic latino caucasian african-american amer-indian-eskimo asian-pac-
    islander native-american indian mexican puertorican puerto-rican african black-african
    pacific-islander native hawaiian mixed arab roma other"""
)

TARGET_WORDS = _set("""target label outcome class y response truth groundtruth actual dependent""")
TARGET_TOPICS = _set(
    """income default defaulted repaid recid recidivism survived hired hire admitted admission
    approved approval diagnosis disease readmitted readmission mortality died death churn
    dropout pass passed graduated fraud crimes crime violent promoted accepted pf zfya ach
    mathach achievement finding salary wage g3 selected granted malignant"""
)

PREDICTION_WORDS = _set(
    """pred preds predicted prediction predictions yhat decision decisions decided recommendation
    recommended classified verdict flagged"""
)
SCORE_WORDS = _set(
    """score scores prob probs probability proba risk decile likelihood propensity"""
)
NOT_SCORE_WITH = _set(
    """credit test sat act exam fico math reading quiz apgar lsat gre toefl text date tolerance
    factor factors averse appetite"""
)

CLUSTER_WORDS = (
    "site", "hospital", "school", "clinic", "center", "centre", "branch", "facility", "ward",
    "practice", "teacher", "classroom", "store", "agency", "employer", "company", "department",
    "court", "judge", "province", "region", "state", "county", "district", "city", "cluster",
    "occupation", "team", "plant",
)  # fmt: skip
IDENTIFIER_WORDS = _set(
    """id ids uuid guid key index idx rownames rowname rownum rowid identifier pk nr number no
    name names surname firstname lastname fullname email mail phone ssn passport address
    communityname url"""
)
WEIGHT_WORDS = _set(
    """weight weights wt fnlwgt sampleweight pweight samplingweight perwt finalwgt"""
)
IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".npy")
DATE_WORDS = _set("""date time timestamp datetime""")


def words_of(name: str) -> tuple[str, ...]:
    """The words in a column name: "agePct12t21" → age, pct, 12, t, 21; "is_recid" → is, recid."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    spaced = re.sub(r"(?<=[A-Z])(?=[A-Z][a-z])", " ", spaced)
    return tuple(re.findall(r"[a-z]+|\d+", spaced.lower()))


def whole_word(name: str) -> str:
    """The name without anything but letters and digits: "y_hat" → yhat."""
    return "".join(re.findall(r"[a-z0-9]+", name.lower()))
