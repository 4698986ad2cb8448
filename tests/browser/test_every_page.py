"""Every page in light and dark, wide and narrow: nothing serious for axe, a picture kept."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from fairaudit.ui.walk import WALK
from tests.browser.conftest import Server, settle, shoot, visit
from tests.browser.gallery import Gallery, build

pytestmark = pytest.mark.browser

WIDTHS = (1440, 400)
_LAYOUT = 400  # milliseconds in which a chart finds its new size


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """Something to see on every page."""
    return build(tmp_path_factory.mktemp("gallery") / "workspace")


@pytest.fixture(scope="module")
def shown(gallery: Gallery) -> Iterator[Server]:
    """A dashboard on the gallery; nothing needs a worker."""
    running = Server(gallery.root)
    try:
        running.start_dashboard()
        yield running
    finally:
        running.stop()


@pytest.fixture(params=["light", "dark"], scope="module")
def scheme(request: pytest.FixtureRequest) -> Literal["light", "dark"]:
    """What the reader's system asks for."""
    chosen: Literal["light", "dark"] = request.param
    return chosen


@pytest.fixture(scope="module")
def reader(browser: Browser, scheme: Literal["light", "dark"]) -> Iterator[Page]:
    """A tab that prefers that scheme."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1440, "height": 1000})
    yield context.new_page()
    context.close()


def serious(page: Page) -> list[str]:
    """What axe calls serious or critical, one line each."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {v['help']}: {[n['html'][:200] for n in v['nodes'][:3]]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("place", WALK, ids=lambda place: place.name)
def test_axe_finds_nothing_serious(
    reader: Page, shown: Server, gallery: Gallery, scheme: str, place: Any
) -> None:
    found: dict[int, list[str]] = {}
    for width in WIDTHS:
        reader.set_viewport_size({"width": width, "height": 1000})
        if width == WIDTHS[0]:
            visit(reader, shown.url + gallery.address(place.name))
        settle(reader)
        reader.wait_for_timeout(_LAYOUT)
        shoot(reader, f"{place.name}-{scheme}-{width}")
        found[width] = serious(reader)
    assert found == {width: [] for width in WIDTHS}
    assert reader.get_by_test_id("stException").count() == 0
