"""What is made anew for each test of the hands? A marketplace of sixteen listings, and the hands at it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from activities.clients.evidence import open_evidence
from activities.clients.marketplace import MarketplaceClient
from activities.marketplace import Marketplace
from standins import catalogue, serve
from tests.activities.marketplaces import World, goods


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    catalogue.write(tmp_path, goods())
    far = await serve.start(tmp_path)
    client = MarketplaceClient(far.urls["marketplace"], far.token)
    evidence = open_evidence("memory://")
    yield World(far=far, evidence=evidence, hands=Marketplace(client, evidence))
    await client.aclose()
    await far.stop()
    assert not far.unfired()
