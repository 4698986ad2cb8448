"""The command line: the same functions as the dashboard, with stable exit codes."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from fairaudit.cli import terminal
from fairaudit.cli.options import names, primary_question
from fairaudit.cli.reading import reading_options
from fairaudit.cli.roles import named_roles
from fairaudit.exceptions import (
    Cancelled,
    FairauditError,
    InputError,
    IntegrityError,
    LimitExceeded,
    NotAllowed,
    SpecError,
)

FAILED, WRONG = 1, 2
_REQUEST_ERRORS = (SpecError, InputError, LimitExceeded, NotAllowed, IntegrityError)

app = typer.Typer(
    name="fairaudit",
    help="Fairness audits with latent groups, training and a no-harm choice.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Table = Annotated[
    str, typer.Argument(help="A table file, book.xlsx::sheet, or duckdb:///file.db::table")
]
Target = Annotated[str | None, typer.Option(help="Outcome column (default: guessed)")]
NoTarget = Annotated[
    bool, typer.Option("--no-target", help="No outcome is known: audit the decisions alone")
]
Score = Annotated[str | None, typer.Option(help="Score columns of existing systems")]
Features = Annotated[str | None, typer.Option(help="Feature columns, comma-separated")]
Sensitive = Annotated[str | None, typer.Option(help="Sensitive columns, comma-separated")]
Cluster = Annotated[str | None, typer.Option(help="Cluster column, such as site or school")]
Weight = Annotated[str | None, typer.Option(help="Row weight column")]
Unit = Annotated[
    str | None, typer.Option(help="Id that repeats, such as a patient's: its rows stay together")
]
Positive = Annotated[
    str | None, typer.Option(help="Positive class: the label that is predicted (default: guessed)")
]
MeaningName = Annotated[
    str | None,
    typer.Option(
        "--meaning", help="What it means for a person: good, bad or neutral (default: guessed)"
    ),
]
Cuts = Annotated[
    list[str] | None,
    typer.Option("--cut", help="SCORE=5 selects at or above 5, 'SCORE<=5' at or below"),
]
KnownFor = Annotated[
    str | None,
    typer.Option(
        "--outcome-known-for", help="Yes/no column: the outcome is known only where it says yes"
    ),
]
Confidence = Annotated[float, typer.Option(help="Level of all intervals, above 0.5 and below 1")]
Margin = Annotated[
    float | None,
    typer.Option(help="Gap to be shown absent: 0.05 tests whether gaps are below 5 points"),
]
Primary = Annotated[
    str | None,
    typer.Option(help="'tpr by sex': the question declared beforehand, free of the correction"),
]
PrimaryGroups = Annotated[
    str | None, typer.Option(help="Two groups of --primary, comma-separated (default: all)")
]
Within = Annotated[
    str | None,
    typer.Option(help="Columns within whose levels groups are compared too, comma-separated"),
]
Param = Annotated[list[str] | None, typer.Option(help="NAME=VALUE, a parameter of the method")]
Read = Annotated[
    list[str] | None,
    typer.Option(
        help="NAME=VALUE, how the file is read: encoding, delimiter, decimal, skip_rows …"
    ),
]
Header = Annotated[
    bool | None, typer.Option(help="Whether the first row holds names (default: inferred)")
]
Seed = Annotated[int, typer.Option(min=0, help="Seed of splits and fits")]
Out = Annotated[Path, typer.Option(help="Folder for the results")]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable output")]
Where = Annotated[
    Path, typer.Option("--workspace", envvar="FAIRAUDIT_WORKSPACE", help="Workspace folder")
]
DeviceName = Annotated[str, typer.Option(help="auto, cpu or cuda")]
AcceptBroken = Annotated[bool, typer.Option(help="Exclude rows with broken images")]
WORKSPACE = Path("workspace")


def main() -> None:
    """Run the command line; errors become one message on stderr and an exit code."""
    try:
        app(standalone_mode=False)
    except typer.Exit as done:
        sys.exit(done.exit_code)
    except (typer.Abort, KeyboardInterrupt, Cancelled):
        _fail("stopped; nothing was written", FAILED)
    except ValidationError as error:
        _fail("; ".join(map(_fault, error.errors())), WRONG)
    except _REQUEST_ERRORS as error:
        _fail(str(error), WRONG)
    except FairauditError as error:
        _fail(str(error), FAILED)
    except OSError as error:
        place = "" if error.filename is None else f"'{error.filename}': "
        remedy = "check the folder, its permissions and the disk space"
        _fail(f"{place}{error.strerror or error}; {remedy}", FAILED)
    except Exception as error:
        if not _is_usage(error):
            raise
        _fail(_usage_text(error), WRONG)


def _fault(error: Mapping[str, Any]) -> str:
    """What is invalid in a request, with the field it concerns."""
    text = str(error["msg"]).removeprefix("Value error, ")
    field = ".".join(map(str, error["loc"]))
    return text if error["type"] == "value_error" or not field else f"{field}: {text}"


def _is_usage(error: Exception) -> bool:
    return hasattr(error, "format_message") and hasattr(error, "exit_code")


def _usage_text(error: Exception) -> str:
    format_message: Any = getattr(error, "format_message", lambda: str(error))
    message = format_message()
    return f"{message} (see fairaudit --help)" if message else "name a command"


def _fail(text: str, code: int) -> None:
    print(f"fairaudit: {text}", file=sys.stderr)  # noqa: T201 - output of the command line
    sys.exit(code)


def parameters(pairs: list[str] | None) -> dict[str, Any]:
    """`k=v` options as values: JSON where it parses, text otherwise.

    Raises
    ------
    SpecError
        If a pair has no "=".
    """
    values: dict[str, Any] = {}
    for pair in pairs or []:
        key, equals, value = pair.partition("=")
        if not equals:
            raise SpecError(f"--param {pair!r} has no '='; write --param NAME=VALUE")
        try:
            values[key.strip()] = json.loads(value)
        except ValueError:
            values[key.strip()] = value
    return values


@app.command()
def demo(out: Out = Path("fairaudit-demo"), json_: Json = False) -> None:
    """Audit the bundled lending sample from end to end."""
    from fairaudit.cli import commands, demonstration

    commands.writable(out)
    result = demonstration.run(out, monitor=terminal.monitor(quiet=json_))
    terminal.show_result(result, out, as_json=json_)


@app.command()
def run(
    table: Table,
    out: Out,
    method: Annotated[str, typer.Option(help="rome-em, rome-moe, fair-sde, fair-medl, erm …")],
    target: Target = None,
    features: Features = None,
    sensitive: Sensitive = None,
    cluster: Cluster = None,
    weight: Weight = None,
    unit: Unit = None,
    positive: Positive = None,
    meaning: MeaningName = None,
    outcome_known_for: KnownFor = None,
    cut: Cuts = None,
    confidence: Confidence = 0.95,
    prediction: Annotated[
        str | None, typer.Option(help="Prediction columns of existing systems, to audit as well")
    ] = None,
    score: Score = None,
    param: Param = None,
    split_by: Annotated[str, typer.Option(help="rows, cluster or column")] = "rows",
    split_column: Annotated[str | None, typer.Option(help="Column with the splits")] = None,
    accept_broken: AcceptBroken = False,
    seed: Seed = 0,
    device: DeviceName = "auto",
    read: Read = None,
    header: Header = None,
    margin: Margin = None,
    primary: Primary = None,
    primary_groups: PrimaryGroups = None,
    within: Within = None,
    json_: Json = False,
) -> None:
    """Train a method on a table and audit it on held-out rows."""
    from fairaudit.cli import commands

    roles = named_roles(
        target=target,
        features=names(features),
        sensitive=names(sensitive),
        cluster=cluster,
        weight=weight,
        unit=unit,
        positive=positive,
        meaning=meaning,
        known_for=outcome_known_for,
        cuts=cut,
        predictions=names(prediction),
        scores=names(score),
        split=split_column,
    )
    reading = reading_options(read, header=header)
    request = commands.TrainingRequest(
        "train",
        method,
        parameters(param),
        split_by,
        seed,
        confidence,
        device,
        accept_broken,
        reading=reading,
        margin=margin,
        primary=primary_question(primary, primary_groups),
        controls=names(within),
    )
    result = commands.train(table, roles, request, out, json_)
    terminal.show_result(result, out, as_json=json_)


@app.command()
def sweep(
    table: Table,
    out: Out,
    groups: Annotated[str, typer.Option(help="Range of group counts, such as 1..8")] = "1..6",
    method: Annotated[str, typer.Option(help="rome-em")] = "rome-em",
    target: Target = None,
    features: Features = None,
    sensitive: Sensitive = None,
    cluster: Cluster = None,
    weight: Weight = None,
    unit: Unit = None,
    positive: Positive = None,
    meaning: MeaningName = None,
    outcome_known_for: KnownFor = None,
    cut: Cuts = None,
    confidence: Confidence = 0.95,
    param: Param = None,
    seed: Seed = 0,
    device: DeviceName = "auto",
    read: Read = None,
    header: Header = None,
    json_: Json = False,
) -> None:
    """Compare numbers of latent groups: fit, stability and worst group."""
    from fairaudit.cli import commands

    roles = named_roles(
        target=target,
        features=names(features),
        sensitive=names(sensitive),
        cluster=cluster,
        weight=weight,
        unit=unit,
        positive=positive,
        meaning=meaning,
        known_for=outcome_known_for,
        cuts=cut,
    )
    params = {**parameters(param), "n_groups": commands.group_range(groups)}
    reading = reading_options(read, header=header)
    request = commands.TrainingRequest(
        "sweep", method, params, "rows", seed, confidence, device, reading=reading
    )
    result = commands.train(table, roles, request, out, json_)
    terminal.show_result(result, out, as_json=json_)


@app.command()
def stress(
    table: Table,
    out: Out,
    method: Annotated[str, typer.Option(help="fair-sde")] = "fair-sde",
    target: Target = None,
    features: Features = None,
    sensitive: Sensitive = None,
    cluster: Cluster = None,
    weight: Weight = None,
    unit: Unit = None,
    positive: Positive = None,
    meaning: MeaningName = None,
    outcome_known_for: KnownFor = None,
    cut: Cuts = None,
    confidence: Confidence = 0.95,
    param: Param = None,
    seed: Seed = 0,
    device: DeviceName = "auto",
    read: Read = None,
    header: Header = None,
    json_: Json = False,
) -> None:
    """Stress-test a method: shifted rows, wrong groups, ablations, objectives, run time."""
    from fairaudit.cli import commands

    roles = named_roles(
        target=target,
        features=names(features),
        sensitive=names(sensitive),
        cluster=cluster,
        weight=weight,
        unit=unit,
        positive=positive,
        meaning=meaning,
        known_for=outcome_known_for,
        cuts=cut,
    )
    params = parameters(param)
    reading = reading_options(read, header=header)
    request = commands.TrainingRequest(
        "stress", method, params, "rows", seed, confidence, device, reading=reading
    )
    result = commands.train(table, roles, request, out, json_)
    terminal.show_result(result, out, as_json=json_)


@app.command()
def compare(
    table: Table,
    out: Out,
    methods: Annotated[str, typer.Option(help="Methods, comma-separated")],
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Number of seeds (and splits)")] = 5,
    target: Target = None,
    features: Features = None,
    sensitive: Sensitive = None,
    cluster: Cluster = None,
    weight: Weight = None,
    unit: Unit = None,
    positive: Positive = None,
    meaning: MeaningName = None,
    outcome_known_for: KnownFor = None,
    cut: Cuts = None,
    confidence: Confidence = 0.95,
    param: Param = None,
    seed: Seed = 0,
    device: DeviceName = "auto",
    read: Read = None,
    header: Header = None,
    json_: Json = False,
) -> None:
    """Compare methods on the same splits and preprocessing, with paired intervals."""
    from fairaudit.cli import commands

    roles = named_roles(
        target=target,
        features=names(features),
        sensitive=names(sensitive),
        cluster=cluster,
        weight=weight,
        unit=unit,
        positive=positive,
        meaning=meaning,
        known_for=outcome_known_for,
        cuts=cut,
    )
    wanted = list(names(methods))
    params = {**parameters(param), "methods": wanted, "seeds": seeds}
    reading = reading_options(read, header=header)
    request = commands.TrainingRequest(
        "compare", wanted[0], params, "rows", seed, confidence, device, reading=reading
    )
    result = commands.train(table, roles, request, out, json_)
    terminal.show_result(result, out, as_json=json_)


@app.command()
def audit(
    table: Table,
    out: Out,
    target: Target = None,
    no_target: NoTarget = False,
    prediction: Annotated[str | None, typer.Option(help="Prediction columns")] = None,
    score: Score = None,
    sensitive: Sensitive = None,
    unit: Unit = None,
    positive: Positive = None,
    meaning: MeaningName = None,
    outcome_known_for: KnownFor = None,
    cut: Cuts = None,
    confidence: Confidence = 0.95,
    cluster: Cluster = None,
    weight: Weight = None,
    preset: Annotated[
        str | None, typer.Option(help="nyc-ll144, four-fifths, two-standard-deviations …")
    ] = None,
    sex_column: Annotated[str | None, typer.Option(help="Sex, for nyc-ll144")] = None,
    race_column: Annotated[str | None, typer.Option(help="Race, for nyc-ll144")] = None,
    not_answered: Annotated[
        str | None, typer.Option(help="Further labels of people who did not answer")
    ] = None,
    answered: Annotated[
        str | None, typer.Option(help="Labels that are answers, though listed as none")
    ] = None,
    weight_counts_people: Annotated[
        bool, typer.Option(help="A row stands for as many people as its weight says (presets)")
    ] = False,
    leave_out_reason: Annotated[
        str, typer.Option(help="Why nyc-ll144 leaves categories under 2% out of its ratios")
    ] = "",
    intersections: Annotated[int, typer.Option(min=1, max=6, help="Intersection depth")] = 2,
    seed: Seed = 0,
    read: Read = None,
    header: Header = None,
    margin: Margin = None,
    primary: Primary = None,
    primary_groups: PrimaryGroups = None,
    within: Within = None,
    json_: Json = False,
) -> None:
    """Audit predictions that are in a table; nothing is trained."""
    from fairaudit.audit.presets import PresetOptions
    from fairaudit.cli import commands

    wanted = named_roles(
        target=target,
        no_target=no_target,
        sensitive=names(sensitive),
        cluster=cluster,
        weight=weight,
        unit=unit,
        positive=positive,
        meaning=meaning,
        known_for=outcome_known_for,
        cuts=cut,
        predictions=names(prediction),
        scores=names(score),
    )
    reading = reading_options(read, header=header)
    rule = PresetOptions(
        sex=sex_column,
        race=race_column,
        not_answered=names(not_answered),
        answered=names(answered),
        weight_counts_people=weight_counts_people,
        leave_out_reason=leave_out_reason,
    )
    question = primary_question(primary, primary_groups)
    result = commands.audit(
        table, wanted, preset, intersections, seed, confidence, out, reading, rule, margin,
        question, names(within),
    )  # fmt: skip
    terminal.show_result(result, out, as_json=json_)


@app.command()
def choose(
    table: Table,
    out: Out,
    baseline: Annotated[str, typer.Option(help="Column of the system in use")],
    candidates: Annotated[str, typer.Option(help="Columns of the other systems, comma-separated")],
    target: Target = None,
    sensitive: Sensitive = None,
    metric: Annotated[
        str, typer.Option(help="accuracy, balanced_accuracy, auroc or neg_mse")
    ] = "accuracy",
    objective: Annotated[
        str,
        typer.Option(help="max_min (best worst group), min_gap (smallest gap) or max_mean"),
    ] = "max_min",
    confidence: Annotated[
        float, typer.Option(help="That no group is harmed; above 0.5 and below 1")
    ] = 0.95,
    tolerance: Annotated[
        float, typer.Option(min=0, help="Loss that is tolerated, in the metric's units")
    ] = 0.0,
    check: Annotated[
        float, typer.Option(min=0, max=0.9, help="Share of the rows that check the choice")
    ] = 0.5,
    cluster: Cluster = None,
    weight: Weight = None,
    positive: Positive = None,
    meaning: MeaningName = None,
    cut: Cuts = None,
    seed: Seed = 0,
    read: Read = None,
    header: Header = None,
    json_: Json = False,
) -> None:
    """Choose between systems in a table, for each group, so that no group is harmed."""
    from fairaudit.audit.no_harm.stored_systems import SystemsAsked
    from fairaudit.cli import choosing

    wanted = named_roles(
        target=target,
        sensitive=names(sensitive),
        cluster=cluster,
        weight=weight,
        positive=positive,
        meaning=meaning,
        cuts=cut,
    )
    asked = SystemsAsked(
        baseline.strip(),
        names(candidates),
        names(sensitive),
        metric,  # type: ignore[arg-type]  # checked where it is used
        objective,  # type: ignore[arg-type]
        confidence,
        tolerance,
        check,
    )
    made = choosing.choose(table, wanted, asked, seed, out, reading_options(read, header=header))
    terminal.show_choice(made.choice, made.lead, out, as_json=json_)


@app.command()
def repeat(
    table: Table,
    request: Annotated[str, typer.Argument(help="spec.json of a report, or its text")],
    out: Out,
    device: DeviceName = "auto",
    json_: Json = False,
) -> None:
    """Repeat an audit exactly as in its report, to get the same numbers."""
    from fairaudit.cli import commands

    result = commands.repeat(table, request, device, out, json_)
    terminal.show_result(result, out, as_json=json_)


@app.command()
def ingest(
    path: Annotated[
        str, typer.Argument(help="A table, book.xlsx::sheet, or a ZIP or folder of images")
    ],
    workspace: Where = WORKSPACE,
    accept_broken: AcceptBroken = False,
    read: Read = None,
    header: Header = None,
    json_: Json = False,
) -> None:
    """Store a dataset under the hash of its content."""
    from fairaudit.cli import commands

    info = commands.ingest(
        path, workspace, accept_broken=accept_broken, reading=reading_options(read, header=header)
    )
    terminal.show_dataset(info, as_json=json_)


@app.command()
def submit(
    spec: Annotated[Path, typer.Argument(help="spec.json of a job")],
    workspace: Where = WORKSPACE,
    wait: Annotated[bool, typer.Option(help="Run it in this process")] = False,
    json_: Json = False,
) -> None:
    """Queue a job, or run it in this process with --wait."""
    from fairaudit.cli import commands

    terminal.show_record(commands.submit(spec, workspace, wait=wait), as_json=json_)


@app.command()
def jobs(
    workspace: Where = WORKSPACE,
    prune: Annotated[
        int | None, typer.Option(min=0, help="Delete finished jobs older than DAYS")
    ] = None,
    json_: Json = False,
) -> None:
    """List jobs, newest first."""
    from fairaudit.cli import commands

    terminal.show_jobs(commands.jobs(workspace, prune), as_json=json_)


@app.command()
def cancel(job: str, workspace: Where = WORKSPACE) -> None:
    """Ask a job to stop; it is killed if it does not."""
    from fairaudit.jobs.workspace import Workspace

    Workspace(workspace).cancel(job)


@app.command()
def export(job: str, folder: Path, workspace: Where = WORKSPACE, json_: Json = False) -> None:
    """Write the result and report of a finished job to a folder."""
    from fairaudit.cli import commands

    terminal.show_files(commands.export(job, folder, workspace), as_json=json_)


@app.command()
def report(
    job: str,
    out: Out = Path("report"),
    pdf: Annotated[bool, typer.Option(help="Also write a PDF (extra 'report')")] = False,
    workspace: Where = WORKSPACE,
    json_: Json = False,
) -> None:
    """Write the report of a finished job."""
    from fairaudit.cli import commands

    terminal.show_files(commands.export(job, out, workspace, pdf=pdf), as_json=json_)


@app.command()
def up(
    workspace: Where = WORKSPACE,
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8501,
    address: Annotated[str, typer.Option(help="Address to listen on")] = "127.0.0.1",
    browser: Annotated[bool, typer.Option(help="Open a browser")] = True,
) -> None:
    """Open the dashboard with a supervisor, and the sample audits."""
    from fairaudit.cli import serve

    raise typer.Exit(serve.up(workspace, port, address, browser=browser))


@app.command()
def supervise(
    workspace: Where = WORKSPACE,
    engine: Annotated[str, typer.Option(help="local or ray")] = "local",
    address: Annotated[str | None, typer.Option(help="Address of the Ray cluster")] = None,
    slots: Annotated[int | None, typer.Option(min=1, help="Jobs at a time")] = None,
) -> None:
    """Run queued jobs until stopped."""
    from fairaudit.cli import serve

    serve.supervise(workspace, engine, address, slots)


@app.command()
def doctor(
    table: Annotated[str | None, typer.Argument(help="A table to examine")] = None,
    workspace: Where = WORKSPACE,
    rebuild: Annotated[bool, typer.Option(help="Rebuild the ledger from the job folders")] = False,
    read: Read = None,
    header: Header = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Write a request with the safe mends, for repeat")
    ] = False,
    out: Annotated[Path, typer.Option(help="The request that --fix writes")] = Path(
        "request.json"
    ),
    json_: Json = False,
) -> None:
    """Examine a table (suggested roles, problems, remedies) or this installation."""
    from fairaudit.cli import commands

    options = reading_options(read, header=header)
    if table is not None and fix:
        diagnosis, spec = commands.fix(table, out, options)
        terminal.show_mends(diagnosis, spec, table, out, as_json=json_)
    elif table is not None:
        terminal.show_diagnosis(commands.examine(table, options), as_json=json_)
    else:
        terminal.show_record(
            commands.check_installation(workspace, rebuild=rebuild), as_json=json_
        )
