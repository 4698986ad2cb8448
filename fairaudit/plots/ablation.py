"""What each part of a method contributes: ablation of losses, objectives compared, run time."""

from __future__ import annotations

from collections.abc import Mapping

import plotly.graph_objects as go
import polars as pl

from fairaudit.plots.interval_dots import Row, legend_mark, mark, offsets, whisker
from fairaudit.plots.stress import dot_at
from fairaudit.plots.theme import (
    MAX_ROWS,
    NEUTRAL,
    Chart,
    Style,
    empty,
    frame,
    model_styles,
    name_rows,
    plain,
)
from fairaudit.text import metric_words
from fairaudit.text.charts import ablation as wording
from fairaudit.text.objectives import OBJECTIVES, objective_title
from fairaudit.text.ordering import natural
from fairaudit.text.sentences import phrases
from fairaudit.text.table_rows import RULES, unique
from fairaudit.text.voice import Voice

MEASURES: Mapping[str, str] = {
    "gap": "Gap between groups",
    "worst": "Worst group",
    "overall": "Overall",
    "harmed": "Groups harmed",
}
LOSSES: Mapping[str, str] = {
    "discriminator": "group recognition",
    "centres": "centres",
    "divergence": "divergence",
}
CHOICES: Mapping[str, str] = {
    "none": "experts for all groups",
    "max_min": f"chosen for {OBJECTIVES['max_min'].aim}",
    "min_gap": f"chosen for {OBJECTIVES['min_gap'].aim}",
}


# -- ablation of losses ---------------------------------------------------------------------------


def trained_with(row: Row) -> str:
    """The losses, out of three, that a run was trained with, as text."""
    on = [label for name, label in LOSSES.items() if row[name]]
    off = [label for name, label in LOSSES.items() if not row[name]]
    if not off:
        return "all three losses"
    if not on:
        return "none of the three losses"
    return f"without {off[0]}" if len(off) == 1 else f"{on[0]} only"


def readable_ablation(table: pl.DataFrame) -> pl.DataFrame:
    """The ablation with the losses as text, most losses first."""
    count = pl.sum_horizontal(pl.col(name).cast(pl.Int64) for name in LOSSES)
    trained = pl.struct(*LOSSES).map_elements(trained_with, return_dtype=pl.String)
    ordered = table.with_columns(count.alias("_on"), trained.alias("trained with"))
    ordered = ordered.sort("_on", descending=True, maintain_order=True)
    measured = [
        f"{name}{end}"
        for name in ("overall", "worst", "gap")
        for end in ("", "_low", "_high")
        if f"{name}{end}" in table.columns
    ]
    split = [name for name in ("split",) if name in table.columns]
    return ordered.select(
        "trained with", "selection", *split, *measured, "harmed", "metric", *LOSSES
    )


def by_loss(table: pl.DataFrame, *, measure: str = "gap", voice: Voice | None = None) -> Chart:
    """One line per training run, one dot per selection rule; hollow if a group is harmed."""
    if table.is_empty():
        return empty(wording.NO_ABLATION)
    rows = readable_ablation(table)
    metric, names = str(rows["metric"].item(0)), unique(rows, "trained with")
    kinds = [name for name in CHOICES if name in set(rows["selection"])]
    rate = metric_words.is_rate(metric) and measure != "harmed"
    figure = frame(
        x=_measured(measure, metric), height=_height(names), legend=True,
        percent_x=rate,
    )  # fmt: skip
    known, aside = model_styles(kinds), dict(zip(kinds, offsets(len(kinds)), strict=True))
    for row in rows.iter_rows(named=True):
        style = known[row["selection"]]
        y = names.index(row["trained with"]) + aside[row["selection"]]
        figure.add_scatter(
            x=[row[measure]], y=[y], mode="markers", showlegend=False,
            marker=mark(style.color, style.symbol, 11, hollow=row["harmed"] > 0),
            error_x=whisker(row[measure], *_interval_of(row, measure), style.color),
            hovertemplate=_ablation_hover(row, measure, metric, voice),
        )  # fmt: skip
    for name in kinds:
        legend_mark(figure, CHOICES[name], known[name])
    if (rows["harmed"] > 0).any():
        legend_mark(figure, "hollow: a group is harmed", Style(NEUTRAL, "circle-open", "solid"))
    if measure == "harmed":
        figure.update_xaxes(dtick=1, range=[-0.5, max(1, int(rows["harmed"].max())) + 0.5])  # type: ignore[arg-type]
    name_rows(figure, names)
    return Chart(figure, _ablation_alt(rows, measure, metric, voice), rows)


def _measured(measure: str, metric: str) -> str:
    label = MEASURES[measure]
    return label if measure == "harmed" else f"{label}, {metric_words.title(metric)}"


def _interval_of(row: Row, name: str) -> tuple[float | None, float | None]:
    """The interval of a number; counts, and results of older versions, have none."""
    return row.get(f"{name}_low"), row.get(f"{name}_high")


def _value_text(row: Row, measure: str, metric: str, voice: Voice | None) -> str:
    """A number of the ablation with its interval, as text."""
    if measure == "harmed":
        return f"{row[measure]:.0f}"
    formatted = phrases.points if measure == "gap" else phrases.value
    return formatted(row[measure], *_interval_of(row, measure), metric, voice)


def _ablation_hover(row: Row, measure: str, metric: str, voice: Voice | None) -> str:
    return (
        f"<b>{row['trained with']}</b> · {CHOICES[row['selection']]}<br>"
        f"{_value_text(row, measure, metric, voice)}<br>groups harmed: {row['harmed']}"
        "<extra></extra>"
    )


