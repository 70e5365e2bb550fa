"""Does every effect happen once, whatever the marketplace and the network do?"""

from collections import Counter
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities import outside
from activities.clients.marketplace import MarketplaceClient
from activities.marketplace import Marketplace
from escalations.enforcement import Tally
from tests.activities.marketplaces import COUNT, World, code, names, whole, without_time


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
