"""How does a test get a real PostgreSQL server of its own? One throw-away cluster on a free loopback port."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def binaries() -> Path | None:
    """Find the folder with initdb and pg_ctl: the newest under /usr/lib/postgresql, else on PATH."""
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda found: -float(found.parent.name)):
        if (folder / "initdb").exists() and (folder / "pg_ctl").exists():
            return folder
    initdb, pg_ctl = shutil.which("initdb"), shutil.which("pg_ctl")
    return Path(initdb).parent if initdb and pg_ctl else None


@contextmanager
def postgres_server() -> Iterator[str]:
    """Run a server and give its URL without a database name, `postgresql://postgres@127.0.0.1:<port>`.

    Skips the test when no server is installed; where CI=true that is a failure. Nothing is durable (fsync off).
    """
    found = binaries()
    if found is None:
        reason = "no PostgreSQL server: install one (apt-get install postgresql) or put initdb and pg_ctl on PATH"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    folder = Path(tempfile.mkdtemp(prefix="seawall-pg-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, "postgres")
        _run(found / "initdb", "-D", folder / "data", "-A", "trust", "-U", "postgres", "-E", "UTF8", "--no-sync")
        port = _free_port()
        options = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=60"
        start = (found / "pg_ctl", "-D", folder / "data", "-l", folder / "log", "-o", options, "-w", "start")
        _run(*start)
        try:
            yield f"postgresql://postgres@127.0.0.1:{port}"
        finally:
            _run(found / "pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(*words: str | Path) -> None:
    """Run as the user postgres when we are root: the server refuses to be root."""
    line = [str(word) for word in words]
    if os.geteuid() == 0:
        line = ["runuser", "-u", "postgres", "--", *line]
    done = subprocess.run(line, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/tmp", text=True)
    if done.returncode:
        raise RuntimeError(f"{' '.join(line)} ended with {done.returncode}: {done.stderr.strip()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
