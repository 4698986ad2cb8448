"""Errors by group with intervals, intersections as heat maps, ROC, calibration, thresholds."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.inputs.group_codes import OVERALL
from fairaudit.inputs.labels import CROSS, cell_parts
from fairaudit.plots import bounds
from fairaudit.plots.heat import heat
from fairaudit.plots.interval_dots import Row, dots
from fairaudit.plots.theme import (
    GRID,
    MAX_ROWS,
    NEUTRAL,
    SEQUENTIAL,
    Chart,
    Style,
    empty,
    faint,
    frame,
    group_styles,
    model_styles,
    name_rows,
    short,
    styles,
)
from fairaudit.text import meaning, metric_words, numbers
from fairaudit.text.charts import errors as wording
from fairaudit.text.meaning import selected_word
from fairaudit.text.ordering import natural
from fairaudit.text.sentences import phrases
from fairaudit.text.sentences.phrases import ci
from fairaudit.text.table_rows import errors_of, is_bounded, stable
from fairaudit.text.voice import Voice, voice_of

_BANDS = 6  # with more curves than this, bands of intervals would be illegible


def readable(table: pl.DataFrame) -> pl.DataFrame:
    """The table without columns that are constant or empty."""
    constant = [c for c in ("split", "attribute", "metric", "model") if table[c].n_unique() < 2]
    blank = [c for c in table.columns if c.startswith("shrunken") and table[c].is_null().all()]
    return table.drop(*constant, *blank)


def overall(result: AuditResult, *, model: str, metric: str, split: str = "test") -> float | None:
    """The value of a metric over all rows."""
    values = result.errors.filter(
        (pl.col("attribute") == OVERALL)
        & (pl.col("metric") == metric)
        & (pl.col("split") == split)
        & (pl.col("model") == model)
    ).get_column("value")
    return values.item(0) if len(values) else None


def by_group(
    result: AuditResult,
    *,
    attribute: str,
    metric: str,
    split: str = "test",
    models: Sequence[str] | None = None,
) -> Chart:
    """One dot with its interval for each group (and model), worst at the top.

    A group that cannot be judged keeps its line, with the reason in place of a dot. Where only
    bounds are known these are drawn, of the first model.
    """
    voice = voice_of(result)
    first = next(iter(models or result.errors["model"].head(1).to_list()), "")
    where = {"attribute": attribute, "metric": metric, "model": first, "split": split}
    if is_bounded(result, **where):
        return bounds.by_group(result, **where)
    table = errors_of(result, attribute=attribute, metric=metric, split=split, models=models)
    if table.is_empty():
        return empty(wording.not_available(meaning.title(metric, voice), attribute))
    groups = table.get_column("group").unique(maintain_order=True).to_list()[:MAX_ROWS]
    shown = table.filter(pl.col("group").is_in(groups))
    names = shown.get_column("model").unique(maintain_order=True).to_list()
    figure = frame(
        x=meaning.title(metric, voice),
        height=90 + len(groups) * max(34, 21 * len(names)),
        legend=len(names) > 1,
        percent_x=metric_words.is_rate(metric),
    )
    if len(names) > 1:  # the legend goes above the label of the overall line
        plot = figure.layout.height - 110
        figure.update_layout(legend_y=1 + 22 / plot, margin_t=56)
    line = overall(result, model=names[0], metric=metric, split=split)
    _reference(figure, line, metric, names)
    marks = _marks(result, shown, attribute, names)
    dots(figure, shown, groups, names, marks, metric, voice)
    name_rows(figure, groups)
    alt = _by_group_alt(table, attribute, metric, names[0], line, voice)
    return Chart(figure, alt, table)


def _marks(
    result: AuditResult, shown: pl.DataFrame, attribute: str, names: Sequence[str]
) -> dict[tuple[str, str], Style]:
    """With one model, colours are those of the groups; with several, those of the models."""
    known = result.errors.get_column("model").unique(maintain_order=True).to_list()
    by_model, by_name = model_styles(known), group_styles(result.errors, attribute)
    pairs = shown.select("model", "group").iter_rows()
    return {(m, g): by_model[m] if len(names) > 1 else by_name[g] for m, g in pairs}


def _reference(figure: go.Figure, line: float | None, metric: str, names: Sequence[str]) -> None:
    """The line of the overall value; with several models, labelled with the model's name."""
    if line is None:
        return
    label = "overall" if len(names) < 2 else f"overall, {short(names[0], 24)}"
    figure.add_shape(
        type="line", x0=line, x1=line, y0=0, y1=1, yref="paper",
        line={"color": NEUTRAL, "dash": "dash", "width": 1.5},
    )  # fmt: skip
    figure.add_annotation(
        x=line, y=1, yref="paper", yanchor="bottom", showarrow=False,
        text=f"{label} {numbers.value(line, metric)}", font={"size": 12},
    )  # fmt: skip


