"""Commands on a workspace: datasets, jobs, reports, the dashboard, and the doctor."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fairaudit.cli import terminal
from fairaudit.cli.application import app
from fairaudit.cli.declarations import (
    WORKSPACE,
    AcceptBroken,
    Header,
    Json,
    MeaningName,
    Out,
    Positive,
    Read,
    Target,
    Where,
)
from fairaudit.cli.reading import reading_options


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

    reading = reading_options(read, header=header, accept_broken=accept_broken)
    info = commands.ingest(path, workspace, reading)
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
    target: Target = None,
    positive: Positive = None,
    meaning: MeaningName = None,
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
    from fairaudit.cli.roles import named_roles

    options = reading_options(read, header=header)
    named = named_roles(target=target, positive=positive, meaning=meaning)
    if table is not None and fix:
        diagnosis, spec = commands.fix(table, out, options, named)
        terminal.show_mends(diagnosis, spec, table, out, as_json=json_)
    elif table is not None:
        terminal.show_diagnosis(commands.examine(table, options, named), as_json=json_)
    else:
        terminal.show_record(
            commands.check_installation(workspace, rebuild=rebuild), as_json=json_
        )
