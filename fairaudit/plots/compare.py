"""Models side by side: values with intervals, paired differences, accuracy against fairness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import plotly.graph_objects as go
import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.inputs.group_codes import OVERALL
from fairaudit.plots.interval_dots import Row, mark, several, whisker
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
    short,
)
from fairaudit.text import meaning, metric_words, numbers
from fairaudit.text.charts import compare as wording
from fairaudit.text.model_front import Pairs, front_of, over_seeds, sign_of
from fairaudit.text.sentences import phrases
from fairaudit.text.sentences.phrases import ci
from fairaudit.text.voice import Voice, voice_of

_ORDER = {"overall": 0, "difference": 1, "worst": 2}


def models_of(result: AuditResult) -> list[str]:
    """Models in the order of the result."""
    return result.errors["model"].unique(maintain_order=True).to_list()


def side_by_side(values: pl.DataFrame, *, metric: str, voice: Voice) -> Chart:
    """One line per model: value and interval.

    Parameters
    ----------
    values : polars.DataFrame
        Columns model, value, low, high.
    """
    rows = values.filter(pl.col("value").is_not_null())
    if rows.is_empty():
        return empty(wording.not_available(meaning.title(metric, voice)))
    names = rows["model"].to_list()[:MAX_ROWS]
    figure = frame(
        x=meaning.title(metric, voice), height=90 + 38 * len(names),
        percent_x=metric_words.is_rate(metric),
    )  # fmt: skip
    known = model_styles(values["model"].to_list())
    for y, row in enumerate(rows.head(MAX_ROWS).iter_rows(named=True)):
        _point(figure, row, y, known[row["model"]], metric, voice)
    name_rows(figure, names)
    values_text = [
        f"{r['model']} {numbers.value(r['value'], metric)}{_span(r, metric, voice)}"
        for r in rows.head(10).iter_rows(named=True)
    ]
    return Chart(figure, f"{meaning.title(metric, voice)}: {', '.join(values_text)}.", values)


def _span(row: Row, metric: str, voice: Voice) -> str:
    span = ci(numbers.interval(row["low"], row["high"], metric), voice)
    return f" ({span})" if span else ""


def _point(figure: go.Figure, row: Row, y: float, style: Style, metric: str, voice: Voice) -> None:
    figure.add_scatter(
        x=[row["value"]],
        y=[y],
        mode="markers",
        error_x=whisker(row["value"], row["low"], row["high"], style.color),
        marker=mark(style.color, style.symbol, 12),
        showlegend=False,
        hovertemplate=f"<b>{plain(row['model'])}</b> {numbers.value(row['value'], metric)}"
        f"{_span(row, metric, voice)}<extra></extra>",
    )


def overall_values(result: AuditResult, *, metric: str, split: str = "test") -> pl.DataFrame:
    """Model, value, low, high over all rows."""
    rows = result.errors.filter(
        (pl.col("attribute") == OVERALL)
        & (pl.col("metric") == metric)
        & (pl.col("split") == split)
    )
    return rows.select("model", "value", "low", "high", "status")


def gap_values(
    result: AuditResult, *, attribute: str, metric: str, split: str = "test"
) -> pl.DataFrame:
    """Model, value, low, high of the largest difference between an attribute's groups."""
    rows = result.gaps.filter(
        (pl.col("attribute") == attribute)
        & (pl.col("metric") == metric)
        & (pl.col("split") == split)
        & (pl.col("kind") == "difference")
    )
    return rows.select("model", "value", "low", "high", "status")


def values(result: AuditResult, *, metric: str, split: str) -> pl.DataFrame:
    """Quality of each model over all rows: model, value, low, high, status."""
    if over_seeds(result):
        return _over_seeds(result, OVERALL, metric, "overall")
    return overall_values(result, metric=metric, split=split)


def front_table(
    result: AuditResult, *, quality: str, gap: str, attribute: str, split: str
) -> pl.DataFrame:
    """Quality and gap of each model, and which are dominated (see `front_of`)."""
    if over_seeds(result):
        gaps = _over_seeds(result, attribute, gap, "difference")
    else:
        gaps = gap_values(result, attribute=attribute, metric=gap, split=split)
    pairs = differences(result, metric=quality, attribute=OVERALL, split=split)
    own = values(result, metric=quality, split=split)
    return front_of(own, gaps, quality, proven=_proven(pairs, quality, voice_of(result)))


def _proven(pairs: pl.DataFrame, metric: str, voice: Voice) -> Pairs:
    """Pairs of models of which one is significantly better over all rows, adjusted for tests."""
    if pairs.is_empty():
        return frozenset()
    apart = (pl.col("low") > 0) | (pl.col("high") < 0)
    rows = pairs.filter(apart & (pl.col("p_adjusted") < voice.alpha))
    sign = sign_of(metric)
    return frozenset(
        (a, b) if sign * difference > 0 else (b, a)
        for a, b, difference in rows.select("model_a", "model_b", "difference").iter_rows()
    )


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


