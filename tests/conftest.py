"""What all tests share: one thread for each numeric library, and where the real data lie."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "2")

import pytest

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets beside the checkout; tests skip where it is missing."""
    if not SHARED.is_dir():
        pytest.skip("the folder ../shared/data with public data sets is not on this machine")
    return SHARED


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with long tests come first, so that no worker is left alone with one at the end."""
    long = {item.path for item in items if any(item.iter_markers(name="slow"))}
    items.sort(key=lambda item: item.path not in long)
