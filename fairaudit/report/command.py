"""The command line that gives the same numbers as a finished audit."""

from __future__ import annotations

import json
import shlex

from fairaudit.audit.result import AuditResult
from fairaudit.audit.spec import AuditSpec


def command_of(result: AuditResult, table: str = "TABLE") -> str:
    """The command as recorded, else the request itself to be repeated; "" where neither exists.

    The request is written out because no set of options holds all of it: what an option leaves
    out is guessed from the table, and a guess may differ from what a person chose.

    Parameters
    ----------
    result : AuditResult
    table : str
        What stands for the data where their name is not known.
    """
    recorded = result.provenance.get("command")
    if recorded:
        return str(recorded)
    spec = result.provenance.get("spec")
    if not spec:
        return ""
    name = str(result.provenance.get("source") or table)
    return shlex.join(["fairaudit", "repeat", name, request_text(spec), "--out", "DIR"])


def request_text(spec: object) -> str:
    """A request as short JSON, without values at their defaults."""
    request = AuditSpec.model_validate(spec).model_dump(mode="json", exclude_defaults=True)
    return json.dumps(request, ensure_ascii=False)