def _by_group_alt(
    table: pl.DataFrame,
    attribute: str,
    metric: str,
    model: str,
    line: float | None,
    voice: Voice,
) -> str:
    first = table.filter(pl.col("model") == model)
    judged = first.filter(pl.col("value").is_not_null())
    title = meaning.title(metric, voice)
    if judged.is_empty():
        return wording.too_few_rows(title, attribute)
    reliable = stable(judged)
    extremes = reliable.row(0, named=True), reliable.row(-1, named=True)
    judged_ends = meaning.worse_end(metric, voice) or meaning.is_one_sided(metric)
    names = ("worst", "best") if judged_ends else ("highest", "lowest")
    skipped = first.height - judged.height
    parts = [
        f"{title} of {model} by {attribute}, {judged.height} groups",
        *(
            f"{name} {_group_with_interval(row, metric, voice)}"
            for name, row in zip(names, extremes, strict=True)
        ),
    ]
    if line is not None:
        parts.append(f"overall {numbers.value(line, metric)}")
    if judged.height > reliable.height:
        parts.append(f"{judged.height - reliable.height} more have few rows")
    if skipped:
        parts.append(f"{skipped} cannot be judged or are suppressed")
    return "; ".join(parts) + "."


def _group_with_interval(row: Row, metric: str, voice: Voice) -> str:
    span = ci(numbers.interval(row["low"], row["high"], metric), voice)
    inside = ", ".join(part for part in (span, numbers.rows(row["n"])) if part)
    return f"{row['group']} {numbers.value(row['value'], metric)} ({inside})"


def intersections(result: AuditResult, attribute: str) -> list[str]:
    """The intersections of two attributes, one of them `attribute`, that a heat map can show.

    If `attribute` is itself an intersection of two, it is the only one.
    """
    parts = {a: a.split(CROSS) for a in result.errors["attribute"].unique().to_list()}
    pairs = sorted((a for a, names in parts.items() if len(names) == 2), key=natural)
    return [attribute] if attribute in pairs else [a for a in pairs if attribute in parts[a]]


def intersection(
    result: AuditResult, *, attribute: str, metric: str, model: str, split: str = "test"
) -> Chart:
    """An intersection of two attributes as a heat map; cells without a value say why."""
    table = errors_of(result, attribute=attribute, metric=metric, split=split, models=[model])
    named = [(cell_parts(cell["group"]), cell) for cell in table.iter_rows(named=True)]
    by_pair = {(parts[0], parts[1]): cell for parts, cell in named if len(parts) == 2}
    if not by_pair:
        return empty(wording.no_intersections(attribute))
    down = sorted({d for d, _ in by_pair}, key=natural)[:MAX_ROWS]
    across = sorted({a for _, a in by_pair}, key=natural)[:MAX_ROWS]
    rows = [[by_pair.get((d, a)) for a in across] for d in down]
    voice = voice_of(result)
    figure = _heat(rows, down, across, metric, voice)
    alt = _by_group_alt(table, attribute, metric, model, None, voice)
    return Chart(figure, alt, table)


def _heat(
    rows: Sequence[Sequence[Row | None]],
    down: Sequence[str],
    across: Sequence[str],
    metric: str,
    voice: Voice,
) -> go.Figure:
    figure = frame(height=120 + 44 * len(down))
    scale = list(SEQUENTIAL)
    if meaning.worse_end(metric, voice) == "lowest":  # dark always marks the worse end
        scale = [(1.0 - place, color) for place, color in reversed(SEQUENTIAL)]
    heat(
        figure,
        [[None if c is None else c["value"] for c in row] for row in rows],
        [[_cell(c, metric) for c in row] for row in rows],
        scale,
    )
    name_rows(figure, down)
    name_rows(figure, across, axis="x")
    return figure


