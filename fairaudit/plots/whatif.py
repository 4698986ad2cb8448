"""What if there were more groups: criteria, worst group, stability, and how groups split."""

from __future__ import annotations

from collections.abc import Sequence

import plotly.graph_objects as go
import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.plots.theme import (
    NEUTRAL,
    PALETTE,
    SYMBOLS,
    Chart,
    empty,
    faint,
    frame,
    plain,
    styles,
)
from fairaudit.text import metric_words, numbers
from fairaudit.text.charts import whatif as wording
from fairaudit.text.ordering import natural
from fairaudit.text.table_rows import CRITERIA, LOWER, best_count
from fairaudit.text.voice import Voice

_BETWEEN = 0.07  # space between two boxes of a lineage, as a share of its height


def readable(sweep: pl.DataFrame) -> pl.DataFrame:
    """The most important columns first: number of groups, worst group and overall."""
    first = [c for c in sweep.columns if c == "n_groups" or c.startswith(("worst", "overall"))]
    return sweep.select(*first, *(c for c in sweep.columns if c not in first))


def trade_off(
    sweep: pl.DataFrame, metric: str, *, at: int | None = None, voice: Voice | None = None
) -> Chart:
    """Worst group and overall against the number of groups, on held-out rows, with intervals."""
    rows = sweep.sort("n_groups")
    if rows.is_empty():
        return empty(wording.NO_SWEEP)
    rate = metric_words.is_rate(metric)
    figure = frame(
        x="Number of groups", y=metric_words.title(metric), height=380, legend=True, percent_y=rate
    )
    for name, column, place in (("worst group", "worst_group", 1), ("overall", "overall", 0)):
        low, high = (
            ("worst_low", "worst_high") if column == "worst_group" else _interval_columns(column)
        )
        _line(figure, rows, column, name, place, (low, high))
    _by_chance(figure, rows)
    _mark(figure, at)
    figure.update_xaxes(dtick=1)
    alt = _trade_off_alt(rows, metric, at)
    return Chart(figure, alt + voice.intervals() if voice else alt, rows)


def _by_chance(figure: go.Figure, rows: pl.DataFrame) -> None:
    """How bad the worst group may look where there are no latent groups."""
    if not known(rows, "worst_null"):
        return
    judged = rows.filter(pl.col("worst_null").is_not_null())
    figure.add_scatter(
        x=judged["n_groups"].to_list(),
        y=judged["worst_null"].to_list(),
        mode="lines+markers",
        name="worst group by chance, up to",
        line={"color": NEUTRAL, "width": 1.5, "dash": "dot"},
        marker={"color": NEUTRAL, "symbol": "line-ew-open", "size": 14},
    )


def held(table: pl.DataFrame, metric: str, *, at: int, voice: Voice | None = None) -> Chart:
    """The groups of one partition under the models with 1 to K groups, with intervals."""
    rows = table.filter((pl.col("n_groups") == at) & pl.col("loss").is_not_null())
    if rows.is_empty():
        return empty(wording.NO_GROUP)
    rate = metric_words.is_rate(metric)
    title = metric_words.title(metric)
    figure = frame(
        x="Number of groups of the model", y=title, height=380, legend=True, percent_y=rate
    )
    names = sorted(rows["group"].unique().to_list(), key=natural)
    looks = styles(names)
    counts = sorted(rows["models"].unique().to_list())
    for place, name in enumerate(names):
        part = rows.filter(pl.col("group") == name).sort("models")
        aside = 0.12 * (place - (len(names) - 1) / 2)  # intervals side by side
        figure.add_scatter(
            x=[count + aside for count in part["models"].to_list()],
            y=part["loss"].to_list(),
            mode="lines+markers",
            name=plain(name),
            error_y={
                "type": "data",
                "symmetric": False,
                "array": (part["loss_high"] - part["loss"]).to_list(),
                "arrayminus": (part["loss"] - part["loss_low"]).to_list(),
                "color": looks[name].color,
                "thickness": 1.5,
            },
            line={"color": looks[name].color, "width": 2},
            marker={"color": looks[name].color, "symbol": looks[name].symbol, "size": 9},
        )
    _mark(figure, at)
    figure.update_xaxes(tickvals=counts, ticktext=[str(count) for count in counts])
    worst = rows.filter(pl.col("models") == 1).sort("loss", descending=True)
    columns = ("loss", "loss_low", "loss_high")
    words = [
        f"{group} {numbers.value_with_interval(loss, low, high, metric)}"
        for group, loss, low, high in worst.head(8).select("group", *columns).iter_rows()
    ]
    alt = wording.same_groups(title, ", ".join(words))
    return Chart(figure, alt + voice.intervals() if voice else alt, rows)


