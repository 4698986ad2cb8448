"""Which methods exist and which knobs they have; imports nothing heavy, so screens may read it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fairaudit.exceptions import SpecError

Need = Literal["sensitive", "cluster"]


@dataclass(frozen=True)
class Knob:
    """One parameter of a method, with the range a form offers."""

    name: str
    label: str
    kind: Literal["int", "float", "choice", "bool", "ints", "floats", "columns"]
    default: Any
    help: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    expert: bool = True
    optional: bool = False  # None is allowed


@dataclass(frozen=True)
class Method:
    """One method as users choose it."""

    name: str
    title: str
    summary: str
    source: str
    tasks: tuple[str, ...]
    needs: tuple[Need, ...]
    images: bool
    knobs: tuple[Knob, ...]


_EPOCHS = Knob("max_epochs", "Epochs", "int", 50, "Passes over the training rows.", 1, 1000, 1)
_BATCH = Knob("batch_size", "Batch size", "int", 256, "Rows a gradient step.", 2, 65536, 1)
_RATE = Knob(
    "learning_rate", "Learning rate", "float", 1e-3, "Step size of the optimiser.", 1e-5, 1.0
)
_ANY = ("binary", "multiclass", "regression")

_ALL: tuple[Method, ...] = (
    Method(
        "linear",
        "Pooled linear model",
        "One linear or logistic model for everybody, without sensitive columns.",
        "",
        _ANY,
        (),
        False,
        (),
    ),
    Method(
        "erm",
        "Pooled network (ERM)",
        "One network for everybody, without sensitive columns.",
        "",
        _ANY,
        (),
        True,
        (_EPOCHS, _BATCH, _RATE),
    ),
)

METHODS: Mapping[str, Method] = {m.name: m for m in _ALL}


def method(name: str) -> Method:
    """The catalog entry of a method.

    Raises
    ------
    SpecError
        When there is no such method.
    """
    if name not in METHODS:
        raise SpecError(f"method '{name}' is not known; choose one of {', '.join(METHODS)}")
    return METHODS[name]
