"""The glossary is at hand on every page, and explains a term where it appears."""

from __future__ import annotations

import polars as pl
import pytest
from streamlit.testing.v1 import AppTest

from fairaudit.ui import columns, glossary


def test_a_term_is_explained_in_two_lines() -> None:
    text = glossary.explanation("denominator")
    assert text is not None
    assert text.startswith("The rows that a rate is a share of")
    assert "**Here:**" in text
    assert "Not:" not in text
    assert len(text.split("  \n")) == 2


def test_every_term_has_its_lines() -> None:
    assert len(glossary.terms()) > 50
    for term, lines in glossary.terms().items():
        assert lines.count("**Here:**") == 1, term
        assert "](" not in lines, term


def test_an_unknown_term_has_no_explanation() -> None:
    assert glossary.explanation("nonsense") is None


@pytest.mark.parametrize("column", ["denominator", "shrunken", "entropy", "gap", "threshold"])
def test_a_column_heading_carries_the_explanation_of_its_term(column: str) -> None:
    shown = columns.column_config(pl.DataFrame({column: [0.5]}))[column]
    assert shown["help"] == glossary.explanation(shown["label"])


def test_the_button_opens_the_glossary() -> None:
    def script() -> None:
        from fairaudit.ui import glossary

        glossary.button()

    app = AppTest.from_function(script).run()
    assert not app.markdown
    app.button(key="glossary").click().run()
    assert not app.exception
    assert len(app.markdown) == len(glossary.terms())


def test_a_term_can_be_picked() -> None:
    def script() -> None:
        from fairaudit.ui import glossary

        glossary.content()

    app = AppTest.from_function(script).run()
    assert len(app.markdown) == len(glossary.terms())
    app.selectbox(key="glossary-term").set_value("Entropy").run()
    assert [m.value.partition("  \n")[0] for m in app.markdown] == ["**Entropy**"]
