"""The controls of a comparison: quality, gap, attribute, rows."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.inputs.group_codes import OVERALL
from fairaudit.plots import compare
from fairaudit.report.choices import gap_metrics, quality_metrics
from fairaudit.text.model_front import over_seeds
from fairaudit.text.screens import compare as wording
from fairaudit.text.sentences.compare import compare_lead
from fairaudit.text.voice import Voice
from fairaudit.ui import url_widgets


@dataclass(frozen=True)
class ComparisonAxes:
    """Quality and gap metric, attribute of the gap, and which rows."""

    quality: str
    gap: str
    attribute: str
    split: str
    title: str  # of the gap axis


def controls(result: AuditResult) -> ComparisonAxes:
    """The controls and their present values."""
    places, named = url_widgets.row(4), url_widgets.metric_title(result)
    with places[0]:
        quality = url_widgets.one_of(
            "Quality", quality_metrics(result), key="quality", format_func=named,
            help=wording.QUALITY,
        )  # fmt: skip
    with places[1]:
        attribute = url_widgets.attribute(result)
    with places[2]:
        known = gap_metrics(result, attribute)
        gap = url_widgets.one_of("Gap in", known, key="gap", format_func=named)
    with places[3]:
        split = "test" if over_seeds(result) else url_widgets.split(result)
    title = f"{named(gap)}: gap by {attribute}"
    return ComparisonAxes(quality, gap, attribute, split, title)


def front(result: AuditResult, axes: ComparisonAxes) -> pl.DataFrame:
    """Quality and gap of each model, and which models are dominated."""
    return compare.front_table(
        result,
        quality=axes.quality,
        gap=axes.gap,
        attribute=axes.attribute,
        split=axes.split,
    )


def lead_sentence(front: pl.DataFrame, axes: ComparisonAxes, voice: Voice) -> str:
    """The lead sentence of the page."""
    return compare_lead(
        front,
        quality=axes.quality,
        gap_title=axes.gap,
        voice=voice,
        attribute=axes.attribute,
    )


def all_values(result: AuditResult) -> pl.DataFrame:
    """All metrics of all models, for the table and its download."""
    if over_seeds(result):
        return result.tables["comparison"]
    return result.errors.filter(pl.col("attribute") == OVERALL)
