"""Forms for method parameters: one widget per parameter; only changed values are sent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st
from pydantic import JsonValue

from fairaudit.audit.knobs import Knob, Method
from fairaudit.exceptions import SpecError
from fairaudit.ui.layout import escaped

_NONE = "(none)"


def method_form(
    method: Method, *, key: str, expert: bool, columns: Sequence[str] = ()
) -> dict[str, JsonValue]:
    """Widgets for a method's parameters; returns the values that differ from the defaults.

    Parameters
    ----------
    method : Method
    key : str
        Prefix of the widgets' keys.
    expert : bool
        Whether the expert parameters are shown too.
    columns : sequence of str
        Options of a parameter of kind "columns".

    Raises
    ------
    SpecError
        If a list of numbers cannot be parsed.
    """
    shown = [k for k in method.knobs if expert or not k.expert]
    values: dict[str, JsonValue] = {}
    for place, knob in enumerate(shown):
        if place % 3 == 0:
            cells = st.columns(3, vertical_alignment="bottom")
        with cells[place % 3]:
            value = knob_input(knob, key=f"{key}-{knob.name}", columns=columns)
        if value != _as_json(knob.default):
            values[knob.name] = value
    return values


def knob_input(knob: Knob, *, key: str, columns: Sequence[str] = ()) -> JsonValue:
    """The widget of one parameter, and its value as JSON."""
    draw: dict[str, Callable[[Knob, str], JsonValue]] = {
        "int": _whole,
        "float": _decimal,
        "choice": _choice,
        "bool": _switch,
        "ints": _list_of(int),
        "floats": _list_of(float),
    }
    if knob.kind == "columns":
        return _columns(knob, key, columns)
    return draw[knob.kind](knob, key)


def _whole(knob: Knob, key: str) -> JsonValue:
    if isinstance(knob.default, str):  # "auto" or a number
        return _auto(knob, key, int)
    value = _number(knob, key, int, int(knob.step or 1), "%d")
    return None if value is None else int(value)


def _decimal(knob: Knob, key: str) -> JsonValue:
    return _number(knob, key, float, knob.step, "%g")


def _number(
    knob: Knob, key: str, kind: type[int] | type[float], step: float | None, form: str
) -> float | None:
    settings = [knob.low, knob.high, knob.default, step]
    bounds: list[Any] = [None if v is None else kind(v) for v in settings]
    value: float | None = st.number_input(  # type: ignore[call-overload]
        knob.label,
        *bounds,
        format=form,
        help=knob.help,
        key=key,
        placeholder="none" if knob.optional else None,
    )
    return _required(knob, value)


def _required(knob: Knob, value: float | None) -> float | None:
    if value is None and not knob.optional:
        raise SpecError(f"'{knob.label}' needs a value; the default is {knob.default}")
    return value


def _choice(knob: Knob, key: str) -> JsonValue:
    options = [*knob.choices, *([_NONE] if knob.optional else [])]
    usual = _NONE if knob.default is None else str(knob.default)
    value: str = st.selectbox(
        knob.label,
        options,
        index=options.index(usual),
        format_func=lambda text: text.replace("_", " "),
        help=knob.help,
        key=key,
    )
    return None if value == _NONE else value


def _switch(knob: Knob, key: str) -> JsonValue:
    return st.toggle(knob.label, bool(knob.default), help=knob.help, key=key)


def _auto(knob: Knob, key: str, kind: type) -> JsonValue:
    text = st.text_input(knob.label, str(knob.default), help=knob.help, key=key).strip()
    if text == knob.default:
        return text
    return _parse_numbers(knob, text, kind)[0]


def _list_of(kind: type) -> Any:
    def draw(knob: Knob, key: str) -> JsonValue:
        usual = "" if knob.default is None else ", ".join(f"{v:g}" for v in knob.default)
        text = st.text_input(knob.label, usual, help=f"{knob.help} Comma-separated.", key=key)
        if not text.strip() and knob.optional:
            return None
        return _parse_numbers(knob, text, kind)

    return draw


def _parse_numbers(knob: Knob, text: str, kind: type) -> list[JsonValue]:
    try:
        values: list[JsonValue] = [kind(part) for part in text.replace(";", ",").split(",")]
    except ValueError:
        raise SpecError(
            f"'{knob.label}': cannot read '{text}'; enter numbers such as 0.1, 0.5"
        ) from None
    return values


def _columns(knob: Knob, key: str, columns: Sequence[str]) -> JsonValue:
    usual = [c for c in knob.default or () if c in columns]
    chosen: list[str] = st.multiselect(
        knob.label, list(columns), usual, help=knob.help, key=key, placeholder="none"
    )
    return list(chosen) if chosen else _as_json(knob.default)


def _as_json(value: Any) -> JsonValue:
    return list(value) if isinstance(value, tuple) else value


def obstacles(
    method: Method, *, sensitive: bool, cluster: bool, task: str, images: bool
) -> list[str]:
    """Reasons why a method cannot run on this data; empty if it can."""
    missing = []
    if "sensitive" in method.needs and not sensitive:
        missing.append("it needs a sensitive attribute: choose one on the Data page")
    if "cluster" in method.needs and not cluster:
        missing.append(
            "it needs a cluster column such as a site or school: choose one on the Data page"
        )
    if task not in method.tasks:
        missing.append(f"it does not support {escaped(task)} outcomes")
    if images and not method.images:
        missing.append("it does not support images")
    return missing
