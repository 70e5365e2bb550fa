"""What do the tests of the stand-ins share? Running ones with a catalogue of four listings, and clients for them."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from standins import catalogue, serve
from standins.catalogue import Listing

LISTINGS = (
    Listing(
        id="L-1",
        seller="volt-corner",
        seller_name="Volt Corner",
        title="Ohmberry Peak 20K Power Bank black",
        brand="Ohmberry",
        model="OB-PK20",
        gtin="9521100200110",
        price_minor=3999,
        currency="USD",
        markets=("US", "CA"),
        rank=81,
        strikes=2,
    ),
    Listing(id="L-2", seller="nord-handel", title="Ohmberry Peak power bank", brand="Ohmberry", rank=7),
    Listing(id="L-3", seller="nord-handel", title="Hearthlow tower heater", visibility="hidden", rank=37, strikes=1),
    Listing(id="L-4", seller="barn-owl", title="Splash whale", visibility="removed", rank=1),
)

Client = Callable[[str], httpx2.AsyncClient]


@pytest.fixture
async def far_side(tmp_path: Path) -> AsyncIterator[serve.Running]:
    """Every stand-in, started on an empty folder with the small catalogue."""
    catalogue.write(tmp_path, LISTINGS)
    running = await serve.start(tmp_path)
    yield running
    await running.stop()


@pytest.fixture
async def client(far_side: serve.Running) -> AsyncIterator[Client]:
    """A way to open a client for a system, closed after the test."""
    async with _clients(far_side) as opened:
        yield opened


@pytest.fixture(scope="session")
async def asking(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Client]:
    """The same on stand-ins that all tests share: for tests that leave nothing behind."""
    folder = tmp_path_factory.mktemp("shared")
    catalogue.write(folder, LISTINGS)
    running = await serve.start(folder)
    async with _clients(running) as opened:
        yield opened
    await running.stop()


@asynccontextmanager
async def _clients(running: serve.Running) -> AsyncIterator[Client]:
    async with AsyncExitStack() as opened:
        made: dict[str, httpx2.AsyncClient] = {}

        def client_of(system: str) -> httpx2.AsyncClient:
            if system not in made:
                headers = {"Authorization": f"Bearer {running.token}", "Accept": "application/json"}
                made[system] = httpx2.AsyncClient(base_url=running.urls[system], headers=headers, trust_env=False)
                opened.push_async_callback(made[system].aclose)
            return made[system]

        yield client_of
