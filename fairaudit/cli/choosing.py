"""`fairaudit choose`: which of the systems in a table for whom, written as files."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from fairaudit.audit.no_harm.choose_between import SystemChoice
from fairaudit.audit.no_harm.stored_systems import SystemsRequest, choose_stored
from fairaudit.cli import commands
from fairaudit.cli.roles import NamedRoles
from fairaudit.data.reading.options import INFERRED, ReadingOptions
from fairaudit.exceptions import SpecError
from fairaudit.text.sentences.outcome import worded_summary
from fairaudit.text.sentences.system_choice import system_choice_lead
from fairaudit.text.sentences.system_reasons import with_reasons, worded_certificates

SCHEMA = "fairaudit/choice/1"


@dataclass(frozen=True)
class ChoiceMade:
    """What the command shows: the choice, its first sentences, and the files."""

    choice: SystemChoice
    lead: str
    files: tuple[Path, ...]


def choose(
    table: str,
    named: NamedRoles,
    request: SystemsRequest,
    seed: int,
    out: Path,
    reading: ReadingOptions = INFERRED,
) -> ChoiceMade:
    """Audit the systems named in a table, choose between them, and write the choice into `out`.

    Raises
    ------
    SpecError
        If no outcome is named, a system is not in the table, or the
        metric does not fit the outcome.
    """
    commands.writable(out)
    if named.no_target or not named.target:
        raise SpecError("a choice compares decisions with outcomes; name the outcome by --target")
    if "://" in table:
        raise SpecError("a choice needs the rows of a file; export the table to Parquet first")
    with commands.opened(table, reading=reading) as source:
        roles = _with_systems(source.frame, named, request)
    with TemporaryDirectory(prefix="fairaudit-choice-") as aside:
        result = commands.audit(
            table, roles, None, 1, seed, request.confidence, Path(aside), reading
        )
    task = str(result.summary["task"])
    choice = choose_stored(result.tables, request, task=task, seed=seed)
    lead = system_choice_lead(choice, request.baseline).replace("**", "")
    summary = worded_summary(result)
    facts = {"outcome": summary.get("outcome"), "warnings": summary.get("warnings")}
    return ChoiceMade(choice, lead, _write(choice, request, lead, facts, seed, out))


def _with_systems(frame: pl.DataFrame, named: NamedRoles, request: SystemsRequest) -> NamedRoles:
    """The systems as decisions, or as scores where they have a cut or too many values."""
    systems = (request.baseline, *request.candidates)
    missing = [name for name in systems if name not in frame.columns]
    if missing:
        raise SpecError(
            f"no column named {', '.join(map(repr, missing))}; the table has "
            f"{', '.join(frame.columns[:30])}"
        )
    scores = tuple(s for s in systems if s in named.cuts or _is_score(frame, s, named.target))
    decisions = tuple(s for s in systems if s not in scores)
    return replace(named, predictions=decisions, scores=scores)


def _is_score(frame: pl.DataFrame, system: str, target: str | None) -> bool:
    """Whether a column of numbers has more values than an outcome of two classes."""
    outcome = frame[target] if target in frame.columns else None
    two = outcome is not None and outcome.drop_nulls().n_unique() == 2
    return two and frame[system].dtype.is_numeric() and frame[system].drop_nulls().n_unique() > 2


def _write(
    choice: SystemChoice,
    request: SystemsRequest,
    lead: str,
    facts: Mapping[str, Any],
    seed: int,
    out: Path,
) -> tuple[Path, ...]:
    out.mkdir(parents=True, exist_ok=True)
    tables = {
        "choice": with_reasons(choice.table),
        "check": with_reasons(choice.check),
        "forgone": with_reasons(choice.forgone),
        "overlapping": choice.overlapping,
        "before_and_after": choice.summary,
    }
    files = [out / f"{name}.csv" for name in tables]
    for path, part in zip(files, tables.values(), strict=True):
        part.write_csv(path)
    rules = {**vars(request), "seed": seed}
    summary = {
        "schema": SCHEMA,
        "lead": lead,
        "chosen": choice.chosen,
        "rules": rules,
        **facts,
        "before_and_after": choice.summary.to_dicts(),
        "forgone": tables["forgone"].to_dicts(),
    }
    for name, value in (("summary", summary), ("certificates", worded_certificates(choice))):
        files.append(out / f"{name}.json")
        files[-1].write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
    return tuple(files)