def _interval_columns(column: str) -> tuple[str, str]:
    return f"{column}_low", f"{column}_high"


def _line(
    figure: go.Figure,
    rows: pl.DataFrame,
    column: str,
    name: str,
    place: int,
    ends: tuple[str, str] | None = None,
) -> None:
    color = PALETTE[place]
    bars = None
    if ends is not None and set(ends) <= set(rows.columns):
        bars = {
            "type": "data",
            "symmetric": False,
            "array": (rows[ends[1]] - rows[column]).to_list(),
            "arrayminus": (rows[column] - rows[ends[0]]).to_list(),
            "color": color,
            "thickness": 1.5,
        }
    figure.add_scatter(
        x=rows["n_groups"].to_list(),
        y=rows[column].to_list(),
        mode="lines+markers",
        name=name,
        error_y=bars,
        line={"color": color, "width": 2, "dash": "solid" if place else "dash"},
        marker={"color": color, "symbol": SYMBOLS[place], "size": 9},
    )


def _mark(figure: go.Figure, at: int | None) -> None:
    if at is not None:
        figure.add_shape(
            type="line", x0=at, x1=at, y0=0, y1=1, yref="paper",
            line={"color": NEUTRAL, "width": 2, "dash": "dot"},
        )  # fmt: skip


def _trade_off_alt(rows: pl.DataFrame, metric: str, at: int | None) -> str:
    picks = rows if at is None else rows.filter(pl.col("n_groups").is_in([1, at]))
    words = [
        f"with {r['n_groups']} group{'s' if r['n_groups'] > 1 else ''}: worst group "
        + numbers.value_with_interval(r["worst_group"], r["worst_low"], r["worst_high"], metric)
        + ", overall "
        + numbers.value_with_interval(r["overall"], r["overall_low"], r["overall_high"], metric)
        for r in picks.head(8).iter_rows(named=True)
    ]
    return f"{metric_words.title(metric)} on held-out rows: " + "; ".join(words) + "."


def criterion(sweep: pl.DataFrame, name: str, *, at: int | None = None) -> Chart:
    """One criterion of fit against the number of groups; a star marks its best value."""
    if not known(sweep, name):
        return empty(wording.no_criterion(CRITERIA.get(name, name)))
    rows = sweep.sort("n_groups")
    title = CRITERIA.get(name, name)
    better = "lower" if name in LOWER else "higher"
    figure = frame(x="Number of groups", y=f"{title} ({better} is better)", height=320)
    _line(figure, rows, name, title, 0)
    best = best_count(rows, name)
    at_best = rows.filter(pl.col("n_groups") == best)
    figure.add_scatter(
        x=at_best["n_groups"].to_list(),
        y=at_best[name].to_list(),
        mode="markers",
        name="best",
        marker={"symbol": "star", "size": 17, "color": PALETTE[1]},
    )
    _mark(figure, at)
    figure.update_xaxes(dtick=1)
    value = numbers.number_text(at_best[name].item(0))
    alt = wording.best_number(title, better, best, value)
    return Chart(figure, alt, rows.select("n_groups", name))


def known(sweep: pl.DataFrame, name: str) -> bool:
    """Whether the sweep has that number for some number of groups."""
    return name in sweep.columns and not sweep[name].is_null().all()


def stability(sweep: pl.DataFrame, *, at: int | None = None) -> Chart:
    """How similar the groups of bootstrap refits are (adjusted Rand index)."""
    if not known(sweep, "stability"):
        return empty(wording.NO_STABILITY)
    rows = sweep.sort("n_groups")
    figure = frame(x="Number of groups", y="Stability (adjusted Rand index)", height=320)
    _line(figure, rows, "stability", "stability", 0)
    _mark(figure, at)
    figure.update_xaxes(dtick=1)
    figure.update_yaxes(range=[min(0.0, *rows["stability"].drop_nulls().to_list()), 1.05])
    words = [
        f"{r['n_groups']} group{'s' if r['n_groups'] > 1 else ''} {r['stability']:.2f}"
        for r in rows.filter(pl.col("stability").is_not_null()).iter_rows(named=True)
    ]
    alt = "Stability over bootstrap refits (1 = the same groups every time): "
    return Chart(figure, alt + ", ".join(words[:10]) + ".", rows.select("n_groups", "stability"))


def preferred(sweep: pl.DataFrame) -> int | None:
    """The number of groups that the sweep chose, or None."""
    if "chosen" not in sweep.columns:
        return None
    counts = sweep.filter(pl.col("chosen"))["n_groups"].to_list()
    return int(counts[0]) if counts else None


