"""One report comes two hundred times at once, through three doors; it becomes one case, one run, one record."""

import asyncio
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from escalations import ids
from starter.intake import desk as desks
from starter.intake import strict, webhooks, wiring
from starter.intake.refusals import BadInput
from starter.intake.report import parse_report
from store import intakes, queries
from tests.crash import checks
from tests.crash.crowd import Crowd
from tests.crash.ground import ROOT, Ground, Program

pytestmark = [pytest.mark.slow]
SOURCE = "partner"
SEAWALL = "from starter.cli import main; main()"
DELIVERIES, BY_WEBHOOK, BY_COMMAND = 200, 80, 4
SECRET = "whsec_" + "c2Vhd2FsbA" * 4
REPORT = {
    "schema_version": 1,
    "source_ref": "MANY-1",
    "kind": "recall_notice",
    "title": "Recall of a quillbrush",
    "product": {"name": "Zephyrine Quillbrush", "brand": "Zephyrine", "models": ["ZQ-99871"]},
}
RAW = json.dumps(REPORT).encode()


@asynccontextmanager
async def web(ground: Ground) -> AsyncIterator[httpx2.AsyncClient]:
    """The intake API in a process of its own."""
    ground.told.intake_secrets_file.write_text(json.dumps({SOURCE: [SECRET]}))
    ground.told.intake_secrets_file.chmod(0o600)
    program = Program([sys.executable, "-m", "starter.stack.web"], ground.stack.env(), ground.folder / "web.log")
    url = ground.stack.url(ground.stack.ports.console)
    await program.start()
    try:
        async with httpx2.AsyncClient(base_url=url, timeout=120, trust_env=False) as client:
            await answering(program, client)
            yield client
    finally:
        await program.end()


async def answering(program: Program, client: httpx2.AsyncClient) -> None:
    for _ in range(1200):
        program.assert_alive()
        try:
            await client.get("/healthz")
        except httpx2.HTTPError:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError("the intake API did not answer within two minutes")


async def posted(client: httpx2.AsyncClient, number: int) -> dict[str, Any]:
    """Deliver as a sender does: signed, under a delivery id of its own, again while told to come back later.

    The deliveries are spread over the seconds in which the commands start, so that all doors meet.
    """
    await asyncio.sleep(number / 25)
    while True:
        name, seconds = f"msg_{number}", int(datetime.now(UTC).timestamp())
        signature = webhooks.signature(webhooks.secret(SECRET), name, seconds, RAW)
        headers = {"webhook-id": name, "webhook-timestamp": str(seconds), "webhook-signature": signature}
        answer = await client.post(
            f"/v1/intake/{SOURCE}", content=RAW, headers={**headers, "content-type": "application/json"}
        )
        if answer.status_code not in (429, 503):
            found: dict[str, Any] = answer.json()
            return found
        await asyncio.sleep(0.2)


async def commanded(ground: Ground, file: Path) -> dict[str, Any]:
    """Deliver by `seawall open`, in a process of its own."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", SEAWALL, "open", str(file), "--source", SOURCE, "--json"),
        cwd=ROOT,
        env={**os.environ, **ground.stack.env()},
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await process.communicate()
    assert process.returncode == 0
    (found,) = json.loads(said)["records"]
    return dict(found)


async def asked(desk: desks.Desk, turned_away: list[str]) -> dict[str, Any]:
    """Deliver at the desk that all doors share, again while told to come back later."""
    parsed = parse_report(strict.one_object(RAW), RAW, source=SOURCE, now=datetime.now(UTC))
    while True:
        try:
            outcome = await desks.receive(desk, parsed)
        except BadInput as refused:
            if refused.code not in ("busy", "not_durable"):
                raise
            turned_away.append(refused.code)
            await asyncio.sleep(0.2)
        else:
            return {"case_id": outcome.case_id, "status": outcome.status}


async def test_two_hundred_deliveries_of_one_report_are_one_case(ground: Ground) -> None:
    file = ground.folder / "report.json"
    file.write_bytes(RAW)
    desk = wiring.desk(ground.told, ground.engine, wiring.held(ground.client))
    case_id = ids.case_id(SOURCE, str(REPORT["source_ref"]))
    turned_away: list[str] = []

    async with ground.worker("many"), web(ground) as client:
        commands = [commanded(ground, file) for _ in range(BY_COMMAND)]
        hooks = [posted(client, number) for number in range(BY_WEBHOOK)]
        desks_ = [asked(desk, turned_away) for _ in range(DELIVERIES - BY_WEBHOOK - BY_COMMAND)]
        answers = await asyncio.gather(*commands, *hooks, *desks_)
        crowd = Crowd(ground=ground)
        await crowd.closed(case_id)
        closing = await checks.closing_file(ground, case_id)

    runs = [run.run_id async for run in ground.client.list_workflows(f'WorkflowId = "{case_id}"')]
    entries = await queries.entries(ground.engine, case_id, limit=1000)
    assert len(answers) == DELIVERIES
    assert {answer["case_id"] for answer in answers} == {case_id}
    # Whoever is turned away after the report was kept hears on coming back that it is known.
    heard = Counter(answer["status"] for answer in answers)
    assert heard == {"new": 1, "duplicate": DELIVERIES - 1} or (turned_away and heard == {"duplicate": DELIVERIES})
    assert len(await intakes.of_case(ground.engine, case_id)) == 1
    assert len(runs) == 1
    assert len(closing.intakes) == 1
    assert [entry.kind for entry in entries].count("case.opened") == 1
    await checks.assert_nothing_was_lost(ground, closing, crowd)
