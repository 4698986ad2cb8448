"""A real server with a real worker on a loopback port, and a real Chromium before it."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
from playwright.sync_api import (  # noqa: E402 - after the skip
    Locator,
    Page,
    expect,
)

from fairaudit.cli.serve import app_folder, streamlit_command  # noqa: E402
from tests.sizes import size  # noqa: E402

ARTIFACTS = Path(__file__).resolve().parents[2] / "artifacts"
PATIENCE = 60_000  # milliseconds a step may take before the test fails
_SYSTEM = shutil.which("chromium") or shutil.which("chromium-browser")

expect.set_options(timeout=PATIENCE)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium where there is one, else the one Playwright has downloaded."""
    found = {"executable_path": _SYSTEM} if _SYSTEM else {}
    return {**browser_type_launch_args, **found, "args": ["--no-sandbox", "--disable-gpu"]}


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """A usual screen."""
    return {
        **browser_context_args,
        "viewport": {"width": 1440, "height": 1000},
        "reduced_motion": "reduce",
    }


@dataclass
class Server:
    """The dashboard and its supervisor on one workspace, as `fairaudit up` starts them."""

    workspace: Path
    port: int = field(default_factory=lambda: _free_port())
    dashboard: subprocess.Popen[bytes] | None = None
    supervisor: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start both and wait until the dashboard answers."""
        self.start_dashboard()
        command = [sys.executable, "-m", "fairaudit.jobs.supervisor", str(self.workspace)]
        self.supervisor = self._spawn([*command, "--slots", "2"], "supervisor")

    def start_dashboard(self) -> None:
        """Start (or start again) the dashboard alone."""
        command = streamlit_command(self.port, "127.0.0.1", browser=False)
        self.dashboard = self._spawn(command, "dashboard")
        _wait_until_healthy(f"{self.url}/_stcore/health")

    def stop_dashboard(self) -> None:
        """End the dashboard at once, as a crash would."""
        _end(self.dashboard, firmly=True)

    def stop(self) -> None:
        """End both."""
        _end(self.dashboard)
        _end(self.supervisor)

    def _spawn(self, command: list[str], name: str) -> subprocess.Popen[bytes]:
        environment = {
            **os.environ,
            "FAIRAUDIT_WORKSPACE": str(self.workspace),
            "PYTHONPATH": str(app_folder()),
        }
        log = (self.workspace.parent / f"{name}.log").open("ab")
        with log:
            return subprocess.Popen(
                command, cwd=app_folder(), env=environment, stdout=log, stderr=log
            )


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all journeys; each journey works on what it made itself."""
    running = Server(tmp_path_factory.mktemp("server") / "workspace")
    running.workspace.mkdir()
    try:
        running.start()
        yield running
    finally:
        running.stop()


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Server]:
    """A server of one's own, for journeys that kill it."""
    running = Server(tmp_path / "workspace")
    running.workspace.mkdir()
    try:
        running.start()
        yield running
    finally:
        running.stop()


_AT_REST = """token => {
  const app = document.querySelector("[data-testid='stApp']");
  const busy = !app || app.dataset.testScriptState !== "notRunning"
    || document.querySelector(
      "[data-testid='stStatusWidget'], [data-stale='true'], [data-testid='stSkeleton']"
    );
  const now = performance.now();
  if (busy || window.__rest?.token !== token) window.__rest = {token, since: now};
  return !busy && now - window.__rest.since > 400;
}"""


def settle(page: Page) -> None:
    """Wait until the app has drawn everything, nothing is leaving, and it stays so a while.

    One look is not enough: a click needs a moment to reach the server, and until the server
    has answered the page still says that nothing runs. An element whose script has not arrived
    yet is a grey bar, and a check of grey bars finds nothing.
    """
    page.wait_for_function(  # asking at every frame would keep a whole core drawing
        _AT_REST, arg=time.monotonic_ns(), timeout=PATIENCE, polling=100
    )


def visit(page: Page, url: str) -> None:
    """Open an address of the app and wait for it."""
    page.goto(url)
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    settle(page)


def press(target: Locator, seen: Callable[[], None]) -> None:
    """Click until it has had its effect.

    A rerun of the page may put a new element in the place of the one under the pointer, and the
    click is lost; a person would click again. `seen` raises while there is no effect.
    """
    for left in (3, 2, 1, 0):
        try:
            if left == 3 or target.is_visible():
                target.click()
            seen()
        except (AssertionError, playwright.TimeoutError):
            if not left:
                raise
        else:
            return


def turn_to(target: Locator, title: str, patience: float = PATIENCE) -> None:
    """Click on what leads to a page once it is there, and wait until the page has come."""
    heading = target.page.get_by_role("heading", level=1)
    expect(target).to_be_visible(timeout=patience)
    press(target, lambda: expect(heading).to_have_text(title, timeout=20_000))


def select(page: Page, label: str, option: str) -> None:
    """Choose an option of a list that opens."""
    box = page.get_by_role("combobox", name=re.compile(label))
    wanted = page.get_by_role("option", name=re.compile(option)).first
    press(box, lambda: wanted.click(timeout=10_000))


def lead(page: Page) -> str:
    """The sentence at the head of the page."""
    return page.locator("p.lead").first.inner_text()


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the whole page among the artefacts; at night, for drawing it is dear."""
    if not size(0, 1):
        return
    ARTIFACTS.mkdir(exist_ok=True)
    page.screenshot(path=ARTIFACTS / f"{name}.png", full_page=True)


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(url: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    raise TimeoutError(f"{url} did not answer within {seconds:.0f} s")


def _end(process: subprocess.Popen[bytes] | None, *, firmly: bool = False) -> None:
    if process is None or process.poll() is not None:
        return
    process.kill() if firmly else process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)