def differences(result: AuditResult, *, metric: str, attribute: str, split: str) -> pl.DataFrame:
    """Paired differences: over seeds, or on the same rows by group."""
    if "paired" in result.tables:
        rows = result.tables["paired"].filter(
            (pl.col("metric") == metric) & pl.col("attribute").is_in([OVERALL, attribute])
        )
        place = pl.col("kind").replace_strict(_ORDER, default=len(_ORDER))  # overall first
        return rows.with_columns(group=pl.col("attribute")).sort(place, "kind", "model_a")
    table = result.tables.get("comparisons")
    if table is None:
        return pl.DataFrame(schema={"difference": pl.Float64})
    return table.filter(
        (pl.col("metric") == metric)
        & (pl.col("split") == split)
        & pl.col("attribute").is_in([OVERALL, attribute])
    )


def paired(table: pl.DataFrame, *, metric: str, voice: Voice, models: Sequence[str] = ()) -> Chart:
    """Differences between two models on the same rows, by group or overall, with intervals.

    Parameters
    ----------
    table : polars.DataFrame
        Columns model_a, model_b, group, difference, low, high, p_adjusted.
    metric : str
    models : sequence of str
        All models in order, so that each keeps its colour on all charts.
    """
    rows = table.filter(pl.col("difference").is_not_null()).head(MAX_ROWS)
    if rows.is_empty():
        return empty(wording.NO_DIFFERENCES)
    names = [f"{r['model_a']} − {r['model_b']}: {_where(r)}" for r in rows.iter_rows(named=True)]
    figure = frame(
        x=f"Difference in {meaning.in_sentence(metric, voice)}", height=90 + 34 * len(names),
        percent_x=metric_words.is_rate(metric),
    )  # fmt: skip
    figure.add_shape(
        type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line={"color": NEUTRAL, "dash": "dash"}
    )
    known = model_styles([*models, *table["model_a"].to_list()])
    for y, row in enumerate(rows.iter_rows(named=True)):
        point = {"model": row["model_a"], "value": row["difference"], **_interval_of(row)}
        _point(figure, point, y, known[row["model_a"]], metric, voice)
    name_rows(figure, names, width=56)
    return Chart(figure, _paired_alt(rows, names, metric, voice), table)


def _where(row: Row) -> str:
    if row.get("kind") == "difference":
        return f"gap by {row['attribute']}"
    if row.get("kind") == "worst":
        return f"worst {row['attribute']}"
    return "overall" if row["attribute"] == OVERALL else str(row["group"])


def _interval_of(row: Row) -> dict[str, float | None]:
    return {"low": row["low"], "high": row["high"]}


def _paired_alt(rows: pl.DataFrame, names: Sequence[str], metric: str, voice: Voice) -> str:
    parts = [
        f"{name}: "
        + numbers.points_with_interval(r["difference"], r["low"], r["high"], metric, signed=True)
        for name, r in zip(names, rows.iter_rows(named=True), strict=True)
    ]
    text = f"Paired differences in {meaning.in_sentence(metric, voice)}. {several(parts)}."
    return text + voice.intervals()


def front(table: pl.DataFrame, *, quality: str, gap_title: str, voice: Voice) -> Chart:
    """Quality against the gap, both with intervals; dominated models are hollow."""
    if table.is_empty():
        return empty(wording.NO_FRONT)
    figure = frame(
        x=f"{gap_title} (smaller is fairer)", y=meaning.title(quality, voice), height=430,
        legend=True,
        percent_y=metric_words.is_rate(quality), percent_x=True,
    )  # fmt: skip
    known = model_styles(table["model"].to_list())
    for row in table.iter_rows(named=True):
        _front_point(figure, row, known[row["model"]])
    return Chart(figure, _front_alt(table, quality, voice), table)


def _front_point(figure: go.Figure, row: Mapping[str, object], style: Style) -> None:
    name = short(str(row["model"]))
    if row["dominated"]:
        name += " (dominated, not significantly)" if row["sure"] == "neither" else " (dominated)"
    figure.add_scatter(
        x=[row["gap"]],
        y=[row["value"]],
        mode="markers",
        name=name,
        error_x=whisker(row["gap"], row["gap_low"], row["gap_high"], style.color),  # type: ignore[arg-type]
        error_y=whisker(row["value"], row["low"], row["high"], style.color),  # type: ignore[arg-type]
        marker=mark(style.color, style.symbol, 13, hollow=bool(row["dominated"])),
    )


def _front_alt(table: pl.DataFrame, quality: str, voice: Voice) -> str:
    best = table.filter(~pl.col("dominated")).sort("gap")
    parts = [
        f"{r['model']} {numbers.value(r['value'], quality)}{_span(r, quality, voice)} at a gap of "
        + phrases.points(r["gap"], r["gap_low"], r["gap_high"], "tpr", voice)
        for r in best.head(8).iter_rows(named=True)
    ]
    dominated = table.filter(pl.col("dominated"))["model"].to_list()
    text = f"{meaning.title(quality, voice)} against the gap; not dominated: {', '.join(parts)}"
    return f"{text}; dominated: {', '.join(dominated)}." if dominated else f"{text}."
