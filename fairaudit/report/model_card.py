"""A model card after Mitchell et al. (2019): what is known is filled in, the rest stays blank."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import polars as pl

from fairaudit._version import __version__
from fairaudit.audit.result import AuditResult
from fairaudit.inputs.labels import CROSS
from fairaudit.report.choices import attributes, leading_metrics, main_model, main_split
from fairaudit.report.command import command_of
from fairaudit.text import meaning, numbers
from fairaudit.text.screens import report as wording
from fairaudit.text.sentences.outcome import notices, outcome_facts
from fairaudit.text.voice import Voice, voice_of

BLANK = "_to be filled in by the owner of the model_"


def model_card(result: AuditResult, *, title: str) -> str:
    """The card as Markdown.

    Source: Mitchell et al., Model Cards for Model Reporting, FAT* 2019, arXiv 1810.03993.
    """
    return "\n".join(_lines(result, title)) + "\n"


def _lines(result: AuditResult, title: str) -> Iterator[str]:
    yield f"# Model card: {literal(title)}"
    yield from ("", wording.SECTIONS)
    yield from _details(result)
    yield from _blanks("Intended use", "Primary uses", "Primary users", "Uses out of scope")
    yield from _factors(result)
    yield from _metrics(result)
    yield from _data(result)
    yield from _analyses(result)
    yield from _blanks("Ethical considerations", "Risks and harms", "Who was consulted")
    yield from ("", "## Caveats and recommendations", "")
    warnings = [literal(w) for w in notices(result)]
    yield from (f"- {text}" for text in warnings or [BLANK])


def _details(result: AuditResult) -> Iterator[str]:
    summary, provenance = result.summary, result.provenance
    yield from ("", "## Model details", "")
    yield f"- Person or organisation: {BLANK}"
    yield f"- Method: {literal(str(summary.get('method') or BLANK))}"
    yield f"- Task: {summary.get('task') or BLANK}"
    yield f"- Made with: fairaudit {provenance.get('fairaudit', __version__)}"
    yield f"- Request (SHA-256): {provenance.get('spec_sha256') or BLANK}"
    yield f"- Licence and contact: {BLANK}"
    command = command_of(result)
    if command:
        yield from ("", "```shell", command.replace("```", ""), "```")


def _blanks(title: str, *names: str) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield from (f"- {name}: {BLANK}" for name in names)


def _factors(result: AuditResult) -> Iterator[str]:
    named = ", ".join(literal(a) for a in attributes(result)) or BLANK
    yield from ("", "## Factors", "", f"- Groups judged: {named}")
    yield f"- Factors that were not available: {BLANK}"


def _metrics(result: AuditResult) -> Iterator[str]:
    known = result.errors.get_column("metric").unique(maintain_order=True).to_list()
    voice = voice_of(result)
    named = ", ".join(literal(meaning.title(m, voice)) for m in known) or BLANK
    yield from ("", "## Metrics", "", f"- Reported: {named}")
    yield f"- Intervals: {voice.percent}"
    yield f"- Decision threshold and why: {BLANK}"


def _data(result: AuditResult) -> Iterator[str]:
    rows = result.summary.get("rows") or {}
    counts = ", ".join(f"{split} {n:,}" for split, n in rows.items()) or BLANK
    yield from ("", "## Evaluation data", "", f"- Rows: {counts}")
    yield from (f"- {name}: {literal(value)}" for name, value in outcome_facts(result))
    yield f"- Data (SHA-256): {result.provenance.get('dataset') or BLANK}"
    yield f"- Where the data come from: {BLANK}"
    yield from ("", "## Training data", "", f"- {BLANK}")


def _analyses(result: AuditResult) -> Iterator[str]:
    yield from ("", "## Quantitative analyses")
    split, model = main_split(result), main_model(result)
    for attribute in ("all", *attributes(result)):
        kind = "Intersectional" if CROSS in attribute else "Unitary"
        heading = "Overall" if attribute == "all" else f"{kind}: {literal(attribute)}"
        rows = result.errors.filter(
            (pl.col("attribute") == attribute)
            & (pl.col("split") == split)
            & (pl.col("model") == model)
            & pl.col("metric").is_in(leading_metrics(result, 4))
        )
        if not rows.is_empty():
            yield from ("", f"### {heading}", "", "| group | metric | value | interval | rows |")
            yield "| --- | --- | --- | --- | --- |"
            yield from (_row(r, voice_of(result)) for r in rows.iter_rows(named=True))


def _row(row: dict[str, Any], voice: Voice) -> str:
    metric = str(row["metric"])
    shown = row["status"] if row["value"] is None else numbers.value(row["value"], metric)
    span = numbers.interval(row["low"], row["high"], metric) or "–"
    name = literal(meaning.title(metric, voice))
    size = "–" if row["n"] is None else f"{row['n']:,}"  # hidden with a suppressed group
    cells = (literal(str(row["group"])), name, shown, span, size)
    return f"| {' | '.join(cells)} |"


def literal(text: str) -> str:
    """Text from data in Markdown: no character of it acts as markup."""
    escaped = text.replace("\\", "\\\\").replace("\n", " ")
    for mark in "`*_{}[]<>#|!":
        escaped = escaped.replace(mark, f"\\{mark}")
    return escaped
