"""The work of the commands: read, complete the roles, run, write."""

from __future__ import annotations

import hashlib
import os
import platform
import re
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from fairaudit._version import __version__
from fairaudit.audit.presets import UNDECIDED, PresetOptions
from fairaudit.audit.questions import PrimaryQuestion
from fairaudit.audit.result import AuditResult
from fairaudit.audit.spec import AuditSpec
from fairaudit.cli import terminal
from fairaudit.cli.roles import (
    NOTHING_NAMED,
    NamedRoles,
    check_columns,
    complete_roles,
    without_score,
)
from fairaudit.data import store
from fairaudit.data.doctor.diagnosis import Diagnosis
from fairaudit.data.doctor.diagnosis import examine as examine_frame
from fairaudit.data.doctor.table_scores import lone_scores
from fairaudit.data.images import ImageStore
from fairaudit.data.mends import Mend, mended
from fairaudit.data.reading.options import INFERRED, ReadingOptions, chosen_options
from fairaudit.data.reading.parts import parts_of, refuse_address
from fairaudit.data.reading.table import read
from fairaudit.data.roles import ColumnRoles
from fairaudit.data.store import DatasetInfo
from fairaudit.exceptions import ContradictedScore, InputError, JobError, SpecError
from fairaudit.jobs.info import JobInfo
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace

STREAMED_BYTES = 1 << 30
MAX_GROUPS = 64
DEVICES = ("auto", "cpu", "cuda")
WITHOUT_CUT = ("auroc", "auprc", "mean_score")  # metrics of a score that decides nowhere


@dataclass(frozen=True)
class LoadedData:
    """The content of a path: rows, images if there are any, the SHA-256, how it was read."""

    frame: pl.DataFrame
    images: ImageStore | None
    sha256: str
    reading: ReadingOptions = INFERRED


@contextmanager
def opened(path: str, *, reading: ReadingOptions = INFERRED) -> Iterator[LoadedData]:
    """Open a table, or a ZIP or folder of images, within a `with` block.

    What was inferred or left out while reading is printed on stderr.

    Raises
    ------
    InputError
        If the path does not exist or cannot be read.
    """
    place, reading = _place(path, reading)
    if place.is_file() and place.suffix.lower() != ".zip":
        with place.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        table = read(place, options=reading)
        terminal.remark([f"note: {note}" for note in table.notes])
        yield LoadedData(table.frame, None, digest, reading)
        return
    with TemporaryDirectory(prefix="fairaudit-") as aside:
        info = store.ingest(place, aside, options=reading)
        terminal.remark([f"note: {note}" for note in info.notes])
        folder = Path(aside) / info.sha256
        frame, images = store.load(folder), store.images(folder)
        yield LoadedData(frame, images, info.sha256, reading)


def _place(path: str, reading: ReadingOptions) -> tuple[Path, ReadingOptions]:
    """A path, and the sheet after "::" unless a file of that full name exists.

    A pattern such as "part-*.parquet" and a folder are places too.
    """
    refuse_address(path)
    file, mark, sheet = path.rpartition("::")
    whole = Path(path)
    if mark and sheet and not whole.exists() and Path(file).is_file():
        return Path(file), chosen_options(reading, {"sheet": sheet})
    if not whole.exists() and parts_of(path) is None:
        raise InputError(f"'{path}' does not exist; check the path")
    return whole, reading


def ingest(path: str, root: Path, reading: ReadingOptions = INFERRED) -> DatasetInfo:
    """Store a dataset in a workspace."""
    place, reading = _place(path, reading)
    return Workspace(root).ingest(place, name=place.name, options=reading)


def writable(out: Path) -> None:
    """Refuse an output folder that cannot be written, before the work starts.

    Raises
    ------
    SpecError
        If `out` is a file, or cannot be created.
    """
    parent = next(place for place in (out, *out.absolute().parents) if place.exists())
    if not parent.is_dir():
        raise SpecError(f"--out '{out}' cannot be a folder: '{parent}' is a file; name another")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise SpecError(
            f"--out '{out}' cannot be written: no permission for '{parent}'; name another"
        )


