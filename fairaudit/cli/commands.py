"""What the commands do: read, fill in the roles, run, write."""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from fairaudit.audit.result import AuditResult
from fairaudit.audit.spec import AuditSpec
from fairaudit.cli import terminal
from fairaudit.data.doctor import Diagnosis
from fairaudit.data.doctor import examine as examine_frame
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.splits import SplitSpec
from fairaudit.data.table import read_table
from fairaudit.exceptions import InputError, SpecError


@dataclass(frozen=True)
class Wanted:
    """Roles as the user gave them; what is left out is the doctor's guess."""

    target: str | None = None
    features: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    cluster: str | None = None
    weight: str | None = None
    positive: str | None = None
    predictions: tuple[str, ...] = ()
    scores: tuple[str, ...] = ()
    split: str | None = None

    @property
    def given(self) -> dict[str, Any]:
        """The roles that were named."""
        return {name: value for name, value in vars(self).items() if value}

    @property
    def named(self) -> set[str]:
        """Every column that was named."""
        single = (self.target, self.cluster, self.weight, self.split)
        many = (*self.features, *self.sensitive, *self.predictions, *self.scores)
        return {*many, *(c for c in single if c)}


def load(table: str) -> pl.DataFrame:
    """The table behind a path.

    Raises
    ------
    InputError
        When there is no such file or it cannot be read.
    """
    path = Path(table)
    if not path.is_file():
        raise InputError(f"'{table}' is not a file; check the path")
    return read_table(path)


def complete_roles(frame: pl.DataFrame, wanted: Wanted) -> ColumnRoles:
    """Named roles first, the doctor's guesses for the rest.

    Raises
    ------
    SpecError
        When a named column is not in the table.
    """
    missing = sorted(wanted.named - set(frame.columns))
    if missing:
        raise SpecError(
            f"no column named {', '.join(repr(m) for m in missing)}; "
            f"the table has {', '.join(frame.columns[:30])}"
        )
    return examine_frame(frame, roles=wanted.given).roles


def group_range(text: str) -> list[int]:
    """Group counts of "1..8" or "2,4,6".

    Raises
    ------
    SpecError
        When the text is neither.
    """
    ends = re.fullmatch(r"(\d+)\.\.(\d+)", text)
    if ends:
        found = list(range(int(ends[1]), int(ends[2]) + 1))
    elif re.fullmatch(r"\d+(,\d+)*", text):
        found = [int(part) for part in text.split(",")]
    else:
        found = []
    if not found or min(found) < 1:
        raise SpecError(f"--groups {text!r} is not a range; write it as 1..8 or 2,4,6")
    return found


def train(
    table: str,
    wanted: Wanted,
    kind: str,
    method: str,
    params: dict[str, Any],
    split_by: str,
    seed: int,
    device: str,
    out: Path,
    quiet: bool,
) -> AuditResult:
    """Train on a table, write everything into `out` and return the result."""
    from fairaudit import report
    from fairaudit.audit.run import run_audit
    from fairaudit.data.dataset import Dataset

    frame = load(table)
    roles = complete_roles(frame, wanted)
    spec = AuditSpec.model_validate(
        {
            "roles": roles,
            "kind": kind,
            "method": method,
            "params": params,
            "split": SplitSpec.model_validate({"by": split_by}),
            "seed": seed,
            "title": f"{method} on {Path(table).name}",
        }
    )
    with terminal.monitor(quiet=quiet) as monitor:
        result = run_audit(
            Dataset(frame, roles),
            spec,
            monitor=monitor,
            device=device,
            model_folder=out / "model",
        )
    result = with_source(result, table)
    report.write(result, out, title=spec.title)
    return result


def audit(
    table: str, wanted: Wanted, preset: str | None, intersections: int, seed: int, out: Path
) -> AuditResult:
    """Audit the predictions in a table and write everything into `out`."""
    raise NotImplementedError


def with_source(result: AuditResult, table: str) -> AuditResult:
    """The result, with the table's name and the command that makes it again."""
    from dataclasses import replace

    command = shlex.join(reproduction(result, table))
    facts = {"source": Path(table).name, "command": command}
    return replace(result, provenance={**result.provenance, **facts})


def reproduction(result: AuditResult, table: str) -> list[str]:
    """The command line that makes this result again."""
    return ["fairaudit", table]


def examine(table: str) -> Diagnosis:
    """The doctor's findings on a table."""
    return examine_frame(load(table))
