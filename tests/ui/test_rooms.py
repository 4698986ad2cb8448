"""Where page files live, and that none of them can be opened outside the frame."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from fairaudit.ui.navigation import PAGES

ROOT = Path(__file__).resolve().parents[2]


def test_every_page_has_its_file() -> None:
    assert [s.name for s in PAGES if not (ROOT / s.file).is_file()] == []


def test_every_page_file_is_in_the_navigation() -> None:
    assert {p.stem for p in (ROOT / "pages").glob("*.py")} == {s.name for s in PAGES}


@pytest.mark.parametrize("place", PAGES, ids=lambda place: place.name)
def test_a_page_run_on_its_own_starts_with_page_setup(place) -> None:
    """Streamlit runs `pages/x.py` without app.py on the first deep link to a cold server."""
    module = ast.parse((ROOT / place.file).read_text("utf-8"))
    imports = (ast.Import, ast.ImportFrom)
    rest = [node for node in module.body[1:] if not isinstance(node, imports)]
    assert ast.unparse(rest[0]) == "page_setup.start_page()"
