"""Charts of the no-harm choice: baseline, expert, bound and choice of each group."""

from __future__ import annotations

import plotly.graph_objects as go
import polars as pl

from fairaudit.plots.interval_dots import (
    Row,
    difference_hover,
    legend_mark,
    limit_line,
    mark,
    several,
    whisker,
)
from fairaudit.plots.theme import (
    MAX_POINTS,
    MAX_ROWS,
    NEUTRAL,
    Chart,
    Style,
    empty,
    frame,
    name_rows,
    plain,
    short,
    styles,
)
from fairaudit.text import metric_words, numbers
from fairaudit.text.charts import selection as wording
from fairaudit.text.ordering import natural
from fairaudit.text.sentences import phrases
from fairaudit.text.sentences.choice_reasons import reason, with_reasons
from fairaudit.text.voice import Voice

BASELINE = Style(NEUTRAL, "circle-open", "dash")
_SAME = 1e-9  # numbers closer than this are equal
WIDE = 12  # groups up to which each gets two lines
_CHOICES = {"expert": "expert chosen", "baseline": "baseline kept"}


def of_split(selection: pl.DataFrame, split: str) -> pl.DataFrame:
    """The rows of one split, groups by name."""
    rows = selection.filter(pl.col("split") == split) if "split" in selection else selection
    order = sorted(rows["group"].unique().to_list(), key=natural)
    place = {group: i for i, group in enumerate(order)}
    return rows.sort(pl.col("group").replace_strict(place, return_dtype=pl.Int64))


def readable(selection: pl.DataFrame) -> pl.DataFrame:
    """The readable columns of the choice with its reasons in words, validation rows first."""
    wanted = (
        *("split", "group", "chosen", "verdict", "baseline", "baseline_low", "baseline_high"),
        *("expert", "expert_low", "expert_high", "difference", "lower", "upper"),
        *("n", "metric", "admissible", "binding", "reason"),
    )
    columns = [name for name in wanted if name in selection.columns]
    ordered = selection.sort("split", descending=True, maintain_order=True)
    return with_reasons(ordered).select(columns)


def decision(
    selection: pl.DataFrame, *, split: str = "validation", voice: Voice | None = None
) -> Chart:
    """Each group's baseline and expert on one line; a ring and the label mark the chosen one."""
    rows = of_split(selection, split)
    if rows.is_empty():
        return empty(wording.no_choice(split))
    metric = str(rows["metric"].item(0))
    shown = list(rows.head(MAX_ROWS).iter_rows(named=True))
    known = styles(selection["group"].unique().to_list())
    line = 52 if len(shown) <= WIDE else 34
    figure = frame(
        x=f"{metric_words.title(metric)} on the {split} rows", height=110 + line * len(shown),
        legend=True, percent_x=metric_words.is_rate(metric),
    )  # fmt: skip
    for y, row in enumerate(shown):
        _pair(figure, row, y, known[row["group"]], metric, voice)
    _legend(figure)
    name_rows(figure, [row["group"] for row in shown])
    between = "<br>" if len(shown) <= WIDE else ": "
    figure.layout.yaxis.ticktext = [
        f"<b>{short(row['group'])}</b>{between}{_CHOICES[row['chosen']]}" for row in shown
    ]
    return Chart(figure, _decision_alt(rows, metric, split, voice), readable(rows))


def _pair(
    figure: go.Figure, row: Row, y: int, style: Style, metric: str, voice: Voice | None
) -> None:
    values = [v for v in (row["baseline"], row["expert"]) if v is not None]
    if len(values) == 2:
        figure.add_scatter(
            x=values, y=[y, y], mode="lines", line={"color": NEUTRAL, "width": 2},
            showlegend=False, hoverinfo="skip",
        )  # fmt: skip
    for name, value in (("baseline", row["baseline"]), ("expert", row["expert"])):
        if value is None:
            continue
        own = BASELINE if name == "baseline" else style
        symbol = "circle-open" if name == "baseline" else "diamond"
        if row["chosen"] == name:
            _point(figure, value, y, Style(style.color, "circle-open", "solid"), 24)
        hover = _hover(row, name, metric, voice)
        _point(figure, value, y, Style(own.color, symbol, "solid"), 12, hover)
        if name == "expert":
            figure.data[-1].error_x = _bound(row, style)


