"""Make the pictures of the documentation from the real app: python scripts/pictures.py"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from playwright.sync_api import sync_playwright  # noqa: E402 - after the path

from tests.browser.conftest import _SYSTEM, Server, settle, visit  # noqa: E402
from tests.browser.gallery import build  # noqa: E402

PICTURES = ROOT / "docs" / "pictures"
PAGES = ("data", "train", "errors", "selection")


def main() -> None:
    """Build a gallery, open each page, keep what one sees without scrolling."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        gallery = build(Path(folder) / "workspace")
        server = Server(gallery.root)
        browser = driver.chromium.launch(executable_path=_SYSTEM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 760})
        try:
            server.start_dashboard()
            for name in PAGES:
                visit(page, server.url + gallery.address(name))
                settle(page)
                page.wait_for_timeout(1500)
                page.screenshot(path=PICTURES / f"{name}.png")
                print(PICTURES / f"{name}.png")
        finally:
            browser.close()
            server.stop()


if __name__ == "__main__":
    main()
