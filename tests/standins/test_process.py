"""Do the stand-ins survive kill -9, stop cleanly, and say what is wrong at start in one line?"""

import asyncio
import json
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from standins import catalogue, journal, serve

from .conftest import LISTINGS

HIDE = {"type": "hide", "reason_code": "unsafe", "case_ref": "ESC-1", "markets": None, "actor": "seawall"}
HEADERS = {"Authorization": f"Bearer {serve.DEFAULT_TOKEN}"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A process of stand-ins that said it is ready."""

    process: asyncio.subprocess.Process
    urls: dict[str, str]


async def _command(folder: Path, **ports: int) -> asyncio.subprocess.Process:
    names = {"marketplace": 0, "regulator": 0, "pager": 0, "chat": 0, "smtp": 0, **ports}
    options = [word for name, port in names.items() for word in (f"--{name}-port", str(port))]
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "standins",
        "--folder",
        str(folder),
        *options,
        cwd=Path(serve.__file__).parents[1],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def _started(folder: Path) -> AsyncIterator[Started]:
    process = await _command(folder)
    assert process.stdout is not None
    try:
        yield Started(process=process, urls=json.loads(await process.stdout.readline())["urls"])
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_kill_9_under_load_loses_nothing_that_was_acknowledged(tmp_path: Path) -> None:
    catalogue.write(tmp_path, LISTINGS)
    acknowledged: list[str] = []

    async def told(market: httpx2.AsyncClient, worker: int) -> None:
        for number in range(10_000):
            key = f"R-{worker}-{number}"
            answer = await market.put(f"/v1/listings/L-1/restrictions/{key}", json=HIDE)
            assert answer.status_code == 201
            acknowledged.append(key)
            if len(acknowledged) == 100:
                first.process.kill()

    async with (
        _started(tmp_path) as first,
        httpx2.AsyncClient(base_url=first.urls["marketplace"], headers=HEADERS, trust_env=False) as market,
    ):
        ends = await asyncio.gather(*(told(market, worker) for worker in range(4)), return_exceptions=True)
    async with (
        _started(tmp_path) as second,
        httpx2.AsyncClient(base_url=second.urls["marketplace"], headers=HEADERS, trust_env=False) as market,
    ):
        state = (await market.get("/v1/listings/L-1")).json()

    kept = [each["id"] for each in state["restrictions"]]
    assert all(isinstance(end, httpx2.HTTPError) for end in ends)
    assert len(acknowledged) >= 100
    assert set(acknowledged) <= set(kept)
    assert [key for _, key, _ in journal.effects(tmp_path, "marketplace")] == kept


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_polite_signal_ends_it_with_exit_0(tmp_path: Path, number: signal.Signals) -> None:
    catalogue.write(tmp_path, LISTINGS)
    async with _started(tmp_path) as started:
        started.process.send_signal(number)
        _, errors = await started.process.communicate()

    assert (started.process.returncode, errors) == (0, b"")


async def test_a_port_in_use_is_one_line_and_exit_69(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        process = await _command(tmp_path, pager=port)
        output, errors = await process.communicate()

    assert (process.returncode, output) == (69, b"")
    assert errors.decode().count("\n") == 1
    assert f"Port {port}" in errors.decode()


async def test_two_processes_cannot_share_one_folder(tmp_path: Path) -> None:
    catalogue.write(tmp_path, LISTINGS)
    async with _started(tmp_path):
        second = await _command(tmp_path)
        _, errors = await second.communicate()

    assert second.returncode == 69
    assert "running" in errors.decode()


async def test_the_first_start_writes_the_shipped_catalogue(tmp_path: Path) -> None:
    async with (
        _started(tmp_path) as started,
        httpx2.AsyncClient(base_url=started.urls["marketplace"], headers=HEADERS, trust_env=False) as market,
    ):
        found = (await market.get("/v1/listings", params={"q": "Ohmberry Peak 20K", "limit": 3})).json()

    assert all("Peak 20K" in item["title"] for item in found["items"])
