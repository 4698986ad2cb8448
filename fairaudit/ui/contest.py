"""The controls of a comparison: quality, gap, attribute, rows."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.inputs.group_codes import OVERALL
from fairaudit.plots import compare
from fairaudit.report.choices import gap_metrics, quality_metrics
from fairaudit.text import leads, numbers
from fairaudit.text.model_front import over_seeds
from fairaudit.ui import url_widgets


@dataclass(frozen=True)
class ComparisonAxes:
    """Quality and gap metric, attribute of the gap, and which rows."""

    quality: str
    gap: str
    attribute: str
    split: str

    @property
    def title(self) -> str:
        """What the gap axis says."""
        return f"Gap in {numbers.title(self.gap)} by {self.attribute}"


def controls(result: AuditResult) -> ComparisonAxes:
    """The live controls."""
    places = url_widgets.row(4)
    with places[0]:
        quality = url_widgets.one_of(
            "Quality", quality_metrics(result), key="quality", words=numbers.title,
            help="What all rows together are judged by.",
        )  # fmt: skip
    with places[1]:
        attribute = url_widgets.attribute(result)
    with places[2]:
        known = gap_metrics(result, attribute)
        gap = url_widgets.one_of("Gap in", known, key="gap", words=numbers.title)
    with places[3]:
        split = "test" if over_seeds(result) else url_widgets.split(result)
    return ComparisonAxes(quality, gap, attribute, split)


def front(result: AuditResult, asked: ComparisonAxes) -> pl.DataFrame:
    """Quality and gap of each model, with who is dominated."""
    return compare.front_table(
        result,
        quality=asked.quality,
        gap=asked.gap,
        attribute=asked.attribute,
        split=asked.split,
    )


def lead(front: pl.DataFrame, asked: ComparisonAxes) -> str:
    """The sentence at the head of the page."""
    return leads.compare_lead(
        front, quality=asked.quality, gap_title=asked.gap, attribute=asked.attribute
    )


def everything(result: AuditResult) -> pl.DataFrame:
    """All numbers of all models, for the table and its download."""
    if over_seeds(result):
        return result.tables["comparison"]
    return result.errors.filter(pl.col("attribute") == OVERALL)
