"""A sweep over numbers of groups from its stored rows: what concerns all numbers at once.

Which numbers are plausible, what is adjusted for all of them, and each group under the models of
all numbers can be known only where all are together. A sweep that ran in parts stores what is
needed by row and by draw, and is completed when the parts have been joined.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from fairaudit.audit.latent.latent_profile import group_name
from fairaudit.data.arrays import Arrays
from fairaudit.methods.rome.evidence import NullDraws, adjusted_p
from fairaudit.methods.rome.group_count import compare_counts
from fairaudit.methods.rome.held_groups import COLUMNS, loss_of_groups
from fairaudit.methods.rome.judgement import HeldOut, SweepJudgement, null_columns

Tables = dict[str, pl.DataFrame]
OBSERVED = -1  # the "draw" of a statistic as it was observed
ROWS = pl.Schema(
    {
        "n_groups": pl.Int64,
        "row": pl.Int64,
        "split": pl.String,
        "weight": pl.Float64,
        "cluster": pl.Int64,
        "log_likelihood": pl.Float64,
        "loss": pl.Float64,
    }
)
NULL = pl.Schema(
    {
        "n_groups": pl.Int64,
        "statistic": pl.String,
        "group": pl.Int64,
        "draw": pl.Int64,
        "value": pl.Float64,
    }
)
HELD = pl.Schema(
    {
        "n_groups": pl.Int64,
        "group": pl.String,
        "models": pl.Int64,
        **dict.fromkeys(COLUMNS, pl.Float64),
    }
)


def stored_rows(held_out: Mapping[str, tuple[NDArray[np.int64], HeldOut]], arrays: Arrays) -> Any:
    """Log-likelihood and loss of each held-out row under each number of groups (`ROWS`).

    Parameters
    ----------
    held_out : mapping of split to row numbers and the models' predictions for them
    """
    parts = [
        pl.DataFrame(
            {
                "n_groups": np.full(len(rows), count),
                "row": arrays.row_id[rows],
                "split": [split] * len(rows),
                "weight": scored.weight,
                "cluster": None if scored.cluster is None else arrays.cluster[rows],  # type: ignore[index]
                "log_likelihood": scoring.log_likelihood(scored.y),
                "loss": scoring.losses(scored.y),
            },
            schema=ROWS,
        )
        for split, (rows, scored) in held_out.items()
        for count, scoring in sorted({1: scored.pooled, **scored.models}.items())
    ]
    return pl.concat(parts)


def stored_draws(judged: SweepJudgement) -> pl.DataFrame:
    """Statistics as observed and under one common model, one row per draw (`NULL`)."""
    parts = [pl.DataFrame(schema=NULL)]
    for name, draws in (("gain", judged.gains), ("group", judged.groups)):
        every = np.vstack([draws.observed[None], draws.drawn])  # (1 + B, K)
        for (count, group), values in zip(draws.labels, every.T, strict=True):
            columns = {
                "n_groups": [count] * len(values),
                "statistic": [name] * len(values),
                "group": [group] * len(values),
                "draw": np.arange(len(values)) + OBSERVED,
                "value": values,
            }
            parts.append(pl.DataFrame(columns, schema=NULL))
    return pl.concat(parts)


def completed(tables: Mapping[str, pl.DataFrame], confidence: float) -> Tables:
    """The tables of a whole sweep, with what only all numbers of groups together can tell.

    Parameters
    ----------
    tables : sweep, groups, latent, sweep_rows and latent_null of all numbers
    confidence : float
    """
    if not {"sweep_rows", "latent_null"} <= set(tables):
        return dict(tables)
    return {
        **tables,
        "sweep": _sweep(tables, confidence),
        "groups": with_group_tests(tables["groups"], tables["latent_null"]),
        "held_groups": _held_groups(tables, confidence),
    }


def _sweep(tables: Mapping[str, pl.DataFrame], confidence: float) -> pl.DataFrame:
    sweep, rows = tables["sweep"], tables["sweep_rows"]
    counts = sweep["n_groups"].to_list()
    splits = rows["split"].unique().to_list()
    choosing = "validation" if "validation" in splits else "test"
    likelihoods, weight, cluster = _columns(rows, "log_likelihood", choosing)
    choice = compare_counts({g: likelihoods[g] for g in counts}, weight, cluster)
    gains, groups = _draws(tables["latent_null"], "gain"), _draws(tables["latent_null"], "group")
    columns = [
        {
            "n_groups": g,
            "z_step": choice.steps.get(g),
            "plausible": g in choice.plausible,
            "chosen": g == choice.chosen,
            **null_columns(gains, groups, g, overall, confidence),
        }
        for g, overall in sweep.select("n_groups", "overall").rows()
    ]
    new = pl.DataFrame(columns, schema={c: sweep.schema[c] for c in columns[0]})
    kept = sweep.drop([c for c in new.columns if c != "n_groups"])
    return kept.join(new, on="n_groups", how="left", maintain_order="left").select(sweep.columns)


def _columns(
    rows: pl.DataFrame, name: str, split: str
) -> tuple[dict[int, NDArray[np.float64]], NDArray[np.float64], NDArray[np.int64] | None]:
    """A column of one split by number of groups, with weights and clusters of the rows."""
    inside = rows.filter(pl.col("split") == split).sort("n_groups", "row")
    by_count = inside.partition_by("n_groups", as_dict=True, maintain_order=True)
    values = {int(str(g)): part[name].to_numpy() for (g,), part in by_count.items()}
    first = next(iter(by_count.values()))
    cluster = None if first["cluster"].null_count() else first["cluster"].to_numpy()
    return values, first["weight"].to_numpy(), cluster


def _draws(null: pl.DataFrame, statistic: str) -> NullDraws:
    """Stored draws as arrays again."""
    rows = null.filter(pl.col("statistic") == statistic).sort("n_groups", "group", "draw")
    parts = rows.partition_by("n_groups", "group", as_dict=True, maintain_order=True)
    labels = tuple((int(str(g)), int(str(j))) for g, j in parts)
    if not labels:
        return NullDraws((), np.zeros(0), np.zeros((0, 0)))
    values = np.stack([part["value"].to_numpy() for part in parts.values()], axis=1)
    return NullDraws(labels, values[0], values[1:])


def with_group_tests(groups: pl.DataFrame, null: pl.DataFrame) -> pl.DataFrame:
    """Latent groups with `p_adjusted`: whether each stands out beyond one common model.

    It is adjusted for all groups of all numbers, and never below that of any gain at all.
    """
    gains, draws = _draws(null, "gain"), _draws(null, "group")
    if not len(draws.drawn) or not len(gains.drawn):
        return groups.with_columns(p_adjusted=pl.lit(None, pl.Float64))
    p = np.maximum(adjusted_p(draws), adjusted_p(gains).min())
    keys = {"n_groups": pl.Int64, "group": pl.String, "p_adjusted": pl.Float64}
    rows = [(g, group_name(j), float(v)) for (g, j), v in zip(draws.labels, p, strict=True)]
    tests = pl.DataFrame(rows, schema=keys, orient="row")
    on = ["n_groups", "group"] if "n_groups" in groups.columns else ["group"]
    kept = groups.drop("p_adjusted", strict=False)
    tests = tests.select(*on, "p_adjusted")
    return kept.join(tests, on=on, how="left", maintain_order="left")


def _held_groups(tables: Mapping[str, pl.DataFrame], confidence: float) -> pl.DataFrame:
    """Each group of each partition under the models of all numbers (`HELD`), on test rows."""
    losses, weight, cluster = _columns(tables["sweep_rows"], "loss", "test")
    latent = tables["latent"].filter(pl.col("split") == "test").sort("n_groups", "row")
    rows = [
        {"n_groups": int(str(g)), **row, "group": group_name(row["group"])}
        for (g,), part in latent.partition_by("n_groups", as_dict=True).items()
        for row in loss_of_groups(
            part.select(f"p{j}" for j in range(int(str(g)))).to_numpy(),
            losses,
            weight,
            cluster,
            confidence,
        )
    ]
    return pl.DataFrame(rows, schema=HELD).sort("n_groups", "group", "models", maintain_order=True)