def _cell(cell: Row | None, metric: str) -> str:
    if cell is None:
        return "no rows"
    if cell["value"] is None:
        return f"{cell['status']}<br>n = {cell['n']:,}"
    return f"{numbers.value(cell['value'], metric)}<br>n = {cell['n']:,}"


def roc(result: AuditResult, *, attribute: str, model: str, split: str = "test") -> Chart:
    """One ROC curve per group."""
    table = _curve_rows(result, "roc", attribute, model, split)
    if table.is_empty():
        return empty(wording.NO_ROC)
    voice = voice_of(result)
    figure = frame(
        x=meaning.title("fpr", voice), y=meaning.title("tpr", voice), height=420, legend=True,
        percent_x=True, percent_y=True,
    )  # fmt: skip
    diagonal(figure)
    known = group_styles(result.errors, attribute)
    for (group,), rows in table.group_by("group", maintain_order=True):
        _line(figure, rows.sort("fpr", "tpr"), "fpr", "tpr", str(group), known[str(group)])
    alt = f"ROC curves of {model} by {attribute}" + _auroc_text(
        result, attribute, model, split, voice
    )
    return Chart(figure, alt, table)


def _auroc_text(result: AuditResult, attribute: str, model: str, split: str, voice: Voice) -> str:
    table = errors_of(result, attribute=attribute, metric="auroc", split=split, models=[model])
    known = table.filter(pl.col("value").is_not_null()).head(8)
    values = [
        f"{r['group']} {numbers.value_with_interval(r['value'], r['low'], r['high'], 'auroc')}"
        for r in known.iter_rows(named=True)
    ]
    return f": area under the curve {', '.join(values)}.{voice.intervals()}" if values else "."


def _curve_rows(
    result: AuditResult, name: str, attribute: str, model: str, split: str
) -> pl.DataFrame:
    table = result.tables.get(name)
    if table is None or table.is_empty():
        return pl.DataFrame()
    rows = table.filter(
        (pl.col("attribute") == attribute)
        & (pl.col("model") == model)
        & (pl.col("split") == split)
    )
    groups = sorted(rows["group"].unique().to_list(), key=natural)[:12]
    return rows.filter(pl.col("group").is_in(groups)).sort("group", maintain_order=True)


def diagonal(figure: go.Figure) -> None:
    """The line where both axes are equal."""
    figure.add_shape(
        type="line", x0=0, x1=1, y0=0, y1=1, line={"color": GRID, "dash": "dot", "width": 2}
    )


