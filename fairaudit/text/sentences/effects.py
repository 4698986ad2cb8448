"""Sentences about what clusters add."""

from __future__ import annotations

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.text import numbers
from fairaudit.text.sentences.phrases import ci, joined
from fairaudit.text.voice import voice_of


def effects_lead(result: AuditResult) -> str:
    """How much of the variance the clusters account for, and how many differ from the average."""
    effects, icc, voice = result.tables["effects"], result.summary.get("icc"), voice_of(result)
    own = effects.filter((pl.col("effect") == "intercept") & pl.col("seen"))
    apart = own.filter((pl.col("low") > 0) | (pl.col("high") < 0)).height
    first = (
        f"The {voice.percent} intervals of {apart} of **{numbers.count(own.height, 'cluster')}** "
        "exclude the average."
    )
    share = ""
    if icc is not None:
        limits = (result.summary.get("icc_low"), result.summary.get("icc_high"))
        span = ci(numbers.interval(*limits, "accuracy"), voice)
        share = f"Slopes aside, clusters account for **{icc:.1%}** of the variance (ICC"
        share += f", {span})." if span else ")."
    unseen = result.summary.get("clusters_unseen") or 0
    were = "was" if unseen == 1 else "were"
    last = f"{numbers.count(unseen, 'cluster')} {were} not seen in training." if unseen else ""
    return joined([first, share, last])
