"""Stress tests: shifted validation rows, losses left out, objectives, time, confounded probes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import plotly.graph_objects as go
import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.plots import labels
from fairaudit.plots.marks import Row, legend_mark, mark, offsets, several
from fairaudit.plots.theme import (
    MAX_ROWS,
    NEUTRAL,
    PALETTE,
    Chart,
    Style,
    empty,
    frame,
    model_styles,
    name_rows,
    natural,
    plain,
    short,
)

RULES: Mapping[str, str] = {"bound": "with the bound", "point estimates": "on point estimates"}
SHIFTS: Mapping[str, str] = {
    "subsample": "Rows of the group are missing",
    "reweight": "The group's outcomes are mixed otherwise",
}
MEASURES: Mapping[str, str] = {
    "gap": "Gap between groups",
    "worst": "Worst group",
    "overall": "Everybody",
    "harmed": "Groups harmed",
}
LOSSES: Mapping[str, str] = {
    "discriminator": "group recognition",
    "centres": "centres",
    "divergence": "divergence",
}
CHOICES: Mapping[str, str] = {
    "none": "experts always",
    "max_min": "chosen by max_min",
    "min_gap": "chosen by min_gap",
}
VIEWS: Mapping[str, str] = {
    "stress_shift": "Shift",
    "stress_ablation": "Ablation",
    "stress_objectives": "Objectives",
    "stress_time": "Time",
    "probes": "Probes",
}
_RULE_STYLES: Mapping[str, Style] = {
    "bound": Style(PALETTE[0], "circle", "solid"),
    "point estimates": Style(PALETTE[1], "square", "dash"),
}
_STRENGTHS: Mapping[str, str] = {
    "subsample": "Share of the group's validation rows left out",
    "reweight": "How much less often the group's commoner outcome is drawn",
}
_LEAST = 0.01  # of an axis of harm: a curve that stays at zero is drawn as one


def held(tables: Mapping[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The tables of stress tests that a result holds and that have rows."""
    return {n: tables[n] for n in VIEWS if n in tables and not tables[n].is_empty()}


def views(tables: Mapping[str, pl.DataFrame], *, guessed: bool) -> list[str]:
    """What there is to see of these tables, and of a model that had to guess the group."""
    found = [name for table, name in VIEWS.items() if table in tables]
    return [*found, "Group not known"] if guessed else found


def told_and_guessed(result: AuditResult) -> list[str]:
    """The model that is told the group and the one that guesses it."""
    models: list[str] = result.errors["model"].unique(maintain_order=True).to_list()
    return [*models[:1], *(name for name in models if name.endswith("group guessed"))]


# -- validation rows that differ from test rows -------------------------------------------------


def shifted_groups(table: pl.DataFrame) -> list[str]:
    """The groups whose rows were shifted, the one with the largest loss first."""
    worst = table.group_by("group").agg(pl.col("harm").max())
    found = sorted(worst.iter_rows(), key=lambda pair: (-pair[1], natural(pair[0])))
    return [name for name, _ in found]


def shift(table: pl.DataFrame, *, group: str, kind: str = "subsample") -> Chart:
    """The worst-off group's loss on test rows as one group's validation rows shift.

    Parameters
    ----------
    table : polars.DataFrame
        `stress_shift` of a result.
    group : str
        Whose validation rows are shifted.
    kind : {"subsample", "reweight"}
        How they are shifted.
    """
    rows = table.filter((pl.col("group") == group) & (pl.col("kind") == kind)).sort("strength")
    if rows.is_empty():
        return empty(f"The validation rows of {group} were not shifted in that way.")
    metric = str(rows["metric"].item(0))
    figure = frame(
        x=_STRENGTHS[kind], y=f"Loss of the worst-off group, {labels.title(metric)}", height=380,
        legend=True, percent_x=True, percent_y=labels.is_rate(metric),
    )  # fmt: skip
    figure.add_shape(
        type="line", x0=0, x1=1, xref="paper", y0=0, y1=0,
        line={"color": NEUTRAL, "width": 2, "dash": "dash"},
    )  # fmt: skip
    for place, rule in enumerate(RULES):
        _harm_line(
            figure, rows.filter(pl.col("rule") == rule), rule, 0.012 * (place - 0.5), metric
        )
    known = rows["strength"].unique().sort().to_list()
    figure.update_xaxes(tickvals=known, ticktext=[f"{v:.0%}" for v in known])
    figure.update_yaxes(range=_harm_range(rows), title_standoff=12)
    return Chart(figure, _shift_alt(rows, group, kind, metric), rows)


