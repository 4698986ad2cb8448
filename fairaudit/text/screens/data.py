"""What the Data page says."""

from __future__ import annotations

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


def outcome(target: str, label: str) -> str:
    """The column that appears to be the outcome."""
    return f" The outcome appears to be **{target}**{label}."


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
