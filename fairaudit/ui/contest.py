"""What a comparison shows under the controls: models of one audit, or methods over seeds."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.plots import compare, labels
from fairaudit.report import sections
from fairaudit.ui import choices


@dataclass(frozen=True)
class Asked:
    """Quality and gap metric, attribute of the gap, and which rows."""

    quality: str
    gap: str
    attribute: str
    split: str


def controls(result: AuditResult) -> Asked:
    """The live controls."""
    places = choices.row(4)
    with places[0]:
        quality = choices.one_of(
            "Quality", qualities(result), key="quality", words=labels.title,
            help="What all rows together are judged by.",
        )  # fmt: skip
    with places[1]:
        attribute = choices.attribute(result)
    with places[2]:
        gap = choices.one_of("Gap in", gaps(result, attribute), key="gap", words=labels.title)
    with places[3]:
        split = "test" if over_seeds(result) else choices.split(result)
    return Asked(quality, gap, attribute, split)


def over_seeds(result: AuditResult) -> bool:
    """Whether the methods were fitted several times on the same splits."""
    return "comparison" in result.tables


def qualities(result: AuditResult) -> list[str]:
    """Metrics over all rows, those one judges models by first."""
    known = result.errors["metric"].unique(maintain_order=True).to_list()
    first = [m for m in ("auroc", "accuracy", "balanced_accuracy", "r2", "mse") if m in known]
    skip = {*first, *labels.NEITHER}
    return [*first, *(m for m in known if m not in skip)]


def gaps(result: AuditResult, attribute: str) -> list[str]:
    """Metrics with a difference between the attribute's groups."""
    rows = result.gaps.filter(
        (pl.col("attribute") == attribute) & (pl.col("kind") == "difference")
    )
    known = rows["metric"].unique(maintain_order=True).to_list()
    first = [m for m in ("equalized_odds", *sections.LEADING) if m in known]
    return [*first, *(m for m in known if m not in first)]


def gap_title(asked: Asked) -> str:
    """What the gap axis says."""
    return f"Gap in {labels.title(asked.gap)} by {asked.attribute}"


def values(result: AuditResult, asked: Asked) -> pl.DataFrame:
    """Quality of each model over all rows: model, value, low, high, status."""
    if over_seeds(result):
        return _over_seeds(result, "all", asked.quality, "overall")
    return compare.overall_values(result, metric=asked.quality, split=asked.split)


def front(result: AuditResult, asked: Asked) -> pl.DataFrame:
    """Quality and gap of each model, with who is dominated."""
    if over_seeds(result):
        gap = _over_seeds(result, asked.attribute, asked.gap, "difference")
    else:
        gap = compare.gap_values(
            result, attribute=asked.attribute, metric=asked.gap, split=asked.split
        )
    return compare.front_of(values(result, asked), gap, asked.quality)


def _over_seeds(result: AuditResult, attribute: str, metric: str, kind: str) -> pl.DataFrame:
    return (
        result.tables["comparison"]
        .filter(
            (pl.col("attribute") == attribute)
            & (pl.col("metric") == metric)
            & (pl.col("kind") == kind)
        )
        .select("model", "value", "low", "high", "status")
    )


def differences(result: AuditResult, asked: Asked) -> pl.DataFrame:
    """Paired differences in quality: over seeds, or on the same rows by group."""
    if "paired" in result.tables:
        rows = result.tables["paired"].filter(pl.col("metric") == asked.quality)
        named = pl.concat_str("attribute", "kind", separator=", ").alias("group")
        return rows.with_columns(named).sort("group", "model_a")
    table = result.tables.get("comparisons")
    if table is None:
        return pl.DataFrame(schema={"difference": pl.Float64})
    return table.filter(
        (pl.col("metric") == asked.quality)
        & (pl.col("split") == asked.split)
        & pl.col("attribute").is_in(["all", asked.attribute])
    )


def everything(result: AuditResult) -> pl.DataFrame:
    """All numbers of all models, for the table and its download."""
    if over_seeds(result):
        return result.tables["comparison"]
    return result.errors.filter(pl.col("attribute") == "all")


def explained(result: AuditResult) -> str:
    """How the intervals of this comparison were made."""
    same = (
        "All models saw the same splits and the same preprocessing, and were given the same "
        "budget. A model is *dominated* where another is no worse on both axes and better on one."
    )
    if over_seeds(result):
        return (
            f"{same} Intervals are over repeated splits, by the corrected resampled t of Nadeau "
            "and Bengio (2003): repeated splits share rows, so the plain variance is too small."
        )
    return (
        f"{same} Differences are paired: both models answer for the same rows (exact McNemar for "
        "rates, paired bootstrap and paired DeLong otherwise), and p-values are adjusted for the "
        "number of looks (Benjamini–Hochberg)."
    )
