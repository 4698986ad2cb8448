"""Where page files live, and that none of them can be opened outside the frame."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from fairaudit.ui.navigation import WALK

ROOT = Path(__file__).resolve().parents[2]


def test_every_step_of_the_walk_has_its_file() -> None:
    assert [s.name for s in WALK if not (ROOT / s.file).is_file()] == []


def test_every_page_is_a_step_of_the_walk() -> None:
    assert {p.stem for p in (ROOT / "pages").glob("*.py")} == {s.name for s in WALK}


@pytest.mark.parametrize("place", WALK, ids=lambda place: place.name)
def test_a_page_run_alone_goes_through_the_frame_before_anything_else(place) -> None:
    """Streamlit runs `pages/x.py` without app.py on the first deep link to a cold server."""
    module = ast.parse((ROOT / place.file).read_text("utf-8"))
    imports = (ast.Import, ast.ImportFrom)
    rest = [node for node in module.body[1:] if not isinstance(node, imports)]
    assert ast.unparse(rest[0]) == "page_setup.enter()"
