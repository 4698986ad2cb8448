"""Text from data never acts as markup; errors become messages."""

from __future__ import annotations

import re

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fairaudit.audit.no_harm.system_tables import CHOICE, FORGONE, OVERLAPPING
from fairaudit.exceptions import InputError
from fairaudit.methods.tables import SELECTION
from fairaudit.ui import columns, layout

MARKUP = re.compile(r"(?<!\\)[`*_\[\]<>#!|~$:]")


@given(st.text(max_size=60))
def test_no_markdown_sign_stays_bare(text: str) -> None:
    assert not MARKUP.search(layout.escaped(text).replace("\\\\", ""))


@given(st.text(max_size=60))
def test_html_is_escaped_in_sentences(text: str) -> None:
    shown = re.sub(r"</?(strong|code)>", "", layout._strong(text))
    assert "<" not in shown
    assert ">" not in shown


def test_a_sentence_may_stress_its_numbers() -> None:
    assert layout._strong("**3** of <b>") == "<strong>3</strong> of &lt;b&gt;"


def test_no_name_turns_the_direction_of_a_sentence() -> None:
    assert layout._strong("of \u202eabc, 3%") == "of abc, 3%"


def test_columns_are_called_in_plain_words_and_shares_shown_in_percent() -> None:
    table = pl.DataFrame({"group": ["a"], "n": [3], "value": [0.5], "mine": [1]})
    as_rate, as_number = (columns.column_config(table, metric=m) for m in ("tpr", "mse"))
    assert as_rate["n"]["label"] == "Number of rows"
    assert as_rate["value"]["type_config"]["format"] == "percent"
    assert "type_config" not in as_number["value"]
    assert "mine" not in as_rate


OWN_SCALE = {"p", "level"}  # probabilities of a test


@pytest.mark.parametrize("schema", [CHOICE, FORGONE, OVERLAPPING, SELECTION])
@pytest.mark.parametrize(("metric", "format"), [("accuracy", "percent"), ("neg_mse", None)])
def test_every_number_of_a_choice_has_the_format_of_its_metric(
    schema: pl.Schema, metric: str, format: str | None
) -> None:
    shown = columns.column_config(pl.DataFrame(schema=schema), metric=metric)
    for name, dtype in schema.items():
        if dtype.is_float() and name not in OWN_SCALE and name in shown:
            assert shown[name].get("type_config", {}).get("format") == format, name


def test_an_empty_chart_is_its_sentence() -> None:
    from streamlit.testing.v1 import AppTest

    def script() -> None:
        from fairaudit.plots import theme
        from fairaudit.ui import layout

        layout.described_chart(theme.empty("No scores."), key="none")

    app = AppTest.from_function(script).run()
    assert not app.exception
    assert [len(app.get(kind)) for kind in ("html", "plotly_chart")] == [1, 0]


def test_an_unexpected_error_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError), layout.error_messages():
        raise ZeroDivisionError


def test_an_error_for_people_is_shown_instead_of_raised() -> None:
    from streamlit.testing.v1 import AppTest

    def script() -> None:
        from fairaudit.exceptions import InputError
        from fairaudit.ui import layout

        with layout.error_messages():
            raise InputError("column *a* is empty; fill it")

    app = AppTest.from_function(script).run()
    assert [e.value for e in app.error] == ["column \\*a\\* is empty; fill it"]
    assert issubclass(InputError, ValueError)
