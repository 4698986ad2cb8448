"""A report as a folder: page, tables, card, request, and a manifest with every file's hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import polars as pl

from fairaudit._version import __version__
from fairaudit.audit.result import AuditResult
from fairaudit.jobs.csv import safe_csv
from fairaudit.report.model_card import model_card
from fairaudit.report.page import in_short, plain, render
from fairaudit.report.sections import Section, sections
from fairaudit.text.sentences.choice_reasons import with_reasons
from fairaudit.text.sentences.outcome import worded_summary

TABLES = ("errors", "gaps", "bounds", "selection", "latent", "effects")
# one row per person: these leave the workspace only if they are requested by name
BY_ROW = frozenset(
    {
        "predictions",
        "people",
        "row_weights",
        "latent",
        "projection",
        "saliency",
        "selection_rows",
        "seen",
        "excluded",
    }
)


def write(result: AuditResult, folder: Path, *, title: str) -> list[Path]:
    """Write the whole report into `folder`, created if missing; an earlier report is replaced.

    Files: `summary.json`, `errors.parquet`, `gaps.parquet`, `bounds`, `selection`, `latent` and
    `effects.parquet` where they apply, `report.html`, `report.json`, `model_card.md`,
    `spec.json`, `csv/*.csv` (not the tables with one row per person) and `manifest.json`.

    Parameters
    ----------
    result : AuditResult
    folder : Path
    title : str
        Heading of the report.

    Returns
    -------
    list of Path
        What was written, `manifest.json` last.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    parts = sections(result)
    texts = {
        "summary.json": _json(
            {
                "title": title,
                **worded_summary(result),
                "headline": [plain(s) for s in in_short(result, parts)],
            }
        ),
        "spec.json": _json(result.provenance.get("spec", {})),
        "report.html": render(result, title=title, parts=parts),
        "report.json": _json(machine_readable(result, title=title, parts=parts)),
        "model_card.md": model_card(result, title=title),
    }
    written = [_write(folder / name, text.encode()) for name, text in texts.items()]
    written += _tables(result, folder)
    manifest = _json(manifest_of(result, folder, written))
    return [*written, _write(folder / "manifest.json", manifest.encode())]


def _clear(folder: Path) -> None:
    """Remove the files listed by an earlier report, whose tables are not of this audit."""
    try:
        listed = json.loads((folder / "manifest.json").read_bytes())
        names = list(listed["files"]) if "made_with" in listed else []
    except (OSError, ValueError, TypeError, KeyError):
        return
    for path in ((folder / str(name)).resolve() for name in names):
        if path.is_relative_to(folder.resolve()):
            path.unlink(missing_ok=True)


def _tables(result: AuditResult, folder: Path) -> list[Path]:
    written: list[Path] = []
    for name in TABLES:
        if name in result.tables:
            path = folder / f"{name}.parquet"
            result.tables[name].write_parquet(path)
            written.append(path)
    (folder / "csv").mkdir(exist_ok=True)
    for name, table in result.tables.items():
        if name == "selection":
            table = with_reasons(table)
        if name not in BY_ROW:
            written.append(_write(folder / "csv" / f"{name}.csv", safe_csv(table).encode()))
    return written


def manifest_of(result: AuditResult, folder: Path, written: Sequence[Path]) -> dict[str, Any]:
    """SHA-256 of every file and of the data the audit saw."""
    return {
        "made_with": f"fairaudit {__version__}",
        "data_sha256": result.provenance.get("dataset"),
        "spec_sha256": result.provenance.get("spec_sha256"),
        "files": {
            path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(written)
        },
    }


def machine_readable(
    result: AuditResult, *, title: str, parts: Sequence[Section] | None = None
) -> dict[str, Any]:
    """The report for programs: the same sentences and rows as the page, in JSON values."""
    parts = sections(result) if parts is None else parts
    return {
        "title": title,
        "summary": worded_summary(result),
        "provenance": dict(result.provenance),
        "sections": [
            {
                "title": section.title,
                "sentences": [plain(s) for s in section.sentences],
                "alerts": list(section.alerts),
                "how": section.how,
                "rows": [] if section.rows is None else records(section.rows),
            }
            for section in parts
        ],
    }


def records(table: pl.DataFrame) -> list[dict[str, Any]]:
    """Rows as JSON values: NaN and infinities, which JSON lacks, become null."""
    floats = [name for name, dtype in table.schema.items() if dtype.is_float()]
    finite = [pl.when(pl.col(c).is_finite()).then(pl.col(c)).name.keep() for c in floats]
    return table.with_columns(finite).to_dicts()


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False, default=str)


def _write(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
