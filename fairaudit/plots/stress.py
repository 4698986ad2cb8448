"""Charts of stress tests: shifted rows, wrong or missing groups, flips, and cluster probes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import plotly.graph_objects as go
import polars as pl

from fairaudit.plots.interval_dots import Row, dots, legend_mark, mark, offsets, several
from fairaudit.plots.theme import (
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
    styles,
)
from fairaudit.stats.estimates import ESTIMATED
from fairaudit.text import metric_words, numbers
from fairaudit.text.charts import stress as wording
from fairaudit.text.ordering import natural
from fairaudit.text.sentences.phrases import ci
from fairaudit.text.table_rows import RULES, VIEWS, unique
from fairaudit.text.voice import Voice

SHIFTS: Mapping[str, str] = {
    "subsample": "Rows of the group are missing",
    "reweight": "The group's outcome mix changes",
}
WRONG: Mapping[str, str] = {
    "wrong": "Wrong group given",
    "missing, guessed": "No group given, the model guesses it",
    "missing, baseline": "No group given, the baseline is used",
}
_RULE_STYLES: Mapping[str, Style] = {
    "bound": Style(PALETTE[0], "circle", "solid"),
    "point estimates": Style(PALETTE[1], "square", "dash"),
}
_STRENGTHS: Mapping[str, str] = {
    "subsample": "Share of the group's validation rows removed",
    "reweight": "Reduction of the group's more frequent outcome",
}
_MOST_LINES = 6  # groups drawn; the table has all of them
_FINE = 0.06  # an axis shorter than this needs tenths of a percent
_LEAST = 0.01  # smallest height of the harm axis, so that a curve near zero looks flat


def views(tables: Mapping[str, pl.DataFrame], *, guessed: bool) -> list[str]:
    """The views of these tables, and that of a model that had to guess the group."""
    names = [name for table, name in VIEWS.items() if table in tables]
    return [*names, "Group not known"] if guessed else names


# -- validation rows that differ from test rows -------------------------------------------------


def shifted_groups(table: pl.DataFrame) -> list[str]:
    """The groups whose rows were shifted, the one with the largest loss first."""
    worst = table.group_by("group").agg(pl.col("harm").max())
    ordered = sorted(worst.iter_rows(), key=lambda pair: (-pair[1], natural(pair[0])))
    return [name for name, _ in ordered]


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
        return empty(wording.not_shifted(group))
    metric = str(rows["metric"].item(0))
    figure = frame(
        x=_STRENGTHS[kind], y=f"Loss of the worst-off group, {metric_words.title(metric)}",
        height=380, legend=True, percent_x=True, percent_y=metric_words.is_rate(metric),
    )  # fmt: skip
    _zero(figure)
    for place, rule in enumerate(RULES):
        _harm_line(
            figure, rows.filter(pl.col("rule") == rule), rule, 0.012 * (place - 0.5), metric
        )
    _shares(figure, rows["strength"])
    _height(figure, rows, "harm")
    return Chart(figure, _shift_alt(rows, group, kind, metric), rows)


def _harm_line(
    figure: go.Figure, rows: pl.DataFrame, rule: str, aside: float, metric: str
) -> None:
    style = _RULE_STYLES[rule]
    figure.add_scatter(
        x=(rows["strength"] + aside).to_list(),
        y=rows["harm"].to_list(),
        mode="lines+markers",
        name=f"choice {RULES[rule]}",
        line={"color": style.color, "dash": style.dash, "width": 2},
        marker={"color": style.color, "symbol": style.symbol, "size": 9},
        error_y=_bars(rows, "harm", style.color),
        hovertext=[_harm_hover(row, metric) for row in rows.iter_rows(named=True)],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _harm_hover(row: Row, metric: str) -> str:
    significant = row.get("harmed_surely")
    beyond = "" if significant is None else f" (beyond the bound: {significant:.0%})"
    return (
        f"<b>{RULES[row['rule']]}</b>, strength {row['strength']:.0%}<br>{_harm(row, metric)}<br>"
        f"a group is worse off in {row['harmed']:.0%} of the draws{beyond}<br>"
        f"a different choice in {row['changed']:.0%}"
    )


def _zero(figure: go.Figure) -> None:
    figure.add_shape(
        type="line", x0=0, x1=1, xref="paper", y0=0, y1=0,
        line={"color": NEUTRAL, "width": 2, "dash": "dash"},
    )  # fmt: skip


def _shares(figure: go.Figure, column: pl.Series) -> None:
    known = column.unique().sort().to_list()
    figure.update_xaxes(tickvals=known, ticktext=[f"{value:.0%}" for value in known])


def _height(figure: go.Figure, rows: pl.DataFrame, column: str) -> None:
    low, high = _range(rows, column)
    figure.update_yaxes(range=[low, high], title_standoff=12)
    if metric_words.is_rate(str(rows["metric"].item(0))) and high - low < _FINE:
        figure.update_yaxes(tickformat=".1%")


def _range(rows: pl.DataFrame, column: str) -> list[float]:
    """A range that includes zero and every interval and is never very narrow."""
    values = [float(v) for name in (column, "low", "high") for v in rows[name].drop_nulls()]
    least = _LEAST if metric_words.is_rate(str(rows["metric"].item(0))) else 1e-6
    low, high = min(0.0, *values), max(0.0, *values)
    span = max(high - low, least)
    return [low - 0.12 * span, max(high, low + span) + 0.12 * span]


def _harm(row: Row, metric: str) -> str:
    """`2.3 points (in 90% of the draws 0.0 to 4.1 points)`."""
    value, low, high = (numbers.points(row[name], metric) for name in ("harm", "low", "high"))
    return f"{value} (in 90% of the draws {low.removesuffix(' points')} to {high})"


def _shift_alt(rows: pl.DataFrame, group: str, kind: str, metric: str) -> str:
    done = {
        "subsample": f"As validation rows of {group} are removed",
        "reweight": f"As the more frequent outcome of {group} is drawn less often",
    }[kind]
    parts = []
    for rule in RULES:
        own = rows.filter(pl.col("rule") == rule)
        if not own.is_empty():
            last = own.row(-1, named=True)
            first = numbers.points(own["harm"].item(0), metric)
            parts.append(
                f"{RULES[rule]}, {first} at first and {_harm(last, metric)} at "
                f"{last['strength']:.0%}, where a group is worse off in {last['harmed']:.0%} of "
                "the draws"
            )
    return wording.shifts(done, "; ".join(parts))


# -- groups that are wrong or missing at prediction ----------------------------------------------


def wrong_groups(table: pl.DataFrame, *, kind: str = "wrong", voice: Voice | None = None) -> Chart:
    """Gain of each group over the baseline as more rows have a wrong group or none.

    Parameters
    ----------
    table : polars.DataFrame
        `stress_groups` of a result.
    kind : {"wrong", "missing, guessed", "missing, baseline"}
        What is wrong with the group, and how it is handled.
    """
    rows = table.filter((pl.col("kind") == kind) & pl.col("difference").is_not_null())
    if rows.is_empty():
        return empty(wording.NO_COST)
    metric = str(rows["metric"].item(0))
    last = rows.filter(pl.col("share") == rows["share"].max()).sort("difference", "group")
    figure = frame(
        x="Share of rows with a wrong or missing group", y=f"Gain over the baseline, "
        f"{metric_words.title(metric)}", height=380, legend=True, percent_x=True,
        percent_y=metric_words.is_rate(metric),
    )  # fmt: skip
    _zero(figure)
    known, names = styles(table["group"].unique().to_list()), last["group"].to_list()
    for name, aside in zip(
        names[:_MOST_LINES], offsets(min(len(names), _MOST_LINES)), strict=True
    ):
        own = rows.filter(pl.col("group") == name).sort("share")
        _gain_line(figure, own, known[name], 0.03 * aside)
    _shares(figure, rows["share"])
    _height(figure, rows, "difference")
    alt = _wrong_alt(rows, last, kind, metric)
    return Chart(figure, alt + voice.intervals() if voice else alt, rows.drop("kind"))


def _gain_line(figure: go.Figure, rows: pl.DataFrame, style: Style, aside: float) -> None:
    figure.add_scatter(
        x=(rows["share"] + aside).to_list(),
        y=rows["difference"].to_list(),
        mode="lines+markers",
        name=short(rows["group"].item(0)),
        line={"color": style.color, "dash": style.dash, "width": 2},
        marker={"color": style.color, "symbol": style.symbol, "size": 9},
        error_y=_bars(rows, "difference", style.color),
    )


def _bars(rows: pl.DataFrame, column: str, color: str) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": (rows["high"] - rows[column]).to_list(),
        "arrayminus": (rows[column] - rows["low"]).to_list(),
        "color": color,
        "thickness": 1.5,
    }


def _wrong_alt(rows: pl.DataFrame, last: pl.DataFrame, kind: str, metric: str) -> str:
    row = last.row(0, named=True)
    right = rows.filter((pl.col("share") == 0) & (pl.col("group") == row["group"]))
    value, low, high, before = (
        numbers.points(v, metric)
        for v in (row["difference"], row["low"], row["high"], right["difference"].item(0))
    )
    harmed = last.filter(pl.col("high") < 0).height
    return wording.wrong_groups(
        WRONG[kind], row, value, low.removesuffix(" points"), high, before, harmed, last.height
    )


# -- a single sensitive attribute changed --------------------------------------------------------


def flips(table: pl.DataFrame, *, measure: str = "label", voice: Voice | None = None) -> Chart:
    """How much predictions change when only one sensitive attribute is changed, by model.

    Parameters
    ----------
    table : polars.DataFrame
        `flips` of a result.
    measure : {"label", "score", "value"}
    """
    rows = table.filter((pl.col("measure") == measure) & pl.col("value").is_not_null())
    if rows.is_empty():
        return empty(wording.NO_FLIPS)
    metric, models = f"flip_{measure}", unique(rows, "model")
    names = rows.sort("value", descending=True)["attribute"].unique(maintain_order=True).to_list()
    shown = rows.rename({"attribute": "group"}).with_columns(status=pl.lit(ESTIMATED))
    figure = frame(
        x=metric_words.title(metric), height=110 + len(names) * max(44, 22 * len(models)),
        legend=len(models) > 1, percent_x=metric_words.is_rate(metric),
    )  # fmt: skip
    known = model_styles(models)
    marks = {(m, g): known[m] for m in models for g in names}
    dots(figure, shown, names, models, marks, metric, voice)
    name_rows(figure, names)
    high = max(
        0.01 if metric_words.is_rate(metric) else 1e-6, *rows["high"].fill_null(0.0).to_list()
    )
    figure.update_xaxes(range=[-0.03 * high, 1.06 * high])
    if metric_words.is_rate(metric) and high < _FINE:
        figure.update_xaxes(tickformat=".1%")
    return Chart(figure, _flips_alt(rows, models, metric, voice), rows)


def _flips_alt(rows: pl.DataFrame, models: list[str], metric: str, voice: Voice | None) -> str:
    changed, unchanged = [], []
    for model in models:
        own = rows.filter((pl.col("model") == model) & (pl.col("value") > 0))
        parts = [
            f"{row['attribute']} {numbers.value(row['value'], metric)} "
            f"({ci(numbers.interval(row['low'], row['high'], metric), voice) or 'no interval'})"
            for row in own.sort("value", descending=True).iter_rows(named=True)
        ]
        if parts:
            changed.append(f"{model}: {several(parts, 3)}")
        else:
            unchanged.append(model)
    if unchanged:
        changed.append(f"No prediction changes for {', '.join(unchanged)}")
    return wording.flips(metric_words.title(metric), ". ".join(changed))


# -- cluster probes ----------------------------------------------------------------------------


def probes(table: pl.DataFrame) -> Chart:
    """Rank of columns that only carry the cluster's rate, in each model; 1 is most important."""
    if table.is_empty():
        return empty(wording.NO_PROBES)
    models, names = unique(table, "model"), unique(table, "feature")
    count = int(table["features"].item(0))
    figure = frame(
        x=f"Rank among {count} features (1 = most important)", height=110 + 44 * len(names),
        legend=True,
    )  # fmt: skip
    known, aside = model_styles(models), dict(zip(models, offsets(len(models)), strict=True))
    for row in table.iter_rows(named=True):
        style, y = known[row["model"]], names.index(row["feature"]) + aside[row["model"]]
        text = (
            f"<b>{plain(row['feature'])}</b> · {plain(row['model'])}<br>rank {row['rank']} of "
            f"{count}<br>importance {numbers.number_text(row['importance'])}"
        )
        dot_at(figure, row["rank"], y, mark(style.color, style.symbol, 12), text)
    for model in models:
        legend_mark(figure, short(model), known[model])
    figure.update_xaxes(range=[0.5, count + 0.5], dtick=max(1, count // 10))
    name_rows(figure, names)
    return Chart(figure, _probes_alt(table, models), table)


def _probes_alt(table: pl.DataFrame, models: list[str]) -> str:
    sentences = []
    for model in models:
        own = table.filter(pl.col("model") == model).sort("rank")
        parts = [f"{row['feature']} {row['rank']}" for row in own.iter_rows(named=True)]
        sentences.append(f"in {model} {several(parts)}")
    count = table["features"].item(0)
    return wording.probes(count, ". ".join(_capital(sentences)))


def _capital(texts: list[str]) -> Iterator[str]:
    return (text[:1].upper() + text[1:] for text in texts)


def dot_at(figure: go.Figure, x: float, y: float, marker: dict[str, object], text: str) -> None:
    """One mark with its hover text."""
    figure.add_scatter(
        x=[x], y=[y], mode="markers", marker=marker, showlegend=False,
        hovertemplate=f"{text}<extra></extra>",
    )  # fmt: skip
