"""Do the probes tell a live process from one that can take work, over real HTTP, and say why without secrets?"""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client
from temporalio.worker import Worker

import worker as composition
from starter.errors import UNAVAILABLE, Problem
from starter.keyring import fresh
from starter.seeing import health
from starter.seeing.server import place, serving
from store import migrations
from store.engine import open_engine
from tests.replay.server import dev_server
from workflows import options

SECRET = "hunter2-in-the-address"


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


async def away() -> Client:
    raise Problem("server_away", f"Temporal does not answer at {SECRET}:7233.", exit_code=UNAVAILABLE)


@pytest.fixture(scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AsyncEngine]:
    made = open_engine(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('health') / 'casebook.db'}")
    await migrations.upgrade(made)
    yield made
    await made.dispose()


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    async with dev_server(fresh()) as client:
        yield client


async def answers(probes: tuple[health.Probe, ...], path: str) -> httpx2.Response:
    address = free_address()
    async with serving(address, health.routes(probes)), httpx2.AsyncClient(trust_env=False) as http:
        return await http.get(f"http://{address}{path}")


async def test_a_door_without_temporal_is_alive_and_goes_on_taking_reports(engine: AsyncEngine) -> None:
    probes = health.of_door(engine, away)

    alive = await answers(probes, "/healthz")
    ready = await answers(probes, "/readyz")

    assert (alive.status_code, alive.json()) == (200, {"status": "ok"})
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert ready.json()["checks"]["temporal"] == {
        "ok": False,
        "code": "server_away",
        "reason": "Temporal does not answer.",
    }
    assert ready.json()["checks"]["casebook"]["ok"]
    assert SECRET not in ready.text


async def test_a_door_without_its_casebook_is_alive_and_not_ready(tmp_path: Path) -> None:
    (tmp_path / SECRET).mkdir()
    broken = open_engine(f"sqlite+aiosqlite:///{tmp_path / SECRET}")

    ready = await answers(health.of_door(broken, away), "/readyz")
    alive = await answers(health.of_door(broken, away), "/healthz")
    await broken.dispose()

    assert (ready.status_code, ready.json()["status"]) == (503, "away")
    assert ready.json()["checks"]["casebook"]["reason"]
    assert SECRET not in ready.text
    assert alive.status_code == 200


async def test_a_casebook_that_may_only_be_read_is_not_ready(tmp_path: Path) -> None:
    file = tmp_path / "casebook.db"
    written = open_engine(f"sqlite+aiosqlite:///{file}")
    await migrations.upgrade(written)
    await written.dispose()
    readonly = open_engine(f"sqlite+aiosqlite:///file:{file}?mode=ro&uri=true")

    ready = await answers((health.casebook(readonly),), "/readyz")
    await readonly.dispose()

    assert (ready.status_code, ready.json()["checks"]["casebook"]["code"]) == (503, "read_only")


async def test_a_door_says_whether_anybody_works(engine: AsyncEngine, client: Client) -> None:
    async def connected() -> Client:
        return client

    before = await health.asked(health.of_door(engine, connected))
    async with _worker(client):
        during = await _until_ok(health.of_door(engine, connected))

    assert before.status == "degraded"
    assert before.checks["worker"].code == "nobody_works"
    assert during.status == "ok"


async def test_a_worker_is_ready_exactly_while_it_polls(engine: AsyncEngine, client: Client) -> None:
    async def connected() -> Client:
        return client

    worker = _worker(client)
    probes = health.of_worker(engine, connected, worker)

    before = await health.asked(probes)
    async with worker:
        during = await _until_ok(probes)
    after = await health.asked(probes)

    assert (before.status, before.checks["worker"].code) == ("away", "not_polling")
    assert during.status == "ok"
    assert after.status == "away"


async def test_a_worker_without_temporal_is_not_ready(engine: AsyncEngine, client: Client) -> None:
    async with _worker(client) as worker:
        found = await health.asked(health.of_worker(engine, away, worker))

    assert (found.status, found.checks["temporal"].code) == ("away", "server_away")


async def test_a_probe_that_hangs_has_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PATIENCE", 0.05)

    async def hang() -> health.Found:
        await asyncio.sleep(60)
        return health.WELL

    found = await health.asked((health.Probe(name="hung", ask=hang),))

    assert (found.status, found.checks["hung"].code) == ("away", "slow")


async def test_an_address_that_is_taken_is_one_clear_refusal() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(Problem) as refused:
            async with serving(address, []):
                raise AssertionError("it served on a port that is taken")

    assert refused.value.exit_code == UNAVAILABLE
    assert "SEAWALL_METRICS_ADDRESS" in refused.value.text


async def test_without_an_address_nothing_is_served() -> None:
    before = len(asyncio.all_tasks())

    async with serving("", []):
        during = len(asyncio.all_tasks())

    assert during == before


@pytest.mark.parametrize(("address", "host", "port"), [("127.0.0.1:9", "127.0.0.1", 9), ("[::1]:65535", "::1", 65535)])
def test_an_address_is_read_as_host_and_port(address: str, host: str, port: int) -> None:
    assert place(address) == (host, port)


async def _until_ok(probes: tuple[health.Probe, ...]) -> health.Health:
    """Ask until all is well, for ten seconds at most."""
    for _ in range(100):
        found = await health.asked(probes)
        if found.status == "ok":
            break
        await asyncio.sleep(0.1)
    return found


def _worker(client: Client) -> Worker:
    return Worker(
        client,
        task_queue=options.TASK_QUEUE,
        workflows=list(composition.WORKFLOWS),
        workflow_runner=composition.runner(),
        graceful_shutdown_timeout=timedelta(),
    )
