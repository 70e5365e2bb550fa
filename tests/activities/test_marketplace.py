"""Are listings found, hidden once, checked and put back exactly, whatever the marketplace and the network do?"""

import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import outside
from activities.clients.evidence import EvidenceStore, open_evidence
from activities.clients.marketplace import MarketplaceClient
from activities.marketplace import Marketplace
from escalations import ids, manifests
from escalations.enforcement import Manifest, Sought, Span, SweepOrder, Tally, spans
from escalations.manifests import Target
from standins import catalogue, serve

CASE = "ESC-TEST-0000-0001"
COUNT = 16
GTIN = "9520000000011"


def goods() -> list[catalogue.Listing]:
    """Make sixteen listings of four sellers, with ranks and strikes that a reversal must bring back."""
    return [
        catalogue.Listing(
            id=f"L-{number:03}",
            seller=f"seller-{number % 4}",
            title=f"Ohmberry Peak 20K power bank number {number}",
            brand="Ohmberry",
            model="OB-PK20",
            price_minor=1000 + number,
            markets=("DE", "AT") if number % 2 else ("US",),
            visibility="hidden" if number % 10 == 0 else "visible",
            rank=10 + number,
            strikes=number % 3,
        )
        for number in range(COUNT)
    ]


@dataclass(slots=True)
class World:
    """A marketplace, an evidence store and the hands between them."""

    far: serve.Running
    evidence: EvidenceStore
    hands: Marketplace
    beats: list[dict[str, Any]] = field(default_factory=list)

    async def do(self, hand: Callable[[Any], Any], given: Any, *, attempt: int = 1, carried: Any = None) -> Any:
        """Run one attempt of an activity, with the heartbeat details of the attempt before."""
        environment = ActivityEnvironment()
        details = [carried] if carried is not None else []
        environment.info = replace(ActivityEnvironment.default_info(), attempt=attempt, heartbeat_details=details)
        self.beats.clear()
        environment.on_heartbeat = lambda *beat: self.beats.extend(beat)
        return await environment.run(hand, given)

    async def retried(self, hand: Callable[[Any], Any], given: Any) -> tuple[Any, int]:
        """Run an activity as Temporal would, until it ends; return its result and how many attempts it took."""
        carried = None
        for attempt in range(1, 20):
            try:
                return await self.do(hand, given, attempt=attempt, carried=carried), attempt
            except ApplicationError as error:
                if error.non_retryable:
                    raise
                carried = self.beats[-1] if self.beats else carried
        raise AssertionError("it never ended")

    async def ordered(self, *listings: str, action: str = "hide") -> SweepOrder:
        """Order what the case decided about these listings."""
        targets = [
            Target(listing=one, seller=f"seller-{int(one[2:]) % 4}", tier="listing_id", matched_on=one, markets=("DE",))
            for one in listings
        ]
        manifest = manifests.summary(targets)
        assert await self.evidence.put(manifests.written(targets)) == manifest.digest
        return SweepOrder(
            case_id=CASE, number=1, decision=1, action=action, reason_code="unsafe_product", manifest=manifest
        )

    def effects(self, op: str) -> Counter[str]:
        """Count, for each listing, how often the marketplace really changed it."""
        told = self.far.journal("marketplace")
        return Counter(line["subject"] for line in told if line["op"] == op and line["kind"] == "applied")

    def calls(self, op: str) -> int:
        return sum(line["op"] == op for line in self.far.journal("marketplace"))

    async def state(self, listing: str) -> dict[str, Any]:
        found = await self.hands.client.read(listing)
        assert found is not None
        return found


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


def whole(order: SweepOrder) -> Span:
    (span,) = spans(order)
    return span


def names(count: int = COUNT) -> tuple[str, ...]:
    return tuple(f"L-{number:03}" for number in range(count))


def without_time(tally: Tally) -> Tally:
    assert tally.at is not None
    return replace(tally, at=None)


def code(error: pytest.ExceptionInfo[ApplicationError]) -> str | None:
    return error.value.type


async def test_a_sweep_hides_every_target_once_and_its_reversal_brings_back_exactly_what_was_there(
    world: World,
) -> None:
    span = whole(await world.ordered(*names()))
    before = [await world.state(name) for name in names()]

    await world.do(world.hands.capture_prior, span)
    applied = await world.do(world.hands.enforce, span)
    verified = await world.do(world.hands.verify, span)
    hidden = [await world.state(name) for name in names()]
    reversed_ = await world.do(world.hands.reverse, span)

    assert without_time(applied) == without_time(verified) == without_time(reversed_) == Tally(done=COUNT)
    assert {state["visibility"] for state in hidden} == {"hidden"}
    assert [await world.state(name) for name in names()] == before
    assert world.effects("restrict") == world.effects("lift") == Counter(names())


