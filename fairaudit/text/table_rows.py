"""The rows of a result that a sentence or a chart speaks of, in the order they are read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.stats.estimates import ESTIMATED
from fairaudit.text.group_words import is_unknown
from fairaudit.text.meaning import is_one_sided, worse_end
from fairaudit.text.ordering import natural
from fairaudit.text.voice import Voice, voice_of

RULES: Mapping[str, str] = {"bound": "with the bound", "point estimates": "on point estimates"}
VIEWS: Mapping[str, str] = {
    "stress_shift": "Shift",
    "stress_groups": "Wrong groups",
    "stress_ablation": "Ablation",
    "stress_objectives": "Objectives",
    "stress_time": "Time",
    "probes": "Probes",
    "flips": "Flips",
}
CRITERIA = {
    "heldout": "Held-out log-likelihood",
    "bic": "BIC",
    "icl": "ICL",
    "log_likelihood": "Log-likelihood on training rows",
}
LOWER = frozenset({"bic", "icl"})


def unique(table: pl.DataFrame, column: str) -> list[str]:
    """The values of a column, in order of appearance."""
    names: list[str] = table[column].unique(maintain_order=True).to_list()
    return names


# -- errors by group ---------------------------------------------------------------------------


def errors_of(
    result: AuditResult,
    *,
    attribute: str,
    metric: str,
    split: str = "test",
    models: Sequence[str] | None = None,
) -> pl.DataFrame:
    """The rows of `errors` a chart by group draws, worst group of the first model first."""
    errors = result.errors.filter(
        (pl.col("attribute") == attribute)
        & (pl.col("metric") == metric)
        & (pl.col("split") == split)
    )
    chosen = list(models) if models else errors.get_column("model").unique(maintain_order=True)
    errors = errors.filter(pl.col("model").is_in(list(chosen)))
    order = worst_first(errors, chosen[0] if len(chosen) else "", metric, voice_of(result))
    place = {group: i for i, group in enumerate(order)}
    model_place = {model: i for i, model in enumerate(chosen)}
    return (
        errors.with_columns(
            pl.col("group").replace_strict(place, return_dtype=pl.Int64).alias("_place"),
            pl.col("model").replace_strict(model_place, return_dtype=pl.Int64).alias("_model"),
        )
        .sort("_place", "_model")
        .drop("_place", "_model")
    )


def bounds_of(
    result: AuditResult,
    *,
    attribute: str,
    metric: str,
    model: str,
    split: str,
    kind: str = "value",
) -> pl.DataFrame:
    """The rows of `bounds` of a metric, worst first; none where every outcome is known."""
    table = result.tables.get("bounds")
    if table is None:
        return pl.DataFrame()
    high = worse_end(metric, voice_of(result)) != "lowest"
    return table.filter(
        (pl.col("attribute") == attribute)
        & (pl.col("metric") == metric)
        & (pl.col("model") == model)
        & (pl.col("split") == split)
        & (pl.col("kind") == kind)
    ).sort("upper" if high else "lower", descending=high, nulls_last=True)


def readable_bounds(table: pl.DataFrame) -> pl.DataFrame:
    """Bounds with columns that say what they are."""
    return table.rename({"lower": "at_least", "upper": "at_most"})


def is_bounded(
    result: AuditResult, *, attribute: str, metric: str, model: str, split: str
) -> bool:
    """Whether only bounds of a metric are known, because outcomes are missing."""
    view = {"attribute": attribute, "metric": metric, "model": model, "split": split}
    known = result.errors.filter(pl.col("value").is_not_null(), **view)
    return known.is_empty() and not bounds_of(result, **view).is_empty()


def worst_first(errors: pl.DataFrame, model: str, metric: str, voice: Voice) -> list[str]:
    """Groups of one attribute, worst first; those without a value at the end, by name.

    Where no end is the worse one, the highest comes first; a mean error is worst far from zero.
    """
    known = dict(errors.filter(pl.col("model") == model).select("group", "value").iter_rows())
    groups = sorted(errors.get_column("group").unique().to_list(), key=natural)
    size = _goodness(metric, voice)
    judged = [g for g in groups if known.get(g) is not None]
    blank = [g for g in groups if known.get(g) is None]
    return [*sorted(judged, key=lambda g: size(known[g])), *blank]


def stable(judged: pl.DataFrame) -> pl.DataFrame:
    """Rows with enough people behind them; all rows where fewer than two have."""
    sure = judged.filter(pl.col("status") == ESTIMATED)
    return sure if sure.height > 1 else judged


def of_known_groups(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows of groups that are known; all rows where fewer than two are.

    "Unknown" or "?" is no group that anybody belongs to, so that no comparison leads with it.
    """
    known = rows.filter(~pl.col("group").map_elements(is_unknown, return_dtype=pl.Boolean))
    return known if known.height > 1 else rows


def _goodness(metric: str, voice: Voice) -> Callable[[float], float]:
    if is_one_sided(metric):
        return lambda value: -abs(value)
    sign = 1.0 if worse_end(metric, voice) == "lowest" else -1.0
    return lambda value: sign * value


# -- stress tests ------------------------------------------------------------------------------


def stress_tables(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables of stress tests that a result holds and that have rows."""
    return {n: tables[n] for n in VIEWS if n in tables and not tables[n].is_empty()}


def told_and_guessed(result: AuditResult) -> list[str]:
    """The model that is told the group and the one that guesses it."""
    models: list[str] = result.errors["model"].unique(maintain_order=True).to_list()
    return [*models[:1], *(name for name in models if name.endswith("group guessed"))]


def harmed_shares(table: pl.DataFrame) -> dict[str, tuple[float, float, int]]:
    """By rule: share of shifted draws that harm somebody, mean loss, number of settings."""
    moved = table.filter(pl.col("strength") > 0)
    shares = moved.group_by("rule").agg(
        pl.col("harmed").mean(), pl.col("harm").mean(), pl.len().alias("settings")
    )
    return {
        row["rule"]: (row["harmed"], row["harm"], row["settings"]) for row in shares.to_dicts()
    }


def flip_measures(table: pl.DataFrame) -> list[str]:
    """What was measured when a column was changed, decisions first."""
    known = unique(table, "measure")
    return sorted(known, key=lambda name: (name != "label", known.index(name)))


def best_ranks(table: pl.DataFrame) -> dict[str, int]:
    """The rank of the best-placed probe in each model."""
    return {
        model: int(table.filter(pl.col("model") == model)["rank"].min())  # type: ignore[arg-type]
        for model in unique(table, "model")
    }


# -- numbers of groups -------------------------------------------------------------------------


def best_count(sweep: pl.DataFrame, name: str) -> int:
    """The number of groups a criterion prefers; the smaller one on a tie."""
    known = sweep.filter(pl.col(name).is_not_null())
    order = [pl.col(name) if name in LOWER else -pl.col(name), pl.col("n_groups")]
    return int(known.sort(order)["n_groups"].item(0))
