"""What the catalog is made of: methods and knobs, whose defaults are read from estimators.

Defaults are read from the source of the constructor, because screens must not import estimators
(and with them torch) to draw a form.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib.resources import files
from numbers import Integral, Real
from typing import Any, Literal

from fairaudit.exceptions import SpecError

Need = Literal["sensitive", "cluster"]
Kind = Literal["sweep", "stress"]
GIVEN = frozenset(("task", "device", "random_state"))  # an audit sets these itself


@dataclass(frozen=True)
class Knob:
    """One parameter of a method, with the range a form offers.

    Attributes
    ----------
    default : `...` is read from the estimator; only options of an adapter state their own
    optional : whether the field may be left empty
    empty : what the estimator is given for an empty field
    """

    name: str
    label: str
    kind: Literal["int", "float", "choice", "bool", "ints", "floats", "columns"]
    help: str
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()
    expert: bool = True
    optional: bool = False
    empty: Any = None
    default: Any = ...

    def accepts(self, value: Any) -> bool:
        """Whether a value is of this knob's kind; its range is the estimator's to check."""
        if value is None:
            return self.optional or self.default is None
        if isinstance(value, str) and value == self.empty:
            return True
        return _IS_OF_KIND[self.kind](value)

    def filled(self, defaults: Mapping[str, ast.expr]) -> Knob:
        """The knob with its default; one that stands for an empty field is None."""
        if self.default is not ...:
            return self
        value = literal(self.name, defaults)
        return replace(self, default=None if value == self.empty else value)


def _number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _whole(value: Any) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _every(is_of_kind: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list | tuple) and all(map(is_of_kind, value))


_IS_OF_KIND: Mapping[str, Callable[[Any], bool]] = {
    "int": _whole,
    "float": _number,
    "choice": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool | list | tuple),  # some also take columns
    "ints": _every(_whole),
    "floats": _every(_number),
    "columns": lambda value: isinstance(value, str | list | tuple),
}
_KIND_WORDS: Mapping[str, str] = {
    "int": "a whole number",
    "float": "a number",
    "choice": "one of the choices",
    "bool": "true or false",
    "ints": "a list of whole numbers",
    "floats": "a list of numbers",
    "columns": "a list of columns",
}


@dataclass(frozen=True)
class Work:
    """What a method can do besides one fit: its adapter and how a form offers the choice."""

    kind: Kind
    adapter: str
    once: str  # the label of one fit, beside
    label: str
    help: str


@dataclass(frozen=True)
class Method:
    """One method as users choose it.

    Attributes
    ----------
    estimator : "module:class"
    adapter : "module:function" within `fairaudit.audit.adapters`
    declared : the knobs, without the defaults that the estimator holds
    guided, compared : whether guided mode offers it and a comparison proposes it
    """

    name: str
    title: str
    summary: str
    source: str
    tasks: tuple[str, ...]
    needs: tuple[Need, ...]
    images: bool
    declared: tuple[Knob, ...]
    estimator: str = ""
    adapter: str = ""
    works: tuple[Work, ...] = ()
    guided: bool = False
    compared: bool = False

    @cached_property
    def knobs(self) -> tuple[Knob, ...]:
        """The knobs with their defaults."""
        defaults = constructor_defaults(self.estimator) if self.estimator else {}
        return tuple(knob.filled(defaults) for knob in self.declared)

    def default(self, name: str) -> Any:
        """The default of one knob."""
        return next(knob.default for knob in self.knobs if knob.name == name)

    @property
    def options(self) -> frozenset[str]:
        """Knobs of the adapter, which the estimator does not have."""
        return frozenset(knob.name for knob in self.declared if knob.default is not ...)

    @cached_property
    def parameters(self) -> frozenset[str]:
        """Everything that may be set: knobs, and parameters of the estimator without one."""
        settable = set(constructor_defaults(self.estimator)) if self.estimator else set()
        return frozenset(settable - GIVEN | {knob.name for knob in self.declared})

    @property
    def adapters(self) -> Mapping[str, str]:
        """The adapter by kind of audit."""
        return {"train": self.adapter, **{work.kind: work.adapter for work in self.works}}

    def check(self, params: Mapping[str, Any]) -> None:
        """See that every parameter with a knob is of the knob's kind, before any work.

        Raises
        ------
        SpecError
            When one is not; the text names it and what is expected.
        """
        for knob in self.knobs:
            if knob.name in params and not knob.accepts(params[knob.name]):
                kind = ", ".join(knob.choices) if knob.choices else _KIND_WORDS[knob.kind]
                raise SpecError(
                    f"{knob.name} of {self.name}: expected {kind}, got {params[knob.name]!r}"
                )

    def settings(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """Parameters of the estimator: an empty field becomes what the estimator calls it."""
        empty = {knob.name: knob.empty for knob in self.declared}
        return {k: empty.get(k) if v is None else v for k, v in params.items()}


@cache
def constructor_defaults(estimator: str) -> Mapping[str, ast.expr]:
    """The defaults in the source of an estimator's constructor, by parameter, not evaluated.

    Raises
    ------
    LookupError
        When neither the class nor a base of it within the package has a constructor.
    """
    module, name = estimator.split(":")
    package, _, file = module.rpartition(".")
    tree = ast.parse(files(package).joinpath(f"{file}.py").read_text("utf-8"))
    defaults = defaults_in(tree, name)
    homes = {alias.name: node.module for node in tree.body if isinstance(node, ast.ImportFrom)
             for alias in node.names}  # fmt: skip
    if defaults is None:
        for base in bases_of(tree, name):
            if (homes.get(base) or "").startswith("fairaudit."):
                return constructor_defaults(f"{homes[base]}:{base}")
        raise LookupError(f"'{estimator}' has no constructor in its source, nor has a base")
    return defaults


def _class_in(tree: ast.Module, name: str) -> ast.ClassDef:
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name == name:
            return node
    raise LookupError(f"no class '{name}'")


def bases_of(tree: ast.Module, name: str) -> list[str]:
    """Names of the bases of a class."""
    return [base.id for base in _class_in(tree, name).bases if isinstance(base, ast.Name)]


def defaults_in(tree: ast.Module, name: str) -> Mapping[str, ast.expr] | None:
    """The defaults of the constructor of a class; None where it inherits one.

    Raises
    ------
    LookupError
        When there is no such class.
    """
    for part in _class_in(tree, name).body:
        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
            return _defaults(part.args)
    return None


def _defaults(args: ast.arguments) -> Mapping[str, ast.expr]:
    places = [*args.posonlyargs, *args.args]
    late = places[len(places) - len(args.defaults) :]
    pairs = [*zip(late, args.defaults, strict=True)]
    pairs += [(a, d) for a, d in zip(args.kwonlyargs, args.kw_defaults, strict=True) if d]
    return {arg.arg: default for arg, default in pairs}


def literal(name: str, defaults: Mapping[str, ast.expr]) -> Any:
    """One default as a value.

    Raises
    ------
    LookupError
        When the constructor has no such parameter with a default.
    ValueError
        When the default is not a literal.
    """
    if name not in defaults:
        raise LookupError(f"the constructor has no parameter '{name}' with a default")
    try:
        return ast.literal_eval(defaults[name])
    except ValueError:
        text = ast.unparse(defaults[name])
        raise ValueError(
            f"the default {text} of '{name}' is not a literal; write its value into the "
            "constructor, where the catalog reads it"
        ) from None