async def test_an_act_says_why_and_for_which_case_under_an_id_of_ours(world: World) -> None:
    order = await world.ordered("L-001")
    await world.do(world.hands.capture_prior, whole(order))

    await world.do(world.hands.enforce, whole(order))

    (restriction,) = (await world.state("L-001"))["restrictions"]
    del restriction["put_at"]
    assert restriction == {
        "id": ids.enforcement_key(case=CASE, number=1, action="hide", target="L-001", decision=1),
        "type": "hide",
        "reason_code": "unsafe_product",
        "case_ref": CASE,
        "markets": None,
        "actor": "seawall",
    }


async def test_doing_everything_twice_changes_nothing_more(world: World) -> None:
    span = whole(await world.ordered(*names(5)))
    before = [await world.state(name) for name in names(5)]
    first = await world.do(world.hands.capture_prior, span)
    await world.do(world.hands.enforce, span)

    again = await world.do(world.hands.capture_prior, span)
    repeated = await world.do(world.hands.enforce, span)
    await world.do(world.hands.reverse, span)
    lifted_again = await world.do(world.hands.reverse, span)

    assert again == first
    assert without_time(repeated) == Tally(already=5)
    assert without_time(lifted_again) == Tally(done=5)
    assert [await world.state(name) for name in names(5)] == before
    assert world.effects("restrict") == world.effects("lift") == Counter(names(5))


async def test_the_recorded_past_survives_an_act_whose_acknowledgement_was_lost(world: World) -> None:
    span = whole(await world.ordered("L-001", "L-002"))
    before = await world.state("L-001")
    world.far.script(
        "marketplace", [{"id": "lost", "op": "restrict", "match": {"subject": "L-001"}, "kind": "reset_after"}]
    )
    await world.do(world.hands.capture_prior, span)

    with pytest.raises(ApplicationError) as lost:
        await world.do(world.hands.enforce, span)
    await world.do(world.hands.capture_prior, span)
    tally = await world.do(world.hands.enforce, span, attempt=2, carried=world.beats[-1] if world.beats else None)
    restored = await world.do(world.hands.reverse, span)

    assert code(lost) == outside.DOWN
    assert tally.done + tally.already == 2
    assert without_time(restored) == Tally(done=2)
    assert await world.state("L-001") == before
    assert world.effects("restrict") == Counter(["L-001", "L-002"])


@pytest.mark.parametrize(
    "kind", ["500_before", "500_after", "reset_before", "reset_after", "bad_json", "wrong_ct", "429"]
)
async def test_whatever_goes_wrong_once_the_span_is_finished_and_every_effect_happens_once(
    world: World, kind: str
) -> None:
    span = whole(await world.ordered(*names()))
    before = [await world.state(name) for name in names()]
    rules = [{"id": op, "op": op, "kind": kind, "nth": 7} for op in ("read", "restrict", "lift")]
    world.far.script("marketplace", rules)

    await world.retried(world.hands.capture_prior, span)
    applied, attempts = await world.retried(world.hands.enforce, span)
    reversed_, _ = await world.retried(world.hands.reverse, span)

    assert (applied.done + applied.already, applied.failed, attempts) == (COUNT, (), 2)
    assert without_time(reversed_) == Tally(done=COUNT)
    assert [await world.state(name) for name in names()] == before
    assert world.effects("restrict") == world.effects("lift") == Counter(names())


async def test_an_attempt_resumes_where_the_heartbeat_says(world: World) -> None:
    span = whole(await world.ordered(*names()))
    await world.do(world.hands.capture_prior, span)
    rule = {"id": "busy", "op": "restrict", "kind": "429", "nth": 12, "retry_after": 2}
    world.far.script("marketplace", [rule])

    with pytest.raises(ApplicationError) as busy:
        await world.do(world.hands.enforce, span)
    carried, calls = world.beats[-1], world.calls("restrict")
    tally = await world.do(world.hands.enforce, span, attempt=2, carried=carried)

    assert code(busy) == outside.BUSY
    assert busy.value.next_retry_delay is not None
    assert busy.value.next_retry_delay.total_seconds() == 2
    assert 11 - 8 < carried["next"] <= 12
    assert world.calls("restrict") - calls == COUNT - carried["next"]
    assert (tally.done + tally.already, tally.failed) == (COUNT, ())


