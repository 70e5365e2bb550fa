"""Does the marketplace keep its contract: hide under our id, read back, restore exactly?"""

import itertools
from pathlib import Path

import httpx2
import pytest

from standins import catalogue, journal, serve

from .conftest import LISTINGS, Client

HIDE = {"type": "hide", "reason_code": "unsafe_product", "case_ref": "ESC-1", "markets": None, "actor": "seawall"}


async def _state(market: httpx2.AsyncClient, listing: str) -> dict[str, object]:
    answer = await market.get(f"/v1/listings/{listing}")
    assert answer.status_code == 200
    return dict(answer.json())


async def test_hiding_drops_the_rank_and_adds_a_strike(client: Client) -> None:
    market = client("marketplace")

    put = await market.put("/v1/listings/L-1/restrictions/R1", json=HIDE)

    state = await _state(market, "L-1")
    assert put.status_code == 201
    assert (state["visibility"], state["rank"], state["strikes"]) == ("hidden", 0, 3)
    assert [each["id"] for each in state["restrictions"]] == ["R1"]  # type: ignore[attr-defined]  # a JSON list


@pytest.mark.parametrize("listing", [each.id for each in LISTINGS])
async def test_lifting_restores_exactly_what_was_there(client: Client, listing: str) -> None:
    market = client("marketplace")
    before = await _state(market, listing)

    await market.put(f"/v1/listings/{listing}/restrictions/R1", json=HIDE)
    lifted = await market.delete(f"/v1/listings/{listing}/restrictions/R1")

    assert lifted.status_code == 204
    assert await _state(market, listing) == before


@pytest.mark.parametrize("order", list(itertools.permutations(["R1", "R2", "R3"])), ids="-".join)
async def test_stacked_restrictions_end_in_the_first_state_whatever_order_they_are_lifted_in(
    client: Client, order: tuple[str, ...]
) -> None:
    market = client("marketplace")
    before = await _state(market, "L-1")
    for key in ("R1", "R2", "R3"):
        await market.put(f"/v1/listings/L-1/restrictions/{key}", json=HIDE)

    seen = []
    for key in order:
        seen.append((await _state(market, "L-1"))["visibility"])
        await market.delete(f"/v1/listings/L-1/restrictions/{key}")

    assert seen == ["hidden"] * 3
    assert await _state(market, "L-1") == before


async def test_the_same_body_again_is_200_and_one_effect(client: Client, far_side: serve.Running) -> None:
    market = client("marketplace")

    first = await market.put("/v1/listings/L-1/restrictions/R1", json=HIDE)
    again = await market.put("/v1/listings/L-1/restrictions/R1", json=dict(reversed(HIDE.items())))

    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert journal.effects(far_side.folder, "marketplace") == [("restrict", "R1", "L-1")]


async def test_another_body_under_the_same_id_is_a_conflict(client: Client) -> None:
    market = client("marketplace")
    await market.put("/v1/listings/L-1/restrictions/R1", json=HIDE)

    answer = await market.put("/v1/listings/L-1/restrictions/R1", json={**HIDE, "reason_code": "counterfeit"})

    assert answer.status_code == 409
    assert answer.json()["code"] == "restriction_differs"
    assert (await market.get("/v1/listings/L-1/restrictions/R1")).json()["reason_code"] == "unsafe_product"


async def test_a_late_retry_cannot_hide_again_what_was_restored(client: Client) -> None:
    market = client("marketplace")
    before = await _state(market, "L-1")
    await market.put("/v1/listings/L-1/restrictions/R1", json=HIDE)
    await market.delete("/v1/listings/L-1/restrictions/R1")

    late = await market.put("/v1/listings/L-1/restrictions/R1", json=HIDE)

    assert (late.status_code, late.json()["code"]) == (409, "restriction_lifted")
    assert await _state(market, "L-1") == before


async def test_lifting_twice_is_fine_and_lifting_what_never_was_is_not(client: Client) -> None:
    market = client("marketplace")
    await market.put("/v1/listings/L-1/restrictions/R1", json=HIDE)

    codes = [(await market.delete("/v1/listings/L-1/restrictions/R1")).status_code for _ in range(2)]
    never = await market.delete("/v1/listings/L-1/restrictions/R9")

    assert codes == [204, 204]
    assert (never.status_code, never.json()["code"]) == (404, "unknown_restriction")


async def test_a_restriction_is_read_back_until_it_is_lifted(client: Client) -> None:
    market, path = client("marketplace"), "/v1/listings/L-2/restrictions/R1"

    missing = await market.get(path)
    await market.put(path, json={**HIDE, "markets": ["DE"]})
    found = await market.get(path)
    await market.delete(path)
    gone = await market.get(path)

    assert [missing.status_code, found.status_code, gone.status_code] == [404, 200, 404]
    assert found.json()["markets"] == ["DE"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        pytest.param(b"{", 400, id="not JSON"),
        pytest.param(b'{"type":"hide","type":"hide"}', 400, id="a doubled key"),
        pytest.param(b"[]", 422, id="not an object"),
        pytest.param(b'{"type":"hide"}', 422, id="fields missing"),
        pytest.param(b'{"type":"burn","reason_code":"a","case_ref":"b","actor":"c"}', 422, id="an unknown type"),
        pytest.param(b'{"type":"hide","reason_code":"","case_ref":"b","actor":"c"}', 422, id="an empty reason"),
        pytest.param(
            b'{"type":"hide","reason_code":"a","case_ref":"b","actor":"c","markets":["Germany"]}',
            422,
            id="a bad market",
        ),
        pytest.param(b'{"type":"hide","reason_code":"a","case_ref":"b","actor":"c","x":1}', 422, id="an extra field"),
    ],
)
async def test_a_body_that_breaks_the_contract_is_refused(asking: Client, body: bytes, status: int) -> None:
    answer = await asking("marketplace").put("/v1/listings/L-1/restrictions/R1", content=body)

    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("path", ["/v1/listings/L-9", "/v1/listings/L-9/orders", "/v1/sellers/nobody", "/v2/listings"])
