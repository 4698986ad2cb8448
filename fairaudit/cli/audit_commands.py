"""Commands that audit: existing systems, trained methods, sweeps, stress tests, choices."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from fairaudit.cli import terminal
from fairaudit.cli.application import app
from fairaudit.cli.declarations import (
    AcceptBroken,
    Cluster,
    Confidence,
    Cuts,
    DeviceName,
    Header,
    Json,
    KnownFor,
    MeaningName,
    NoTarget,
    Out,
    Positive,
    QuestionOptions,
    Read,
    Score,
    Seed,
    Sensitive,
    Table,
    Target,
    TrainingOptions,
    Unit,
    Weight,
    expanded,
)
from fairaudit.cli.options import names
from fairaudit.cli.reading import reading_options
from fairaudit.cli.roles import named_roles
from fairaudit.exceptions import SpecError


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
@expanded
def run(
    table: Table,
    out: Out,
    method: Annotated[str, typer.Option(help="rome-em, rome-moe, fair-sde, fair-medl, erm …")],
    options: TrainingOptions,
    questions: QuestionOptions,
    prediction: Annotated[
        str | None, typer.Option(help="Prediction columns of existing systems, to audit as well")
    ] = None,
    score: Score = None,
    split_by: Annotated[str, typer.Option(help="rows, cluster or column")] = "rows",
    split_column: Annotated[str | None, typer.Option(help="Column with the splits")] = None,
    accept_broken: AcceptBroken = False,
    json_: Json = False,
) -> None:
    """Train a method on a table and audit it on held-out rows."""
    from fairaudit.cli import commands

    roles = options.roles(predictions=names(prediction), scores=names(score), split=split_column)
    request = commands.TrainingRequest(
        "train",
        method,
        parameters(options.param),
        split_by,
        options.seed,
        options.confidence,
        options.device,
        reading=options.reading(accept_broken=accept_broken),
        margin=questions.margin,
        primary=questions.question,
        controls=questions.controls,
        suppress_below=questions.suppress_below,
        merge_below=questions.merge_below,
    )
    terminal.show_result(commands.train(table, roles, request, out, json_), out, as_json=json_)


def _train(
    kind: str,
    method: str,
    params: dict[str, Any],
    options: TrainingOptions,
    table: str,
    out: Path,
    *,
    quiet: bool,
) -> None:
    """Train on splits of rows and show the result."""
    from fairaudit.cli import commands

    request = commands.TrainingRequest(
        kind,
        method,
        params,
        "rows",
        options.seed,
        options.confidence,
        options.device,
        reading=options.reading(),
    )
    result = commands.train(table, options.roles(), request, out, quiet)
    terminal.show_result(result, out, as_json=quiet)


@app.command()
@expanded
def sweep(
    table: Table,
    out: Out,
    options: TrainingOptions,
    groups: Annotated[str, typer.Option(help="Range of group counts, such as 1..8")] = "1..6",
    method: Annotated[str, typer.Option(help="rome-em")] = "rome-em",
    json_: Json = False,
) -> None:
    """Compare numbers of latent groups: fit, stability and worst group."""
    from fairaudit.cli import commands

    params = {**parameters(options.param), "n_groups": commands.group_range(groups)}
    _train("sweep", method, params, options, table, out, quiet=json_)


@app.command()
@expanded
def stress(
    table: Table,
    out: Out,
    options: TrainingOptions,
    method: Annotated[str, typer.Option(help="fair-sde")] = "fair-sde",
    json_: Json = False,
) -> None:
    """Stress-test a method: shifted rows, wrong groups, ablations, objectives, run time."""
    params = parameters(options.param)
    _train("stress", method, params, options, table, out, quiet=json_)


@app.command()
@expanded
def compare(
    table: Table,
    out: Out,
    methods: Annotated[str, typer.Option(help="Methods, comma-separated")],
    options: TrainingOptions,
    seeds: Annotated[int, typer.Option(min=1, max=100, help="Number of seeds (and splits)")] = 5,
    json_: Json = False,
) -> None:
    """Compare methods on the same splits and preprocessing, with paired intervals."""
    wanted = list(names(methods))
    params = {**parameters(options.param), "methods": wanted, "seeds": seeds}
    _train("compare", wanted[0], params, options, table, out, quiet=json_)


@app.command()
@expanded
def audit(
    table: Table,
    out: Out,
    questions: QuestionOptions,
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
    result = commands.audit(
        table, wanted, preset, intersections, seed, confidence, out, reading, rule,
        questions.margin, questions.question, questions.controls,
        questions.suppress_below, questions.merge_below,
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
    from fairaudit.audit.no_harm.stored_systems import SystemsRequest
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
    request = SystemsRequest(
        baseline.strip(),
        names(candidates),
        names(sensitive),
        metric,  # type: ignore[arg-type]  # checked where it is used
        objective,  # type: ignore[arg-type]
        confidence,
        tolerance,
        check,
    )
    made = choosing.choose(table, wanted, request, seed, out, reading_options(read, header=header))
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
