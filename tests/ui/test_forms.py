"""Forms from knobs: each kind of knob gives its kind of value, only changes are sent."""

from __future__ import annotations

from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from fairaudit.audit.catalog import METHODS
from fairaudit.audit.knobs import Knob, Method
from fairaudit.ui.forms import obstacles

KNOBS = (
    Knob("whole", "Whole", "int", "h", 1, 12, 1, default=4),
    Knob("maybe", "Maybe", "int", "h", 1, 12, 1, optional=True, default=None),
    Knob("share", "Share", "float", "h", 0.0, 1.0, 0.1, default=0.5),
    Knob("way", "Way", "choice", "h", choices=("a", "b"), default="a"),
    Knob(
        "way_or_none",
        "Way or none",
        "choice",
        "h",
        choices=("a", "b"),
        optional=True,
        default=None,
    ),
    Knob("on", "On", "bool", "h", default=True),
    Knob("sizes", "Sizes", "ints", "h", default=(4, 4)),
    Knob("weights", "Weights", "floats", "h", default=(0.1, 0.2)),
    Knob("cols", "Columns", "columns", "h", default=()),
    Knob("plain", "Plain", "int", "h", 0, 9, 1, expert=False, default=1),
)


def form() -> AppTest:
    """A page with one form of every kind of knob; its values land in the session."""

    def script() -> None:
        import streamlit as st

        from fairaudit.audit.knobs import Method
        from fairaudit.ui import forms, layout
        from tests.ui.test_forms import KNOBS

        method = Method("m", "M", "s", "", ("binary",), (), False, KNOBS)
        with layout.error_messages():
            st.session_state["values"] = forms.method_form(
                method, key="k", expert=True, columns=["sex", "race"]
            )

    return AppTest.from_function(script, default_timeout=30).run()


def test_untouched_knobs_send_nothing() -> None:
    app = form()
    assert not app.exception
    assert app.session_state["values"] == {}


CHANGES: list[tuple[str, str, Any, Any]] = [
    ("number_input", "whole", 7, 7),
    ("number_input", "maybe", 3, 3),
    ("number_input", "share", 0.25, 0.25),
    ("selectbox", "way", "b", "b"),
    ("selectbox", "way_or_none", "b", "b"),
    ("toggle", "on", False, False),
    ("text_input", "sizes", "8, 4;2", [8, 4, 2]),
    ("text_input", "weights", "1, 0.5", [1.0, 0.5]),
    ("multiselect", "cols", ["race"], ["race"]),
]


@pytest.mark.parametrize(("widget", "name", "value", "sent"), CHANGES, ids=lambda v: str(v))
def test_a_changed_knob_is_sent_as_its_kind(widget: str, name: str, value: Any, sent: Any) -> None:
    app = form()
    getattr(app, widget)(key=f"k-{name}").set_value(value).run()
    assert not app.exception
    assert app.session_state["values"] == {name: sent}


@pytest.mark.parametrize(
    ("name", "text"), [("sizes", "many"), ("weights", "0.1, x"), ("sizes", "")]
)
def test_lists_that_cannot_be_read_are_explained(name: str, text: str) -> None:
    app = form()
    app.text_input(key=f"k-{name}").set_value(text).run()
    assert not app.exception
    assert len(app.error) == 1


@pytest.mark.parametrize("method", METHODS.values(), ids=lambda m: m.name)
def test_every_method_says_what_it_lacks(method: Method) -> None:
    bare = obstacles(method, sensitive=False, cluster=False, task="binary", images=False)
    full = obstacles(method, sensitive=True, cluster=True, task="binary", images=False)
    assert len(bare) == len(method.needs)
    assert full == []


def test_images_and_tasks_are_checked() -> None:
    linear = METHODS["linear"]
    assert obstacles(linear, sensitive=True, cluster=True, task="binary", images=True)
    odd = Method("m", "M", "s", "", ("regression",), (), False, ())
    assert obstacles(odd, sensitive=True, cluster=True, task="binary", images=False)
