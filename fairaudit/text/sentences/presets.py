"""Sentences about what a rule was computed on."""

from __future__ import annotations

import polars as pl

from fairaudit.audit.presets import SELECTIONS
from fairaudit.audit.result import AuditResult
from fairaudit.text.numbers import rows


def counted_rows(result: AuditResult) -> str:
    """On which rows and whose decisions a rule about selections was counted; "" for others.

    Decisions in a table are counted on all its rows; those of a trained model only on the rows
    that it was not trained on, which are the ones that a result stores.
    """
    answers = result.tables.get("predictions")
    rule = result.summary.get("preset") or {}
    if rule.get("name") not in SELECTIONS or answers is None or answers.is_empty():
        return ""
    model = str(answers["model"].item(0))
    if result.summary.get("kind") == "predictions":
        return (
            f"Counted on all rows with a decision of {model}, also where no outcome is known; "
            "the other systems are not counted."
            if answers["model"].n_unique() > 1
            else f"Counted on all rows with a decision of {model}, also where no outcome is known."
        )
    own = answers.filter(pl.col("model") == model)
    splits = " and ".join(sorted(own["split"].unique(), reverse=True))
    return (
        f"Counted on the {rows(own.height)} for {splits}, with the decisions of {model}: the rows "
        "that it was trained on are not counted."
    )