def group_range(text: str) -> list[int]:
    """Numbers of groups from "1..8" or "2,4,6".

    Raises
    ------
    SpecError
        If the text is neither.
    """
    match = re.fullmatch(r"(\d+)\.\.(\d+)", text)
    if match:
        numbers = list(range(int(match[1]), int(match[2]) + 1))
    elif re.fullmatch(r"\d+(,\d+)*", text):
        numbers = [int(part) for part in text.split(",")]
    else:
        numbers = []
    if not numbers or min(numbers) < 1:
        raise SpecError(f"--groups {text!r} is not a range; write it as 1..8 or 2,4,6")
    if max(numbers) > MAX_GROUPS:
        raise SpecError(
            f"--groups {text!r} is too large; at most {MAX_GROUPS} groups can be fitted"
        )
    return numbers


@dataclass(frozen=True)
class TrainingRequest:
    """What a command trains and how it is judged."""

    kind: str
    method: str
    params: dict[str, Any]
    split_by: str
    seed: int
    confidence: float
    device: str
    reading: ReadingOptions = INFERRED
    margin: float | None = None
    primary: PrimaryQuestion | None = None
    controls: tuple[str, ...] = ()
    suppress_below: int = 0
    merge_below: int = 0


def train(
    table: str, named: NamedRoles, request: TrainingRequest, out: Path, quiet: bool
) -> AuditResult:
    """Train on a table or on images, write everything into `out` and return the result.

    Raises
    ------
    SpecError
        If the device is unknown, no outcome is named or found, or `out` cannot be written.
    """
    if request.device not in DEVICES:
        raise SpecError(f"unknown --device '{request.device}'; choose one of {', '.join(DEVICES)}")
    writable(out)
    with opened(table, reading=request.reading) as source:
        roles, remarks = complete_roles(source.frame, named, request.method)
        terminal.remark(remarks)
        spec = {
            "roles": roles,
            "kind": request.kind,
            "method": request.method,
            "params": request.params,
            "split": {"by": "column" if named.split else request.split_by},
            "seed": request.seed,
            "confidence": request.confidence,
            "margin": request.margin,
            "primary": request.primary,
            "controls": request.controls,
            "suppress_below": request.suppress_below,
            "merge_below": request.merge_below,
        }
        return _work_on_guesses(table, source, spec, named, request.device, out, quiet)


def audit(
    table: str,
    named: NamedRoles,
    preset: str | None,
    intersections: int,
    seed: int,
    confidence: float,
    out: Path,
    reading: ReadingOptions = INFERRED,
    rule: PresetOptions = UNDECIDED,
    margin: float | None = None,
    primary: PrimaryQuestion | None = None,
    controls: tuple[str, ...] = (),
    suppress_below: int = 0,
    merge_below: int = 0,
) -> AuditResult:
    """Audit the predictions in a table and write everything into `out`.

    Raises
    ------
    SpecError
        If no prediction or score column is named or found, or `out` cannot be written.
    """
    writable(out)
    refuse_address(table)
    options: dict[str, Any] = {
        "intersections": intersections,
        "seed": seed,
        "confidence": confidence,
        "margin": margin,
        "primary": primary,
        "suppress_below": suppress_below,
        "merge_below": merge_below,
        "controls": controls,
    }
    options |= {"preset": preset, "preset_options": rule}
    if "://" in table or _is_huge(table):
        _refuse_reading(table, reading)
        return _audit_in_place(table, named, options, out)
    with opened(table, reading=reading) as source:
        roles, remarks = complete_roles(source.frame, named)
        if not roles.predictions and not roles.scores:
            raise SpecError(
                "no prediction or score column is named; add --prediction COLUMN or --score COLUMN"
            )
        terminal.remark(remarks)
        spec = {"roles": roles, "kind": "predictions", **options}
        return _work_on_guesses(table, source, spec, named, "cpu", out, True)


def _refuse_reading(table: str, reading: ReadingOptions) -> None:
    """Refuse options of reading where a table is counted as it stands."""
    changed = reading.changed()
    if changed:
        name = next(iter(changed))
        option = "--header" if name == "header" else f"--read {name}=…"
        kind = "a database" if "://" in table else "a file this large"
        raise SpecError(
            f"{option} does not apply to {kind}, which is counted where it lies and as it is; "
            "leave the option out, or convert the table to Parquet as it is to be read"
        )


def repeat(table: str, request: str, device: str, out: Path, quiet: bool) -> AuditResult:
    """Repeat an audit from its request, without any guesses.

    Raises
    ------
    SpecError
        If the request is neither a file nor the JSON of an audit.
    """
    spec = _request(request)
    with opened(table, reading=spec.reading) as source:
        return _work(table, source, spec.model_dump(), device, out, quiet)


