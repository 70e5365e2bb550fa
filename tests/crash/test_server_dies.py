"""The Temporal server is killed after an intake, between two votes and during a sweep; nothing is lost."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime

import pytest

from escalations.consensus import GateKind
from standins.faults import assert_all_fired
from starter.intake import desk as desks
from starter.intake import dispatch, wiring
from starter.intake.desk import Outcome
from starter.intake.report import Parsed, parse_report
from tests.crash import checks
from tests.crash.crowd import Crowd
from tests.crash.ground import Ground
from workflows.escalation import Escalation

pytestmark = [pytest.mark.slow]
WHALE = {"name": "Splash Whale", "brand": "Tumblebee", "models": ["TB-W055"], "gtins": ["9521100550116"]}
NOWHERE = {"name": "Zephyrine Quillbrush", "brand": "Zephyrine", "models": ["ZQ-99871"]}


def report(number: int, product: Mapping[str, object]) -> Parsed:
    """A recall notice in our own format."""
    document = {
        "schema_version": 1,
        "source_ref": f"SRV-{number}",
        "kind": "recall_notice",
        "title": f"Recall of {product['name']}",
        "jurisdictions": ["US"],
        "product": product,
    }
    raw = json.dumps(document).encode()
    return parse_report(document, raw, source="partner", now=datetime.now(UTC))


async def taken_while_the_server_dies(ground: Ground) -> list[Outcome]:
    """One report is answered, six are on their way when the server is killed, one comes while nobody is there."""
    desk = wiring.desk(ground.told, ground.engine, wiring.held(ground.client))
    underway = [asyncio.create_task(desks.receive(desk, report(number, NOWHERE))) for number in range(2, 8)]
    answered = await desks.receive(desk, report(1, WHALE))
    await ground.killed_server()
    late = await desks.receive(desk, report(8, NOWHERE))
    outcomes = [answered, *await asyncio.gather(*underway), late]
    await ground.serving()
    assert await dispatch.once(desk) == (sum(not outcome.started for outcome in outcomes), 0)
    return outcomes


async def test_a_killed_server_loses_no_report_no_vote_and_no_listing(ground: Ground) -> None:
    crowd = Crowd(ground=ground, options={GateKind.RESPONSE: "hold_back"})
    pause = {"id": "sweeping", "op": "restrict", "nth": 2, "kind": "pause_after", "barrier": "sweeping"}
    ground.standins.script("marketplace", [pause])
    sweeping = ground.standins.barrier("marketplace", "sweeping")

    async with ground.worker("server") as lives:
        outcomes = await taken_while_the_server_dies(ground)

        case_id = outcomes[0].case_id
        case = ground.client.get_workflow_handle_for(Escalation.run, case_id)
        asked = await ground.world.gate(case, GateKind.LEGAL_REVIEW)
        await crowd.vote(case_id, asked, asked.gate.seats[0])
        await ground.killed_server()
        await ground.serving()
        kept = await ground.world.gate(case, GateKind.LEGAL_REVIEW)

        async with asyncio.TaskGroup() as people:
            people.create_task(crowd.until(case_id, lambda card: card.sweeps))
            await sweeping.arrived()
            await ground.killed_server()
            sweeping.release()
            await ground.serving()
        for outcome in outcomes:
            await crowd.closed(outcome.case_id)
        files = [await checks.closing_file(ground, outcome.case_id) for outcome in outcomes]

    put, lifted = checks.acts(ground, case_id)
    assert {outcome.status for outcome in outcomes} == {"new"}
    assert outcomes[0].started
    assert not outcomes[-1].started
    assert len(kept.votes) == 1
    assert_all_fired(ground.standins)
    checks.assert_once(put)
    assert lifted == []
    assert len(put) == files[0].restricted
    assert lives.kills == 0
    for file in files:
        await checks.assert_nothing_was_lost(ground, file, crowd)
        await checks.assert_no_task_failed(ground, file.case_id)
