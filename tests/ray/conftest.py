"""A real Ray cluster of two nodes on this machine, started once for all tests of the extra."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

TOKEN = secrets.token_hex(16)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _start(words: list[str], log: Path) -> subprocess.Popen[bytes]:
    ray = Path(sys.executable).with_name("ray")
    with log.open("ab") as out:
        return subprocess.Popen(
            [str(ray), "start", "--block", "--num-cpus", "1", "--num-gpus", "0", *words],
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _answers(address: str, token: str | None) -> int:
    request = urllib.request.Request(f"{address}/api/version")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
    except (urllib.error.URLError, OSError):
        return 0


def _wait(what: str, ready, log: Path, patience: float = 60.0) -> None:
    deadline = time.monotonic() + patience
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come: {log.read_text()[-2000:]}")
        time.sleep(0.2)


def _nodes(address: str) -> int:
    from ray.util.state import list_nodes

    return sum(node.state == "ALIVE" for node in list_nodes(address=address))


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """The dashboard address of a cluster of two nodes with one CPU each and token auth."""
    if importlib.util.find_spec("ray") is None:  # ray reads its token settings at import
        pytest.skip("the extra 'ray' is not installed")
    home = Path(tempfile.mkdtemp(prefix="ray-", dir="/tmp"))  # sockets need short paths
    environment = {
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": TOKEN,
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    os.environ.update(environment)
    gcs, dashboard = _free_port(), _free_port()
    address = f"http://127.0.0.1:{dashboard}"
    log = home / "nodes.log"
    small = ["--object-store-memory", "80000000"]
    head = ["--head", "--port", str(gcs), "--dashboard-port", str(dashboard)]
    nodes = [_start([*head, *small, "--temp-dir", str(home)], log)]
    try:
        _wait("the head", lambda: _answers(address, TOKEN) == 200, log)
        nodes.append(_start(["--address", f"127.0.0.1:{gcs}", *small], log))
        _wait("the second node", lambda: _nodes(address) == 2, log)
        yield address
    finally:
        _end(nodes, home)
        for name in environment:
            os.environ.pop(name, None)


def _end(nodes: list[subprocess.Popen[bytes]], home: Path) -> None:
    for node in reversed(nodes):
        node.send_signal(signal.SIGTERM)
    for node in nodes:
        try:
            node.wait(20)
        except subprocess.TimeoutExpired:
            node.kill()
            node.wait()
    import psutil

    for process in psutil.process_iter(["cmdline"]):
        if str(home) in " ".join(process.info["cmdline"] or []):
            process.kill()
    shutil.rmtree(home, ignore_errors=True)
