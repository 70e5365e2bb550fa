"""What does a door answer when a case takes, refuses, or cannot hear a message?"""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from escalations import ids
from escalations.casefile import CaseFile, Opening
from escalations.messages import Decide, Learn, Reopen, Said
from escalations.model import Intake, IntakeKind
from starter import connect
from starter.errors import MISCONFIGURED, REFUSED, UNAVAILABLE, UNKNOWN_CASE, Problem
from starter.say import IN_FLIGHT, say
from tests.browser.small_case import AT, SmallCase
from workflows.options import TASK_QUEUE
from workflows.reception import SAID, fingerprint

SHORT = timedelta(seconds=2)


@dataclass
class Stack:
    client: Client

    async def case(self, ref: str) -> str:
        case_id = ids.case_id("test", ref)
        opening = Opening(case_id=case_id, intake=_intake(ref))
        await self.client.start_workflow("Escalation", opening, id=case_id, task_queue=TASK_QUEUE)
        return case_id

    async def closed_case(self, ref: str) -> str:
        case_id = await self.case(ref)
        await self.finish(case_id)
        return case_id

    async def finish(self, case_id: str) -> None:
        handle = self.client.get_workflow_handle(case_id)
        await handle.signal("finish")
        await handle.result()

    def worker(self) -> Worker:
        return Worker(
            self.client, task_queue=TASK_QUEUE, workflows=[SmallCase], workflow_runner=UnsandboxedWorkflowRunner()
        )


def _intake(ref: str) -> Intake:
    return Intake(source="test", source_ref=ref, kind=IntakeKind.NOTICE, title="a kettle", received_at=AT)


def _learn(request_id: str, **more: Any) -> Learn:
    said = Said(request_id=request_id, person="ana.ic")
    return Learn(said=said, fact="deaths", value="1", **more)


def _decide(request_id: str, digest: str = "right") -> Decide:
    said = Said(request_id=request_id, person="leo.legal")
    return Decide(said=said, gate="g", digest=digest, option="hide")


@pytest_asyncio.fixture(scope="module")
async def stack() -> AsyncIterator[Stack]:
    async with await _server() as env:
        yield Stack(env.client)


async def _server() -> WorkflowEnvironment:
    binary = shutil.which("temporal") or str(Path(sys.executable).with_name("temporal"))
    return await WorkflowEnvironment.start_local(
        dev_server_existing_path=binary, data_converter=pydantic_data_converter, dev_server_log_level="error"
    )


async def test_a_taken_message_comes_back_as_the_receipt_of_the_case(stack: Stack) -> None:
    async with stack.worker():
        case_id = await stack.case("taken")

        receipt = await say(stack.client, case_id, "learn", _learn("r-1"))

    assert (receipt.request_id, receipt.code) == ("r-1", "taken")


async def test_a_refusal_keeps_the_code_and_the_reason_of_the_case(stack: Stack) -> None:
    async with stack.worker():
        case_id = await stack.case("refused")

        with pytest.raises(Problem) as refused:
            await say(stack.client, case_id, "decide", _decide("r-1", digest="old"))

    assert (refused.value.code, refused.value.exit_code) == ("stale_digest", REFUSED)
    assert refused.value.text == "the evidence has changed."
    assert refused.value.next_step == f"Look again and decide on that: seawall show {case_id}"


async def test_a_namespace_that_the_server_does_not_have_is_a_wrong_setting_and_no_server_away(stack: Stack) -> None:
    address = stack.client.service_client.config.target_host
    elsewhere = await Client.connect(address, namespace="nowhere", data_converter=pydantic_data_converter)

    with pytest.raises(Problem) as said:
        await say(elsewhere, ids.case_id("test", "x"), "learn", _learn("r-1"))
    with pytest.raises(Problem) as asked, connect.answering(elsewhere):
        await elsewhere.get_workflow_handle("x").describe()

    for refused in (said.value, asked.value):
        assert (refused.code, refused.exit_code) == ("unknown_namespace", MISCONFIGURED)
        assert "TEMPORAL_NAMESPACE" in refused.next_step


@pytest.mark.parametrize("case_id", [ids.case_id("test", "nobody"), "ESC-1", "", "../x", "ESC-ABCD-ABCD-ABCD/sweep/1"])
async def test_every_case_that_does_not_exist_is_unknown_in_the_same_words(stack: Stack, case_id: str) -> None:
    with pytest.raises(Problem) as refused:
        await say(stack.client, case_id, "learn", _learn("r-1"))

    assert (refused.value.code, refused.value.exit_code) == ("unknown_case", UNKNOWN_CASE)
    assert refused.value.text == "There is no such case."


async def test_a_vote_for_a_closed_case_is_told_when_it_closed_and_how(stack: Stack) -> None:
    async with stack.worker():
        case_id = await stack.closed_case("closed")

        with pytest.raises(Problem) as refused:
            await say(stack.client, case_id, "decide", _decide("r-9"))

    assert refused.value.code == "already_closed"
    assert "2026-11-22 03:00 UTC" in refused.value.text
    assert "hide" in refused.value.text


async def test_a_fact_for_a_closed_case_starts_its_next_run_with_the_closed_file(stack: Stack) -> None:
    async with stack.worker():
        case_id = await stack.closed_case("late")

        receipt = await say(stack.client, case_id, "learn", _learn("r-late", reason="hospital called"))

    assert receipt.text == "learned in run 2 for ana.ic"


