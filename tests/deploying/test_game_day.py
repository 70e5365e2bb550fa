"""What happens when a change breaks open cases? The gate stops it; forced through, it is seen and taken back.

Real server with Worker Deployment Versioning, two builds that are copies of our code, the real watchdog and pager.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.enums.v1 import VersioningBehavior

from escalations import ids
from escalations.consensus import GateKind
from escalations.messages import Claim
from replay.deploying import deployment
from starter import watchdog
from starter.intake import wiring
from tests.crash.crowd import Crowd
from tests.deploying.site import Edit, Site, site
from tests.workflows.world import Handle, recall

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]
CASES = 3
# Paging before there is a plan: cases that have a history did not do so.
BREAKS: Edit = (
    "workflows/stages/triage.py",
    "    plan = await _plan(case)\n",
    '    await page(case, "a case has begun")\n    plan = await _plan(case)\n',
)


async def test_a_breaking_change_is_stopped_by_the_gate_and_forced_through_it_is_seen_and_taken_back(
    tmp_path: Path,
) -> None:
    async with site(tmp_path) as here, watched(here):
        today = here.build("today")
        await today.work()
        assert (await today.says("deploy", "current"))[0] == 0
        cases = [await here.world.opened(recall()) for _ in range(CASES)]
        for case in cases:
            await here.world.gate(case, GateKind.LEGAL_REVIEW)

        broken = here.build("broken", BREAKS)
        stopped, reason = await broken.says("deploy", "current")
        kept = await deployment.described(here.client)

        await broken.work()
        forced, _ = await broken.says("deploy", "current", "--unchecked", "game day")
        woken = await alert(here, "triggered", nudging=cases)
        heard_while_broken = await stages(here, cases)

        back, _ = await today.says("deploy", "current", "today", "--unchecked", "roll back")
        crowd = Crowd(ground=here.ground)
        closed = [await crowd.closed(case.id) for case in cases]
        stood_down = await alert(here, "resolved")

    assert stopped == 1
    assert all(case.id in reason for case in cases)
    assert " at workflows/" in reason, reason
    assert kept.current == "today"
    assert (forced, back) == (0, 0)
    assert any(case.id in woken["summary"] for case in cases)
    assert "does not fit its history" in woken["summary"]
    assert set(heard_while_broken) == {"legal_review"}
    assert all(card.closed_at for card in closed)
    assert {card.owner for card in closed} == {"ana.ic"}
    assert stood_down["number"] == woken["number"]


async def test_cases_move_to_the_current_build_and_a_sweep_ends_on_the_one_it_began_with(tmp_path: Path) -> None:
    async with site(tmp_path) as here:
        first, second = here.build("first"), here.build("second")
        await first.work()
        assert (await first.says("deploy", "current"))[0] == 0
        case = await here.world.opened(recall())
        await here.world.agree(case, GateKind.LEGAL_REVIEW, "hide")
        await here.world.until(case, lambda card: card.sweeps)
        sweep = await versioned(here, ids.sweep_id(case.id, 1))

        await second.work()
        assert (await second.says("deploy", "current"))[0] == 0
        await first.stop()
        await nudged(here, case)
        await here.world.until(case, lambda card: card.owner == "ana.ic")
        moved = await moved_to(here, case.id, "second")
        again = await versioned(here, f"{ids.sweep_id(case.id, 1)}/watch")
        seen = await deployment.described(here.client)

    assert (sweep.behavior, sweep.deployment_version.build_id) == (
        VersioningBehavior.VERSIONING_BEHAVIOR_PINNED,
        "first",
    )
    assert (moved.behavior, moved.deployment_version.build_id) == (
        VersioningBehavior.VERSIONING_BEHAVIOR_AUTO_UPGRADE,
        "second",
    )
    assert again.behavior == VersioningBehavior.VERSIONING_BEHAVIOR_AUTO_UPGRADE
    assert seen.current == "second"
    assert {each.build_id for each in seen.versions} == {"first", "second"}


@asynccontextmanager
async def watched(here: Site) -> AsyncIterator[None]:
    """Let the watchdog look every half second."""
    stop = asyncio.Event()
    told = here.ground.told.model_copy(update={"watchdog_seconds": 0.5})
    looking = asyncio.create_task(watchdog.run(told, wiring.held(here.client), here.ground.engine, stop))
    try:
        yield
    finally:
        stop.set()
        await looking


async def nudged(here: Site, case: Handle) -> None:
    """Say something that is durable once Temporal has it, whoever works."""
    await case.signal("claim", Claim(said=here.world.by("ana.ic", f"claim-{case.id}")))


async def alert(here: Site, state: str, *, nudging: Sequence[Handle] = ()) -> dict[str, Any]:
    """Wait for the watchdog's alert to get into a state.

    Which build is current reaches the parts of the server one after the other, after it was said: the build before
    may still take what is said at once. So cases are told the same again until the alert is there.
    """
    for _ in range(100):
        for case in nudging:
            await nudged(here, case)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                return await _alerted(here, state)
    logs = {each.name: (each.code / "worker.log").read_text()[-2000:] for each in here.builds}
    raise AssertionError(
        f"the alert was never {state}: {here.ground.standins.journal('pager')}; the workers said {logs}"
    )


async def _alerted(here: Site, state: str) -> dict[str, Any]:
    while True:
        told = [one for one in here.ground.standins.journal("pager") if one["key"].startswith("seawall:watchdog")]
        if told and told[-1]["now"]["state"] == state:
            return dict(told[-1]["now"])
        await asyncio.sleep(0.2)


async def stages(here: Site, cases: list[Handle]) -> list[str]:
    cards = [await here.world.card(case) for case in cases]
    return [card.stage.value for card in cards if card is not None]


async def moved_to(here: Site, workflow_id: str, build: str) -> Any:
    """Wait until the server knows that a build did the last task: the casebook knows of it a moment before."""
    for _ in range(600):
        seen = await versioned(here, workflow_id)
        if seen.deployment_version.build_id == build:
            break
        await asyncio.sleep(0.1)
    return seen


async def versioned(here: Site, workflow_id: str) -> Any:
    described = await here.client.get_workflow_handle(workflow_id).describe()
    return described.raw_description.workflow_execution_info.versioning_info
