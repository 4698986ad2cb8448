"""Cluster effects with intervals, feature importance, and the accuracy–fairness path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.plots import errors
from fairaudit.plots.interval_dots import dots, legend_mark, whisker
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
    plain,
    short,
)
from fairaudit.stats.estimates import ESTIMATED
from fairaudit.text import metric_words, numbers
from fairaudit.text.charts import effects as wording
from fairaudit.text.table_rows import errors_of
from fairaudit.text.voice import Voice

SEEN_ATTRIBUTE = "cluster seen"
MOST_CLUSTERS = 1_000
SEEN = Style(PALETTE[0], "circle", "solid")
UNSEEN = Style(PALETTE[1], "diamond-open", "solid")
_VIEWS = {
    "Variance": "variance",
    "Fixed and mixed": "clusters",
    "Seen and unseen": "seen",
    "Importance": "importance",
    "Debiasing": "path",
    "Search": "search",
}
_HINTS = {
    "Debiasing": wording.FOR_A_PATH,
    "Search": wording.FOR_A_FRONT,
}
_PARTS = {"intercept": "Cluster intercepts", "slopes": "Cluster slopes",
          "residual": "Residual"}  # fmt: skip


def caterpillar(
    effects: pl.DataFrame, *, effect: str = "intercept", voice: Voice | None = None
) -> Chart:
    """Clusters from the lowest to the highest effect, each with its interval."""
    rows = effects.filter((pl.col("effect") == effect) & pl.col("mean").is_not_null()).sort("mean")
    if rows.is_empty():
        return empty(wording.no_effect(effect))
    shown = _spread(rows, MOST_CLUSTERS)
    named = shown.height <= 2 * MAX_ROWS
    figure = frame(
        x=f"Cluster effect: {effect}", height=120 + (24 * shown.height if named else 480),
        legend=not shown["seen"].all(),
    )  # fmt: skip
    figure.add_shape(
        type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line={"color": NEUTRAL, "dash": "dash"}
    )
    places = shown.with_columns(pl.int_range(shown.height).alias("_y"))
    for name, style, flag in (
        ("seen in training", SEEN, True),
        ("not seen in training", UNSEEN, False),
    ):
        _series(figure, places.filter(pl.col("seen") == flag), name, style)
    if named:
        name_rows(figure, shown["cluster"].to_list())
    else:
        figure.update_yaxes(title="Clusters, lowest effect at the top", showticklabels=False)
        figure.update_yaxes(range=[shown.height, -1])
    alt = _caterpillar_alt(rows, effect)
    return Chart(figure, alt + voice.intervals() if voice else alt, rows)


def _spread(rows: pl.DataFrame, most: int) -> pl.DataFrame:
    """At most `most` rows, evenly spaced in order, first and last included."""
    if rows.height <= most:
        return rows
    last = rows.height - 1
    return rows[[round(i * last / (most - 1)) for i in range(most)]]


def _series(figure: go.Figure, rows: pl.DataFrame, name: str, style: Style) -> None:
    if rows.is_empty():
        return
    figure.add_scatter(
        x=rows["mean"].to_list(),
        y=rows["_y"].to_list(),
        mode="markers",
        name=name,
        marker={"color": style.color, "symbol": style.symbol, "size": 8},
        error_x={
            "type": "data",
            "symmetric": False,
            "array": (rows["high"] - rows["mean"]).to_list(),
            "arrayminus": (rows["mean"] - rows["low"]).to_list(),
            "thickness": 1.5,
            "width": 0,
            "color": style.color,
        },
        hovertext=[plain(c) for c in rows["cluster"].to_list()],
        hovertemplate="<b>%{hovertext}</b> %{x:.3f}<extra></extra>",
    )


def _caterpillar_alt(rows: pl.DataFrame, effect: str) -> str:
    low, high = rows.row(0, named=True), rows.row(-1, named=True)
    significant = rows.filter((pl.col("low") > 0) | (pl.col("high") < 0)).height
    return wording.effect(effect, rows.height, low, high, significant)


def importance(table: pl.DataFrame, *, most: int = 15) -> Chart:
    """How much each feature affects the fixed effects, with and without debiasing."""
    if table.is_empty():
        return empty(wording.NO_IMPORTANCE)
    models = table["model"].unique(maintain_order=True).to_list()
    first = table.filter(pl.col("model") == models[0]).sort("rank").head(most)
    features = first["feature"].to_list()
    rows = table.filter(pl.col("feature").is_in(features))
    height = 100 + len(features) * max(24, 16 * len(models))
    figure = frame(x="Importance", height=height, legend=len(models) > 1)
    known = model_styles(models)
    for model in models:
        values = dict(rows.filter(pl.col("model") == model).select("feature", "importance").rows())
        figure.add_bar(
            x=[values.get(f) for f in features],
            y=list(range(len(features))),
            orientation="h",
            name=short(model),
            marker={"color": known[model].color},
        )
    name_rows(figure, features)
    return Chart(figure, _importance_alt(first, models[0]), table.sort("model", "rank"))


def _importance_alt(first: pl.DataFrame, model: str) -> str:
    words = [
        f"{r['feature']} {numbers.number_text(r['importance'])}"
        for r in first.head(5).iter_rows(named=True)
    ]
    return wording.importance(model, ", ".join(words))


def path(
    table: pl.DataFrame,
    *,
    quality: str,
    unfairness: str,
    split: str = "validation",
    voice: Voice | None = None,
) -> Chart:
    """Quality against unfairness along the strengths of debiasing; a star marks the chosen one.

    Intervals are drawn for the chosen strength and for none; the table has all of them.
    """
    rows = path_rows(table, quality=quality, unfairness=unfairness, split=split)
    if rows.is_empty():
        return empty(wording.NO_PATH)
    figure = frame(
        x=f"{metric_words.title(unfairness)} (smaller is fairer)", y=metric_words.title(quality),
        height=420, legend=True, percent_y=metric_words.is_rate(quality),
    )  # fmt: skip
    figure.add_scatter(
        x=rows["x"].to_list(), y=rows["y"].to_list(), mode="lines", showlegend=False,
        line={"color": NEUTRAL, "width": 1},
    )  # fmt: skip
    chosen, weakest = pl.col("chosen"), rows["lam"].item(0)
    for name, part, color, symbol in (
        ("tried", rows.filter(~chosen), PALETTE[0], "circle"),
        ("chosen", rows.filter(chosen), PALETTE[1], "star"),
    ):
        for row in part.iter_rows(named=True):
            figure.add_scatter(
                x=[row["x"]],
                y=[row["y"]],
                mode="markers",
                showlegend=False,
                **(_error_bars(row, color) if row["chosen"] or row["lam"] == weakest else {}),
                marker={"color": color, "symbol": symbol, "size": 14 if row["chosen"] else 9},
                hovertemplate=f"λ = {row['lam']:g}<br>{metric_words.title(quality)} "
                f"{numbers.value(row['y'], quality)}<br>{metric_words.title(unfairness)} "
                f"{numbers.value(row['x'], unfairness)}<extra></extra>",
            )
        legend_mark(figure, name, Style(color, symbol, "solid"))
    names, suffixes = {"x": "unfairness", "y": "quality"}, ("", "_low", "_high")
    shown = {f"{axis}{end}": f"{name}{end}" for axis, name in names.items() for end in suffixes}
    alt = _path_alt(rows, quality, unfairness)
    return Chart(figure, alt + voice.intervals() if voice else alt, rows.rename(shown))


def _error_bars(row: Mapping[str, float], color: str) -> dict[str, object]:
    """The intervals of both metrics as error bars."""
    return {
        f"error_{name}": whisker(row[name], row[f"{name}_low"], row[f"{name}_high"], color)
        for name in ("x", "y")
    }


def path_rows(table: pl.DataFrame, *, quality: str, unfairness: str, split: str) -> pl.DataFrame:
    """One row per strength: lam, chosen, x (unfairness) and y (quality) with their intervals."""
    rows = table.filter(pl.col("split") == split)
    columns = ["lam", "value", "low", "high"]
    names = {"value": "", "low": "_low", "high": "_high"}

    def one(metric: str, letter: str) -> pl.DataFrame:
        values = rows.filter(pl.col("metric") == metric).select(*columns, "chosen")
        return values.rename({old: f"{letter}{new}" for old, new in names.items()})

    y = one(quality, "y").drop("chosen")
    return one(unfairness, "x").join(y, on="lam").sort("lam")


def path_metrics(table: pl.DataFrame) -> tuple[list[str], list[str]]:
    """The metrics of a path that measure quality, and those that measure unfairness."""
    known: Sequence[str] = table["metric"].unique(maintain_order=True).to_list()
    unfair = [m for m in known if metric_words.speaks_of_unfairness(m)]
    return [m for m in known if m not in unfair], unfair


def _path_alt(rows: pl.DataFrame, quality: str, unfairness: str) -> str:
    def one(row: Mapping[str, float], name: str, metric: str) -> str:
        text = f"{metric_words.title(metric)} {numbers.value(row[name], metric)}"
        interval = numbers.interval(row[f"{name}_low"], row[f"{name}_high"], metric)
        return f"{text} ({interval})" if interval else text

    def both(row: Mapping[str, float]) -> str:
        return f"{one(row, 'y', quality)} at {one(row, 'x', unfairness)}"

    text = f"Without debiasing (λ = {rows['lam'].item(0):g}): {both(rows.row(0, named=True))}"
    chosen = rows.filter(pl.col("chosen"))
    if not chosen.is_empty():
        row = chosen.row(0, named=True)
        text += f"; chosen (λ = {row['lam']:g}): {both(row)}"
    return text + "."


def views(result: AuditResult) -> list[str]:
    """The views this result has."""
    return ["Clusters", *(name for name, table in _VIEWS.items() if _has(result, table))]


def hints(result: AuditResult) -> list[str]:
    """What another fit could show in addition, and how to request it."""
    return [hint for name, hint in _HINTS.items() if not _has(result, _VIEWS[name])]


def _has(result: AuditResult, table: str) -> bool:
    return table in result.tables and not result.tables[table].is_empty()


def kinds(effects: pl.DataFrame) -> list[str]:
    """The names of the effects: the intercept first, then slopes."""
    known = effects["effect"].unique(maintain_order=True).to_list()
    return sorted(known, key=lambda name: (name != "intercept", known.index(name)))


def of_kind(effects: pl.DataFrame, effect: str) -> pl.DataFrame:
    """The rows of one effect, the largest first."""
    rows = effects.filter(pl.col("effect") == effect)
    return rows.sort("mean", descending=True, nulls_last=True)


def cluster_metrics(clusters: pl.DataFrame) -> list[str]:
    """The metrics available by cluster."""
    return clusters["metric"].unique(maintain_order=True).to_list()


def by_cluster(
    clusters: pl.DataFrame, *, metric: str, most: int = MAX_ROWS, voice: Voice | None = None
) -> Chart:
    """Each cluster's performance under each model: fixed against mixed predictions.

    The largest clusters are drawn; the table has all of them.
    """
    rows = clusters.filter(pl.col("metric") == metric)
    if rows.is_empty():
        return empty(wording.NO_CLUSTER)
    models = rows["model"].unique(maintain_order=True).to_list()
    biggest = rows.sort("n", "cluster", descending=[True, False])["cluster"]
    names = biggest.unique(maintain_order=True).to_list()[:most]
    shown = rows.filter(pl.col("cluster").is_in(names)).rename({"cluster": "group"})
    figure = frame(
        x=f"{metric_words.title(metric)} on the test rows", legend=True,
        height=110 + len(names) * max(30, 18 * len(models)),
        percent_x=metric_words.is_rate(metric),
    )  # fmt: skip
    styles = model_styles(models)
    marks = {(m, g): styles[m] for m in models for g in names}
    dots(figure, shown, names, models, marks, metric, voice)
    name_rows(figure, names)
    return Chart(figure, _by_cluster_alt(rows, models, metric), rows)


def _by_cluster_alt(rows: pl.DataFrame, models: Sequence[str], metric: str) -> str:
    judged = rows.filter((pl.col("status") == ESTIMATED) & pl.col("value").is_not_null())
    count = rows["cluster"].n_unique()
    words = []
    for model in models:
        own = judged.filter(pl.col("model") == model).sort("value")
        if not own.is_empty():
            low, high = own.row(0, named=True), own.row(-1, named=True)
            words.append(
                f"{model} from {numbers.value(low['value'], metric)} in {low['cluster']} to "
                f"{numbers.value(high['value'], metric)} in {high['cluster']}"
            )
    return f"{metric_words.title(metric)} in {count:,} clusters: {'; '.join(words)}."


def seen_and_unseen(result: AuditResult, *, metric: str, split: str = "test") -> Chart:
    """Performance on clusters seen in training compared with clusters not seen."""
    table = errors_of(result, attribute=SEEN_ATTRIBUTE, metric=metric, split=split)
    if table.is_empty() or table["group"].n_unique() < 2:
        return empty(wording.ALL_SEEN)
    return errors.by_group(result, attribute=SEEN_ATTRIBUTE, metric=metric, split=split)


# -- variance and search -----------------------------------------------------------------------


def variance(table: pl.DataFrame) -> Chart:
    """The variance decomposed into cluster intercepts, cluster slopes, and the residual."""
    if table.is_empty():
        return empty(wording.NO_VARIANCE)
    rows = list(table.iter_rows(named=True))
    known = model_styles([row["part"] for row in rows if row["part"] != "residual"])
    figure = frame(x="Share of the variance", height=70 + 54 * len(rows), percent_x=True)
    figure.add_bar(
        x=[row["share"] for row in rows],
        y=list(range(len(rows))),
        orientation="h",
        marker={"color": [_part_color(row["part"], known) for row in rows]},
        hovertext=[f"variance {numbers.number_text(row['variance'])}" for row in rows],
        hovertemplate="%{y}: %{hovertext}<extra></extra>",
    )
    name_rows(figure, [f"{_PARTS.get(row['part'], row['part'])}: {row['share']:.1%}"
                       for row in rows])  # fmt: skip
    shares = ", ".join(
        f"{_PARTS.get(r['part'], r['part']).lower()} {r['share']:.1%}" for r in rows
    )
    return Chart(figure, wording.variance(shares), table)


def _part_color(part: str, known: Mapping[str, Style]) -> str:
    return known[part].color if part in known else NEUTRAL


def search(table: pl.DataFrame) -> Chart:
    """Each trial's error against its unfairness, with the Pareto front; a star marks the choice.

    Parameters
    ----------
    table : polars.DataFrame
        `search` of a result, or `search_so_far` of a running one: trial, error, unfairness,
        front, chosen and any number of weights.
    """
    if table.is_empty():
        return empty(wording.NO_TRIAL)
    figure = frame(
        x="Unfairness on validation rows (smaller is fairer)",
        y="Error on validation rows (smaller is better)", height=420, legend=True,
    )  # fmt: skip
    front = table.filter(pl.col("front")).sort("unfairness", "error")
    figure.add_scatter(
        x=front["unfairness"].to_list(), y=front["error"].to_list(), mode="lines",
        showlegend=False, line={"color": PALETTE[0], "width": 1}, hoverinfo="skip",
    )  # fmt: skip
    chosen, on = pl.col("chosen"), pl.col("front")
    _trials(figure, table.filter(~on & ~chosen), "dominated",
            Style(NEUTRAL, "circle-open", "solid"), 8)  # fmt: skip
    _trials(
        figure,
        table.filter(on & ~chosen),
        "Pareto front",
        Style(PALETTE[0], "circle", "solid"),
        10,
    )
    _trials(figure, table.filter(chosen), "chosen", Style(PALETTE[1], "star", "solid"), 16)
    most = max(0.01, float(table["unfairness"].max()))  # type: ignore[arg-type]
    figure.update_xaxes(range=[-0.04 * most, 1.06 * most])
    return Chart(figure, _search_alt(table, front), table)


def _trials(figure: go.Figure, rows: pl.DataFrame, name: str, style: Style, size: int) -> None:
    if rows.is_empty():
        return
    figure.add_scatter(
        x=rows["unfairness"].to_list(),
        y=rows["error"].to_list(),
        mode="markers",
        name=name,
        marker={"color": style.color, "symbol": style.symbol, "size": size},
        hovertext=[_trial_hover(row) for row in rows.iter_rows(named=True)],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _trial_hover(row: Mapping[str, Any]) -> str:
    lines = [f"<b>trial {row['trial']}</b>: error {row['error']:.4g}, "
             f"unfairness {row['unfairness']:.4g}"]  # fmt: skip
    return "<br>".join([*lines, *(f"{name} {row[name]:.3g}" for name in row if "lambda" in name)])


def _search_alt(table: pl.DataFrame, front: pl.DataFrame) -> str:
    def both(row: Mapping[str, Any]) -> str:
        return f"error {row['error']:.3g} at unfairness {row['unfairness']:.3g}"

    text = f"{table.height:,} trial{'s' if table.height != 1 else ''} of loss weights"
    if front.height == 1:
        text += f", one of them best on both: {both(front.row(0, named=True))}"
    else:
        extremes = (front.row(0, named=True), front.row(-1, named=True))
        first, last = (both(row) for row in extremes)
        text += f", {front.height} on the Pareto front, from {first} to {last}"
    picked = table.filter(pl.col("chosen"))
    if not picked.is_empty():
        row = picked.row(0, named=True)
        weights = ", ".join(f"{n} {row[n]:.3g}" for n in row if n.startswith("lambda"))
        text += f". Chosen: trial {row['trial']}, {both(row)}"
        text += f" ({weights})" if weights else ""
    return f"{text}."


def search_so_far(trials: Sequence[tuple[float, float]]) -> pl.DataFrame:
    """Finished trials of a search (error, unfairness) as a table for `search`; none chosen yet."""
    table = pl.DataFrame(
        {"error": [t[0] for t in trials], "unfairness": [t[1] for t in trials]},
        schema={"error": pl.Float64, "unfairness": pl.Float64},
    )
    beaten = [any(_beats(other, trial) for other in trials) for trial in trials]
    return table.with_columns(
        trial=pl.int_range(1, table.height + 1),
        front=~pl.Series(beaten, dtype=pl.Boolean),
        chosen=pl.lit(value=False),
    )


def _beats(other: tuple[float, float], trial: tuple[float, float]) -> bool:
    """No worse on both and better on one."""
    return other != trial and other[0] <= trial[0] and other[1] <= trial[1]
