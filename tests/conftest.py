"""What all tests share: one thread for each numeric library, sizes, and where real data lie."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "2")

import pytest

from tests.sizes import NIGHTLY

AUDITS = "FAIRAUDIT_TEST_AUDITS"  # where tests/audits.py keeps what all workers share

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets beside the checkout; tests skip where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared/data with public data sets is not on this machine")
    return SHARED


@pytest.fixture(scope="session", autouse=True)
def components_are_looked_for_once() -> Iterator[None]:
    """Each `AppTest` would read the metadata of every installed package: half of a page's time."""
    if "streamlit" not in sys.modules:
        yield
        return
    from streamlit.components.v2 import manifest_scanner

    found = cache(manifest_scanner.scan_component_manifests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(manifest_scanner, "scan_component_manifests", found)
        yield


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--nightly", action="store_true", help="simulations at full size, and tests only run so"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Modules ask for sizes while they are imported, and workers inherit the environment."""
    if config.getoption("--nightly"):
        os.environ[NIGHTLY] = "1"
    if AUDITS not in os.environ:
        os.environ[AUDITS] = tempfile.mkdtemp(prefix="fairaudit-audits-")
        config.add_cleanup(lambda: shutil.rmtree(os.environ.pop(AUDITS), ignore_errors=True))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave nightly tests to the night; files with long tests come first, so that no worker is
    left alone with one at the end, and before them those that wait for a browser or a cluster,
    while lint has work for the cores.
    """
    if not config.getoption("--nightly"):
        late = [item for item in items if item.get_closest_marker("nightly")]
        config.hook.pytest_deselected(items=late)
        items[:] = [item for item in items if item not in set(late)]
    long, waiting = (_files_marked(items, *names) for names in (("slow",), ("browser", "ray")))
    items.sort(key=lambda item: (item.path not in waiting, item.path not in long))


def _files_marked(items: list[pytest.Item], *names: str) -> set[Path]:
    """The files with a test that has one of these markers."""
    return {item.path for item in items if any(map(item.get_closest_marker, names))}
