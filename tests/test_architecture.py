"""The laws of the house that import-linter has no contract for."""

from __future__ import annotations

import ast
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*(ROOT / "fairaudit").rglob("*.py"), *(ROOT / "pages").glob("*.py")])

MOST_MODULES = 30  # in one folder: more and nobody finds one
MOST_LINES = 50  # of a function's body without its docstring: one screen
SENTENCE = re.compile(r"\w[^.]*[a-z…)”*`%}][.](\s|$)")  # ends in a full stop
WORD = re.compile(r"[A-Za-z’']{2,}")
WORDS_ELSEWHERE = {  # rooms that word something themselves, and why
    "fairaudit/audit/catalog/": "help of a method's parameters, registered in one place with them",
    "fairaudit/audit/presets/": "the findings of a rule, stored with the rule's own citation",
    "fairaudit/data/mends.py": "a mend's own sentence, which requests and reports store",
    "fairaudit/data/samples.py": "what a sample is, stored with the sample",
    "fairaudit/methods/": "`warnings_` of estimators, for those who fit them without an audit",
}
LONG_FOR_A_REASON: dict[str, str] = {}  # "file:function" and why it cannot be shorter


@pytest.fixture(scope="module")
def imports() -> dict[str, set[str]]:
    """Which module imports which, imports for type checkers and in `__init__` included."""
    graph = grimp.build_graph("fairaudit", cache_dir=None)
    return {m: graph.find_modules_directly_imported_by(m) for m in graph.modules}


def trees() -> Iterator[tuple[str, ast.Module]]:
    """Each source file's path and syntax tree."""
    for path in SOURCES:
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text("utf-8"))


def circle(imports: dict[str, set[str]]) -> list[str]:
    """A circle of imports, or nothing."""
    try:
        TopologicalSorter(imports).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def trespasses(imports: dict[str, set[str]]) -> list[str]:
    """Imports of modules that begin with `_` from outside the package they lie in."""
    return [
        f"{importer} imports {module}"
        for importer, modules in imports.items()
        for module in modules
        for package, _, name in [module.rpartition(".")]
        if name.startswith("_") and not f"{importer}.".startswith(f"{package}.")
    ]


def test_no_module_imports_itself_through_others(imports: dict[str, set[str]]) -> None:
    assert circle(imports) == []


def test_private_modules_are_imported_inside_their_package_only(
    imports: dict[str, set[str]],
) -> None:
    assert any(m.rpartition(".")[2].startswith("_") for m in imports)
    assert trespasses(imports) == []


def test_circles_and_trespasses_are_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"a"}})
    assert circle({"a": {"b"}, "b": {"c"}}) == []
    assert trespasses({"p.jobs.engines.ray": {"p.jobs._db"}}) == []
    assert trespasses({"p.ui.page": {"p.jobs._db"}}) == ["p.ui.page imports p.jobs._db"]


def test_no_folder_holds_more_than_thirty_modules() -> None:
    sizes = Counter(path.parent.relative_to(ROOT).as_posix() for path in SOURCES)
    assert {folder: n for folder, n in sizes.items() if n > MOST_MODULES} == {}


def test_a_class_name_means_one_thing() -> None:
    found = defaultdict(list)
    for path, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(f"{path}:{node.lineno}")
    assert {name: places for name, places in found.items() if len(places) > 1} == {}


def test_functions_fit_on_one_screen() -> None:
    lengths = {
        f"{path}:{node.name}": _body_lines(node)
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    long = {name for name, lines in lengths.items() if lines > MOST_LINES}
    assert long == set(LONG_FOR_A_REASON)


def test_sentences_for_people_stand_in_the_room_for_words() -> None:
    outside = {
        path: sentences(tree)
        for path, tree in trees()
        if not path.startswith("fairaudit/text/") and not path.startswith(tuple(WORDS_ELSEWHERE))
    }
    assert {path: texts for path, texts in outside.items() if texts} == {}


def test_the_exceptions_from_the_room_for_words_are_needed() -> None:
    needed = {
        place
        for place in WORDS_ELSEWHERE
        for path, tree in trees()
        if path.startswith(place) and sentences(tree)
    }
    assert needed == set(WORDS_ELSEWHERE)


@pytest.mark.parametrize(
    ("source", "count"),
    [
        ('x = "Nothing can be drawn here."', 1),
        ('x = f"The gap of {a} widens on {b} rows."', 1),
        ('empty("Choose a table first. It needs an outcome")', 1),
        ('raise InputError("the table has no rows; add some. Then go on.")', 0),
        ('def f():\n    """Draw nothing where nothing is known."""', 0),
        ('x = "error rates by group"', 0),
        ('super().__init__("some images cannot be used. Repair them")', 0),
        ('app(help="Runs one audit of a table.")', 0),
    ],
)
def test_sentences_are_seen(source: str, count: int) -> None:
    assert len(sentences(ast.parse(source))) == count


def sentences(tree: ast.Module) -> list[str]:
    """String literals that are sentences: not docstrings, exceptions or help of options."""
    apart = {id(inner) for node in ast.walk(tree) for part in _not_for_screens(node)
             for inner in ast.walk(part)}  # fmt: skip
    texts = []
    for node in ast.walk(tree):
        if id(node) in apart:
            continue
        if isinstance(node, ast.JoinedStr):
            apart |= {id(part) for part in node.values}
            texts.append("".join(v.value if isinstance(v, ast.Constant) else "…"
                                 for v in node.values))  # fmt: skip
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(node.value)
    return [text for text in texts if SENTENCE.search(text) and len(WORD.findall(text)) >= 4]


def _not_for_screens(node: ast.AST) -> Iterator[ast.AST]:
    """Parts of a node that no screen shows: docstrings, exceptions, help of options."""
    if isinstance(node, ast.Raise) or _starts_an_exception(node):
        yield node
    elif isinstance(node, ast.Call):
        yield from (k.value for k in node.keywords if k.arg == "help" and _is_option(node))
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node


def _starts_an_exception(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) == "super().__init__"


def _is_option(call: ast.Call) -> bool:
    """Whether a call declares an option or a command, not a widget of a page."""
    return "st." not in ast.unparse(call.func)


def _body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
