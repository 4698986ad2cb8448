"""What a report tells, in order: sections with a sentence, a chart and the rows behind it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.plots import errors as error_plots
from fairaudit.plots import labels
from fairaudit.plots.theme import OVERALL, Chart, natural

LEADING = ("tpr", "fpr", "selection_rate", "accuracy", "auroc", "mse", "mean_error")


@dataclass(frozen=True)
class Section:
    """One part of a report; `table` names the CSV that holds all its rows."""

    title: str
    sentences: tuple[str, ...]
    charts: tuple[Chart, ...] = ()
    rows: pl.DataFrame | None = None
    table: str | None = None
    how: str = ""
    alerts: tuple[str, ...] = field(default=())


def sections(result: AuditResult) -> list[Section]:
    """All sections this result has something to say in."""
    makers: Sequence[Callable[[AuditResult], Iterator[Section]]] = (_errors, _gaps)
    return [section for maker in makers for section in maker(result)]


def main_split(result: AuditResult) -> str:
    """The split that is shown first: test rows where there are any."""
    known = result.errors.get_column("split").unique().to_list()
    return "test" if "test" in known or not known else str(sorted(known)[0])


def main_model(result: AuditResult) -> str:
    """The model the audit is about: the first of the result."""
    models = result.errors.get_column("model").unique(maintain_order=True).to_list()
    return str(models[0]) if models else ""


def attributes(result: AuditResult) -> list[str]:
    """Attributes with groups: single ones first, then crossings by depth."""
    known = result.errors.get_column("attribute").unique().to_list()
    named = [a for a in known if a != OVERALL]
    return sorted(named, key=lambda a: (a.count(error_plots.CROSSED), natural(a)))


def leading_metrics(result: AuditResult, most: int = 2) -> list[str]:
    """The metrics shown first, of those that the result has values for."""
    known = result.errors.filter(pl.col("value").is_not_null())["metric"].unique().to_list()
    chosen = [m for m in LEADING if m in known] or sorted(known)
    return chosen[:most]


def _errors(result: AuditResult) -> Iterator[Section]:
    split, model = main_split(result), main_model(result)
    for attribute in attributes(result):
        charts = tuple(
            error_plots.by_group(
                result, attribute=attribute, metric=metric, split=split, models=[model]
            )
            for metric in leading_metrics(result)
        )
        if charts:
            yield Section(
                title=f"Errors by {attribute}",
                sentences=tuple(chart.alt for chart in charts),
                charts=charts,
                rows=error_rows(result, attribute, split),
                table="errors",
                how="Rates carry Wilson intervals, everything else bootstrap intervals; "
                "the column 'method' names the one used.",
            )


def error_rows(result: AuditResult, attribute: str, split: str) -> pl.DataFrame:
    """The readable columns of `errors` for one attribute, the shown metrics first."""
    order = {m: i for i, m in enumerate(LEADING)}
    return (
        result.errors.filter((pl.col("attribute") == attribute) & (pl.col("split") == split))
        .with_columns(
            pl.col("metric")
            .replace_strict(order, default=len(order), return_dtype=pl.Int64)
            .alias("_place")
        )
        .sort("_place", "metric", "model", "group")
        .select("model", "group", "metric", "n", "value", "low", "high", "status", "method")
    )


def _gaps(result: AuditResult) -> Iterator[Section]:
    rows = result.gaps.filter(pl.col("split") == main_split(result))
    if rows.is_empty():
        return
    worst = (
        rows.filter((pl.col("kind") == "difference") & pl.col("value").is_not_null())
        .filter(pl.col("metric").is_in(leading_metrics(result, 4)))
        .sort("value", descending=True)
        .head(5)
    )
    yield Section(
        title="Gaps between groups",
        sentences=tuple(gap_words(row) for row in worst.iter_rows(named=True)),
        rows=rows.select("model", "attribute", "metric", "kind", "value", "low", "high", "status"),
        table="gaps",
        how="A difference is the largest value over the groups minus the smallest. The largest "
        "of several noisy values is too large on average; the column 'corrected' takes that off.",
    )


def gap_words(row: dict[str, object]) -> str:
    """A difference in words with its interval."""
    metric = str(row["metric"])
    value, low, high = (_number(row[name]) for name in ("value", "low", "high"))
    words = (
        f"{labels.title(metric)} of {row['model']} differs by {labels.points(value, metric)} "
        f"between the groups of {row['attribute']}"
    )
    if low is None or high is None:
        return f"{words}."
    return f"{words} (interval {labels.points(low, metric)} to {labels.points(high, metric)})."


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
