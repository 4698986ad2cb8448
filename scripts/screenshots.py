"""Pictures for the README, taken from the real dashboard on audits of the bundled samples.

`python scripts/screenshots.py [FOLDER]` runs the audits in a temporary workspace, starts the
dashboard on it, and writes PNG files into FOLDER (docs/pictures).
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from fairaudit.audit.spec import AuditSpec
from fairaudit.data.samples import SAMPLES
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
AUDITS: dict[str, tuple[str, tuple[str, ...], dict[str, Any]]] = {
    "systems": ("lending", ("sex", "ethnicity"), {"kind": "predictions"}),
    "rome": ("lending", ("sex", "ethnicity", "age"), {"method": "rome-em",
             "params": {"n_groups": 3}}),
    "sde": ("lending", ("sex", "ethnicity", "age"), {"kind": "stress", "method": "fair-sde",
            "params": {"attributes": ["ethnicity"]}}),
    "medl": ("hospital", ("sex", "insurance"), {"method": "fair-medl",
             "params": {"max_epochs": 60}}),
    "sweep": ("rome_simulation", ("S1", "S2", "S3", "S4", "S5"), {"kind": "sweep",
              "method": "rome-em", "params": {"n_groups": [1, 2, 3, 4, 5], "n_bootstrap": 5}}),
}  # fmt: skip
PICTURES: dict[str, tuple[str, str, dict[str, str]]] = {
    "errors": ("errors", "systems", {"by": "ethnicity", "together": "true"}),
    "threshold": ("errors", "systems", {"by": "ethnicity", "view": "Threshold"}),
    "groups": ("groups", "rome", {"view": "Profile"}),
    "selection": ("selection", "sde", {}),
    "whatif": ("whatif", "sweep", {"view": "Lineage"}),
    "effects": ("effects", "medl", {}),
    "stress": ("stress", "sde", {}),
    "compare": ("compare", "systems", {}),
    "report": ("report", "rome", {}),
}
WIDTH = 1280


def main(folder: Path) -> None:
    """Run the audits, start the dashboard, take the pictures."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        workspace = Workspace(name)
        jobs = {kind: audit(workspace, kind) for kind in AUDITS}
        with dashboard(Path(name)) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(**chromium())
            for mode in ("light", "dark"):
                for picture, (page, kind, query) in PICTURES.items():
                    link = f"{address}/{page}?{urlencode({'audit': jobs[kind], **query})}"
                    shot = browser.new_page(
                        viewport={"width": WIDTH, "height": 900}, color_scheme=mode
                    )
                    take(shot, link, folder / f"{picture}-{mode}.png")
                    shot.close()
            browser.close()


def audit(workspace: Workspace, kind: str) -> str:
    """Run one audit here and return its id."""
    sample, sensitive, asked = AUDITS[kind]
    info = workspace.ingest(SAMPLES[sample].path, name=SAMPLES[sample].path.name)
    roles = SAMPLES[sample].roles.model_copy(update={"sensitive": sensitive})
    spec = AuditSpec(roles=roles, title=f"{SAMPLES[sample].title.split(':')[0]}", **asked)
    job = workspace.run_now(JobSpec(dataset=info.sha256, audit=spec, device="cpu"))
    told = workspace.job(job)
    if told.state != "succeeded":
        raise SystemExit(f"the audit '{kind}' {told.state}: {told.reason}")
    print(f"{kind}: {told.seconds:.0f} s")
    return job


@contextmanager
def dashboard(workspace: Path) -> Iterator[str]:
    """The dashboard on a free port, until the pictures are taken."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py")]
    server = subprocess.Popen(
        [*command, "--server.port", str(port), "--server.headless", "true"],
        cwd=ROOT,
        env={**os.environ, "FAIRAUDIT_WORKSPACE": str(workspace)},
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/_stcore/health")
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(20)


def wait_for(url: str, seconds: float = 60) -> None:
    """Poll until the server answers."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=2)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.3)
        else:
            return


def chromium() -> dict[str, Any]:
    """The system's Chromium where there is one."""
    path = shutil.which("chromium") or shutil.which("chromium-browser")
    return {"args": ["--no-sandbox"], **({"executable_path": path} if path else {})}


def take(page: Page, link: str, path: Path) -> None:
    """Open a page, wait until everything is drawn, take it whole."""
    page.goto(link)
    page.get_by_role("heading", level=1).wait_for(timeout=60_000)
    settled = "document.querySelectorAll('[data-testid=stSkeleton], [data-stale=true]').length"
    page.wait_for_function(f"{settled} === 0", timeout=60_000)
    page.wait_for_timeout(1_500)  # the charts' own scripts arrive after the page
    height = page.evaluate("document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": WIDTH, "height": min(int(height), 1600)})
    page.wait_for_timeout(1_500)
    page.screenshot(path=path)
    print(path)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "pictures")
