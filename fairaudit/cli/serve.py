"""Starts the dashboard with its supervisor, or a supervisor alone."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from fairaudit.exceptions import SpecError

if TYPE_CHECKING:
    from fairaudit.jobs.supervisor import RestartingSupervisor

_CHECK_INTERVAL = 5.0  # seconds between two checks of the supervisor
_INSTALLED = Path(__file__).resolve().parents[1] / "_app"


def app_folder() -> Path:
    """The folder of app.py: beside the package (clone) or inside it (installed)."""
    clone = Path(__file__).resolve().parents[2]
    return _INSTALLED if (_INSTALLED / "app.py").is_file() else clone


def streamlit_command(port: int, address: str, *, browser: bool) -> list[str]:
    """The command that serves the dashboard."""
    options = {
        "server.port": port,
        "server.address": address,
        "server.headless": str(not browser).lower(),
        "browser.gatherUsageStats": "false",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "streamlit", "run", str(app_folder() / "app.py"), *flags]


def up(workspace: Path, port: int, address: str, *, browser: bool) -> int:
    """Serve the dashboard until it is stopped; its supervisor is stopped with it.

    A supervisor that dies earlier is restarted, or queued jobs would wait for ever.

    Returns
    -------
    int
        Exit code of the dashboard.
    """
    from fairaudit.cli.first_audits import queue_sample_audits
    from fairaudit.jobs.supervisor import RestartingSupervisor

    workspace.mkdir(parents=True, exist_ok=True)
    queue_sample_audits(workspace)
    signal.signal(signal.SIGTERM, _stop)
    environment = {**os.environ, "FAIRAUDIT_WORKSPACE": str(workspace.resolve())}
    command = streamlit_command(port, address, browser=browser)
    supervisor = RestartingSupervisor(workspace)
    dashboard = subprocess.Popen(command, cwd=app_folder(), env=environment)
    try:
        return _until_end(dashboard, supervisor)
    except KeyboardInterrupt:
        return 0
    finally:
        _end(dashboard)
        supervisor.end()


def _until_end(dashboard: subprocess.Popen[bytes], supervisor: RestartingSupervisor) -> int:
    while True:
        try:
            return dashboard.wait(_CHECK_INTERVAL)
        except subprocess.TimeoutExpired:
            supervisor.check()


def _stop(*_: object) -> None:
    """Make SIGTERM stop the dashboard like Ctrl-C."""
    raise KeyboardInterrupt


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def supervise(workspace: Path, engine: str, address: str | None, slots: int | None) -> None:
    """Run queued jobs until stopped.

    Raises
    ------
    SpecError
        If the engine is unknown or lacks its address.
    JobError
        If another supervisor is running.
    """
    if engine not in ("local", "ray"):
        raise SpecError(f"unknown engine '{engine}'; choose local or ray")
    if engine == "ray" and address is None:
        raise SpecError("--engine ray needs --address, such as http://127.0.0.1:8265")
    from fairaudit.jobs import supervisor

    argv = [str(workspace), "--engine", engine]
    argv += ["--address", address] if address else []
    argv += ["--slots", str(slots)] if slots else []
    supervisor.serve(supervisor.arguments(argv))
