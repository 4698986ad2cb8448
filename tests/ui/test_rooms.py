"""Where page files live: Streamlit gives one folder name a meaning we do not want."""

from __future__ import annotations

from pathlib import Path

from fairaudit.ui.walk import WALK

ROOT = Path(__file__).resolve().parents[2]


def test_no_folder_named_pages_beside_the_app() -> None:
    """Streamlit would run `pages/x.py` without app.py on the first request of a cold server."""
    assert not (ROOT / "pages").exists()


def test_every_step_of_the_walk_has_its_file() -> None:
    assert [s.name for s in WALK if not (ROOT / s.file).is_file()] == []


def test_every_page_is_a_step_of_the_walk() -> None:
    assert {p.stem for p in (ROOT / "screens").glob("*.py")} == {s.name for s in WALK}
