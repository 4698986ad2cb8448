"""A rule as it was read from its versioned file, and a rule applied."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.audit.tables.hidden import Hidden, hidden_in, may_be_shown
from fairaudit.exceptions import SpecError


@dataclass(frozen=True)
class Preset:
    """One rule as it was read: where, when, what it computes and what it does not set."""

    name: str
    title: str
    version: str
    citation: str
    url: str
    retrieved: str
    computes: tuple[str, ...]
    not_set: tuple[str, ...]
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Applied:
    """A preset applied: its tables, the finding in sentences, and the preset itself."""

    preset: Preset
    tables: Mapping[str, pl.DataFrame]
    sentences: tuple[str, ...]

    def joined(self, result: AuditResult) -> AuditResult:
        """The audit with the tables of the rule ("preset_…") and its facts (summary["preset"]).

        Where the audit suppresses groups, what would show them is left out.
        """
        return self._beside(hidden_in(result.tables))._joined(result)

    def _beside(self, hidden: Hidden) -> Applied:
        """What can be shown beside suppressed groups; sentences count people, so they go."""
        if not hidden:
            return self
        shown = {n: table for n, table in self.tables.items() if may_be_shown(table, hidden)}
        gone = ", ".join(name for name in self.tables if name not in shown) or "none"
        note = (
            "Groups are suppressed in this audit. Tables left out because they show them: "
            f"{gone}. "
            "To compute the whole rule, suppress no group, or join small groups in the data."
        )
        return replace(self, tables=shown, sentences=(note, *self.preset.not_set))

    def _joined(self, result: AuditResult) -> AuditResult:
        rule = self.preset
        facts = {
            "name": rule.name,
            "title": rule.title,
            "version": rule.version,
            "citation": rule.citation,
            "url": rule.url,
            "retrieved": rule.retrieved,
            "sentences": list(self.sentences),
            "not_set": list(rule.not_set),
        }
        extra = {f"preset_{name}": table for name, table in self.tables.items()}
        summary = {**result.summary, "preset": facts}
        return replace(result, tables={**result.tables, **extra}, summary=summary)


def load(name: str) -> Preset:
    """Read a preset's file.

    Raises
    ------
    SpecError
        When there is no such preset.
    """
    folder = files(__package__).iterdir()
    known = {f.name.removesuffix(".toml"): f for f in folder if f.name.endswith(".toml")}
    if name not in known:
        raise SpecError(f"unknown preset '{name}'; choose one of {', '.join(sorted(known))}")
    content = tomllib.loads(known[name].read_text("utf-8"))
    lists: dict[str, Any] = {k: tuple(content[k]) for k in ("computes", "not_set")}
    return Preset(**{**content, **lists})
