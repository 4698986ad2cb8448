"""Terminal output: progress, tables, JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from fairaudit.audit.no_harm.choose_between import SystemChoice
from fairaudit.audit.result import AuditResult
from fairaudit.audit.spec import AuditSpec
from fairaudit.data import mends as table_mends
from fairaudit.data.doctor.diagnosis import Diagnosis
from fairaudit.methods.common.progress import Monitor, Silent
from fairaudit.report.choices import main_split
from fairaudit.report.page import in_short
from fairaudit.report.sections import sections
from fairaudit.stats.estimates import ESTIMATED
from fairaudit.stats.metric_definitions import first_metrics
from fairaudit.text.sentences.conditional import readable_conditional
from fairaudit.text.sentences.equivalence import readable_equivalence
from fairaudit.text.sentences.outcome import (
    asked_words,
    facts_by_name,
    in_one_line,
    outcome_words,
    warnings_of,
    worded_summary,
)
from fairaudit.text.sentences.reading import NOTHING_TO_MEND
from fairaudit.text.sentences.system_reasons import with_reasons
from fairaudit.text.voice import voice_of

SHOWN_GAPS = ("demographic_parity", "equalized_odds")  # besides the metrics by group
PIPE_WIDTH = 120  # columns when the output is not a terminal
_MARK = {"error": "[red]✗[/red]", "warning": "[yellow]![/yellow]", "note": "[blue]i[/blue]"}


class _Bars:
    """A Monitor with one progress bar per task, indented by depth."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._open: list[Any] = []

    def start(self, task: str, total: int | None = None) -> None:
        label = "  " * len(self._open) + task
        self._open.append(self._progress.add_task(label, total=total, live=""))

    def step(self, done: int = 1, **metrics: float) -> None:
        if not self._open:
            return
        live = "  ".join(f"{name} {value:.4g}" for name, value in list(metrics.items())[:3])
        self._progress.advance(self._open[-1], done)
        if live:
            self._progress.update(self._open[-1], live=live)

    def end(self) -> None:
        self._progress.remove_task(self._open.pop())


@contextmanager
def monitor(*, quiet: bool = False) -> Iterator[Monitor]:
    """Progress on stderr while the block runs."""
    if quiet:
        yield Silent()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[live]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield _Bars(progress)


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=PIPE_WIDTH)


def show_json(value: Any) -> None:
    """JSON on stdout."""
    print(json.dumps(value, indent=1, default=_plain))  # noqa: T201 - the command's output


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, pl.DataFrame):
        return value.to_dicts()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def show_record(record: Mapping[str, Any], *, as_json: bool) -> None:
    """Print names and values, one per line."""
    if as_json:
        show_json(record)
        return
    console = _console()
    for name, value in record.items():
        console.print(Text(f"{name.replace('_', ' ')}: {value}"))


def show_files(paths: Sequence[Path], *, as_json: bool) -> None:
    """Print paths, one per line."""
    if as_json:
        show_json([str(path) for path in paths])
        return
    for path in paths:
        print(path)  # noqa: T201 - the command's output


def show_dataset(info: Any, *, as_json: bool) -> None:
    """Print what was ingested."""
    if as_json:
        show_json(info)
        return
    console = _console()
    console.print(Text(f"{info.name}: {info.rows:,} rows × {info.columns} columns"))
    console.print(Text(f"dataset {info.sha256}"))
    for note in info.notes:
        console.print(Text(f"note: {note}"))


def show_jobs(rows: Sequence[Any], *, as_json: bool) -> None:
    """Print a list of jobs."""
    if as_json:
        show_json([_plain(row) for row in rows])
        return
    table = Table("job", "state", "title", "created", "progress")
    for row in rows:
        done = "" if row.progress is None else f"{row.progress:.0%}"
        table.add_row(
            *(Text(str(v)) for v in (row.id, row.state, row.title, _when(row.created), done))
        )
    _console().print(table if rows else "no jobs")