async def test_the_watermark_never_runs_ahead_of_an_open_target(world: World) -> None:
    span = whole(await world.ordered(*names()))
    await world.do(world.hands.capture_prior, span)
    slow = {"id": "slow", "op": "restrict", "match": {"subject": "L-003"}, "kind": "slow", "seconds": 0.3}
    world.far.script("marketplace", [slow])

    await world.do(world.hands.enforce, span)

    watermarks = [beat["next"] for beat in world.beats]
    assert watermarks == sorted(watermarks)
    assert 3 in watermarks
    assert watermarks[-1] == COUNT
    assert all(sum(beat["counts"].values()) + len(beat["aside"]) == beat["next"] for beat in world.beats)


async def test_at_most_eight_listings_are_in_hand_at_once(world: World) -> None:
    span = whole(await world.ordered(*names()))
    await world.do(world.hands.capture_prior, span)
    world.far.script(
        "marketplace", [{"id": "p", "op": "restrict", "kind": "pause_before", "times": COUNT, "barrier": "gate"}]
    )
    barrier = world.far.barrier("marketplace", "gate")
    waiting: list[int] = []

    def beaten(*_: Any) -> None:
        waiting.append(barrier.waiting)
        if barrier.waiting == 8:
            barrier.release()

    environment = ActivityEnvironment()
    environment.on_heartbeat = beaten
    tally = await environment.run(world.hands.enforce, span)

    assert max(waiting) == 8
    assert tally.done == COUNT


async def test_one_listing_that_always_fails_does_not_hold_up_the_others(world: World) -> None:
    span = whole(await world.ordered(*names(10)))
    await world.do(world.hands.capture_prior, span)
    poison = {"id": "x", "op": "restrict", "match": {"subject": "L-004"}, "kind": "500_before", "times": 8}
    world.far.script("marketplace", [poison])

    with pytest.raises(ApplicationError) as first:
        await world.do(world.hands.enforce, span)
    after_one = world.effects("restrict")
    tally, attempts = await world.retried(world.hands.enforce, span)

    assert code(first) == outside.DOWN
    assert after_one == Counter(set(names(10)) - {"L-004"})
    assert attempts == 8
    assert (tally.already, tally.done) == (9, 1)


async def test_a_listing_that_fails_in_eight_attempts_is_reported_by_name(world: World) -> None:
    span = whole(await world.ordered(*names(10)))
    await world.do(world.hands.capture_prior, span)
    poison = {"id": "x", "op": "restrict", "match": {"subject": "L-004"}, "kind": "500_before", "times": 8}
    world.far.script("marketplace", [poison])

    tally, attempts = await world.retried(world.hands.enforce, span)

    assert attempts == 8
    assert without_time(tally) == Tally(done=9, failed=("L-004: no usable answer in eight attempts",))


async def test_a_marketplace_that_is_away_is_not_stormed(world: World) -> None:
    span = whole(await world.ordered(*names()))
    await world.do(world.hands.capture_prior, span)
    world.far.script("marketplace", [{"id": "away", "op": "restrict", "kind": "500_before", "times": 8}])

    with pytest.raises(ApplicationError) as down:
        await world.do(world.hands.enforce, span)

    assert code(down) == outside.DOWN
    assert world.calls("restrict") <= 3 + 7


async def test_wrong_credentials_end_the_attempt_and_are_not_tried_again(world: World) -> None:
    stranger = MarketplaceClient(world.far.urls["marketplace"], "wrong")
    hands = Marketplace(stranger, world.evidence)
    span = whole(await world.ordered(*names()))
    await world.do(world.hands.capture_prior, span)

    with pytest.raises(ApplicationError) as refused:
        await world.do(hands.enforce, span)
    await stranger.aclose()

    assert code(refused) == outside.FORBIDDEN
    assert refused.value.non_retryable
    assert world.effects("restrict") == Counter()


async def test_nothing_is_hidden_before_its_prior_state_is_recorded(world: World) -> None:
    span = whole(await world.ordered(*names(3)))

    with pytest.raises(ApplicationError) as refused:
        await world.do(world.hands.enforce, span)

    assert code(refused) == "PriorNotCaptured"
    assert refused.value.non_retryable
    assert world.calls("restrict") == 0


async def test_a_listing_whose_past_cannot_be_read_is_left_alone_and_named(world: World) -> None:
    span = whole(await world.ordered("L-001", "L-002"))
    world.far.script(
        "marketplace", [{"id": "x", "op": "read", "match": {"subject": "L-001"}, "kind": "500_before", "times": 8}]
    )

    _, attempts = await world.retried(world.hands.capture_prior, span)
    tally = await world.do(world.hands.enforce, span)

    assert attempts == 8
    assert without_time(tally) == Tally(
        done=1, failed=("L-001: its state before could not be read, so it was left alone",)
    )