def _harm_line(
    figure: go.Figure, rows: pl.DataFrame, rule: str, aside: float, metric: str
) -> None:
    style = _RULE_STYLES[rule]
    figure.add_scatter(
        x=(rows["strength"] + aside).to_list(),
        y=rows["harm"].to_list(),
        mode="lines+markers",
        name=f"chosen {RULES[rule]}",
        line={"color": style.color, "dash": style.dash, "width": 2},
        marker={"color": style.color, "symbol": style.symbol, "size": 9},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": (rows["high"] - rows["harm"]).to_list(),
            "arrayminus": (rows["harm"] - rows["low"]).to_list(),
            "color": style.color,
            "thickness": 1.5,
        },
        hovertext=[_harm_hover(row, metric) for row in rows.iter_rows(named=True)],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _harm_hover(row: Row, metric: str) -> str:
    return (
        f"<b>{RULES[row['rule']]}</b>, strength {row['strength']:.0%}<br>"
        f"{_harm(row, metric)}<br>somebody worse off in {row['harmed']:.0%} of the draws<br>"
        f"another choice in {row['changed']:.0%}"
    )


def _harm_range(rows: pl.DataFrame) -> list[float]:
    """Zero inside, both ends of every interval inside, never a hair's breadth."""
    values = [float(v) for name in ("harm", "low", "high") for v in rows[name].to_list()]
    least = _LEAST if labels.is_rate(str(rows["metric"].item(0))) else 1e-6
    low, high = min(0.0, *values), max(0.0, *values)
    span = max(high - low, least)
    return [low - 0.12 * span, max(high, low + span) + 0.12 * span]


def _harm(row: Row, metric: str) -> str:
    """`2.3 points (0.0 points to 4.1 points)`; rounding leaves no minus before a zero."""
    value, low, high = (
        labels.points(round(row[name], 6) + 0.0, metric) for name in ("harm", "low", "high")
    )
    return f"{value} ({low.removesuffix(' points')} to {high} in nine draws of ten)"


def _shift_alt(rows: pl.DataFrame, group: str, kind: str, metric: str) -> str:
    done = {
        "subsample": f"As validation rows of {group} go missing",
        "reweight": f"As the commoner outcome of {group} is drawn less often",
    }[kind]
    parts = []
    for rule in RULES:
        own = rows.filter(pl.col("rule") == rule)
        if not own.is_empty():
            last = own.row(-1, named=True)
            first = labels.points(round(own["harm"].item(0), 6) + 0.0, metric)
            parts.append(
                f"chosen {RULES[rule]}, the worst-off group loses {first} at first and "
                f"{_harm(last, metric)} at {last['strength']:.0%}; somebody is worse off in "
                f"{last['harmed']:.0%} of those draws"
            )
    return f"{done}, on test rows: {'. '.join(p[:1].upper() + p[1:] for p in parts)}."


def harmed_shares(table: pl.DataFrame) -> dict[str, tuple[float, float, int]]:
    """By rule: share of shifted draws that harm somebody, mean loss, number of settings."""
    moved = table.filter(pl.col("strength") > 0)
    found = moved.group_by("rule").agg(
        pl.col("harmed").mean(), pl.col("harm").mean(), pl.len().alias("settings")
    )
    return {row["rule"]: (row["harmed"], row["harm"], row["settings"]) for row in found.to_dicts()}


# -- losses left out ---------------------------------------------------------------------------


def trained_with(row: Row) -> str:
    """Which of the three losses a run was trained with, in words."""
    on = [words for name, words in LOSSES.items() if row[name]]
    off = [words for name, words in LOSSES.items() if not row[name]]
    if not off:
        return "all three losses"
    if not on:
        return "none of the three"
    return f"without {off[0]}" if len(off) == 1 else f"{on[0]} only"


def readable_ablation(table: pl.DataFrame) -> pl.DataFrame:
    """The ablation with the losses in words, most losses first."""
    count = pl.sum_horizontal(pl.col(name).cast(pl.Int64) for name in LOSSES)
    trained = pl.struct(*LOSSES).map_elements(trained_with, return_dtype=pl.String)
    ordered = table.with_columns(count.alias("_on"), trained.alias("trained with"))
    ordered = ordered.sort("_on", descending=True, maintain_order=True)
    return ordered.select(
        "trained with", "selection", "overall", "worst", "gap", "harmed", "metric", *LOSSES
    )


