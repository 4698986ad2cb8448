"""The catalog: what it says of a method is true of its estimator and adapters."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Mapping
from typing import Any

import pytest

from fairaudit.audit.adapters import adapter
from fairaudit.audit.catalog import METHODS, adapter_path
from fairaudit.audit.knobs import (
    Knob,
    Method,
    bases_of,
    constructor_defaults,
    defaults_in,
    literal,
)
from fairaudit.exceptions import SpecError
from fairaudit.methods.fair_medl.estimator import FairMEDL

SOURCE = ast.parse("""
LIMIT = 4

class Model:
    def __init__(self, size=(8, 4), *, rate: float = -1e-3, most=LIMIT, seed):
        pass

class Child(Model):
    pass
""")


def model_defaults() -> Mapping[str, ast.expr]:
    defaults = defaults_in(SOURCE, "Model")
    assert defaults is not None
    return defaults


def estimator(method: Method) -> Any:
    module, name = method.estimator.split(":")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("name", METHODS)
def test_every_knob_is_a_parameter_of_the_estimator_or_an_option_of_the_adapter(name: str) -> None:
    own = estimator(METHODS[name])().get_params()
    knobs = {k.name for k in METHODS[name].knobs}
    assert knobs - METHODS[name].options <= set(own)
    assert not METHODS[name].options & set(own), "the estimator holds this default already"


@pytest.mark.parametrize("name", METHODS)
def test_knobs_show_the_defaults_of_the_estimator(name: str) -> None:
    method = METHODS[name]
    shown = {k.name: k.default for k in method.knobs if k.name not in method.options}
    own = estimator(method)().get_params()
    assert method.settings(shown) == {k: own[k] for k in shown}


@pytest.mark.parametrize("name", METHODS)
def test_every_adapter_of_the_catalog_exists(name: str) -> None:
    assert all(callable(adapter(name, kind)) for kind in METHODS[name].adapters)


def test_kinds_of_audit_a_method_does_not_have_are_refused_with_those_that_do() -> None:
    with pytest.raises(SpecError, match="are no stress tests of 'erm'; choose 'fair-sde'"):
        adapter_path("erm", "stress")
    with pytest.raises(SpecError, match=r"is no sweep .* of 'fair-sde'; choose 'rome-em'"):
        adapter_path("fair-sde", "sweep")
    with pytest.raises(SpecError, match="'gpt' is not known; choose one of rome-em"):
        adapter_path("gpt")


def test_an_empty_field_is_what_the_estimator_calls_it() -> None:
    known = METHODS["rome-em"].settings({"n_groups": None, "max_average_loss": None, "tol": 0.1})
    assert known == {"n_groups": "auto", "max_average_loss": "pooled", "tol": 0.1}


def test_defaults_are_read_from_source_of_either_kind_of_parameter() -> None:
    defaults = model_defaults()
    assert literal("size", defaults) == (8, 4)
    assert literal("rate", defaults) == -1e-3


def test_a_default_that_is_no_literal_is_an_error() -> None:
    with pytest.raises(ValueError, match="the default LIMIT of 'most' is not a literal"):
        literal("most", model_defaults())


@pytest.mark.parametrize("name", ["seed", "depth"])
def test_a_parameter_without_a_default_is_an_error(name: str) -> None:
    with pytest.raises(LookupError, match=f"no parameter '{name}' with a default"):
        literal(name, model_defaults())


def test_a_constructor_may_be_inherited_within_the_package() -> None:
    assert defaults_in(SOURCE, "Child") is None
    assert bases_of(SOURCE, "Child") == ["Model"]
    medl = constructor_defaults("fairaudit.methods.fair_medl.estimator:FairMEDL")
    assert literal("max_epochs", medl) == FairMEDL().max_epochs


@pytest.mark.parametrize("name", ["fairaudit.exceptions:SpecError", "fairaudit.data.roles:Nobody"])
def test_a_class_without_a_constructor_is_an_error(name: str) -> None:
    with pytest.raises(LookupError):
        constructor_defaults(name)


def test_an_option_of_the_adapter_keeps_its_own_default() -> None:
    knob = Knob("trials", "Trials", "int", "h", default=0)
    assert knob.filled({}) is knob


KNOBS = [(m.name, k.name) for m in METHODS.values() for k in m.knobs]


@pytest.mark.parametrize(("name", "knob"), KNOBS)
def test_a_parameter_of_another_kind_is_refused_before_any_work(name: str, knob: str) -> None:
    method = METHODS[name]
    method.check({knob: method.default(knob)})
    with pytest.raises(SpecError, match=rf"{knob} of {name}: expected .*, got {{'odd': 1}}"):
        method.check({knob: {"odd": 1}})


@pytest.mark.parametrize("value", ["x", [1], True, {}])
def test_text_and_lists_are_no_numbers(value: Any) -> None:
    with pytest.raises(SpecError, match="alpha of rome-moe: expected a number"):
        METHODS["rome-moe"].check({"alpha": value})
