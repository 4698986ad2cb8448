"""Whether groups of a result differ beyond chance, for sentences and pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from fairaudit.audit.result import AuditResult
from fairaudit.audit.tables.findings import Finding as Finding
from fairaudit.audit.tables.findings import finding_in, gap_in
from fairaudit.text.voice import confidence_of


def gap_of(
    result: AuditResult,
    *,
    attribute: str,
    metric: str,
    model: str,
    split: str,
    kind: str = "difference",
) -> Mapping[str, Any] | None:
    """The row of `gaps` of this kind, between groups with enough rows where there is one."""
    view = {"attribute": attribute, "metric": metric, "model": model, "split": split}
    return gap_in(result.tables, **view, kind=kind)


def finding_of(
    result: AuditResult,
    *,
    attribute: str,
    metric: str,
    model: str,
    split: str,
    groups: Sequence[str] | None = None,
) -> Finding:
    """Whether the groups differ, as `audit.tables.findings` decides it."""
    view = {"attribute": attribute, "metric": metric, "model": model, "split": split}
    return finding_in(result.tables, confidence_of(result), **view, groups=groups)


def is_significant(result: AuditResult, gap: Mapping[str, Any]) -> bool:
    """Whether a row of `gaps` is a significant difference."""
    view = {name: str(gap[name]) for name in ("attribute", "metric", "model", "split")}
    return finding_of(result, **view) is Finding.SIGNIFICANT