def _line(figure: go.Figure, rows: pl.DataFrame, x: str, y: str, name: str, style: Style) -> None:
    every = max(1, rows.height // 200)
    rows = rows.gather_every(every) if every > 1 else rows
    figure.add_scatter(
        x=rows[x].to_list(),
        y=rows[y].to_list(),
        mode="lines",
        name=short(name),
        line={"color": style.color, "dash": style.dash, "width": 2},
    )


def _band(figure: go.Figure, rows: pl.DataFrame, style: Style) -> None:
    """The intervals along a curve as a filled outline: along the top and back along the bottom."""
    every = max(1, rows.height // 200)
    rows = rows.gather_every(every)
    along = rows["threshold"].to_list()
    figure.add_scatter(
        x=[*along, *reversed(along)],
        y=[*rows["high"].to_list(), *reversed(rows["low"].to_list())],
        mode="lines",
        fill="toself",
        fillcolor=faint(style.color, 0.15),
        line={"width": 0},
        hoverinfo="skip",
        showlegend=False,
    )


def calibration(result: AuditResult, *, attribute: str, model: str, split: str = "test") -> Chart:
    """Mean score against observed rate in bins, by group, with intervals."""
    table = _curve_rows(result, "calibration", attribute, model, split)
    table = table.filter(pl.col("rate").is_not_null()) if not table.is_empty() else table
    if table.is_empty():
        return empty(wording.NO_CALIBRATION)
    figure = frame(
        x="Mean score", y="Observed positive rate", height=420, legend=True,
        percent_x=True, percent_y=True,
    )  # fmt: skip
    diagonal(figure)
    known = group_styles(result.errors, attribute)
    for (group,), rows in table.group_by("group", maintain_order=True):
        style = known[str(group)]
        figure.add_scatter(
            x=rows["mean_score"].to_list(),
            y=rows["rate"].to_list(),
            error_y=_bars(rows, "rate"),
            mode="markers+lines",
            name=short(str(group)),
            marker={"color": style.color, "symbol": style.symbol, "size": 8},
            line={"color": style.color, "width": 1, "dash": style.dash},
        )
    return Chart(figure, _calibration_alt(table, attribute, model), table)


def _bars(rows: pl.DataFrame, value: str) -> dict[str, object]:
    return {
        "type": "data",
        "symmetric": False,
        "array": (rows["high"] - rows[value]).to_list(),
        "arrayminus": (rows[value] - rows["low"]).to_list(),
        "thickness": 1,
        "width": 0,
    }


def _calibration_alt(table: pl.DataFrame, attribute: str, model: str) -> str:
    off = table.with_columns((pl.col("rate") - pl.col("mean_score")).alias("off"))
    enough = off.filter(pl.col("n") >= 10)
    off = off if enough.is_empty() else enough
    worst = off.sort(pl.col("off").abs(), descending=True).row(0, named=True)
    return wording.calibration(model, attribute, worst)


def threshold(
    table: pl.DataFrame,
    *,
    metric: str,
    at: float | None,
    voice: Voice,
    in_force: float | None = None,
    below: bool = False,
    attribute: str = "",
) -> Chart:
    """A metric of each group over all thresholds; a line marks the chosen threshold.

    Parameters
    ----------
    table : polars.DataFrame
        Columns group, threshold, value, low, high.
    metric : str
    at : float or None
        The chosen threshold, if all groups share one.
    voice : Voice
    in_force : float or None
        The threshold of the decisions as they are.
    below : bool
        Whether scores at or below the threshold are selected.
    attribute : str
    """
    if table.is_empty():
        return empty(wording.NO_THRESHOLD)
    figure = frame(
        x=f"Threshold: {selected_word(voice)} at this score or {'below' if below else 'above'}",
        y=meaning.title(metric, voice), height=340, legend=True,
        percent_y=metric_words.is_rate(metric),
    )  # fmt: skip
    if at is not None:
        figure.add_shape(
            type="line", x0=at, x1=at, y0=0, y1=1, yref="paper",
            line={"color": NEUTRAL, "width": 1.5},
        )  # fmt: skip
    if in_force is not None:
        _in_force(figure, in_force)
    groups = sorted(table["group"].unique().to_list(), key=natural)[:12]
    known = styles(table["group"].unique().to_list())
    for group in groups:
        rows = table.filter(pl.col("group") == group).sort("threshold")
        if len(groups) <= _BANDS:
            _band(figure, rows.drop_nulls(["low", "high"]), known[group])
        _line(figure, rows, "threshold", "value", group, known[group])
    title = meaning.title(metric, voice) + (f" by {attribute}" if attribute else "")
    return Chart(figure, _threshold_alt(table, groups, metric, at, title, voice), table)


def _in_force(figure: go.Figure, cut: float) -> None:
    """The threshold of the decisions as they are."""
    figure.add_shape(
        type="line", x0=cut, x1=cut, y0=0, y1=1, yref="paper",
        line={"color": NEUTRAL, "width": 1.5, "dash": "dash"},
    )  # fmt: skip
    figure.add_annotation(
        x=cut, y=1, yref="paper", yanchor="bottom", showarrow=False, text=f"in force {cut:g}",
        font={"size": 12},
    )  # fmt: skip


def _threshold_alt(
    table: pl.DataFrame,
    groups: Sequence[str],
    metric: str,
    at: float | None,
    title: str,
    voice: Voice,
) -> str:
    if at is None:
        return wording.over_thresholds(title)
    parts: list[str] = []
    for group in groups:
        rows = table.filter((pl.col("group") == group) & pl.col("value").is_not_null())
        if not rows.is_empty():
            near = rows.sort((pl.col("threshold") - at).abs()).row(0, named=True)
            level = None if parts else voice
            limits = near["low"], near["high"]
            parts.append(f"{group} {phrases.value(near['value'], *limits, metric, level)}")
    shown = f"{at:.2f}" if abs(at) < 10 and at != round(at) else f"{at:g}"
    return f"{title} at threshold {shown}: " + ", ".join(parts) + "."