def ablation(table: pl.DataFrame, *, measure: str = "gap") -> Chart:
    """Each training on one line, each way of choosing a dot; hollow where somebody is harmed."""
    if table.is_empty():
        return empty("No loss was left out in this audit.")
    rows = readable_ablation(table)
    metric, names = str(rows["metric"].item(0)), _unique(rows, "trained with")
    kinds = [name for name in CHOICES if name in set(rows["selection"])]
    rate = labels.is_rate(metric) and measure != "harmed"
    figure = frame(
        x=f"{_measured(measure, metric)} on test rows", height=_height(names), legend=True,
        percent_x=rate,
    )  # fmt: skip
    known, aside = model_styles(kinds), dict(zip(kinds, offsets(len(kinds)), strict=True))
    for row in rows.iter_rows(named=True):
        style = known[row["selection"]]
        y = names.index(row["trained with"]) + aside[row["selection"]]
        figure.add_scatter(
            x=[row[measure]], y=[y], mode="markers", showlegend=False,
            marker=mark(style.color, style.symbol, 11, hollow=row["harmed"] > 0),
            hovertemplate=_ablation_hover(row, measure, metric),
        )  # fmt: skip
    for name in kinds:
        legend_mark(figure, CHOICES[name], known[name])
    if (rows["harmed"] > 0).any():
        legend_mark(figure, "hollow: somebody harmed", Style(NEUTRAL, "circle-open", "solid"))
    if measure == "harmed":
        figure.update_xaxes(dtick=1, range=[-0.5, max(1, int(rows["harmed"].max())) + 0.5])  # type: ignore[arg-type]
    name_rows(figure, names)
    return Chart(figure, _ablation_alt(rows, measure, metric), rows)


def _measured(measure: str, metric: str) -> str:
    words = MEASURES[measure]
    return words if measure == "harmed" else f"{labels.title(metric)}, {words.lower()},"


def _amount(value: float, measure: str, metric: str) -> str:
    if measure == "harmed":
        return f"{value:.0f}"
    return labels.points(value, metric) if measure == "gap" else labels.value(value, metric)


def _ablation_hover(row: Row, measure: str, metric: str) -> str:
    return (
        f"<b>{row['trained with']}</b> · {CHOICES[row['selection']]}<br>"
        f"{_amount(row[measure], measure, metric)}<br>groups harmed: {row['harmed']}"
        "<extra></extra>"
    )


def _ablation_alt(rows: pl.DataFrame, measure: str, metric: str) -> str:
    full = rows.filter(pl.col("trained with") == "all three losses")
    said = [
        f"{_amount(row[measure], measure, metric)} {CHOICES[row['selection']]}"
        for row in full.iter_rows(named=True)
    ]
    low = rows.sort(measure).row(0, named=True)
    high = rows.sort(measure).row(-1, named=True)
    ends = [
        f"{_amount(row[measure], measure, metric)} ({row['trained with']}, "
        f"{CHOICES[row['selection']]})"
        for row in (low, high)
    ]
    harm = rows.filter(pl.col("harmed") > 0).height
    return (
        f"{MEASURES[measure]} on test rows with all three losses: {', '.join(said)}. Over all "
        f"{rows.height} combinations it runs from {ends[0]} to {ends[1]}. "
        f"Combinations that harm a group beyond its bound: {harm}. One training each, so small "
        "differences mean nothing."
    )


# -- objectives side by side -------------------------------------------------------------------


def objectives(table: pl.DataFrame, *, rule: str = "bound", split: str = "test") -> Chart:
    """Each group under the baseline and under the choice of every objective."""
    rows = table.filter((pl.col("rule") == rule) & (pl.col("split") == split))
    if rows.is_empty():
        return empty(f"No objective was tried {RULES.get(rule, rule)} on {split} rows.")
    metric = str(rows["metric"].item(0))
    names = sorted(_unique(rows, "group"), key=natural)[:MAX_ROWS]
    aims = _unique(rows, "objective")
    figure = frame(
        x=f"{labels.title(metric)} on {split} rows", height=_height(names), legend=True,
        percent_x=labels.is_rate(metric),
    )  # fmt: skip
    known, aside = model_styles(aims), dict(zip(aims, offsets(len(aims)), strict=True))
    for row in rows.filter(pl.col("group").is_in(names)).iter_rows(named=True):
        y, style = names.index(row["group"]), known[row["objective"]]
        _aim(figure, row, y + aside[row["objective"]], style, metric)
        if row["objective"] == aims[0] and row["baseline"] is not None:
            _dot(figure, row["baseline"], y, mark(NEUTRAL, "line-ns-open", 26),
                 f"<b>{plain(row['group'])}</b><br>baseline "
                 f"{labels.value(row['baseline'], metric)}")  # fmt: skip
    legend_mark(figure, "baseline", Style(NEUTRAL, "line-ns-open", "solid"))
    for aim in aims:
        legend_mark(figure, aim, known[aim])
    name_rows(figure, names)
    return Chart(figure, _objectives_alt(rows, aims, rule, split, metric), rows)


def _aim(figure: go.Figure, row: Row, y: float, style: Style, metric: str) -> None:
    if row["value"] is not None:
        text = (
            f"<b>{plain(row['group'])}</b> · {row['objective']}<br>{row['chosen']} "
            f"{labels.value(row['value'], metric)}"
        )
        _dot(figure, row["value"], y, mark(style.color, style.symbol, 10), text)


