"""The report as one HTML file: no script, nothing loaded from elsewhere, all names escaped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import polars as pl
from jinja2 import Environment, Template
from markupsafe import Markup, escape

from fairaudit._version import __version__
from fairaudit.audit.result import AuditResult
from fairaudit.plots.theme import upright
from fairaudit.report.command import command_of
from fairaudit.report.sections import Section, sections
from fairaudit.report.svg import svg
from fairaudit.text import numbers
from fairaudit.text.headings import heading
from fairaudit.text.screens import report as wording
from fairaudit.text.sentences.outcome import notices, outcome_facts, outcome_words
from fairaudit.text.voice import voice_of

MOST_ROWS = 200
_MOST_SHORT = 6


@dataclass(frozen=True)
class Head:
    """A column of a printed table."""

    text: str
    number: bool


@dataclass(frozen=True)
class Grid:
    """A table as text, cut to a printable size."""

    heads: tuple[Head, ...]
    rows: tuple[tuple[str, ...], ...]
    count: str
    note: str


@dataclass(frozen=True)
class RenderedSection:
    """A section ready for the template."""

    title: str
    sentences: tuple[Markup, ...]
    alerts: tuple[str, ...]
    drawings: tuple[tuple[Markup, str], ...]  # the drawing, and its caption where it has one
    grid: Grid | None
    how: str


def render(result: AuditResult, *, title: str, parts: Sequence[Section] | None = None) -> str:
    """The whole page.

    Parameters
    ----------
    result : AuditResult
    title : str
        As its owner named the audit.
    parts : sequence of Section or None
        The sections, where they have been made already.
    """
    parts = sections(result) if parts is None else parts
    return _template().render(
        title=title,
        version=__version__,
        subtitle=subtitle(result),
        outcome=outcome_words(result),
        short=[strong(s) for s in in_short(result, parts)],
        warnings=notices(result),
        parts=[_rendered(section) for section in parts],
        command=command_of(result),
        facts=facts(result),
        spec=json.dumps(result.provenance.get("spec", {}), indent=1, ensure_ascii=False),
    )


@cache
def _template() -> Template:
    source = (files("fairaudit.report") / "templates" / "report.html").read_text("utf-8")
    return Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)


def subtitle(result: AuditResult) -> str:
    """Which method, which target, how many rows."""
    summary = result.summary
    rows = summary.get("rows", {})
    counts = ", ".join(f"{n:,} {split}" for split, n in rows.items()) if rows else ""
    parts = [
        f"Method: {summary['method']}" if summary.get("method") else "",
        f"target: {summary['target']}" if summary.get("target") else "",
        f"rows: {counts}" if counts else "",
        f"made with fairaudit {__version__}",
    ]
    return " · ".join(part for part in parts if part)


def in_short(result: AuditResult, parts: Sequence[Section]) -> list[str]:
    """The first sentence of each section, or those the audit itself put first."""
    own = [str(s) for s in result.summary.get("headline", ())]
    return (own or [s.sentences[0] for s in parts if s.sentences and s.leads])[:_MOST_SHORT]


def facts(result: AuditResult) -> list[tuple[str, str]]:
    """The facts needed to reproduce the numbers."""
    provenance = result.provenance
    packages = provenance.get("packages", {})
    named = {
        **{name: value for name, value in outcome_facts(result) if name != "Because"},
        "Data (SHA-256)": provenance.get("dataset"),
        "Request (SHA-256)": provenance.get("spec_sha256"),
        "fairaudit": provenance.get("fairaudit"),
        "Python": provenance.get("python"),
        "Packages": ", ".join(f"{name} {number}" for name, number in packages.items()),
        "Device": provenance.get("device"),
        "Confidence of intervals": voice_of(result).percent,
        "Seconds": provenance.get("seconds"),
    }
    return [(name, str(value)) for name, value in named.items() if value not in (None, "")]


def strong(sentence: str) -> Markup:
    """A sentence with its `**…**` set off and everything else escaped."""
    sentence = upright(sentence)
    parts = sentence.split("**")
    if len(parts) % 2 == 0:  # an odd mark out comes from a name in the data
        return escape(sentence)
    return Markup("").join(
        Markup("<strong>{}</strong>").format(part) if i % 2 else escape(part)
        for i, part in enumerate(parts)
    )


def plain(sentence: str) -> str:
    """A sentence for places without markup."""
    return sentence.replace("**", "")


def _rendered(section: Section) -> RenderedSection:
    return RenderedSection(
        title=upright(section.title),
        sentences=tuple(map(strong, section.sentences)),
        alerts=section.alerts,
        drawings=tuple(
            (Markup(svg(c.figure, c.alt)), "" if c.alt in section.sentences else c.alt)
            for c in section.charts
        ),
        grid=None if section.rows is None else grid(section.rows, section.table),
        how=section.how,
    )


def grid(rows: pl.DataFrame, table: str | None) -> Grid:
    """The first rows of a table as text; the note says where the rest is."""
    shown = rows.head(MOST_ROWS)
    note = ""
    if rows.height > MOST_ROWS and table is not None:
        note = wording.first_rows(MOST_ROWS, rows.height, table)
    heads = tuple(Head(heading(name), dtype.is_numeric()) for name, dtype in rows.schema.items())
    cells = tuple(tuple(map(cell, row)) for row in shown.iter_rows())
    return Grid(heads, cells, numbers.rows(rows.height), note)


def cell(value: Any) -> str:
    """One value as text for readers."""
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:,.0f}" if value.is_integer() and abs(value) > 1 else _decimal(value)
    return f"{value:,}" if isinstance(value, int) else upright(str(value))


def _decimal(value: float) -> str:
    return numbers.number_text(value) if abs(value) < 1000 else f"{value:,.1f}"