def _request(text: str) -> AuditSpec:
    if text.lstrip().startswith("{"):
        return AuditSpec.model_validate_json(text)
    try:
        return AuditSpec.model_validate_json(Path(text).read_bytes())
    except OSError as error:
        raise SpecError(
            f"'{text}' cannot be read ({error.strerror}); pass the spec.json of a report, or "
            "its content"
        ) from error


def _is_huge(table: str) -> bool:
    """Whether a file is too large to load and is counted as a stream."""
    path = Path(table)
    return path.is_file() and path.stat().st_size > STREAMED_BYTES


def _audit_in_place(
    table: str, named: NamedRoles, options: dict[str, Any], out: Path
) -> AuditResult:
    """Audit a database, or a file larger than memory, by counts; roles must be named."""
    from fairaudit import report
    from fairaudit.audit.database.pushdown import audit_table
    from fairaudit.audit.database.sql import hidden
    from fairaudit.audit.run import provenance

    outcome = named.target or named.no_target
    if not outcome or not named.sensitive or not (named.predictions or named.scores):
        raise SpecError(
            "name the columns of a database or of a file this large: --target (or --no-target), "
            "--sensitive and --prediction or --score (roles are not guessed there)"
        )
    began = time.perf_counter()
    spec = AuditSpec(
        roles=ColumnRoles.model_validate(named.roles),
        kind="predictions",
        title=f"audit of {hidden(table)}",
        **options,
    )
    counted = audit_table(table, spec.roles, split="all", **options)
    origin = provenance(spec, "cpu", time.perf_counter() - began)
    command = _command_line().replace(table, hidden(table))  # no password in a report
    origin |= {"source": hidden(table), "command": command}
    facts = {**counted.summary, "title": spec.title, "kind": spec.kind}
    result = replace(counted, summary=facts, provenance=origin)
    report.write(result, out, title=spec.title)
    return result


def _work_on_guesses(
    table: str,
    source: LoadedData,
    request: dict[str, Any],
    named: NamedRoles,
    device: str,
    out: Path,
    quiet: bool,
) -> AuditResult:
    """Run the request; a guessed score that the outcome contradicts is left out.

    Where it is the only system, what needs no cut is measured.

    Raises
    ------
    ContradictedScore
        If the score was named.
    """
    while True:
        try:
            return _work(table, source, request, device, out, quiet)
        except ContradictedScore as error:
            if error.score in named.scores:
                raise
            roles = without_score(request["roles"], error.score)
            guess = f"score: {error.score} (guessed)"
            if request["kind"] == "predictions" and not (roles.predictions or roles.scores):
                terminal.remark([f"{guess} is measured without a cut only: {error}"])
                request = {**request, "metrics": WITHOUT_CUT}
            else:
                terminal.remark([f"{guess} is left out: {error}"])
                request = {**request, "roles": roles}


def _work(
    table: str, source: LoadedData, request: dict[str, Any], device: str, out: Path, quiet: bool
) -> AuditResult:
    from fairaudit import report
    from fairaudit.audit.run import run_audit
    from fairaudit.data.dataset import Dataset

    title = request.get("title") or f"{request.get('method', 'audit')} on {Path(table).name}"
    spec = AuditSpec.model_validate({**request, "title": title, "reading": source.reading})
    with terminal.monitor(quiet=quiet) as monitor:
        result = run_audit(
            Dataset(source.frame, spec.roles, source.images),
            spec,
            monitor=monitor,
            device=device,
            model_folder=out / "model",
            facts={
                "source": Path(table).name,
                "dataset": source.sha256,
                "command": _command_line(),
            },
        )
    report.write(result, out, title=title)
    return result


def _command_line() -> str:
    """The command as typed, which gives the same numbers again."""
    return shlex.join(["fairaudit", *sys.argv[1:]])


def examine(
    table: str, reading: ReadingOptions = INFERRED, named: NamedRoles = NOTHING_NAMED
) -> Diagnosis:
    """The doctor's diagnosis of a table, for the outcome that was named.

    Raises
    ------
    SpecError
        If the table has no such column.
    """
    with opened(table, reading=reading) as source:
        return _examined(source.frame, named)


def _examined(frame: pl.DataFrame, named: NamedRoles, mends: Sequence[Mend] = ()) -> Diagnosis:
    check_columns(frame, named)
    return examine_frame(
        frame,
        mends=mends,
        target=named.target,
        positive=named.positive,
        meaning=named.meaning,
    )