async def test_a_listing_that_vanished_is_counted_as_gone_everywhere(world: World) -> None:
    span = whole(await world.ordered("L-001", "L-999"))

    await world.do(world.hands.capture_prior, span)
    tallies = [await world.do(hand, span) for hand in (world.hands.enforce, world.hands.verify, world.hands.reverse)]

    assert [without_time(tally) for tally in tallies] == [Tally(done=1, gone=1)] * 3


async def test_a_refused_act_is_reported_and_does_not_stop_the_others(world: World) -> None:
    span = whole(await world.ordered("L-001", "L-002", action="burn"))

    await world.do(world.hands.capture_prior, span)
    tally = await world.do(world.hands.enforce, span)

    assert tally.done == 0
    assert len(tally.failed) == 2
    assert tally.failed[0].startswith("L-001: the marketplace refused the request (422)")


async def test_verification_names_what_is_visible_again(world: World) -> None:
    span = whole(await world.ordered("L-001", "L-002", "L-010"))
    await world.do(world.hands.capture_prior, span)

    tally = await world.do(world.hands.verify, span)

    assert tally.wrong == 3
    assert tally.failed == (
        "L-001: still visible",
        "L-002: still visible",
        "L-010: out of sight, but not by our restriction",
    )


async def test_only_the_named_listings_are_restored(world: World) -> None:
    order = await world.ordered(*names(6))
    await world.do(world.hands.capture_prior, whole(order))
    await world.do(world.hands.enforce, whole(order))

    tally = await world.do(world.hands.reverse, whole(replace(order, restrict_to=("L-001", "L-004"))))

    assert without_time(tally) == Tally(done=2)
    assert world.effects("lift") == Counter(["L-001", "L-004"])
    assert (await world.state("L-002"))["visibility"] == "hidden"


async def test_what_was_never_hidden_by_this_order_is_not_counted_as_restored(world: World) -> None:
    span = whole(await world.ordered("L-001"))
    await world.do(world.hands.capture_prior, span)

    assert without_time(await world.do(world.hands.reverse, span)) == Tally(already=1)


async def test_a_restored_listing_that_differs_from_its_past_is_wrong_and_says_how(world: World) -> None:
    order = await world.ordered("L-001")
    other = replace(order, case_id="ESC-TEST-0000-0002")
    await world.do(world.hands.capture_prior, whole(order))
    await world.do(world.hands.enforce, whole(order))
    await world.do(world.hands.capture_prior, whole(other))
    await world.do(world.hands.enforce, whole(other))

    tally = await world.do(world.hands.reverse, whole(order))

    assert without_time(tally) == Tally(
        wrong=1, failed=("L-001: lifted, but visibility, rank, strikes, restrictions differ",)
    )


async def test_a_listing_restored_once_is_not_hidden_again_by_a_late_retry(world: World) -> None:
    span = whole(await world.ordered("L-001"))
    await world.do(world.hands.capture_prior, span)
    await world.do(world.hands.enforce, span)
    await world.do(world.hands.reverse, span)

    late = await world.do(world.hands.enforce, span)

    assert late.failed == ("L-001: restored under this decision; hiding it again needs a new decision",)
    assert (await world.state("L-001"))["visibility"] == "visible"


async def test_spans_of_one_manifest_keep_their_own_past(world: World) -> None:
    order = replace(await world.ordered(*names(7)), batch=3)
    before = [await world.state(name) for name in names(7)]

    for span in spans(order):
        await world.do(world.hands.capture_prior, span)
        await world.do(world.hands.enforce, span)
    tallies = [await world.do(world.hands.reverse, span) for span in spans(order)]

    assert [tally.done for tally in tallies] == [3, 3, 1]
    assert [await world.state(name) for name in names(7)] == before


async def test_a_manifest_that_is_not_one_stops_the_work_with_a_reason(world: World) -> None:
    digest = await world.evidence.put(b"not a manifest\n")
    order = await world.ordered("L-001")
    span = Span(order=replace(order, manifest=Manifest(digest=digest, count=1, sellers=1)), start=0, stop=1)

    with pytest.raises(ApplicationError) as refused:
        await world.do(world.hands.capture_prior, span)

    assert code(refused) == "UnknownManifest"
    assert refused.value.non_retryable


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
