"""Groups of options: declared once, options of their own on the command line."""

from __future__ import annotations

import inspect
from dataclasses import fields
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from fairaudit.cli import app
from fairaudit.cli.declarations import Json, QuestionOptions, TrainingOptions, expanded


def command_with(received: list[Any]) -> typer.Typer:
    own = typer.Typer()

    @own.command()
    @expanded
    def work(name: str, questions: QuestionOptions, json_: Json = False) -> None:
        received.append((name, questions, json_))

    return own


def test_the_fields_of_a_group_are_options_and_arrive_as_the_group() -> None:
    received: list[Any] = []
    typed = ["x", "--margin", "0.1", "--within", "age, sex", "--json"]
    assert CliRunner().invoke(command_with(received), typed).exit_code == 0
    [(name, questions, as_json)] = received
    assert (name, as_json, questions.margin) == ("x", True, 0.1)
    assert questions.controls == ("age", "sex")
    assert questions.question is None


def test_options_that_are_not_typed_have_the_defaults_of_the_group() -> None:
    received: list[Any] = []
    assert CliRunner().invoke(command_with(received), ["x"]).exit_code == 0
    assert received[0][1] == QuestionOptions()


@pytest.mark.parametrize("name", ["run", "sweep", "stress", "compare"])
def test_every_command_that_trains_has_all_shared_options(name: str) -> None:
    command = next(c.callback for c in app.registered_commands if c.callback.__name__ == name)
    own = inspect.signature(command).parameters
    assert {f.name for f in fields(TrainingOptions)} <= set(own)
    assert len(own) == len(set(own))