def _bound(row: Row, style: Style) -> dict[str, object] | None:
    """Paired bounds of the difference, from the baseline; no harm if both are right of it."""
    if row["lower"] is None or row["baseline"] is None:
        return None
    high = row["difference"] if row["upper"] is None else row["upper"]
    limits = (row["baseline"] + row["lower"], row["baseline"] + high)
    if metric_words.is_rate(str(row["metric"])):  # a share is between 0 and 1
        limits = (max(0.0, limits[0]), min(1.0, limits[1]))
    return whisker(row["expert"], *limits, style.color)


def _point(
    figure: go.Figure, x: float, y: float, style: Style, size: int, hover: str | None = None
) -> None:
    figure.add_scatter(
        x=[x],
        y=[y],
        mode="markers",
        marker=mark(style.color, style.symbol, size),
        showlegend=False,
        hoverinfo="skip" if hover is None else None,
        hovertemplate=hover,
    )


def _hover(row: Row, name: str, metric: str, voice: Voice | None) -> str:
    return (
        f"<b>{plain(row['group'])}</b><br>{_value_text(row, name, metric, voice)}<br>"
        f"{plain(reason(row))}<extra></extra>"
    )


def _value_text(row: Row, name: str, metric: str, voice: Voice | None) -> str:
    """`baseline 80.1% (95% CI 76.0% to 83.5%)`; results of older versions have no interval."""
    limits = row.get(f"{name}_low"), row.get(f"{name}_high")
    return f"{name} {phrases.value(row[name], *limits, metric, voice)}"


def _legend(figure: go.Figure) -> None:
    legend_mark(figure, "baseline", Style(NEUTRAL, "circle-open", "solid"))
    legend_mark(figure, "expert, with bounds", Style(NEUTRAL, "diamond", "solid"))
    figure.add_scatter(
        x=[None], y=[None], mode="markers", name="ring: chosen",
        marker=mark(NEUTRAL, "circle-open", 18),
    )  # fmt: skip


def _decision_alt(rows: pl.DataFrame, metric: str, split: str, voice: Voice | None) -> str:
    parts = []
    for row in rows.iter_rows(named=True):
        parts.append(
            f"{row['group']}: {_value_text(row, 'baseline', metric, voice)}, "
            f"{_value_text(row, 'expert', metric, voice)}, {_CHOICES[row['chosen']]}"
        )
    return f"{metric_words.title(metric)} on the {split} rows. {several(parts)}."


def bounds(selection: pl.DataFrame, *, split: str = "validation", tolerance: float = 0.0) -> Chart:
    """Expert minus baseline with its bound; right of the line means no worse than tolerated."""
    rows = of_split(selection, split)
    if rows.is_empty():
        return empty(wording.no_choice(split))
    metric = str(rows["metric"].item(0))
    shown = list(rows.head(MAX_ROWS).iter_rows(named=True))
    known = styles(selection["group"].unique().to_list())
    figure = frame(
        x=f"Expert minus baseline, {metric_words.title(metric)}, {split} rows",
        height=90 + 40 * len(shown), percent_x=metric_words.is_rate(metric),
    )  # fmt: skip
    limit_line(figure, tolerance)
    for y, row in enumerate(shown):
        _difference(figure, row, y, known[row["group"]], metric)
    name_rows(figure, [row["group"] for row in shown])
    return Chart(figure, _bounds_alt(rows, metric, split, tolerance), readable(rows))


def _difference(
    figure: go.Figure, row: Row, y: float, style: Style, metric: str, *, hollow: bool = False
) -> None:
    if row["difference"] is None:
        figure.add_annotation(
            x=0.01, xref="paper", xanchor="left", y=y, showarrow=False,
            text=plain(f"{row['verdict']} ({numbers.rows(row['n'])})"),
        )  # fmt: skip
        return
    high = row["upper"] if row["upper"] is not None else row["difference"]
    figure.add_scatter(
        x=[row["difference"]],
        y=[y],
        mode="markers",
        error_x=whisker(row["difference"], row["lower"], high, style.color),
        marker=mark(style.color, style.symbol, 11, hollow=hollow),
        showlegend=False,
        hovertemplate=difference_hover(row, metric, f"<b>{plain(row['group'])}</b>"),
    )


