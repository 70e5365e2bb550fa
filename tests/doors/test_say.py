"""What does a door answer when a case takes, refuses, or cannot hear a message?"""

import asyncio
import shutil
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio import workflow
from temporalio.client import Client
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.exceptions import ApplicationError
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from escalations import ids
from escalations.casefile import CaseFile, Opening
from escalations.messages import Decide, Learn, Receipt, Said
from escalations.model import Intake, IntakeKind
from starter.errors import REFUSED, UNAVAILABLE, UNKNOWN_CASE, Problem
from starter.say import IN_FLIGHT, say
from workflows.options import TASK_QUEUE

SHORT = timedelta(seconds=2)
AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@workflow.defn(name="Escalation")
class SmallCase:
    """The smallest workflow that keeps the contract of a case: judge, answer once, close with its file."""

    @workflow.init
    def __init__(self, opening: Opening) -> None:
        self.file = opening.file or CaseFile(case_id=opening.case_id, opened_at=AT, intakes=[opening.intake])
        if opening.file is not None:
            self.file = replace(opening.file, runs=opening.file.runs + 1, closed_at=None, owner=opening.reopened_by)
        self.busy = 0
        self.busiest = 0
        self.done = False

    @workflow.run
    async def run(self, opening: Opening) -> CaseFile:
        await workflow.wait_condition(lambda: self.done)
        await workflow.wait_condition(workflow.all_handlers_finished)
        self.file.closed_at = AT
        self.file.ruling = "hide"
        return self.file

    @workflow.signal
    def finish(self) -> None:
        self.done = True

    @workflow.query
    def most_at_once(self) -> int:
        return self.busiest

    @workflow.update
    async def learn(self, message: Learn) -> Receipt:
        return self._answered(message.said, f"learned in run {self.file.runs} for {self.file.owner or 'nobody'}")

    @workflow.update
    async def decide(self, message: Decide) -> Receipt:
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await workflow.sleep(0.2)
        self.busy -= 1
        return self._answered(message.said, "taken")

    @decide.validator
    def _check(self, message: Decide) -> None:
        if message.digest != "right":
            raise ApplicationError("the evidence has changed", type="stale_digest", non_retryable=True)

    def _answered(self, said: Said, text: str) -> Receipt:
        first = Receipt(request_id=said.request_id, code="taken", text=text, at=AT)
        return self.file.answers.setdefault(said.request_id, first)


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
        handle = self.client.get_workflow_handle(case_id)
        await handle.signal("finish")
        await handle.result()
        return case_id

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
    assert refused.value.text == "the evidence has changed"


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
        handle = stack.client.get_workflow_handle(case_id)
        await handle.signal("finish")
        await handle.result()

        again = await say(stack.client, case_id, "learn", _learn("r-1"))

    assert again == first
    assert (await handle.describe()).close_time is not None


async def test_a_repeat_of_a_message_of_an_earlier_run_gets_its_first_receipt(stack: Stack) -> None:
    async with stack.worker():
        case_id = await stack.case("old repeat")
        first = await say(stack.client, case_id, "decide", _decide("r-1"))
        handle = stack.client.get_workflow_handle(case_id)
        for request_id in ("r-2", "r-3"):
            await handle.signal("finish")
            await handle.result()
            await say(stack.client, case_id, "learn", _learn(request_id))
        await handle.signal("finish")
        await handle.result()

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