async def test_reopening_starts_the_next_run_which_remembers_having_been_asked(stack: Stack) -> None:
    async with stack.worker():
        case_id = await stack.closed_case("reopened")
        message = Reopen(said=Said(request_id="r-1", person="ana.ic"), reason="the notice was amended")

        receipt = await say(stack.client, case_id, "reopen", message)
        learned = await say(stack.client, case_id, "learn", _learn("r-2"))
        file = await stack.client.get_workflow_handle(case_id).query("file", result_type=CaseFile)

    assert receipt.code == "taken"
    assert learned.text == "learned in run 2 for ana.ic"
    assert file.answers["r-1"].data[SAID] == fingerprint(message)


async def test_a_request_id_of_a_closed_run_cannot_be_used_for_other_words(stack: Stack) -> None:
    async with stack.worker():
        case_id = await stack.case("conflict")
        await say(stack.client, case_id, "learn", _learn("r-1"))
        await stack.finish(case_id)
        await say(stack.client, case_id, "learn", _learn("r-2"))
        await stack.finish(case_id)

        with pytest.raises(Problem) as refused:
            await say(stack.client, case_id, "learn", _learn("r-1", reason="other words"))

    assert refused.value.code == "request_id_conflict"


async def test_late_facts_from_many_doors_reach_one_next_run(stack: Stack) -> None:
    async with stack.worker():
        case_id = await stack.closed_case("late at once")

        receipts = await asyncio.gather(
            *(say(stack.client, case_id, "learn", _learn(f"r-{number}")) for number in range(6))
        )

    assert {receipt.text for receipt in receipts} == {"learned in run 2 for ana.ic"}


async def test_a_repeat_after_the_case_closed_gets_the_first_receipt_and_reopens_nothing(stack: Stack) -> None:
    async with stack.worker():
        case_id = await stack.case("repeat")
        first = await say(stack.client, case_id, "learn", _learn("r-1"))
        await stack.finish(case_id)

        again = await say(stack.client, case_id, "learn", _learn("r-1"))

    assert again == first
    assert (await stack.client.get_workflow_handle(case_id).describe()).close_time is not None


async def test_a_repeat_of_a_message_of_an_earlier_run_gets_its_first_receipt(stack: Stack) -> None:
    async with stack.worker():
        case_id = await stack.case("old repeat")
        first = await say(stack.client, case_id, "decide", _decide("r-1"))
        for request_id in ("r-2", "r-3"):
            await stack.finish(case_id)
            await say(stack.client, case_id, "learn", _learn(request_id))
        await stack.finish(case_id)

        again = await say(stack.client, case_id, "decide", _decide("r-1"))

    assert again == first


async def test_forty_votes_at_once_are_all_answered_and_never_exceed_the_limit(stack: Stack) -> None:
    async with stack.worker():
        case_id = await stack.case("storm")

        receipts = await asyncio.gather(
            *(say(stack.client, case_id, "decide", _decide(f"r-{number}")) for number in range(40))
        )
        most = await stack.client.get_workflow_handle(case_id).query("most_at_once", result_type=int)

    assert {receipt.request_id for receipt in receipts} == {f"r-{number}" for number in range(40)}
    assert most <= IN_FLIGHT


async def test_without_a_worker_the_answer_says_that_repeating_is_safe(stack: Stack) -> None:
    case_id = await stack.case("no worker")

    with pytest.raises(Problem) as refused:
        await say(stack.client, case_id, "learn", _learn("r-1"), timeout=SHORT)

    assert (refused.value.code, refused.value.exit_code) == ("not_answered", UNAVAILABLE)
    assert "r-1" in refused.value.next_step


async def test_a_message_that_got_no_answer_counts_once_when_it_is_repeated(stack: Stack) -> None:
    case_id = await stack.case("no worker at first")
    with pytest.raises(Problem):
        await say(stack.client, case_id, "learn", _learn("r-1"), timeout=SHORT)

    async with stack.worker():
        receipt = await say(stack.client, case_id, "learn", _learn("r-1"))

    assert receipt.code == "taken"


async def test_a_server_that_is_away_is_named_with_the_command_that_starts_it() -> None:
    client = await Client.connect("127.0.0.1:1", lazy=True, data_converter=pydantic_data_converter)

    with pytest.raises(Problem) as refused:
        await say(client, ids.case_id("test", "away"), "learn", _learn("r-1"), timeout=SHORT)

    assert (refused.value.code, refused.value.exit_code) == ("server_away", UNAVAILABLE)
    assert "seawall up" in refused.value.next_step


async def test_a_server_that_died_after_the_connection_was_made_is_away_too() -> None:
    async with await _server() as env:
        client = env.client

    with pytest.raises(Problem) as refused:
        await say(client, ids.case_id("test", "died"), "learn", _learn("r-1"), timeout=SHORT)

    assert refused.value.code == "server_away"


async def test_being_cancelled_is_not_mistaken_for_a_silent_case(stack: Stack) -> None:
    case_id = await stack.case("cancelled")
    speaking = asyncio.create_task(say(stack.client, case_id, "learn", _learn("r-1")))
    await asyncio.sleep(0.2)

    speaking.cancel()

    with pytest.raises(asyncio.CancelledError):
        await speaking