def _ablation_alt(rows: pl.DataFrame, measure: str, metric: str, voice: Voice | None) -> str:
    full = rows.filter(pl.col("trained with") == "all three losses")
    complete = [
        f"{_value_text(row, measure, metric, voice)} {CHOICES[row['selection']]}"
        for row in full.iter_rows(named=True)
    ]
    low = rows.sort(measure).row(0, named=True)
    high = rows.sort(measure).row(-1, named=True)
    extremes = [
        f"{_value_text(row, measure, metric, voice)} "
        f"({row['trained with']}, {CHOICES[row['selection']]})"
        for row in (low, high)
    ]
    harm = rows.filter(pl.col("harmed") > 0).height
    split = rows["split"].item(0) if "split" in rows.columns else "test"
    return wording.ablation(
        MEASURES[measure],
        split,
        ", ".join(complete),
        rows.height,
        extremes[0],
        extremes[1],
        harm,
    )


# -- objectives compared -------------------------------------------------------------------


def objectives(
    table: pl.DataFrame, *, rule: str = "bound", split: str = "test", voice: Voice | None = None
) -> Chart:
    """Each group under the baseline and under the choice made for each objective."""
    rows = table.filter((pl.col("rule") == rule) & (pl.col("split") == split))
    if rows.is_empty():
        return empty(wording.no_objective(RULES.get(rule, rule), split))
    metric = str(rows["metric"].item(0))
    names = sorted(unique(rows, "group"), key=natural)[:MAX_ROWS]
    aims = unique(rows, "objective")
    figure = frame(
        x=f"{metric_words.title(metric)} on {split} rows", height=_height(names), legend=True,
        percent_x=metric_words.is_rate(metric),
    )  # fmt: skip
    known, aside = model_styles(aims), dict(zip(aims, offsets(len(aims)), strict=True))
    for row in rows.filter(pl.col("group").is_in(names)).iter_rows(named=True):
        y, style = names.index(row["group"]), known[row["objective"]]
        _aim(figure, row, y + aside[row["objective"]], style, metric, voice)
        if row["objective"] == aims[0] and row["baseline"] is not None:
            value = phrases.value(row["baseline"], *_interval_of(row, "baseline"), metric, voice)
            text = f"<b>{plain(row['group'])}</b><br>baseline {value}"
            dot_at(figure, row["baseline"], y, mark(NEUTRAL, "line-ns-open", 38), text)
    legend_mark(figure, "baseline", Style(NEUTRAL, "line-ns-open", "solid"))
    for aim in aims:
        legend_mark(figure, objective_title(aim), known[aim])
    name_rows(figure, names)
    return Chart(figure, _objectives_alt(rows, aims, rule, split, metric, voice), rows)


def _aim(
    figure: go.Figure, row: Row, y: float, style: Style, metric: str, voice: Voice | None
) -> None:
    if row["value"] is None:
        return
    limits = row.get("low"), row.get("high")
    aim = objective_title(row["objective"])
    text = (
        f"<b>{plain(row['group'])}</b> · {aim}<br>{row['chosen']} "
        f"{phrases.value(row['value'], *limits, metric, voice)}"
    )
    dot_at(figure, row["value"], y, mark(style.color, style.symbol, 10), text)
    figure.data[-1].error_x = whisker(row["value"], *limits, style.color)


def _objectives_alt(
    rows: pl.DataFrame,
    aims: list[str],
    rule: str,
    split: str,
    metric: str,
    voice: Voice | None,
) -> str:
    before = _gap(rows.row(0, named=True), "gap_before", metric, voice)
    parts = []
    for aim in aims:
        own = rows.filter(pl.col("objective") == aim)
        taken = own.filter(pl.col("chosen") == "expert").height
        after = _gap(own.row(0, named=True), "gap_after", metric, voice)
        name = objective_title(aim).lower()
        parts.append(f"{name}: {after}, an expert for {taken} of {own.height} groups")
    return wording.objectives(RULES.get(rule, rule), split, before, "; ".join(parts))


def _gap(row: Row, name: str, metric: str, voice: Voice | None) -> str:
    return phrases.points(row[name], *_interval_of(row, name), metric, voice)


# -- run time of the choice --------------------------------------------------------------------


def time(table: pl.DataFrame) -> Chart:
    """Seconds that the choice takes against the number of groups, one line per objective."""
    if table.is_empty():
        return empty(wording.UNTIMED)
    figure = frame(
        x="Number of groups", y="Seconds (logarithmic scale)", height=340,
        legend=True,
    )  # fmt: skip
    aims = unique(table, "objective")
    for aim, style in model_styles(aims).items():
        own = table.filter(pl.col("objective") == aim).sort("n_groups")
        figure.add_scatter(
            x=own["n_groups"].to_list(), y=own["seconds"].to_list(), mode="lines+markers",
            name=objective_title(aim),
            line={"color": style.color, "dash": style.dash, "width": 2},
            marker={"color": style.color, "symbol": style.symbol, "size": 9},
        )  # fmt: skip
    figure.update_yaxes(type="log", dtick=1, tickformat="~g")
    slowest = table.group_by("n_groups").agg(pl.col("seconds").max()).sort("n_groups")
    few, many = slowest.row(0, named=True), slowest.row(-1, named=True)
    alt = wording.run_time(
        _seconds(many["seconds"]), many["n_groups"], _seconds(few["seconds"]), few["n_groups"]
    )
    return Chart(figure, alt, table)


def _seconds(value: float) -> str:
    return f"{1000 * value:.2g} ms" if value < 0.1 else f"{value:.2g} s"


def _height(names: list[str]) -> int:
    """Height with room for several marks below each other on each line."""
    return 130 + len(names) * (60 if len(names) <= 12 else 46)
