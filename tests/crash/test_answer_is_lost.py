"""The far side has done it and the worker dies before it hears so; what was done is neither repeated nor denied."""

import asyncio
from typing import Any

import pytest

from activities.clients import http
from escalations import transparency
from escalations.messages import Said, Withdraw
from standins.faults import assert_all_fired
from starter.say import say
from tests.crash import checks
from tests.crash.crowd import Crowd
from tests.crash.ground import Ground, Lives
from tests.workflows.world import HEATER, recall

pytestmark = [pytest.mark.slow]
SELLER = "nord-handel@sellers.example"


def paused(system: str, op: str, **match: str) -> dict[str, Any]:
    """The first such call is done and not answered until the test says so."""
    return {"id": f"{system}-{op}", "op": op, "match": match, "kind": "pause_after", "barrier": op}


def cut(op: str, *, nth: int = 1, **match: str) -> dict[str, Any]:
    """A call is done and its connection reset."""
    return {"id": f"cut-{op}", "op": op, "match": match, "nth": nth, "kind": "reset_after"}


async def kill_at(ground: Ground, lives: Lives, *places: tuple[str, str]) -> None:
    """Kill the worker when calls stand at all these places, done and unanswered."""
    async with asyncio.timeout(60):
        for system, op in places:
            await ground.standins.barrier(system, op).arrived()
    lives.kill()
    for system, op in places:
        ground.standins.barrier(system, op).release()


async def a_buyer(ground: Ground) -> str:
    """Somebody who bought a listing that is going to be hidden."""
    async with http.client(ground.told.marketplace_url, ground.standins.token) as client:
        for listing in sorted(await ground.world.listings("Hearthlow")):
            bought = (await client.get(f"/v1/listings/{listing}/orders")).json()["addresses"]
            if bought:
                return str(bought[0])
    raise AssertionError("nobody bought a heater")


async def test_what_was_done_unheard_is_neither_repeated_nor_denied(ground: Ground) -> None:
    before = await ground.world.listings("Hearthlow")
    buyer = await a_buyer(ground)
    crowd = Crowd(ground=ground)
    ground.standins.script("marketplace", [paused("marketplace", "restrict"), cut("restrict", nth=3)])
    ground.standins.script("marketplace", [paused("marketplace", "lift"), cut("lift", nth=3)])
    ground.standins.script("regulator", [paused("regulator", "statements")])
    ground.standins.script("mail", [paused("mail", "data", to=SELLER), cut("data", to=buyer)])

    async with ground.worker("unheard") as lives:
        case = await ground.world.opened(recall(HEATER, jurisdictions=("DE",)))
        async with asyncio.TaskGroup() as people:
            people.create_task(crowd.until(case.id, lambda card: card.sweeps and len(card.sent) >= 3))
            await kill_at(ground, lives, ("marketplace", "restrict"))
            await kill_at(ground, lives, ("regulator", "statements"), ("mail", "data"))
        withdrawn = Withdraw(said=Said(request_id="w-1", person="ana.ic", door="test"), reason="notice retracted")
        await say(ground.client, case.id, "withdraw", withdrawn)
        async with asyncio.TaskGroup() as people:
            people.create_task(crowd.closed(case.id))
            await kill_at(ground, lives, ("marketplace", "lift"))
        file = await checks.closing_file(ground, case.id)

    put, lifted = checks.acts(ground, case.id)
    puids = {transparency.puid(case.id, listing, 1) for listing, _ in put}
    assert_all_fired(ground.standins)
    checks.assert_once(put)
    assert sorted(lifted) == sorted(put)
    assert sorted(checks.statements(ground, puids)) == sorted(puids)
    assert await ground.world.listings("Hearthlow") == before
    assert lives.kills == 3
    await checks.assert_nothing_was_lost(ground, file, crowd)
    await checks.assert_no_task_failed(ground, case.id)
    checks.assert_letters_once_or_owned_up(ground, file)
    assert max(checks.letters(ground, case.id).values()) == 2
    assert any("sellers failed (OutcomeUnknown)" in task.title for task in file.tasks)