def lineage(table: pl.DataFrame, *, up_to: int | None = None) -> Chart:
    """How groups split: rows that move from each of G groups to the groups of G + 1."""
    rows = table if up_to is None else table.filter(pl.col("n_groups") < up_to)
    rows = rows.filter(pl.col("rows") > 0).sort("n_groups")
    if rows.is_empty():
        return empty(wording.NO_LINEAGE)
    nodes = _nodes(rows)
    place = {node: i for i, node in enumerate(nodes)}
    columns = sorted({count for count, _ in nodes})
    last = max(len(columns) - 1, 1)
    known = styles({name for _, name in nodes})
    figure = go.Figure(
        go.Sankey(
            arrangement="fixed",
            textfont={"size": 13, "weight": 600, "shadow": "none"},
            node={
                "label": [plain(f"{name} of {count}") for count, name in nodes],
                "color": [known[name].color for _, name in nodes],
                # Plotly ignores nodes placed at exactly 0 or 1
                "x": [0.001 + 0.998 * columns.index(c) / last for c, _ in nodes],
                "y": _middles(nodes, rows),
                "pad": 16,
                "thickness": 14,
                "line": {"width": 0},
            },
            link={
                "source": [place[c, s] for c, s in rows.select("n_groups", "source").rows()],
                "target": [place[c + 1, t] for c, t in rows.select("n_groups", "target").rows()],
                "value": rows["rows"].to_list(),
                "color": [faint(known[s].color) for s in rows["source"].to_list()],
            },
        )
    )
    tallest = max(sum(1 for c, _ in nodes if c == count) for count in columns)
    figure.update_layout(
        height=120 + 62 * tallest,
        margin={"l": 8, "r": 8, "t": 16, "b": 16},
        paper_bgcolor="rgba(0,0,0,0)",
    )
    return Chart(figure, _lineage_alt(rows), rows)


def _nodes(rows: pl.DataFrame) -> list[tuple[int, str]]:
    sources = rows.select("n_groups", "source").rows()
    targets = [(count + 1, name) for count, name in rows.select("n_groups", "target").rows()]
    return sorted({*sources, *targets}, key=lambda node: (node[0], natural(node[1])))


def _middles(nodes: Sequence[tuple[int, str]], rows: pl.DataFrame) -> list[float]:
    """Vertical position of each box, 0 to 1 from the top; its height is its share of the rows."""
    out: dict[tuple[int, str], float] = {}
    into: dict[tuple[int, str], float] = {}
    for count, source, target, moved in rows.select("n_groups", "source", "target", "rows").rows():
        out[count, source] = out.get((count, source), 0.0) + moved
        into[count + 1, target] = into.get((count + 1, target), 0.0) + moved
    size = {node: max(out.get(node, 0.0), into.get(node, 0.0)) for node in nodes}
    tallest = max(sum(1 for c, _ in nodes if c == count) for count, _ in nodes)
    room = 1.0 - _BETWEEN * (tallest - 1)
    middles: dict[tuple[int, str], float] = {}
    for count in {c for c, _ in nodes}:
        inside = [node for node in nodes if node[0] == count]
        total = sum(size[node] for node in inside) or 1.0
        top = (1.0 - room - _BETWEEN * (len(inside) - 1)) / 2
        for node in inside:
            tall = room * size[node] / total
            middles[node] = top + tall / 2
            top += tall + _BETWEEN
    return [min(0.999, max(0.001, middles[node])) for node in nodes]


def _lineage_alt(rows: pl.DataFrame) -> str:
    sentences = []
    for (count,), step in rows.group_by("n_groups", maintain_order=True):
        new = str(step.sort("rows", descending=True)["target"].item(0))
        fresh = [t for t in step["target"].unique().to_list() if t not in set(step["source"])]
        new = sorted(fresh, key=natural)[0] if fresh else new
        into = step.filter(pl.col("target") == new).sort("rows", descending=True)
        origin, moved = into["source"].item(0), into["rows"].item(0)
        share = moved / into["rows"].sum()
        transition = f"from {count} to {int(str(count)) + 1} groups"
        sentences.append(f"{transition}, {share:.0%} of {new} comes from {origin}")
    return "Lineage of groups: " + "; ".join(sentences[:8]) + "."


def metric_of(result: AuditResult) -> str:
    """The metric that `worst_group` and `overall` of a sweep measure."""
    named = result.summary.get("sweep_metric") or result.summary.get("loss")
    return {"log": "log_loss", "squared": "mse"}.get(str(named), str(named or "mse"))
