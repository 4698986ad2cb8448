"""Latent groups: size, profile, certainty of membership, and overlap with attributes."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from fairaudit.plots.heat import heat
from fairaudit.plots.interval_dots import dots
from fairaudit.plots.theme import (
    DIVERGING,
    MAX_POINTS,
    NEUTRAL,
    PALETTE,
    SEQUENTIAL,
    Chart,
    empty,
    frame,
    name_rows,
    plain,
    short,
    styles,
)
from fairaudit.text import metric_words, numbers
from fairaudit.text.charts import groups as wording
from fairaudit.text.ordering import natural
from fairaudit.text.sentences.phrases import ci
from fairaudit.text.voice import Voice

LATENT = "latent group"
MOST_FEATURES = 14
_LEVELS = (
    (0.9, 1.01, "at least 90%", PALETTE[0]),
    (0.7, 0.9, "70 to 90%", PALETTE[6]),
    (0.5, 0.7, "50 to 70%", PALETTE[3]),
    (0.0, 0.5, "under 50%", PALETTE[1]),
)


def sizes(groups: pl.DataFrame) -> Chart:
    """Share of rows in each latent group."""
    if groups.is_empty():
        return empty(wording.NO_GROUPS)
    rows = in_order(groups)
    names = rows["group"].to_list()
    known = styles(names)
    figure = frame(x="Share of rows", height=80 + 38 * len(names), percent_x=True)
    figure.add_bar(
        x=rows["share"].to_list(),
        y=list(range(len(names))),
        orientation="h",
        marker={"color": [known[name].color for name in names]},
        text=[f"{share:.1%}" for share in rows["share"].to_list()],
        showlegend=False,
        hovertemplate="%{text}<extra></extra>",
    )
    name_rows(figure, names)
    shares = [f"{r['group']} {r['share']:.1%}" for r in rows.iter_rows(named=True)]
    return Chart(figure, wording.shares(", ".join(shares)), rows)


def of_count(table: pl.DataFrame, count: int | None) -> pl.DataFrame:
    """The rows for one number of groups, where the table has several."""
    if count is None or "n_groups" not in table.columns:
        return table
    return table.filter(pl.col("n_groups") == count).drop("n_groups")


def readable(groups: pl.DataFrame) -> pl.DataFrame:
    """The groups in order, row counts as whole numbers, the rule last."""
    whole = [c for c in ("n_train", "n_test") if c in groups.columns]
    rows = in_order(groups).with_columns(pl.col(whole).round().cast(pl.Int64))
    return rows.select(*(c for c in rows.columns if c != "rule"), "rule")


def in_order(table: pl.DataFrame) -> pl.DataFrame:
    """Rows by group: group 2 before group 10."""
    order = sorted(table["group"].unique().to_list(), key=natural)
    place = {group: i for i, group in enumerate(order)}
    where = pl.col("group").replace_strict(place, return_dtype=pl.Int64)
    return table.sort(where, maintain_order=True)


def profile(table: pl.DataFrame, *, most: int = MOST_FEATURES) -> Chart:
    """Each group's mean of each feature, in standard deviations from the overall mean."""
    known = table.filter(pl.col("standardised").is_not_null())
    if known.is_empty():
        return empty(wording.NO_PROFILE)
    features = distinguishing(known, most)
    groups = sorted(known["group"].unique().to_list(), key=natural)
    cells = {(r["feature"], r["group"]): r for r in known.iter_rows(named=True)}
    grid = [[cells.get((f, g)) for g in groups] for f in features]
    figure = frame(height=110 + 30 * len(features))
    reach = max(abs(c["standardised"]) for row in grid for c in row if c is not None) or 1.0
    heat(
        figure,
        [[None if c is None else c["standardised"] for c in row] for row in grid],
        [["–" if c is None else f"{c['standardised']:+.2f}" for c in row] for row in grid],
        DIVERGING,
        hover=[[_profile_hover(c) for c in row] for row in grid],
        low=-reach,
        high=reach,
    )
    name_rows(figure, features)
    name_rows(figure, groups, axis="x")
    return Chart(figure, _profile_alt(known, groups), in_order(table))


def distinguishing(table: pl.DataFrame, most: int) -> list[str]:
    """The features in which the groups differ most from the overall mean."""
    ranked = (
        table.group_by("feature")
        .agg(pl.col("standardised").abs().max().alias("reach"))
        .sort(["reach", "feature"], descending=[True, False])
    )
    return ranked["feature"].head(most).to_list()


def _profile_hover(cell: dict[str, float | str] | None) -> str:
    if cell is None:
        return ""
    return (
        f"{plain(str(cell['group']))}, {plain(str(cell['feature']))}<br>"
        f"mean {cell['mean']:.3g}, overall {cell['population']:.3g}"
    )