def _bounds_alt(rows: pl.DataFrame, metric: str, split: str, tolerance: float) -> str:
    parts = []
    for row in rows.iter_rows(named=True):
        shown = numbers.points(row["difference"], metric, signed=True)
        low = numbers.points(row["lower"], metric, signed=True)
        bound = "" if row["lower"] is None else f" lower bound {low},"
        parts.append(f"{row['group']} {shown},{bound} {row['verdict']}")
    limit = numbers.points(-tolerance, metric, signed=True) if tolerance else "zero"
    head = f"Expert minus baseline on the {split} rows, against a limit of {limit}"
    return f"{head}: {several(parts)}."


def validation_beside_test(selection: pl.DataFrame) -> Chart:
    """The difference on the validation rows, used for the choice, and on the test rows."""
    splits = [s for s in ("validation", "test") if s in selection["split"].unique().to_list()]
    if len(splits) < 2:
        return empty(wording.NO_TEST_ROWS)
    first = of_split(selection, "validation")
    metric, groups = str(first["metric"].item(0)), first["group"].to_list()[:MAX_ROWS]
    known = styles(selection["group"].unique().to_list())
    figure = frame(
        x=f"Expert minus baseline, {metric_words.title(metric)}",
        height=110 + 48 * len(groups), legend=True, percent_x=metric_words.is_rate(metric),
    )  # fmt: skip
    figure.add_shape(
        type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line={"color": NEUTRAL, "dash": "dash"}
    )
    for aside, split in ((-0.17, "validation"), (0.17, "test")):
        for row in of_split(selection, split).iter_rows(named=True):
            if row["group"] in groups:
                y = groups.index(row["group"]) + aside
                style = known[row["group"]]
                _difference(figure, row, y, style, metric, hollow=split == "test")
    legend_mark(figure, "validation (used for the choice)", Style(NEUTRAL, "circle", "solid"))
    legend_mark(figure, "test (not used)", Style(NEUTRAL, "circle-open", "solid"))
    name_rows(figure, groups)
    return Chart(figure, _beside_alt(selection, groups, metric), readable(selection))


def _beside_alt(selection: pl.DataFrame, groups: list[str], metric: str) -> str:
    differences = {(r["split"], r["group"]): r["difference"] for r in selection.rows(named=True)}
    parts = [
        f"{g} {numbers.points(differences.get(('validation', g)), metric, signed=True)} and "
        f"{numbers.points(differences.get(('test', g)), metric, signed=True)}"
        for g in groups
    ]
    return wording.both_splits(several(parts))


def alternatives(
    table: pl.DataFrame,
    metric: str,
    gaps: pl.DataFrame | None = None,
    voice: Voice | None = None,
) -> Chart:
    """Every choice of experts: gap against worst group; a star marks the chosen one.

    With `gaps` (`selection_gaps` of a result) "baseline for all" and the chosen one have
    intervals.
    """
    if table.is_empty():
        return empty(wording.NO_ALTERNATIVES)
    rows = table.filter(pl.col("split") == "validation") if "split" in table else table
    rows = _thinned(rows.filter(pl.col("gap").is_not_null() & pl.col("worst").is_not_null()))
    rate = metric_words.is_rate(metric)
    figure = frame(
        x=f"Gap between groups, {metric_words.title(metric)} (smaller is fairer)",
        y="Worst group (higher is better)", height=420, legend=True,
        percent_x=rate, percent_y=rate,
    )  # fmt: skip
    for name, chosen, style in _kinds(rows):
        _cloud(figure, chosen, name, style, metric, _spans(chosen, name, gaps), voice)
    return Chart(figure, _alternatives_alt(rows, metric, gaps, voice), rows)


