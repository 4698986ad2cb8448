"""The documents are true: links lead somewhere, examples run, commands exist."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("sample_data/*.md")]
)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
HEADING_LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]*)#([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


@pytest.mark.parametrize("document", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_to_a_file_leads_to_one(document):
    targets = [t for t in LINK.findall(document.read_text("utf-8")) if "://" not in t]
    assert [t for t in targets if not (document.parent / t).exists()] == []


def anchors(document):
    """The anchors of a document's headings, made as GitHub makes them."""
    headings = HEADING.findall(document.read_text("utf-8"))
    return [re.sub(r"[^\w\- ]", "", h.lower()).strip().replace(" ", "-") for h in headings]


@pytest.mark.parametrize("document", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_to_a_heading_leads_to_one(document):
    links = [k for k in HEADING_LINK.findall(document.read_text("utf-8")) if "://" not in k[0]]
    pages = [((document.parent / path) if path else document, anchor) for path, anchor in links]
    assert [(page.name, anchor) for page, anchor in pages if anchor not in anchors(page)] == []


PATH = re.compile(r"`((?:[\w.-]+/)*[\w-]+\.(?:py|md|toml|json|txt)|(?:[\w-]+/)+)`")
DOTTED = re.compile(r"\bfairaudit(?:\.[A-Za-z_]\w*)+")
OF_A_USER = re.compile(  # files and folders of a workspace, a job or a report
    r"^(?:spec|manifest|summary|report|outcome|settings|schema|audit|parts|certificates)\.json$"
    r"|^(?:log\.txt|model_card\.md)$"
    r"|^(?:jobs|datasets|incoming|result|model|csv|images|\.streamlit|report|workspace)/"
    r"|^demo-output/"
)


def sources():
    return [page for page in PAGES if page.name != "CHANGELOG.md"]


@pytest.mark.parametrize("document", sources(), ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_module_a_document_names_exists(document):
    text = document.read_text("utf-8")
    places = (ROOT, ROOT / "fairaudit", ROOT / "docs", document.parent)
    named = [name for name in PATH.findall(text) if not OF_A_USER.match(name)]
    assert [n for n in named if not any((place / n).exists() for place in places)] == []
    assert [name for name in DOTTED.findall(text) if not resolves(name)] == []


def resolves(dotted):
    """Whether a dotted name is a module, or a name inside one."""
    parts = dotted.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found = importlib.import_module(".".join(parts[:end]))
        except ModuleNotFoundError:
            continue
        for name in parts[end:]:
            if not hasattr(found, name):
                return False
            found = getattr(found, name)
        return True
    return False


def test_each_term_of_the_glossary_is_explained_once_in_two_lines():
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    terms = re.findall(r"^### (.+)\n((?:(?!#).+\n?)*)", text, re.MULTILINE)
    assert len(terms) > 60
    assert len({term.lower() for term, _ in terms}) == len(terms)
    for term, lines in terms:
        what, how = lines.strip().split("\n")
        assert not what.startswith("**Here:**"), term
        assert how.startswith("**Here:**"), term


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