def _profile_alt(table: pl.DataFrame, groups: Sequence[str]) -> str:
    parts = []
    for group in groups[:10]:
        own = table.filter(pl.col("group") == group)
        top = own.sort(pl.col("standardised").abs(), descending=True).row(0, named=True)
        side = "above" if top["standardised"] > 0 else "below"
        size = abs(top["standardised"])
        parts.append(f"{group}: {top['feature']} {size:.2f} SD {side} the overall mean")
    return "How the groups differ: " + "; ".join(parts) + "."


def membership(latent: pl.DataFrame, *, split: str | None = "test") -> Chart:
    """Certainty of membership: rows of each group by their membership in that group."""
    rows = latent
    if split is not None and split in latent["split"].unique().to_list():
        rows = latent.filter(pl.col("split") == split)
    shares = [c for c in rows.columns if c[:1] == "p" and c[1:].isdecimal()]
    shares = [c for c in shares if not rows[c].is_null().all()]
    if rows.is_empty() or not shares:
        return empty(wording.NO_MEMBERSHIP)
    counted = _by_certainty(rows, shares)
    names = counted["group"].unique(maintain_order=True).to_list()
    figure = frame(
        x="Share of the group's rows", height=180 + 38 * len(names), legend=True, percent_x=True
    )  # high enough for a one-column legend on a narrow screen
    figure.update_layout(barmode="stack", legend_traceorder="normal")
    for _, _, name, color in _LEVELS:
        share = dict(counted.filter(pl.col("level") == name).select("group", "share").iter_rows())
        if not share:
            continue
        figure.add_bar(
            x=[share.get(g, 0.0) for g in names],
            y=list(range(len(names))),
            orientation="h",
            name=f"membership {name}",
            marker={"color": color},
            hovertemplate="%{x:.0%}<extra></extra>",
        )
    name_rows(figure, names)
    return Chart(figure, _membership_alt(counted, names), counted)


def _by_certainty(rows: pl.DataFrame, shares: Sequence[str]) -> pl.DataFrame:
    top = rows.select(
        (pl.lit("group ") + (pl.col("group") + 1).cast(pl.String)).alias("group"),
        pl.max_horizontal(shares).alias("top"),
    )
    level = pl.lit(None, dtype=pl.String)
    for low, high, name, _ in _LEVELS:
        inside = (pl.col("top") >= low) & (pl.col("top") < high)
        level = pl.when(inside).then(pl.lit(name)).otherwise(level)
    counted = top.with_columns(level.alias("level")).group_by("group", "level").len("rows")
    of_group = pl.col("rows") / pl.col("rows").sum().over("group")
    order = [name for _, _, name, _ in _LEVELS]
    place = {name: i for i, name in enumerate(order)}
    where = pl.col("level").replace_strict(place, return_dtype=pl.Int64)
    return in_order(counted.with_columns(of_group.alias("share")).sort(where))


def _membership_alt(counted: pl.DataFrame, names: Sequence[str]) -> str:
    certain = dict(
        counted.filter(pl.col("level").is_in([_LEVELS[0][2], _LEVELS[1][2]]))
        .group_by("group")
        .agg(pl.col("share").sum())
        .iter_rows()
    )
    words = [f"{name} {certain.get(name, 0.0):.0%}" for name in names[:12]]
    return "Rows with a membership of at least 70% in their group: " + ", ".join(words) + "."


def overlap(table: pl.DataFrame, *, attribute: str) -> Chart:
    """Share of each level of a declared attribute that is in each latent group."""
    rows = table.filter(pl.col("attribute") == attribute)
    if rows.is_empty():
        return empty(wording.no_overlap(attribute))
    groups = sorted(rows["group"].unique().to_list(), key=natural)
    levels = sorted(rows["level"].unique().to_list(), key=natural)[:30]
    cells = {(r["level"], r["group"]): r for r in rows.iter_rows(named=True)}
    grid = [[cells.get((level, g)) for g in groups] for level in levels]
    figure = frame(height=110 + 40 * len(levels))
    heat(
        figure,
        [[None if c is None else c["share_of_level"] for c in row] for row in grid],
        [["–" if c is None else _overlap_cell(c) for c in row] for row in grid],
        SEQUENTIAL,
        low=0.0,
        high=1.0,
    )
    name_rows(figure, levels)
    name_rows(figure, groups, axis="x")
    return Chart(figure, _overlap_alt(rows, attribute), rows)


def _overlap_cell(cell: dict[str, float]) -> str:
    return f"{cell['share_of_level']:.0%}<br>n = {cell['n']:,.0f}"


def _overlap_alt(rows: pl.DataFrame, attribute: str) -> str:
    """Who each group consists of, then where each level is."""
    groups = [_composition(own) for _, own in rows.group_by("group", maintain_order=True)]
    words = []
    for _, own in rows.group_by("level", maintain_order=True):
        top = own.sort("share_of_level", descending=True).row(0, named=True)
        words.append(f"{top['share_of_level']:.0%} of {top['level']} are in {top['group']}")
    first = f"Latent groups and {attribute}: {'; '.join(groups[:10])}."
    return f"{first} By level: {'; '.join(words[:10])}."


