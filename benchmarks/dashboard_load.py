"""Fifty users click through a finished audit of a million rows: seconds per page, and memory.

    python benchmarks/dashboard_load.py [--rows 1000000] [--sessions 50] [--clicks 6]

A real server is started; every session is a websocket with Streamlit's protocol, so that only the
work of the server is measured. The time of a page is from the request to the message that the
script has finished. Users pause between clicks (`--think` seconds on average).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
import polars as pl
import psutil
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from fairaudit.audit.spec import AuditSpec
from fairaudit.cli.serve import app_folder, streamlit_command
from fairaudit.data.roles import ColumnRoles
from fairaudit.jobs.spec import JobSpec
from fairaudit.jobs.workspace import Workspace

RESULTS = Path(__file__).parent / "results" / "dashboard_load.json"
VISITS: tuple[tuple[str, dict[str, str]], ...] = (
    ("errors", {}),
    ("errors", {"by": "race"}),
    ("errors", {"metric": "False-positive rate"}),
    ("errors", {"view": "Crossing"}),
    ("errors", {"view": "Score curves"}),
    ("errors", {"view": "Threshold"}),
    ("errors", {"view": "Counts and rows"}),
    ("compare", {}),
    ("report", {}),
    ("groups", {}),
    ("jobs", {}),
    ("audit", {}),
)


def audited(root: Path, rows: int) -> str:
    """A finished audit of two scoring systems on `rows` simulated people; its id."""
    rng = np.random.default_rng(0)
    sex, race = (
        rng.choice(["f", "m"], rows),
        rng.choice(list("abcd"), rows, p=[0.5, 0.3, 0.15, 0.05]),
    )
    truth = rng.normal(0, 1, rows) + 0.3 * (sex == "m")
    columns: dict[str, object] = {"sex": sex, "race": race, "repaid": (truth > 0).astype(int)}
    for name, noise in (("a", 0.7), ("b", 1.2)):
        score = 1 / (1 + np.exp(-(truth + rng.normal(0, noise, rows))))
        columns |= {f"score_{name}": score, f"decision_{name}": (score > 0.5).astype(int)}
    workspace = Workspace(root)
    table = root / "people.parquet"
    pl.DataFrame(columns).write_parquet(table)
    info = workspace.ingest(table, name="people.parquet")
    roles = ColumnRoles(
        target="repaid",
        positive="1",
        sensitive=("sex", "race"),
        predictions=("decision_a", "decision_b"),
        scores=("score_a", "score_b"),
    )
    spec = AuditSpec(roles=roles, kind="predictions", method="existing", title="A million")
    job = workspace.run_now(JobSpec(dataset=info.sha256, audit=spec, device="cpu"))
    told = workspace.job(job)
    if told.state != "succeeded":
        raise RuntimeError(told.reason)
    print(f"audit of {rows:,} rows: {told.seconds:.1f} s")
    return job


def serve(root: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A dashboard on a free port."""
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    server = subprocess.Popen(
        streamlit_command(port, "127.0.0.1", browser=False),
        cwd=app_folder(),
        env={**os.environ, "FAIRAUDIT_WORKSPACE": str(root)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=1):
                return server, port
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("the dashboard did not start")


async def visit(tab: ClientConnection, page: str, query: dict[str, str]) -> float:
    """Ask for a page and wait until its script has finished; seconds."""
    ask = BackMsg()
    ask.rerun_script.page_name = page
    ask.rerun_script.query_string = urlencode(query)
    titles: list[str] = []
    began = time.perf_counter()
    await tab.send(ask.SerializeToString())
    while True:
        told = ForwardMsg()
        told.ParseFromString(await tab.recv())
        if told.WhichOneof("type") == "delta":
            element = told.delta.new_element
            if element.WhichOneof("type") == "exception":
                raise RuntimeError(f"{page} {query}: {element.exception.message}")
            if element.WhichOneof("type") == "heading" and element.heading.tag == "h1":
                titles.append(element.heading.body)
        if told.WhichOneof("type") == "script_finished":
            if told.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                continue
            if [title.lower() for title in titles] != [page]:
                raise RuntimeError(f"asked for {page} and saw {titles}")
            return time.perf_counter() - began


async def person(
    number: int, port: int, job: str, clicks: int, think: float
) -> list[tuple[str, float]]:
    """One person who clicks at random."""
    dice = random.Random(number)
    await asyncio.sleep(dice.random() * think)
    took = []
    address = f"ws://127.0.0.1:{port}/_stcore/stream"
    async with connect(address, subprotocols=["streamlit"], max_size=None) as tab:
        for _ in range(clicks):
            page, choice = dice.choice(VISITS)
            seconds = await visit(tab, page, {"audit": job, **choice})
            took.append((f"{page} {' '.join(choice.values())}".strip(), seconds))
            await asyncio.sleep(dice.expovariate(1 / think))
    return took


async def crowd(
    sessions: int, port: int, job: str, clicks: int, think: float
) -> list[tuple[str, float]]:
    """All of them at once."""
    one_by_one = [person(n, port, job, clicks, think) for n in range(sessions)]
    return [click for part in await asyncio.gather(*one_by_one) for click in part]


def memory(server: subprocess.Popen[bytes]) -> float:
    """Megabytes the dashboard holds."""
    return float(psutil.Process(server.pid).memory_info().rss / 2**20)


def table(clicks: list[tuple[str, float]]) -> list[dict[str, float | str]]:
    """By page and over all: clicks, median, 95th percentile, slowest."""
    rows: list[dict[str, float | str]] = []
    for name in ["all", *sorted({page for page, _ in clicks})]:
        seconds = sorted(s for page, s in clicks if name in ("all", page))
        rows.append(
            {
                "page": name,
                "clicks": len(seconds),
                "median_s": round(statistics.median(seconds), 3),
                "p95_s": round(seconds[int(0.95 * (len(seconds) - 1))], 3),
                "slowest_s": round(seconds[-1], 3),
            }
        )
    return rows


def main() -> None:
    """Measure, print a table, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--clicks", type=int, default=6)
    parser.add_argument("--think", type=float, default=10.0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "workspace"
        root.mkdir()
        job = audited(root, asked.rows)
        server, port = serve(root)
        try:
            found = measure(server, port, job, asked)
        finally:
            server.terminate()
            server.wait(20)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**vars(asked), **found}, indent=1) + "\n", "utf-8")


def measure(
    server: subprocess.Popen[bytes], port: int, job: str, asked: argparse.Namespace
) -> dict[str, object]:
    """Idle, first page, crowd, and what is given back a while after everybody left."""
    idle = memory(server)
    first = asyncio.run(crowd(1, port, job, 1, 0.01))[0][1]
    warm = memory(server)
    asyncio.run(crowd(1, port, job, 3 * len(VISITS), 0.01))  # every page once, as a day begins
    began, busy = time.perf_counter(), os.times()
    clicks = asyncio.run(crowd(asked.sessions, port, job, asked.clicks, asked.think))
    wall = time.perf_counter() - began
    peak = memory(server)
    time.sleep(5)
    rows = table(clicks)
    print(f"{'page':34} {'clicks':>6} {'median':>8} {'p95':>8} {'slowest':>8}")
    for row in rows:
        print(f"{row['page']!s:34} {row['clicks']:6} {row['median_s']:8} {row['p95_s']:8} "
              f"{row['slowest_s']:8}")  # fmt: skip
    load = [round(x, 1) for x in os.getloadavg()]
    print(f"memory MB: idle {idle:.0f}, first page {warm:.0f}, after the crowd {peak:.0f}")
    print(f"crowd {wall:.0f} s; load average {load} on {os.cpu_count()} cores; {sys.version[:6]}")
    return {
        "first_page_s": round(first, 3),
        "memory_mb": {
            "idle": idle,
            "first_page": warm,
            "after_crowd": peak,
            "later": memory(server),
        },
        "wall_s": round(wall, 1),
        "load_average": load,
        "cores": os.cpu_count(),
        "client_cpu_s": round(os.times().user - busy.user, 1),
        "pages": rows,
    }


if __name__ == "__main__":
    main()
