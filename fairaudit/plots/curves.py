"""Training curves: losses and held-out metrics over the epochs of a fit."""

from __future__ import annotations

import polars as pl

from fairaudit.plots.theme import MAX_POINTS, Chart, empty, frame, model_styles, short
from fairaudit.text import numbers


def metrics_of(history: pl.DataFrame) -> list[str]:
    """The metrics that have a curve, losses first."""
    known = history["metric"].unique(maintain_order=True).to_list()
    return sorted(known, key=lambda name: ("loss" not in name, known.index(name)))


def history(table: pl.DataFrame, *, metric: str) -> Chart:
    """A metric over epochs, one curve per part (members, experts, baseline).

    Parameters
    ----------
    table : polars.DataFrame
        Columns part, epoch, metric, value.
    """
    rows = table.filter((pl.col("metric") == metric) & pl.col("value").is_finite())
    if rows.is_empty():
        return empty(f"There is no training curve of {metric}.")
    parts = rows["part"].unique(maintain_order=True).to_list()[:12]
    figure = frame(x="Epoch", y=numbers.title(metric), height=320, legend=True)
    known = model_styles(parts)
    changes = []
    for part in parts:
        own = thinned(rows.filter(pl.col("part") == part).sort("epoch"), MAX_POINTS // len(parts))
        style = known[part]
        figure.add_scatter(
            x=own["epoch"].to_list(),
            y=own["value"].to_list(),
            mode="lines",
            name=short(part),
            line={"color": style.color, "dash": style.dash, "width": 2},
        )
        first, last = own["value"].item(0), own["value"].item(-1)
        changes.append(f"{part} from {numbers.number_text(first)} to {numbers.number_text(last)}")
    return Chart(figure, f"{numbers.title(metric)} over epochs: {'; '.join(changes)}.", rows)


def thinned(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """Every k-th row and the last one, so that at most `most` + 1 rows remain."""
    every = -(-rows.height // most)
    if every <= 1:
        return rows
    return pl.concat([rows.gather_every(every), rows.tail(1)]).unique(maintain_order=True)
