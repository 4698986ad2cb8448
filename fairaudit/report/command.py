"""The command line that gives the same numbers as a finished audit."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from fairaudit.audit.result import AuditResult

VERBS: Mapping[str, str] = {
    "train": "run",
    "predictions": "audit",
    "sweep": "sweep",
    "compare": "compare",
    "stress": "stress",
}


def command_of(result: AuditResult, table: str = "TABLE") -> str:
    """The command as recorded, else as it follows from the request; "" where neither exists."""
    recorded = result.provenance.get("command")
    if recorded:
        return str(recorded)
    spec = result.provenance.get("spec")
    return shlex.join(_words(spec, table)) if spec else ""


def _words(spec: Mapping[str, Any], table: str) -> Iterator[str]:
    kind, roles = str(spec.get("kind", "train")), spec.get("roles", {})
    yield from ("fairaudit", VERBS.get(kind, "run"), table)
    yield from _option("--target", roles.get("target"))
    yield from _option("--features", roles.get("features"))
    yield from _option("--sensitive", roles.get("sensitive"))
    yield from _option("--cluster", roles.get("cluster"))
    yield from _option("--positive", roles.get("positive"))
    if kind == "predictions":
        yield from _option("--prediction", roles.get("predictions"))
        yield from _option("--score", roles.get("scores"))
    elif kind != "compare":
        yield from _option("--method", spec.get("method"))
    for name, value in dict(spec.get("params", {})).items():
        yield from ("--param", f"{name}={_text(value)}")
    yield from ("--seed", str(spec.get("seed", 0)), "--out", "DIR")


def _option(name: str, value: Any) -> Iterator[str]:
    if value:
        yield from (name, _text(value))


def _text(value: Any) -> str:
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
