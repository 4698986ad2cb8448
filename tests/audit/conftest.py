"""Throwaway databases for the audit tests."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


def _binary(name: str) -> str | None:
    """A PostgreSQL program: on the path, or where Debian keeps it."""
    found = shutil.which(name)
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return found or (str(debian[-1]) if debian else None)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def _as_other(folder: Path) -> dict[str, object]:
    """PostgreSQL refuses to run as root: become its own user (or nobody) then."""
    if os.geteuid() != 0:
        return {}
    names = {p.pw_name for p in pwd.getpwall()}
    user = pwd.getpwnam("postgres" if "postgres" in names else "nobody")
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Address of a PostgreSQL server of our own; skipped where its programs are missing."""
    initdb, pg_ctl = _binary("initdb"), _binary("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL's programs are missing: apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="fairaudit-pg-"))  # short: a socket path has a limit
    who = _as_other(folder)
    data, port = folder / "data", _free_port()

    def run(*command: str) -> None:
        subprocess.run(
            command, check=True, capture_output=True, cwd=folder, env={"LC_ALL": "C"}, **who
        )

    run(initdb, "-D", str(data), "-U", "auditor", "-A", "trust", "-E", "UTF8", "--no-sync")
    options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    run(pg_ctl, "-D", str(data), "-w", "-l", str(folder / "log"), "-o", options, "start")
    try:
        yield f"postgresql://auditor@127.0.0.1:{port}/postgres"
    finally:
        run(pg_ctl, "-D", str(data), "-w", "-m", "immediate", "stop")
        shutil.rmtree(folder, ignore_errors=True)
