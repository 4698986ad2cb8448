"""The documents are true: links lead somewhere, examples run, commands exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("sample_data/*.md")]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("document", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_to_one(document):
    targets = [t for t in LINK.findall(document.read_text("utf-8")) if "://" not in t]
    assert [t for t in targets if not (document.parent / t).exists()] == []


def test_the_readme_example_runs_as_it_stands(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    examples = PYTHON.findall((ROOT / "README.md").read_text("utf-8"))
    assert examples
    for code in examples:
        exec(compile(code, "README.md", "exec"), {})
    assert "system" in capsys.readouterr().out


def test_every_make_target_the_readme_names_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = re.findall(r"make ([a-z-]+)", (ROOT / "README.md").read_text("utf-8"))
    assert set(named) - {"demo-like", "and"} <= targets


def test_constraints_pin_every_direct_dependency():
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wanted = project["project"]["dependencies"]
    wanted += [
        r for group in project["dependency-groups"].values() for r in group if isinstance(r, str)
    ]
    wanted += [r for extra in project["project"]["optional-dependencies"].values() for r in extra]
    names = {re.split(r"[\[><=~! ]", r)[0].lower().replace("_", "-") for r in wanted}
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pinned = {line.split("==")[0].lower().replace("_", "-") for line in lines if "==" in line}
    assert names - pinned == set()
