"""Identifies, measures and stops processes, by a token rather than by their reusable number."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import psutil

TOKEN = "FAIRAUDIT_WORKER"
GRACE = "FAIRAUDIT_GRACE_S"
_DEFAULT_GRACE = 30.0


def grace() -> float:
    """Seconds a worker has to stop after a request to stop."""
    return float(os.environ.get(GRACE, _DEFAULT_GRACE))


def peak_mb() -> float | None:
    """Peak resident memory of this process, in megabytes."""
    if sys.platform == "win32":
        import psutil

        return round(float(psutil.Process().memory_info().peak_wset) / 2**20, 1)
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (2**20 if sys.platform == "darwin" else 2**10), 1)


def memory_mb() -> float:
    """Current resident memory of this process and its children, in megabytes."""
    import psutil

    me = psutil.Process()
    total = me.memory_info().rss
    for child in me.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            total += child.memory_info().rss
    return float(total) / 2**20


def end_own_group() -> None:
    """Kill this process, its children and its group; never returns."""
    _kill_children(os.getpid())
    if os.name != "nt" and os.getpgid(0) == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def has_token(pid: int, token: str) -> bool:
    """Whether process `pid` was started with this token."""
    import psutil

    try:
        return bool(psutil.Process(pid).environ().get(TOKEN) == token)
    except (psutil.Error, OSError):
        return False


def with_token(token: str) -> Iterator[psutil.Process]:
    """Every process that was started with this token, children included."""
    import psutil

    for process in psutil.process_iter():
        if process.pid != os.getpid() and has_token(process.pid, token):
            yield process


def is_zombie(pid: int) -> bool:
    """Whether a child has ended and waits to be reaped; it is not reaped."""
    if not hasattr(os, "waitid"):  # macOS before Python 3.13
        return _looks_dead(pid)
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:
        return False


def _looks_dead(pid: int) -> bool:
    import psutil

    try:
        return bool(psutil.Process(pid).status() == psutil.STATUS_ZOMBIE)
    except psutil.ZombieProcess:
        return True
    except psutil.NoSuchProcess:
        return False


def ask_to_stop(pid: int) -> None:
    """Send SIGTERM; on Windows only the cancel file is used."""
    if os.name != "nt":
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def kill_group(pid: int) -> None:
    """Kill the process group led by `pid` (its process tree on Windows)."""
    _kill_children(pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "nt":
            os.kill(pid, signal.SIGTERM)
        else:
            os.killpg(pid, signal.SIGKILL)


def kill_all(token: str) -> int:
    """Kill every process that has the token; returns their number."""
    import psutil

    count = 0
    for process in with_token(token):
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
            count += 1
    return count


def _kill_children(pid: int) -> None:
    import psutil

    with contextlib.suppress(psutil.NoSuchProcess):
        for child in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()


def own_session() -> dict[str, Any]:
    """Arguments of `Popen` that give a child its own process group."""
    if os.name == "nt":
        return {"creationflags": 0x00000200}  # CREATE_NEW_PROCESS_GROUP
    return {"start_new_session": True}
