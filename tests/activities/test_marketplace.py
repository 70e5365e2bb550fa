"""Are listings hidden once, checked, and put back exactly?"""

from collections import Counter
from dataclasses import replace

import pytest
from temporalio.exceptions import ApplicationError

from escalations import ids
from escalations.enforcement import Manifest, Span, Tally, spans
from tests.activities.marketplaces import CASE, COUNT, World, code, names, whole, without_time


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
