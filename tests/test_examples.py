"""Examples in docstrings run as they stand."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "fairaudit"


def _with_examples() -> list[str]:
    paths = [p for p in PACKAGE.rglob("*.py") if ">>> " in p.read_text("utf-8")]
    parts = [p.relative_to(PACKAGE.parent).with_suffix("").parts for p in sorted(paths)]
    return [".".join(p).removesuffix(".__init__") for p in parts]


@pytest.mark.parametrize("name", _with_examples())
def test_the_examples_of_a_module_run(name):
    found = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert found.attempted > 0
    assert found.failed == 0