def _spans(rows: pl.DataFrame, name: str, gaps: pl.DataFrame | None) -> Row:
    """Interval limits of gap and worst group of one choice, if they cover the same groups.

    With point estimates, alternatives include groups that cannot be judged; intervals do not.
    """
    when = {"baseline for all": "before", "chosen": "after"}.get(name)
    if gaps is None or when is None or rows.is_empty() or f"gap_{when}_low" not in gaps.columns:
        return {}
    stored = gaps.filter(pl.col("split") == "validation").row(0, named=True)
    point = rows.row(0, named=True)
    if any(stored[f"{n}_{when}"] is None for n in ("gap", "worst")):
        return {}
    if max(abs(stored[f"{n}_{when}"] - point[n]) for n in ("gap", "worst")) > _SAME:
        return {}
    return {
        f"{n}_{e}": stored[f"{n}_{when}_{e}"] for n in ("gap", "worst") for e in ("low", "high")
    }


def _thinned(rows: pl.DataFrame) -> pl.DataFrame:
    """At most MAX_POINTS rows: the chosen one, the baseline, then the best worst groups."""
    if rows.height <= MAX_POINTS:
        return rows
    on_top = (pl.col("chosen") | (pl.col("experts") == "")).alias("_kept")
    ordered = rows.with_columns(on_top).sort("_kept", "feasible", "worst", descending=True)
    return ordered.head(MAX_POINTS).drop("_kept")


def _kinds(rows: pl.DataFrame) -> list[tuple[str, pl.DataFrame, Style]]:
    chosen, none = pl.col("chosen"), pl.col("experts") == ""
    rest = rows.filter(~chosen & ~none)
    kinds = [
        ("not harmless", rest.filter(~pl.col("feasible")), Style(NEUTRAL, "x", "solid")),
        ("harmless", rest.filter(pl.col("feasible")), Style("#3E9BCF", "circle", "solid")),
        ("baseline for all", rows.filter(none & ~chosen), Style(NEUTRAL, "square", "solid")),
        ("chosen", rows.filter(chosen), Style("#D55E00", "star", "solid")),
    ]
    return [kind for kind in kinds if not kind[1].is_empty()]


def _cloud(
    figure: go.Figure,
    rows: pl.DataFrame,
    name: str,
    style: Style,
    metric: str,
    spans: Row,
    voice: Voice | None,
) -> None:
    words = [
        f"{plain(e.replace(' + ', ', ') or 'no experts')}<br>{_at(g, w, spans, metric, voice)}"
        for e, g, w in rows.select("experts", "gap", "worst").iter_rows()
    ]
    figure.add_scatter(
        x=rows["gap"].to_list(),
        y=rows["worst"].to_list(),
        mode="markers",
        name=name,
        error_x=_bar(rows["gap"], "gap", spans, style),
        error_y=_bar(rows["worst"], "worst", spans, style),
        hovertext=words,
        hovertemplate="%{hovertext}<extra></extra>",
        marker={
            "color": style.color,
            "symbol": style.symbol,
            "size": 16 if name == "chosen" else 9,
        },
    )


def _bar(values: pl.Series, name: str, spans: Row, style: Style) -> dict[str, object] | None:
    return whisker(
        values.item(0), spans.get(f"{name}_low"), spans.get(f"{name}_high"), style.color
    )


def _at(gap: float, worst: float, spans: Row, metric: str, voice: Voice | None) -> str:
    """`gap 4.1 points (95% CI 1.0 to 7.2), worst group 80.2% (77.0% to 83.1%)`."""
    limits = {
        name: (spans.get(f"{name}_low"), spans.get(f"{name}_high")) for name in ("gap", "worst")
    }
    spread = phrases.points(gap, *limits["gap"], metric, voice)
    return f"gap {spread}, worst group {phrases.value(worst, *limits['worst'], metric, voice)}"


def _alternatives_alt(
    rows: pl.DataFrame, metric: str, gaps: pl.DataFrame | None, voice: Voice | None
) -> str:
    count, harmless = rows.height, int(rows["feasible"].sum())
    choices = "choice" if count == 1 else "choices"
    words = [f"{count:,} {choices} of experts, {harmless:,} of them harmless"]
    for name, subset in (
        ("baseline for all", rows.filter(pl.col("experts") == "")),
        ("chosen", rows.filter(pl.col("chosen"))),
    ):
        if not subset.is_empty():
            row = subset.row(0, named=True)
            at = _at(row["gap"], row["worst"], _spans(subset, name, gaps), metric, voice)
            words.append(f"{name}: {at}")
    return "; ".join(words) + "."