async def test_what_is_unknown_is_404_as_a_problem(asking: Client, path: str) -> None:
    answer = await asking("marketplace").get(path)

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


async def test_nothing_is_told_without_the_token(asking: Client) -> None:
    market = asking("marketplace")

    answers = [await market.get("/v1/listings", headers={"Authorization": value}) for value in ("", "Bearer wrong")]

    assert [answer.status_code for answer in answers] == [401, 401]


async def test_a_search_ranks_by_the_number_of_words_found(asking: Client) -> None:
    answer = await asking("marketplace").get("/v1/listings", params={"q": "20K ohmberry POWER heater"})

    assert [item["id"] for item in answer.json()["items"]] == ["L-1", "L-2", "L-3"]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"gtin": "09521100200110"}, ["L-1"]),
        ({"gtin": "9521100200226"}, []),
        ({"brand": "ohmberry"}, ["L-1", "L-2"]),
        ({"ids": "L-3,L-9,L-1"}, ["L-3", "L-1"]),
        ({"q": "peak", "brand": "Ohmberry", "ids": "L-2"}, ["L-2"]),
        ({}, ["L-1", "L-2", "L-3", "L-4"]),
    ],
    ids=str,
)
async def test_filters_narrow_a_search(asking: Client, filters: dict[str, str], found: list[str]) -> None:
    answer = await asking("marketplace").get("/v1/listings", params=filters)

    assert [item["id"] for item in answer.json()["items"]] == found


async def test_pages_cover_everything_once(asking: Client) -> None:
    market, seen, cursor = asking("marketplace"), [], "0"

    while cursor:
        page = (await market.get("/v1/listings", params={"limit": 3, "cursor": cursor})).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]

    assert seen == ["L-1", "L-2", "L-3", "L-4"]


@pytest.mark.parametrize("bad", [{"limit": "501"}, {"limit": "0"}, {"cursor": "x"}, {"ids": ",".join("a" * 101)}])
async def test_a_page_outside_the_limits_is_refused(asking: Client, bad: dict[str, str]) -> None:
    answer = await asking("marketplace").get("/v1/listings", params=bad)

    assert answer.status_code == 422


async def test_if_match_guards_against_a_listing_that_changed(client: Client) -> None:
    market = client("marketplace")
    seen = (await market.get("/v1/listings/L-1")).headers["etag"]
    await market.put("/v1/listings/L-1/restrictions/R1", json=HIDE)

    stale = await market.put("/v1/listings/L-1/restrictions/R2", json=HIDE, headers={"If-Match": seen})

    assert stale.status_code == 412
    assert stale.json()["current"]["strikes"] == 3


async def test_orders_and_sellers_give_addresses_for_letters(asking: Client) -> None:
    market = asking("marketplace")

    orders = (await market.get("/v1/listings/L-1/orders")).json()
    later = (await market.get("/v1/listings/L-1/orders", params={"since": "2026-06-01T00:00:00Z"})).json()
    seller = (await market.get("/v1/sellers/volt-corner")).json()

    assert len(orders["addresses"]) == min(orders["buyers"], 20)
    assert all(address.endswith("@buyers.example") for address in orders["addresses"])
    assert later["buyers"] <= orders["buyers"]
    assert seller == {"id": "volt-corner", "name": "Volt Corner", "email": "volt-corner@sellers.example"}


async def test_a_new_catalogue_is_taken_over_while_running(client: Client, far_side: serve.Running) -> None:
    market = client("marketplace")
    await market.put("/v1/listings/L-1/restrictions/R1", json=HIDE)

    catalogue.write(far_side.folder, [*LISTINGS, catalogue.Listing(id="N-1", seller="new", title="New thing")])

    assert (await market.get("/v1/listings/N-1")).status_code == 200
    assert (await _state(market, "L-1"))["visibility"] == "hidden"


async def test_a_restart_forgets_nothing(tmp_path: Path) -> None:
    catalogue.write(tmp_path, LISTINGS)
    first = await serve.start(tmp_path)
    headers = {"Authorization": f"Bearer {first.token}"}
    async with httpx2.AsyncClient(base_url=first.urls["marketplace"], headers=headers, trust_env=False) as market:
        before = await _state(market, "L-2")
        await market.put("/v1/listings/L-1/restrictions/R1", json=HIDE)
        await market.put("/v1/listings/L-2/restrictions/R2", json=HIDE)
        await market.delete("/v1/listings/L-2/restrictions/R2")
        hidden = await market.get("/v1/listings/L-1")
    await first.stop()

    second = await serve.start(tmp_path)
    async with httpx2.AsyncClient(base_url=second.urls["marketplace"], headers=headers, trust_env=False) as market:
        again, restored = await market.get("/v1/listings/L-1"), await _state(market, "L-2")
        late = await market.put("/v1/listings/L-2/restrictions/R2", json=HIDE)
    await second.stop()

    assert again.json() == hidden.json()
    assert again.headers["etag"] == hidden.headers["etag"]
    assert restored == before
    assert late.status_code == 409