def _composition(own: pl.DataFrame, most: int = 3) -> str:
    """ "group 3 consists of 421 male and 11 female": the largest levels of one group."""
    by_size = own.filter(pl.col("n") >= 0.5).sort("n", descending=True)
    name = own["group"].item(0)
    if by_size.is_empty():
        return f"{name} has no rows"
    shown = [f"{n:,.0f} {level}" for level, n in by_size.head(most).select("level", "n").rows()]
    if by_size.height > most:
        shown.append(f"{by_size['n'][most:].sum():,.0f} others")
    return f"{name} consists of {numbers.listed(shown)}"


def projection(table: pl.DataFrame) -> Chart:
    """Rows in a plane (first two principal components, or UMAP), coloured by group.

    Parameters
    ----------
    table : polars.DataFrame
        Columns row, x, y, group, and (the same in each row) `explained`, the share of variance,
        and `kind`, "pca" or "umap".
    """
    if table.is_empty():
        return empty(wording.NO_PROJECTION)
    rows = table.head(MAX_POINTS)
    names = sorted(rows["group"].unique().to_list(), key=natural)
    known = styles(names)
    axis = "UMAP axis" if _is_umap(rows) else "principal component"
    figure = frame(x=f"First {axis}", y=f"Second {axis}", height=460, legend=True)
    for name in names:
        own = rows.filter(pl.col("group") == name)
        figure.add_scatter(
            x=own["x"].to_list(),
            y=own["y"].to_list(),
            mode="markers",
            name=short(name),
            marker={
                "color": known[name].color,
                "symbol": known[name].symbol,
                "size": 6,
                "opacity": 0.6,
            },
            hovertemplate=f"{plain(name)}<extra></extra>",
        )
    return Chart(figure, _projection_alt(rows, names), rows.rename({"x": "axis_1", "y": "axis_2"}))


def _projection_alt(rows: pl.DataFrame, names: Sequence[str]) -> str:
    text = f"{numbers.rows(rows.height)} on the first two principal components of the features"
    if _is_umap(rows):
        text = f"{numbers.rows(rows.height)} in a UMAP plane (only proximity is meaningful)"
    if "explained" in rows.columns and rows["explained"].item(0) is not None:
        text += f", which account for {rows['explained'].item(0):.0%} of their variance"
    means = rows.group_by("group").agg(pl.col("x", "y").mean())
    where = {group: (x, y) for group, x, y in means.iter_rows()}
    centres = [
        f"{name} around ({where[name][0]:z.1f}, {where[name][1]:z.1f})" for name in names[:8]
    ]
    return f"{text}: {', '.join(centres)}."


def _is_umap(rows: pl.DataFrame) -> bool:
    return "kind" in rows.columns and rows["kind"].item(0) == "umap"


def tests(table: pl.DataFrame, *, voice: Voice | None) -> Chart:
    """Difference of each latent group from the rest on held-out rows, with its interval."""
    rows = table.filter(pl.col("difference").is_not_null())
    if rows.is_empty():
        return empty(wording.NO_TESTS)
    rows = in_order(_of_the_chosen_count(rows))
    metric = str(rows["metric"].item(0))
    rows = rows.filter(pl.col("metric") == metric)
    names = rows["group"].to_list()
    figure = _tests_figure(rows, names, metric, voice)
    words = [
        f"{r['group']} {numbers.points(r['difference'], metric, signed=True)} "
        f"({ci(numbers.points_interval(r['low'], r['high'], metric), voice)}, "
        f"p {r['p_adjusted']:.2g})"
        for r in rows.filter(pl.col("p_adjusted").is_not_null()).head(10).iter_rows(named=True)
    ]
    title = f"{metric_words.title(metric)} of each group minus the rest on held-out rows"
    alt = f"{title}: {', '.join(words)}."
    return Chart(figure, alt, table)


def _of_the_chosen_count(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows of the chosen number of groups, else of the largest."""
    if "chosen" in rows.columns and rows["chosen"].any():
        return rows.filter(pl.col("chosen"))
    if "n_groups" not in rows.columns:
        return rows
    return rows.filter(pl.col("n_groups") == rows["n_groups"].max())


def _tests_figure(
    rows: pl.DataFrame, names: Sequence[str], metric: str, voice: Voice | None
) -> go.Figure:
    figure = frame(
        x=f"{metric_words.title(metric)}: group minus the rest", height=90 + 38 * len(names),
        percent_x=metric_words.is_rate(metric),
    )  # fmt: skip
    figure.add_shape(
        type="line", x0=0, x1=0, y0=0, y1=1, yref="paper", line={"color": NEUTRAL, "dash": "dash"}
    )
    shown = rows.with_columns(
        pl.lit("").alias("model"), pl.col("difference").alias("value"), pl.lit(None).alias("n")
    )
    known = styles(names)
    marks = {("", name): known[name] for name in names}
    dots(figure, shown, names, [""], marks, metric, voice)
    name_rows(figure, names)
    return figure