def _when(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().strftime("%Y-%m-%d %H:%M")


_ASKED = ("target_unsaid", "positive_unsaid", "meaning_unsaid")  # printed as questions


def show_diagnosis(diagnosis: Diagnosis, *, as_json: bool) -> None:
    """Print suggested roles with reasons, problems with remedies, and proxies."""
    if as_json:
        show_json(diagnosis)
        return
    console = _console()
    table = Table("column", "role", "reason", title="Suggested roles")
    for guess in diagnosis.guesses:
        table.add_row(*(Text(str(v)) for v in (guess.column, guess.part, guess.reason)))
    console.print(table)
    if diagnosis.outcome is not None:
        named = facts_by_name(diagnosis.outcome.as_json(), task=diagnosis.roles.task)
        console.print(Text(in_one_line(named)))
    for question in diagnosis.to_ask:
        console.print("[yellow]?[/yellow]", Text(asked_words(question)))
    for problem in diagnosis.problems:
        if problem.code in _ASKED:
            continue
        fixed = " (--fix does it)" if problem.safe and problem.mends else ""
        offered = fixed or (" (one click on the Data page)" if problem.mends else "")
        line = f"{problem.text} → {problem.remedy}{offered}"
        console.print(_MARK[problem.severity], Text(line))
    if len(diagnosis.proxies):
        console.print(_frame(diagnosis.proxies.head(10), "Proxies of sensitive attributes"))


def show_mends(
    diagnosis: Diagnosis, spec: AuditSpec, table: str, out: Path, *, as_json: bool
) -> None:
    """Print what `doctor --fix` mended, what is left, and how to run the request."""
    mends = [table_mends.sentence(mend) for mend in spec.roles.mends]
    if as_json:
        show_json({"out": str(out), "mends": mends, "problems": diagnosis.problems})
        return
    console = _console()
    for line in mends or [NOTHING_TO_MEND]:
        console.print("[green]✓[/green]", Text(line))
    for problem in diagnosis.problems:
        line = f"{problem.text} → {problem.remedy}"
        console.print(_MARK[problem.severity], Text(line))
    console.print(Text(f"Request: {out}; run it with: fairaudit repeat {table} {out}"))


def show_result(result: AuditResult, out: Path, *, as_json: bool) -> None:
    """Print what a reader must know first, the main findings, tables and the report's path."""
    facts = result.summary.get("outcome") or {}
    remark(_to_confirm(facts))
    if as_json:
        shown = {"out": str(out), "outcome": facts, "summary": worded_summary(result)}
        show_json({**shown, "gaps": result.gaps})
        return
    console = _console()
    console.print(Text(str(result.summary.get("title", "audit")), style="bold"))
    if words := outcome_words(result):
        console.print(Text(words))
    for warning in warnings_of(result):
        console.print("[yellow]![/yellow]", Text(warning))
    for sentence in in_short(result, sections(result)):
        console.print(Text(f"• {sentence.replace('**', '')}"))
    for table in result_tables(result):
        console.print(table)
    console.print(Text(f"Report: {out / 'report.html'}"))


def show_choice(choice: SystemChoice, lead: str, out: Path, *, as_json: bool) -> None:
    """Print who gets which system, the evidence for every group, and where the files are."""
    if as_json:
        show_json({"out": str(out), "chosen": choice.chosen, "choice": with_reasons(choice.table)})
        return
    console = _console()
    console.print(Text(lead))
    shown = Table(box=None)
    for heading in ("Group", "System", "Reason"):
        shown.add_column(heading)
    for row in with_reasons(choice.table).iter_rows(named=True):
        shown.add_row(*(str(row[name]) for name in ("group", "system", "reason")))
    console.print(shown)
    console.print(Text(f"Certificates: {out / 'certificates.json'}"))


def _to_confirm(facts: Mapping[str, Any]) -> list[str]:
    """Which facts of the outcome nothing decided, with the options that state them."""
    lines = []
    if facts.get("guessed_positive"):
        lines.append(
            f"warning: no word decides which class is the positive one; '{facts['positive']}', "
            "the larger label, was taken: name it with --positive"
        )
    if facts.get("guessed_meaning"):
        lines.append(
            "warning: no word tells what the outcome means for a person; neither good nor bad "
            "was taken: state it with --meaning good, bad or neutral"
        )
    return lines


def remark(lines: Sequence[str]) -> None:
    """Print lines on stderr."""
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201 - the command's remarks


def result_tables(result: AuditResult) -> Iterator[Table]:
    """The most important tables of a result."""
    metrics = shown_metrics(result)
    errors = _by_group(result.errors, metrics)
    if len(errors):
        yield _frame(errors, f"By group, on {_rows_of(result)}, with confidence intervals")
    gaps = _gaps(result.gaps, (*SHOWN_GAPS, *metrics))
    if len(gaps):
        yield _frame(gaps, "Largest gaps between groups")
    if len(below := _equivalence(result, (*SHOWN_GAPS, *metrics))):
        yield _frame(below, "Gaps held against the margin")
    if len(within := _within(result, metrics)):
        yield _frame(within, "Groups within the same levels")
    if "bounds" in result.tables:
        yield _frame(_bounds(result.tables["bounds"], metrics), "Worst-case bounds")
    for name, title in _MORE.items():
        if name in result.tables and len(result.tables[name]):
            shown = result.tables[name].select(pl.col(_COLUMNS[name])).head(24)
            yield _frame(shown, title)


def _equivalence(result: AuditResult, metrics: Sequence[str]) -> pl.DataFrame:
    """Which of the gaps that are printed are shown to be below the margin."""
    rows = readable_equivalence(result, main_split(result))
    if rows.is_empty():
        return rows
    plain = ~pl.col("attribute").str.contains("×")
    return rows.filter(pl.col("metric").is_in(metrics), plain).head(12)


def _within(result: AuditResult, metrics: Sequence[str]) -> pl.DataFrame:
    """The comparisons within levels of the metrics that are printed."""
    rows = readable_conditional(result, main_split(result))
    if rows.is_empty():
        return rows
    columns = ["attribute", "given", "metric", "group", "reference", "unconditional",
               "difference", "low", "high", "p_adjusted"]  # fmt: skip
    plain = ~pl.col("attribute").str.contains("×")
    return rows.filter(pl.col("metric").is_in(metrics), plain).select(columns).head(12)


def _bounds(bounds: pl.DataFrame, metrics: Sequence[str]) -> pl.DataFrame:
    """The bounds of the metrics that are printed, with the interval around them."""
    columns = ["attribute", "group", "metric", "kind", "n_known", "lower", "upper", "low", "high"]
    shown = bounds.filter(
        pl.col("metric").is_in(metrics),
        pl.col("kind") != "ratio",
        ~pl.col("attribute").str.contains("×"),
    )
    return shown.select(columns).head(40)


def shown_metrics(result: AuditResult) -> tuple[str, ...]:
    """The metrics to print, the first by what the positive class means for the person."""
    voice = voice_of(result)
    task = str(result.summary.get("task", "binary"))
    return first_metrics(voice.meaning, known=voice.known, task=task)


def _rows_of(result: AuditResult) -> str:
    if "all" in result.errors["split"]:
        return voice_of(result).scope or "all rows"
    return "held-out rows"


_MORE = {
    "groups": "Latent groups",
    "selection": "No-harm choice",
    "sweep": "What if: number of groups",
    "comparison": "Models side by side",
}
_COLUMNS = {
    "groups": ["group", "share", "n_test", "rule", "fidelity"],
    "selection": ["split", "group", "n", "baseline", "expert", "lower", "chosen", "verdict"],
    "sweep": ["n_groups", "bic", "heldout", "worst_group", "worst_null", "p", "plausible"],
    "comparison": ["model", "attribute", "metric", "value", "low", "high"],
}


def _by_group(errors: pl.DataFrame, metrics: Sequence[str]) -> pl.DataFrame:
    shown = errors.filter(
        pl.col("metric").is_in(metrics),
        pl.col("split") != "validation",
        pl.col("model").is_in(_shown_models(errors)),
        ~pl.col("attribute").str.contains("×"),
    )
    interval = pl.format("{} [{}, {}]", *(pl.col(c).round(3) for c in ("value", "low", "high")))
    cell = pl.when(pl.col("value").is_null()).then(pl.col("status")).otherwise(interval)
    keys = ["model", "attribute", "group", "n"]
    wide = shown.with_columns(cell.alias("cell")).pivot(
        "metric", index=keys, values="cell", aggregate_function="first"
    )
    return wide.select(*keys, *(m for m in metrics if m in wide.columns)).head(40)


def _shown_models(errors: pl.DataFrame) -> list[str]:
    """The most important models; all others are in the report."""
    models: list[str] = errors["model"].unique(maintain_order=True).to_list()
    secondary = ("expert", "baseline of", "experts of")
    return [m for m in models if not m.startswith(secondary) and "guessed" not in m][:4]


def _gaps(gaps: pl.DataFrame, metrics: Sequence[str]) -> pl.DataFrame:
    shown = gaps.filter(
        pl.col("kind") == "difference",
        pl.col("metric").is_in(metrics),
        pl.col("split") != "validation",
        pl.col("value").is_not_null(),
        ~pl.col("attribute").str.contains("×"),
    )
    columns = ["model", "attribute", "metric", "value", "low", "high", "status"]
    judged = pl.col("status").eq(ESTIMATED)
    return shown.sort(judged, "value", descending=True).select(columns).head(12)


def _frame(frame: pl.DataFrame, title: str) -> Table:
    table = Table(*frame.columns, title=title, title_justify="left")
    for row in frame.iter_rows():
        cells = zip(frame.columns, row, strict=True)
        table.add_row(*(Text(_cell(value, column)) for column, value in cells))
    return table


_ROWS = frozenset({"n", "n_test"})  # weighted rows have decimals that say nothing


def _cell(value: Any, column: str = "") -> str:
    if value is None:
        return "–"
    if column in _ROWS:
        return f"{value:.0f}"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
