"""The result of an audit: tidy tables with fixed columns, a summary and its provenance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import polars as pl

from fairaudit.data.reading.table import UNREADABLE
from fairaudit.exceptions import IntegrityError

ERRORS = pl.Schema(
    {
        "model": pl.String,
        "split": pl.String,
        "attribute": pl.String,
        "group": pl.String,
        "metric": pl.String,
        "n": pl.Int64,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "status": pl.String,
        "denominator": pl.Float64,
        "method": pl.String,
    }
)
GAPS = pl.Schema(
    {
        "model": pl.String,
        "split": pl.String,
        "attribute": pl.String,
        "metric": pl.String,
        "kind": pl.String,
        "value": pl.Float64,
        "low": pl.Float64,
        "high": pl.Float64,
        "status": pl.String,
        "corrected": pl.Float64,
        "group": pl.String,
        "method": pl.String,
    }
)


@dataclass(frozen=True)
class AuditResult:
    """The outcome of one audit.

    Attributes
    ----------
    tables : mapping of str to polars.DataFrame
        Always `errors` (schema `ERRORS`) and `gaps` (schema `GAPS`); where they apply `latent`
        (row, p0..pK, group), `groups` (one row per latent group), `selection`, `alternatives`,
        `effects`, `history`, `sweep`, `predictions` (row, split, model, label, score), `counts`.
    summary : mapping
        JSON values: task, method, n per split, headline numbers, warnings
        (codes with facts, see `audit.notices`; `text.sentences.warnings` words them).
    provenance : mapping
        JSON values: spec, dataset hash, versions, device, seconds, command that reproduces it.
    """

    tables: Mapping[str, pl.DataFrame]
    summary: Mapping[str, Any] = field(default_factory=dict)
    provenance: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        full = {"errors": pl.DataFrame(schema=ERRORS), "gaps": pl.DataFrame(schema=GAPS)}
        object.__setattr__(self, "tables", MappingProxyType({**full, **self.tables}))
        object.__setattr__(self, "summary", MappingProxyType(dict(self.summary)))
        object.__setattr__(self, "provenance", MappingProxyType(dict(self.provenance)))

    def _table(self, name: str) -> pl.DataFrame | None:
        return self.tables.get(name)

    @property
    def errors(self) -> pl.DataFrame:
        """Metric by model, split, attribute and group, with intervals."""
        return self.tables["errors"]

    @property
    def gaps(self) -> pl.DataFrame:
        """Differences, ratios, worst groups and spreads, with intervals."""
        return self.tables["gaps"]

    @property
    def latent(self) -> pl.DataFrame | None:
        """Soft membership by row."""
        return self._table("latent")

    @property
    def selection(self) -> pl.DataFrame | None:
        """The no-harm decision by group."""
        return self._table("selection")

    @property
    def effects(self) -> pl.DataFrame | None:
        """Cluster effects with intervals."""
        return self._table("effects")

    @property
    def history(self) -> pl.DataFrame | None:
        """Training curves."""
        return self._table("history")

    def save(self, folder: Path) -> None:
        """Write one Parquet a table and `summary.json`, `provenance.json` into `folder`."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, table in self.tables.items():
            table.write_parquet(folder / f"{name}.parquet")
        _write_json(folder / "summary.json", dict(self.summary))
        _write_json(folder / "provenance.json", dict(self.provenance))

    @classmethod
    def load(cls, folder: Path) -> AuditResult:
        """Read what `save` wrote.

        Raises
        ------
        IntegrityError
            When a file is missing or unreadable.
        """
        try:
            tables = {p.stem: _read_parquet(p) for p in sorted(folder.glob("*.parquet"))}
            summary = _read_json(folder / "summary.json")
            provenance = _read_json(folder / "provenance.json")
        except (*UNREADABLE, ValueError, RecursionError) as error:
            raise IntegrityError(
                f"the stored result in '{folder.name}' cannot be read ({error}); run it again"
            ) from error
        return cls(tables, summary, provenance)


def _read_parquet(path: Path) -> pl.DataFrame:
    """The table in a file; signs such as [ and * in the folders' names are no pattern."""
    return pl.scan_parquet(path, glob=False).collect()


def _read_json(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text("utf-8"))
    if not isinstance(content, dict):
        raise ValueError(f"'{path.name}' holds no names with values")
    return content


def _write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, indent=1, sort_keys=True, allow_nan=False), "utf-8")