def fix(
    table: str, out: Path, reading: ReadingOptions = INFERRED, named: NamedRoles = NOTHING_NAMED
) -> tuple[Diagnosis, AuditSpec]:
    """Write the request of an audit with every mend that is safe; `repeat` runs it.

    Mends are found, applied and the table examined again until nothing more can be mended.

    Raises
    ------
    SpecError
        If the table has no outcome or decision to audit, or the request cannot be written.
    """
    with opened(table, reading=reading) as source:
        diagnosis = _examined(source.frame, named)
        while new := [m for p in diagnosis.problems if p.safe for m in p.mends]:
            known = diagnosis.roles.mends
            if all(mend in known for mend in new):
                break
            diagnosis = _examined(source.frame, named, (*known, *new))
        spec = AuditSpec(
            **_request_of(diagnosis.roles, mended(source.frame, diagnosis.roles.mends)),
            title=f"audit of {Path(table).name}",
            reading=source.reading,
        )
    try:
        out.write_text(spec.model_dump_json(indent=2) + "\n", "utf-8")
    except OSError as error:
        raise SpecError(f"'{out}' cannot be written: {error.strerror}; name another") from error
    return diagnosis, spec


def _request_of(roles: ColumnRoles, frame: pl.DataFrame) -> dict[str, Any]:
    """An audit of the decisions in the table, or else of a model trained on it.

    Scores of which nothing says where they decide are left out.
    """
    uncut = [s for s in lone_scores(roles, frame) if s not in roles.cuts]
    rest = tuple(s for s in roles.scores if s not in uncut)
    roles = roles.model_copy(update={"scores": rest})
    decided = roles.predictions or roles.scores
    if roles.target is None and not decided:
        raise SpecError(
            "nothing in the table is known to be its outcome or a decision; name the outcome "
            "(--target COLUMN)"
        )
    return {"roles": roles, "kind": "predictions" if decided else "train"}


def submit(path: Path, root: Path, *, wait: bool) -> dict[str, Any]:
    """Queue the job of a spec file, or run it in this process.

    Raises
    ------
    InputError
        If the file cannot be read.
    JobError
        If the job was run here and did not succeed.
    """
    try:
        spec = JobSpec.model_validate_json(path.read_bytes())
    except OSError as error:
        raise InputError(f"'{path}' cannot be read: {error.strerror}") from error
    workspace = Workspace(root)
    if not wait:
        return {"job": workspace.submit(spec), "state": "queued"}
    job = workspace.job(workspace.run_now(spec))
    if job.state != "succeeded":
        raise JobError(f"job '{job.id}' {job.state}: {job.reason}")
    return {"job": job.id, "state": job.state, "seconds": job.seconds}


def jobs(root: Path, prune: int | None) -> list[JobInfo]:
    """All jobs, after deleting finished ones older than `prune` days, if given."""
    workspace = Workspace(root)
    if prune is not None:
        workspace.prune(prune)
    return workspace.jobs()


def export(job: str, folder: Path, root: Path, *, pdf: bool = False) -> list[Path]:
    """Write the result and the report of a finished job to a folder."""
    from fairaudit import report

    writable(folder)
    workspace = Workspace(root)
    result = workspace.result(job)
    workspace.record_export(job, str(folder))
    title = str(result.summary.get("title", job))
    written = report.write(result, folder, title=title)
    if pdf:
        from fairaudit.report.pdf import pdf_of

        page = folder / "report.pdf"
        page.write_bytes(pdf_of((folder / "report.html").read_text("utf-8")))
        written.append(page)
    return written


def check_installation(root: Path, *, rebuild: bool) -> dict[str, Any]:
    """The versions of this installation, and problems of the workspace."""
    workspace = Workspace(root)
    rebuilt = {"jobs_indexed": workspace.rebuild()} if rebuild else {}
    problems = workspace.check()
    return {
        "fairaudit": __version__,
        "python": platform.python_version(),
        "torch": version("torch"),
        "cuda_devices": _cuda_devices(),
        "workspace": str(workspace.root),
        "data_sets": len(workspace.datasets()),
        "jobs": len(workspace.jobs()),
        "used_mb": round(workspace.usage_mb(), 1),
        "problems": problems or "none",
        **rebuilt,
    }


def _cuda_devices() -> int:
    import torch

    return torch.cuda.device_count()
