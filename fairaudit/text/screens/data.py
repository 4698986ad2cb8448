"""What the Data page says."""

from __future__ import annotations

from collections.abc import Sequence

from fairaudit.data.roles import ColumnRoles
from fairaudit.text.numbers import count, listed
from fairaudit.text.sentences.phrases import Row

DELETED = "The table and every audit of it will be permanently deleted."
KNOWN_BEFORE = "Use one only if it is known before the decision."
KNOWN_FOR = "Such as loans granted: who was refused could neither repay nor default."
SIZE = "Up to 200 MB; for larger files use `fairaudit ingest PATH`. Nothing leaves this machine."
START = (
    "Start with a sample, or upload a table with **one row per person or decision**: "
    "fairaudit suggests the role of each column, and you decide."
)
PRIMARY = (
    "One comparison named before results are seen is tested on its own, without a "
    "correction for the many others."
)


def proposal(name: str, rows: int, columns: int, roles: ColumnRoles) -> str:
    """The table, and the roles that its columns appear to have."""
    sentences = [f"**{name}** has **{count(rows, 'row')}** and **{count(columns, 'column')}**."]
    if roles.target is not None:
        predicted = "" if roles.positive is None else f" (predicted: **{roles.positive}**)"
        sentences.append(f"The outcome appears to be **{roles.target}**{predicted}.")
    if roles.sensitive:
        verb = "appears" if len(roles.sensitive) == 1 else "appear"
        sentences.append(f"**{listed(roles.sensitive)}** {verb} to be sensitive.")
    if roles.predictions:
        sentences.append(f"It already contains decisions: **{listed(roles.predictions)}**.")
    return " ".join(sentences)


def strongest_proxy(best: Row) -> str:
    """The feature that gives an attribute away most."""
    return (
        f"**{best['feature']}** is the strongest proxy for **{best['sensitive']}**: on its own it "
        f"predicts the attribute with an AUROC of **{best['auroc']:.2f}** (0.5 = chance)."
    )


def constant_score(score: str) -> str:
    """The score cannot decide."""
    return f"**{score}** holds no two different numbers: it cannot decide."


def selected(share: str, verb: str, name: str, selected: int, rows: int) -> str:
    """How many rows a cut selects."""
    return f"**{share}** of the rows are {verb} by {name} ({selected:,} of {rows:,})."


def check_cut(nearly: str, verb: str) -> str:
    """A cut that selects nearly all or none."""
    return f" Nearly {nearly} are {verb}: check the cut."


def possible_outcome(column: str, why: str) -> str:
    """A column that may be the outcome."""
    return f"Possibly '{column}' is the outcome: {why}."


def open_answers(missing: Sequence[str]) -> str:
    """What the user has not said of the outcome."""
    return f"Still to answer: {'; '.join(missing)}."


def reasons(reasons: Sequence[str]) -> str:
    """Why an outcome, its positive class and its meaning are suggested."""
    return f"Suggested because {'; '.join(reasons)}."
