"""The worker is killed at every boundary of every activity; nothing is lost and each effect comes about once."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta

import pytest
from temporalio import activity

import worker as composition
from escalations import ids, transparency
from escalations.casefile import CaseFile
from escalations.consensus import GateKind
from escalations.enforcement import SweepOrder
from escalations.model import Product
from store.archive import Index
from tests.crash import checks
from tests.crash.crashing_worker import POST, PRE
from tests.crash.crowd import Crowd
from tests.crash.ground import Ground
from tests.workflows.world import BLENDER, INJURED, NOWHERE, POWER_BANK, order, recall
from workflows import options
from workflows.archive import Archive
from workflows.escalation import Escalation
from workflows.resweep import Resweep

pytestmark = [pytest.mark.slow]


def boundaries(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}:{boundary}" for name in names for boundary in (PRE, POST))


REVOKED = boundaries("plan_case", "record", "draft_gate", "find_listings", "gather", "page", "post")
REVOKED += boundaries("capture_prior", "enforce", "verify", "reverse")
TOLD = boundaries("draft_notices", "submit_statements", "send_notice")
WHALE = Product(name="Splash Whale", brand="Tumblebee", models=("TB-W055",), gtins=("9521100550116",))
CAME_BACK = boundaries("tell_case")
LATE = boundaries("who_is_on_duty")
ARCHIVED = boundaries("keep_closed")


async def test_every_activity_of_the_worker_has_a_crash_at_both_boundaries(ground: Ground) -> None:
    async with AsyncExitStack() as stack:
        hands = await composition.hands(ground.told, ground.client, ground.engine, stack)

    known = {activity._Definition.must_from_callable(hand).name or "" for hand in hands}
    assert set(boundaries(*known)) == {*REVOKED, *TOLD, *CAME_BACK, *LATE, *ARCHIVED}


async def test_an_emergency_that_is_revoked_survives_a_kill_at_each_boundary(ground: Ground) -> None:
    before = await ground.world.listings("Ohmberry")
    crowd = Crowd(ground=ground, options={GateKind.RATIFICATION: "revoke", GateKind.LEGAL_REVIEW: "no_action"})

    async with ground.worker("revoked", REVOKED) as lives:
        case = await ground.world.opened(recall(POWER_BANK, facts=INJURED))
        await crowd.closed(case.id)
        file = await checks.closing_file(ground, case.id)

    put, lifted = checks.acts(ground, case.id)
    assert lives.hit() == set(REVOKED)
    assert file.manifest is not None
    assert len(put) == file.manifest.count - sum(swept.applied.gone for swept in file.sweeps)
    checks.assert_once(put)
    assert sorted(lifted) == sorted(put)
    checks.assert_once(checks.pages(ground, case.id))
    assert await ground.world.listings("Ohmberry") == before
    assert file.restricted == 0
    await checks.assert_nothing_was_lost(ground, file, crowd)
    await checks.assert_no_task_failed(ground, case.id)


async def test_what_is_told_outside_is_told_once_through_a_kill_at_each_boundary(ground: Ground) -> None:
    crowd = Crowd(ground=ground)

    async with ground.worker("told", TOLD) as lives:
        case = await ground.world.opened(recall(WHALE, jurisdictions=("DE",)))
        await crowd.closed(case.id)
        file = await checks.closing_file(ground, case.id)

    put, lifted = checks.acts(ground, case.id)
    puids = {transparency.puid(case.id, listing, 1) for listing, _ in put}
    assert lives.hit() == set(TOLD)
    checks.assert_once(put)
    assert lifted == []
    assert sorted(checks.statements(ground, puids)) == sorted(puids)
    checks.assert_letters_once_or_owned_up(ground, file)
    await checks.assert_nothing_was_lost(ground, file, crowd)
    await checks.assert_no_task_failed(ground, case.id)


async def test_what_came_back_is_told_to_the_case_once_through_a_kill_at_each_boundary(ground: Ground) -> None:
    crowd = Crowd(ground=ground, options={GateKind.LEGAL_REVIEW: "no_action"})

    async with ground.worker("came_back", CAME_BACK) as lives:
        case = await ground.world.opened(recall(BLENDER))
        await ground.world.gate(case, GateKind.LEGAL_REVIEW)
        await ground.client.execute_workflow(
            Resweep.run,
            looking_again(await case.query(Escalation.file)),
            id=f"{ids.sweep_id(case.id, 1)}/watch",
            task_queue=options.TASK_QUEUE,
        )
        await crowd.closed(case.id)
        file = await checks.closing_file(ground, case.id)

    assert lives.hit() == set(CAME_BACK)
    assert [finding.kind for finding in file.findings] == ["resweep_found"]
    await checks.assert_nothing_was_lost(ground, file, crowd)
    await checks.assert_no_task_failed(ground, case.id)


async def test_somebody_on_duty_is_woken_once_for_a_late_duty_through_a_kill_at_each_boundary(ground: Ground) -> None:
    crowd = Crowd(ground=ground)
    listings = tuple(sorted(await ground.world.listings("Tumblebee"))[:1])

    async with ground.worker("late", LATE) as lives:
        case = await ground.world.opened(order(listings, received_at=datetime.now(UTC) - timedelta(days=20)))
        await crowd.closed(case.id)
        file = await checks.closing_file(ground, case.id)

    assert lives.hit() == set(LATE)
    checks.assert_once(checks.pages(ground, case.id))
    await checks.assert_nothing_was_lost(ground, file, crowd)
    await checks.assert_no_task_failed(ground, case.id)


async def test_the_history_of_a_closed_case_is_kept_once_through_a_kill_at_each_boundary(ground: Ground) -> None:
    crowd = Crowd(ground=ground)

    async with ground.worker("archived", ARCHIVED) as lives:
        case = await ground.world.opened(recall(NOWHERE))
        await crowd.closed(case.id)
        await case.result()
        runs = {run.run_id async for run in ground.client.list_workflows(f'WorkflowId = "{case.id}"')}
        await ground.client.execute_workflow(Archive.run, id="archive-of-the-test", task_queue=options.TASK_QUEUE)
        again = await ground.client.execute_workflow(
            Archive.run, id="archive-of-the-test-again", task_queue=options.TASK_QUEUE
        )

    assert lives.hit() == set(ARCHIVED)
    assert runs
    assert await Index(ground.engine).known(sorted(runs)) == runs
    assert (again.failed, again.lost) == (0, 0)


def looking_again(file: CaseFile) -> SweepOrder:
    """The watch over a case's listings, at once instead of in an hour, when all of them are offered."""
    assert file.plan is not None
    assert file.manifest is not None
    return SweepOrder(
        case_id=file.case_id,
        number=1,
        decision=1,
        action=file.plan.action,
        reason_code=file.plan.reason_code,
        mode="watch",
        manifest=file.manifest,
        resweeps=(timedelta(0),),
        sought=file.plan.sought,
    )
