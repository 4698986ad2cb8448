"""Every page in light and dark, wide and narrow: nothing serious for axe, a picture kept.

By day axe looks at the wide light pages, and narrow ones must not scroll sideways; dark, the
further views and the pictures are left to the night.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from fairaudit.ui.navigation import PAGES
from tests.browser.conftest import PATIENCE, Server, settle, shoot, visit
from tests.browser.gallery import VIEWS, Gallery, build, of_small_audits
from tests.sizes import nightly, size

pytestmark = pytest.mark.browser

WIDTHS = (1440, 400)
_FITTED = """() => [...document.querySelectorAll("[data-testid='stPlotlyChart']")].every(place => {
  const drawn = place.querySelector(".main-svg");
  const room = place.getBoundingClientRect().width;
  return drawn && Math.abs(drawn.getBoundingClientRect().width - room) < 4;
})"""
_TOO_WIDE = """() => {
  const main = document.querySelector("[data-testid='stMain']");
  return main.scrollWidth - main.clientWidth;
}"""


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    """Something to see on every page; the whole samples at night."""
    if not size(0, 1):
        return of_small_audits()
    return build(tmp_path_factory.mktemp("gallery") / "workspace", rows=10_000)


@pytest.fixture(scope="module")
def shown(gallery: Gallery) -> Iterator[Server]:
    """A dashboard on the gallery; nothing needs a worker."""
    running = Server(gallery.root)
    try:
        running.start_dashboard()
        yield running
    finally:
        running.stop()


@pytest.fixture(params=["light", *nightly("dark")], scope="module")
def scheme(request: pytest.FixtureRequest) -> Literal["light", "dark"]:
    """What the reader's system asks for."""
    chosen: Literal["light", "dark"] = request.param
    return chosen


@pytest.fixture(scope="module")
def reader(browser: Browser, scheme: Literal["light", "dark"]) -> Iterator[Page]:
    """A tab that prefers that scheme; nothing it shows may come from another machine."""
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": 1440, "height": 1000}, reduced_motion="reduce"
    )
    page, abroad = context.new_page(), list[str]()
    page.on("request", lambda asked: abroad.append(asked.url))
    yield page
    context.close()
    at_home = ("http://127.0.0.1:", "data:", "blob:")
    assert [url for url in abroad if not url.startswith(at_home)] == []


def serious(page: Page) -> list[str]:
    """What axe calls serious or critical, one line each."""
    found: list[dict[str, Any]] = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {v['help']}: {[n['html'][:200] for n in v['nodes'][:3]]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("place", PAGES, ids=lambda place: place.name)
def test_axe_finds_nothing_serious(
    reader: Page, shown: Server, gallery: Gallery, scheme: str, place: Any
) -> None:
    found = at_both_widths(
        reader, shown.url + gallery.address(place.name), f"{place.name}-{scheme}"
    )
    assert found == {width: [] for width in found}


@pytest.mark.nightly
@pytest.mark.parametrize(("name", "view"), list(VIEWS), ids=lambda text: str(text).lower())
def test_axe_finds_nothing_serious_in_a_view(
    reader: Page, shown: Server, gallery: Gallery, scheme: str, name: str, view: str
) -> None:
    picture = f"{name}-{view.lower().replace(' ', '-')}-{scheme}"
    found = at_both_widths(reader, shown.url + gallery.address(name, view), picture)
    assert found == {width: [] for width in WIDTHS}
    chosen = reader.get_by_role("main").locator("[data-selected='true']")
    if chosen.count():  # a single view needs no control
        assert chosen.first.inner_text() == view


def at_both_widths(reader: Page, address: str, picture: str) -> dict[int, list[str]]:
    """Open an address wide and narrow, keep a picture of each, and ask axe."""
    found: dict[int, list[str]] = {}
    for width in WIDTHS:
        reader.set_viewport_size({"width": width, "height": 1000})
        if width == WIDTHS[0]:
            visit(reader, address)
        settle(reader)
        reader.wait_for_function(_FITTED, timeout=PATIENCE)
        assert reader.evaluate(_TOO_WIDE) <= 0, f"the page scrolls sideways at {width} pixels"
        shoot(reader, f"{picture}-{width}")
        if width == WIDTHS[0] or size(0, 1):
            found[width] = serious(reader)
    assert reader.get_by_test_id("stException").count() == 0
    assert reader.get_by_text("This app has encountered an error").count() == 0
    return found
