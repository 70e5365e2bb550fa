"""Is what the case is about found, and nothing else?"""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from activities.clients.evidence import open_evidence
from activities.clients.marketplace import MarketplaceClient
from activities.marketplace import Marketplace
from escalations import ids, manifests
from escalations.enforcement import Manifest, Sought
from standins import catalogue, serve
from tests.activities.marketplaces import CASE, World

GTIN = "9520000000011"


def found_by(content: bytes) -> dict[str, list[str]]:
    tiers: dict[str, list[str]] = {}
    for target in manifests.read(content):
        tiers.setdefault(target.tier, []).append(target.listing)
    return tiers


SHOP = (
    catalogue.Listing(id="A-1", seller="s1", title="Ordered by its id", brand="Elsewhere"),
    catalogue.Listing(id="A-2", seller="s2", title="Same number", brand="", gtin=GTIN),
    catalogue.Listing(id="A-3", seller="s2", title="Same number, written short", gtin=GTIN.zfill(14)),
    catalogue.Listing(id="A-4", seller="s3", title="Hearthlow Tower Heater, HL TH15", brand="Hearthlow"),
    catalogue.Listing(id="A-5", seller="s3", title="Hearthlow heater", brand="Hearthlow", model="hl-th15"),
    catalogue.Listing(id="A-6", seller="s4", title="Hearthlow Ceramic Tower Heater 1500W", brand="Hearthlow GmbH"),
    catalogue.Listing(id="B-1", seller="s5", title="Spare fan for Hearthlow heater HL-TH15", brand="Spindle"),
    catalogue.Listing(id="B-2", seller="s5", title="Filter for Hearthlow HL-TH15", brand="Hearthlow"),
    catalogue.Listing(id="B-3", seller="s6", title="Hearthlow Ceramic Tower Heater HL-TH20", brand="Hearthlow"),
    catalogue.Listing(id="B-4", seller="s6", title="Ceramic Tower Heater 1500W", brand="Other"),
    catalogue.Listing(id="B-5", seller="s6", title="HL-TH15 heater", brand="Other", gtin="9520000000028"),
)
SOUGHT = Sought(
    case_id=CASE,
    name="Hearthlow Ceramic Tower Heater",
    brand="Hearthlow",
    models=("HL-TH15",),
    gtins=("95-2000-0000-011", "not a number"),
    listings=("A-1", "A-9"),
)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[World]:
    catalogue.write(tmp_path, SHOP)
    far = await serve.start(tmp_path)
    client = MarketplaceClient(far.urls["marketplace"], far.token)
    evidence = open_evidence("memory://")
    yield World(far=far, evidence=evidence, hands=Marketplace(client, evidence))
    await client.aclose()
    await far.stop()


async def test_the_recalled_product_is_found_by_id_number_model_and_name_and_nothing_else_is(shop: World) -> None:
    manifest = await shop.do(shop.hands.find_listings, SOUGHT)

    assert found_by(await shop.evidence.get(manifest.digest)) == {
        "listing_id": ["A-1"],
        "gtin": ["A-2", "A-3"],
        "model": ["A-4", "A-5"],
        "title": ["A-6"],
    }
    assert (manifest.count, manifest.sellers, manifest.markets) == (6, 4, ("DE",))
    assert manifest.by_tier == (("listing_id", 1), ("gtin", 2), ("model", 2), ("title", 1))


async def test_an_order_for_identical_content_finds_exact_identifiers_only(shop: World) -> None:
    manifest = await shop.do(shop.hands.find_listings, replace(SOUGHT, exact_only=True))

    assert manifest.by_tier == (("listing_id", 1), ("gtin", 2))


async def test_searching_again_finds_the_same_manifest_and_leaves_out_what_was_dealt_with(shop: World) -> None:
    first = await shop.do(shop.hands.find_listings, SOUGHT)
    again = await shop.do(shop.hands.find_listings, SOUGHT)
    exact = await shop.do(shop.hands.find_listings, replace(SOUGHT, exact_only=True))
    rest = await shop.do(shop.hands.find_listings, replace(SOUGHT, beyond=(exact.digest,), spare=("A-6",)))

    assert again == first
    assert rest.by_tier == (("model", 2),)


async def test_a_search_that_finds_nothing_is_an_empty_manifest(shop: World) -> None:
    manifest = await shop.do(shop.hands.find_listings, Sought(case_id=CASE, name=""))

    assert manifest == Manifest(digest=ids.digest(b""), count=0, sellers=0)


async def test_listings_are_kept_as_they_stood_when_they_were_found(shop: World) -> None:
    manifest = await shop.do(shop.hands.find_listings, replace(SOUGHT, exact_only=True))

    pointer = await shop.evidence.find(f"listings/{manifest.digest}")

    assert pointer is not None
    states = [json.loads(line) for line in (await shop.evidence.get(pointer.decode())).splitlines()]
    assert [state["id"] for state in states] == ["A-1", "A-2", "A-3"]
    assert states[1]["gtin"] == GTIN


async def test_a_search_of_many_pages_is_followed_to_its_end(tmp_path: Path) -> None:
    many = [
        catalogue.Listing(id=f"L-{number:04}", seller="s", title="Hearthlow HL-TH15 heater", brand="Hearthlow")
        for number in range(1203)
    ]
    catalogue.write(tmp_path, many)
    far = await serve.start(tmp_path)
    client = MarketplaceClient(far.urls["marketplace"], far.token)
    evidence = open_evidence("memory://")
    world = World(far=far, evidence=evidence, hands=Marketplace(client, evidence))

    by_model = await world.do(
        world.hands.find_listings, Sought(case_id=CASE, name="", brand="Hearthlow", models=("HL-TH15",))
    )
    by_id = await world.do(
        world.hands.find_listings, Sought(case_id=CASE, name="", listings=tuple(one.id for one in many))
    )
    await client.aclose()
    await far.stop()

    assert by_model.by_tier == (("model", 1203),)
    assert by_id.by_tier == (("listing_id", 1203),)
