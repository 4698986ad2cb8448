"""What is shown first: main split and model, attributes in order, leading metrics."""

from __future__ import annotations

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.inputs.group_codes import OVERALL
from fairaudit.inputs.labels import CROSS
from fairaudit.plots.groups import LATENT
from fairaudit.stats.metric_definitions import first_metrics
from fairaudit.text import metric_words
from fairaudit.text.voice import voice_of

_FURTHER = ("fnr", "accuracy", "auroc", "mse", "mean_score")
QUALITY = ("auroc", "accuracy", "balanced_accuracy", "r2", "mse")


def main_split(result: AuditResult) -> str:
    """The split that is shown first: test rows where there are any."""
    known = result.errors["split"].unique().to_list()
    return "test" if "test" in known or not known else str(sorted(known)[0])


def main_model(result: AuditResult) -> str:
    """The model the audit is about: the first of the result."""
    models = result.errors["model"].unique(maintain_order=True).to_list()
    return str(models[0]) if models else ""


def attributes(result: AuditResult) -> list[str]:
    """Attributes with groups: latent groups, single, intersections, those within levels.

    Single attributes and intersections are in the order in which the user chose the attributes.
    """
    known = result.errors["attribute"].unique(maintain_order=True).to_list()
    return sorted((a for a in known if a != OVERALL), key=_place)


def _place(attribute: str) -> tuple[bool, bool, int]:
    """Latent groups first, groups within levels of other columns last."""
    return attribute != LATENT, " | " in attribute, attribute.count(CROSS)


def leading_metrics(result: AuditResult, most: int = 2) -> list[str]:
    """The metrics shown first, of those that the result has values for.

    What harms a person leads: being passed over where the outcome is good, being flagged where
    it is bad, being mistaken for something else where it is neither.
    """
    known = result.errors.filter(pl.col("value").is_not_null())["metric"]
    names = known.unique(maintain_order=True).to_list()
    chosen = [m for m in usual_order(result) if m in names] or names
    return [*chosen, *(m for m in bounded_metrics(result) if m not in chosen)][:most]


def bounded_metrics(result: AuditResult) -> list[str]:
    """Metrics of which only bounds are known, because some outcomes are not."""
    table = result.tables.get("bounds")
    if table is None:
        return []
    names = table.drop_nulls("lower")["metric"].unique().to_list()
    return [m for m in usual_order(result) if m in names]


def usual_order(result: AuditResult) -> list[str]:
    """The usual metrics of such an audit, the most important first."""
    voice = voice_of(result)
    task = str(result.summary.get("task") or "binary")
    first = first_metrics(voice.meaning, known=voice.known, task=task)
    return list(dict.fromkeys((*first, *_FURTHER)))


def quality_metrics(result: AuditResult) -> list[str]:
    """Metrics one judges models by over all rows, the usual ones first."""
    rows = result.errors.filter((pl.col("attribute") == OVERALL) & pl.col("value").is_not_null())
    known = rows["metric"].unique(maintain_order=True).to_list()
    first = [m for m in QUALITY if m in known]
    return [*first, *(m for m in known if m not in {*first, *metric_words.NEITHER})]


def gap_metrics(result: AuditResult, attribute: str) -> list[str]:
    """Metrics with a difference between the attribute's groups, the usual ones first."""
    rows = result.gaps.filter(
        (pl.col("attribute") == attribute)
        & (pl.col("kind") == "difference")
        & pl.col("value").is_not_null()
    )
    known = rows["metric"].unique(maintain_order=True).to_list()
    first = [m for m in (*usual_order(result), "equalized_odds") if m in known]
    return [*first, *(m for m in known if m not in first)]


def group_count(result: AuditResult) -> int | None:
    """The number of latent groups that is reported, where an audit has several."""
    groups, sweep = result.tables.get("groups"), result.tables.get("sweep")
    if groups is None or "n_groups" not in groups.columns:
        return None
    if sweep is not None and "chosen" in sweep.columns and sweep["chosen"].any():
        return int(sweep.filter(pl.col("chosen"))["n_groups"].item(0))
    return int(groups["n_groups"].sort(descending=True).item(0))
