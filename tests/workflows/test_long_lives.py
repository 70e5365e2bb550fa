"""Does a case outlive what one run may hold? The server's own limits are lowered to a hundredth, none of ours."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio

from escalations.casefile import CaseFile
from escalations.clocks import ClockStatus
from escalations.consensus import GateKind, Stance
from escalations.messages import Claim, Hold, Learn, Release
from store import queries, verification
from tests.workflows.living import living
from tests.workflows.steering import HIDE, any_run, seen, still
from tests.workflows.world import COMPANY, PAUSABLE, Handle, World, pausable_order, recall

UPDATES = 20  # instead of 2,000; the next run is suggested at 90 % of them
EVENTS = 120  # instead of 4,096
LOWERED = (
    f"history.maxTotalUpdates={UPDATES}",
    f"limit.historyCount.suggestContinueAsNew={EVENTS}",
    "limit.historyCount.error=600",  # instead of 51,200: the server ends a run that has more
    "limit.historyCount.warn=500",
)


@pytest_asyncio.fixture(scope="module")
async def small_world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """A system whose server lets a run hold little."""
    async with living(tmp_path_factory.mktemp("small-world"), limits=LOWERED, company=COMPANY) as world:
        yield world


@pytest.fixture(autouse=True)
def time_stands_still(small_world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with still(small_world, monkeypatch):
        yield


@pytest_asyncio.fixture(autouse=True)
async def clean_marketplace(small_world: World) -> AsyncIterator[None]:
    yield
    await small_world.lift_all()


async def told(world: World, handle: Handle, messages: int) -> list[Any]:
    """Say small things one after the other, and keep the answers."""
    said = [Learn(said=world.by("ana.ic"), fact="media", value=str(level % 3)) for level in range(messages)]
    return [(learn, await world.say(handle, "learn", learn)) for learn in said]


async def test_ten_times_as_many_updates_as_a_run_may_take_are_all_answered_once(small_world: World) -> None:
    handle = any_run(small_world, (await small_world.opened(recall())).id)
    await small_world.gate(handle, GateKind.LEGAL_REVIEW)

    answers = await told(small_world, handle, 10 * UPDATES)
    file = await seen(handle, lambda file: file.runs > 5)
    again = [await small_world.say(handle, "learn", learn) for learn, _ in answers[:3]]

    assert again == [receipt for _, receipt in answers[:3]]
    assert {learn.said.request_id for learn, _ in answers} <= file.answers.keys()


async def test_votes_clocks_and_the_owner_cross_over_from_run_to_run_and_the_case_closes(small_world: World) -> None:
    handle = any_run(small_world, (await small_world.opened(recall())).id)
    gate = await small_world.gate(handle, GateKind.LEGAL_REVIEW)
    await small_world.say(handle, "claim", Claim(said=small_world.by("ana.ic")))
    await small_world.vote(handle, gate, "LEG", HIDE, Stance.APPROVE)
    before = await seen(handle, lambda file: bool(file.gates[0].votes))

    await told(small_world, handle, 2 * UPDATES)
    after = await seen(handle, lambda file: file.runs > 2)
    card = await small_world.gate(handle, GateKind.LEGAL_REVIEW)
    await small_world.vote(handle, card, "PSAF", HIDE)
    closed = await small_world.finish(handle)
    entries = await queries.entries(small_world.engine, handle.id, limit=1000)

    assert [vote.person for vote in after.gates[0].votes] == [vote.person for vote in before.gates[0].votes]
    assert card.gate.due_at == gate.gate.due_at
    assert {(clock.rule, clock.t0, clock.due_operational) for clock in after.clocks} == {
        (clock.rule, clock.t0, clock.due_operational) for clock in before.clocks
    }
    assert after.owner == "ana.ic"
    assert closed.ruling == HIDE
    assert len(set(small_world.hidden(handle.id))) == len(small_world.hidden(handle.id)) == closed.restricted
    assert [entry.seq for entry in entries] == list(range(1, closed.seq + 1))
    assert (await verification.verify(small_world.engine, handle.id)).whole


async def test_a_hold_crosses_over_and_is_released_in_a_later_run(small_world: World) -> None:
    report = pausable_order(tuple(sorted(await small_world.listings("Tumblebee"))[:1]))
    handle = any_run(small_world, (await small_world.opened(report)).id)
    await small_world.gate(handle, GateKind.LEGAL_REVIEW)
    held = Hold(said=small_world.by("lena.legal"), clock=PAUSABLE, reason="the order names no listing")
    await small_world.say(handle, "hold", held)

    await told(small_world, handle, UPDATES)
    during = await seen(handle, lambda file: file.runs > 1)
    release = Release(said=small_world.by("lena.legal"), clock=PAUSABLE, reason="corrected")
    await small_world.say(handle, "release", release)
    after = await seen(handle, lambda file: release.said.request_id in file.answers)

    assert status(during) is ClockStatus.SUSPENDED
    assert status(after) is ClockStatus.RUNNING


def status(file: CaseFile) -> ClockStatus:
    return next(clock.status for clock in file.clocks if clock.rule == PAUSABLE)
