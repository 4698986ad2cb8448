"""Options that several commands share, each declared once, and commands that take groups of them.

A command decorated with `expanded` may have a parameter that is one of the groups below; on the
command line each field of the group is an option of its own.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from fairaudit.cli.options import names, primary_question
from fairaudit.cli.reading import reading_options

if TYPE_CHECKING:
    from fairaudit.audit.questions import PrimaryQuestion
    from fairaudit.cli.roles import NamedRoles
    from fairaudit.data.reading.options import ReadingOptions

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
SuppressBelow = Annotated[
    int, typer.Option(min=0, help="Hide groups with fewer rows, and what gives their size away")
]
MergeBelow = Annotated[
    int, typer.Option(min=0, help="Merge groups with fewer rows of the table into 'Other'")
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


@dataclass(frozen=True)
class TrainingOptions:
    """Options of every command that trains."""

    target: Target = None
    features: Features = None
    sensitive: Sensitive = None
    cluster: Cluster = None
    weight: Weight = None
    unit: Unit = None
    positive: Positive = None
    meaning: MeaningName = None
    outcome_known_for: KnownFor = None
    cut: Cuts = None
    confidence: Confidence = 0.95
    param: Param = None
    seed: Seed = 0
    device: DeviceName = "auto"
    read: Read = None
    header: Header = None

    def roles(self, **more: Any) -> NamedRoles:
        """The roles that are named, with further ones of the command."""
        from fairaudit.cli.roles import named_roles

        return named_roles(
            target=self.target,
            features=names(self.features),
            sensitive=names(self.sensitive),
            cluster=self.cluster,
            weight=self.weight,
            unit=self.unit,
            positive=self.positive,
            meaning=self.meaning,
            known_for=self.outcome_known_for,
            cuts=self.cut,
            **more,
        )

    def reading(self, *, accept_broken: bool = False) -> ReadingOptions:
        """How the file is read; `accept_broken` leaves out rows with broken images."""
        return reading_options(self.read, header=self.header, accept_broken=accept_broken)


@dataclass(frozen=True)
class QuestionOptions:
    """What an audit is asked beyond errors and gaps, and what it does with small groups."""

    margin: Margin = None
    primary: Primary = None
    primary_groups: PrimaryGroups = None
    within: Within = None
    suppress_below: SuppressBelow = 0
    merge_below: MergeBelow = 0

    @property
    def question(self) -> PrimaryQuestion | None:
        """The primary question, if one is declared."""
        return primary_question(self.primary, self.primary_groups)

    @property
    def controls(self) -> tuple[str, ...]:
        """Columns within whose levels groups are compared."""
        return names(self.within)


def expanded(command: Callable[..., None]) -> Callable[..., None]:
    """A command whose groups of options are options of their own for Typer."""
    own = inspect.signature(command, eval_str=True).parameters
    groups: dict[str, Any] = {
        name: p.annotation for name, p in own.items() if is_dataclass(p.annotation)
    }
    shown = [
        parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY)
        for name, p in own.items()
        for parameter in (_options_of(groups[name]) if name in groups else [p])
    ]

    @functools.wraps(command)
    def grouped(**values: Any) -> None:
        for name, group in groups.items():
            values[name] = group(**{f.name: values.pop(f.name) for f in fields(group)})
        command(**values)

    grouped.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    return grouped


def _options_of(group: Any) -> list[inspect.Parameter]:
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            f.name, inspect.Parameter.KEYWORD_ONLY, default=f.default, annotation=hints[f.name]
        )
        for f in fields(group)
    ]