def _dot(figure: go.Figure, x: float, y: float, marker: dict[str, object], text: str) -> None:
    figure.add_scatter(
        x=[x], y=[y], mode="markers", marker=marker, showlegend=False,
        hovertemplate=f"{text}<extra></extra>",
    )  # fmt: skip


def _objectives_alt(
    rows: pl.DataFrame, aims: list[str], rule: str, split: str, metric: str
) -> str:
    before = labels.points(rows["gap_before"].item(0), metric)
    said = []
    for aim in aims:
        own = rows.filter(pl.col("objective") == aim)
        taken = own.filter(pl.col("chosen") == "expert").height
        after = labels.points(own["gap_after"].item(0), metric)
        said.append(f"{aim} {after} (an expert for {taken} of {own.height} groups)")
    return (
        f"Chosen {RULES.get(rule, rule)}, the gap on {split} rows is {before} under the baseline; "
        f"{'; '.join(said)}."
    )


# -- time of the choice ------------------------------------------------------------------------


def time(table: pl.DataFrame) -> Chart:
    """Seconds that the choice takes against the number of groups, one line an objective."""
    if table.is_empty():
        return empty("The time of the choice was not measured.")
    figure = frame(
        x="Number of groups", y="Seconds to choose (each line ten times more)", height=340,
        legend=True,
    )  # fmt: skip
    aims = _unique(table, "objective")
    for aim, style in model_styles(aims).items():
        own = table.filter(pl.col("objective") == aim).sort("n_groups")
        figure.add_scatter(
            x=own["n_groups"].to_list(), y=own["seconds"].to_list(), mode="lines+markers",
            name=aim, line={"color": style.color, "dash": style.dash, "width": 2},
            marker={"color": style.color, "symbol": style.symbol, "size": 9},
        )  # fmt: skip
    figure.update_yaxes(type="log", dtick=1, tickformat="~g")
    slowest = table.group_by("n_groups").agg(pl.col("seconds").max()).sort("n_groups")
    few, many = slowest.row(0, named=True), slowest.row(-1, named=True)
    alt = (
        f"Choosing among {many['n_groups']} groups took {_seconds(many['seconds'])}, among "
        f"{few['n_groups']} groups {_seconds(few['seconds'])} (the slowest objective)."
    )
    return Chart(figure, alt, table)


def _seconds(value: float) -> str:
    return f"{1000 * value:.2g} ms" if value < 0.1 else f"{value:.2g} s"


# -- probes of the cluster ---------------------------------------------------------------------


def probes(table: pl.DataFrame) -> Chart:
    """Where columns that only know the cluster's rate rank, in each model; 1 leads the answers."""
    if table.is_empty():
        return empty("No probes were added in this audit.")
    models, names = _unique(table, "model"), _unique(table, "feature")
    count = int(table["features"].item(0))
    figure = frame(
        x=f"Rank among {count} features (1 leads the answers)", height=110 + 44 * len(names),
        legend=True,
    )  # fmt: skip
    known, aside = model_styles(models), dict(zip(models, offsets(len(models)), strict=True))
    for row in table.iter_rows(named=True):
        style, y = known[row["model"]], names.index(row["feature"]) + aside[row["model"]]
        text = (
            f"<b>{plain(row['feature'])}</b> · {plain(row['model'])}<br>rank {row['rank']} of "
            f"{count}<br>importance {labels.number_text(row['importance'])}"
        )
        _dot(figure, row["rank"], y, mark(style.color, style.symbol, 12), text)
    for model in models:
        legend_mark(figure, short(model), known[model])
    figure.update_xaxes(range=[0.5, count + 0.5], dtick=max(1, count // 10))
    name_rows(figure, names)
    return Chart(figure, _probes_alt(table, models), table)


def _probes_alt(table: pl.DataFrame, models: list[str]) -> str:
    said = []
    for model in models:
        own = table.filter(pl.col("model") == model).sort("rank")
        parts = [f"{row['feature']} {row['rank']}" for row in own.iter_rows(named=True)]
        said.append(f"in {model} {several(parts)}")
    count = table["features"].item(0)
    return f"Ranks of the probes among {count} features: {'. '.join(_capital(said))}."


def best_ranks(table: pl.DataFrame) -> dict[str, int]:
    """The rank of the best-placed probe in each model."""
    return {
        model: int(table.filter(pl.col("model") == model)["rank"].min())  # type: ignore[arg-type]
        for model in _unique(table, "model")
    }


def _capital(texts: list[str]) -> Iterator[str]:
    return (text[:1].upper() + text[1:] for text in texts)


def _height(names: list[str]) -> int:
    """Room for several marks one below the other on each line."""
    return 130 + len(names) * (60 if len(names) <= 12 else 46)


def _unique(table: pl.DataFrame, column: str) -> list[str]:
    names: list[str] = table[column].unique(maintain_order=True).to_list()
    return names
