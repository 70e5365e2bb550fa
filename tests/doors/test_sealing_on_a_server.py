"""What do sealed payloads do on a real server? Intruders are refused, cases live on, and nothing readable is stored."""

import io
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from temporalio import activity, workflow
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle, WorkflowUpdateFailedError
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from escalations import ids
from replay import histories
from replay.check import Verdict, check
from starter import logs, sealing
from starter.keyring import KeyRing, fresh
from tests.replay.server import dev_server

QUEUE = "sealed"
CASE = ids.case_id("test", "sealed")
CANARIES = ("canary.person@mail.example", "CANARY-NAME-Jolanta", "+49 170 5550101")


@dataclass(frozen=True)
class Told:
    text: str


@activity.defn
async def answer(told: Told) -> Told:
    activity.logger.info("question.answered")
    return Told(f"answer to {told.text}")


@activity.defn
async def refuse(told: Told) -> None:
    raise ApplicationError(f"cannot reach {told.text}", told, type="Unreachable", non_retryable=True)


@workflow.defn(name="Sealed")
class Sealed:
    def __init__(self) -> None:
        self.heard: list[str] = []
        self.over = False

    @workflow.run
    async def run(self, told: Told) -> Told:
        workflow.logger.info("case.opened")
        span = timedelta(seconds=10)
        await workflow.execute_activity(answer, told, start_to_close_timeout=span, summary=told.text)
        await workflow.execute_local_activity(answer, told, start_to_close_timeout=span)
        try:
            await workflow.execute_activity(refuse, told, start_to_close_timeout=span)
        except Exception:
            workflow.logger.warning("authority.not_reached", exc_info=True)
        workflow.upsert_memo({"note": told.text})
        await workflow.wait_condition(lambda: self.over)
        if self.heard[-1:] == ["fail"]:
            raise ApplicationError(f"ended for {told.text}", type="Ended")
        return Told(f"{len(self.heard)} heard")

    @workflow.update
    async def say(self, told: Told) -> Told:
        self.heard.append(told.text)
        return Told(f"heard {told.text}")

    @workflow.signal
    def end(self) -> None:
        self.over = True

    @workflow.signal
    def raw(self, value: RawValue) -> None:
        self.heard.append(f"{value.payload.metadata['encoding'].decode()} {value.payload.data.decode()}")

    @workflow.signal
    def typed(self, told: Told) -> None:
        self.heard.append(told.text)

    @workflow.query
    def all_heard(self) -> list[str]:
        return self.heard


@pytest.fixture(scope="module")
def ring() -> KeyRing:
    return fresh()


@pytest.fixture(scope="module")
async def client(ring: KeyRing) -> AsyncIterator[Client]:
    async with dev_server(ring) as connected:
        yield connected


@pytest.fixture(scope="module")
async def intruder(client: Client) -> Client:
    """Somebody who can reach Temporal and has no key."""
    return await Client.connect(client.service_client.config.target_host)


@pytest.fixture(scope="module", autouse=True)
async def worker(client: Client) -> AsyncIterator[None]:
    async with Worker(
        client,
        task_queue=QUEUE,
        workflows=[Sealed],
        activities=[answer, refuse],
        workflow_runner=UnsandboxedWorkflowRunner(),
    ):
        yield


async def begun(client: Client, number: int, text: str = "the case") -> WorkflowHandle[Sealed, Told]:
    return await client.start_workflow(Sealed.run, Told(text), id=ids.case_id("test", str(number)), task_queue=QUEUE)


async def stays_well(handle: WorkflowHandle[Sealed, Told], client: Client) -> None:
    """The next valid message is taken, no task ever failed, and a replay refuses the same ones again."""
    assert await handle.execute_update(Sealed.say, Told("valid")) == Told("heard valid")
    assert not any(
        event.HasField("workflow_task_failed_event_attributes") for event in (await handle.fetch_history()).events
    )
    run = await histories.of_run(client, handle.id)
    [checked] = [each async for each in check([run], workflows=[Sealed], converter=client.data_converter)]
    assert checked.verdict == Verdict.SAME, checked.differences


async def test_a_plaintext_update_is_rejected_and_the_next_valid_one_is_taken(client: Client, intruder: Client) -> None:
    handle = await begun(client, 1)

    with pytest.raises(WorkflowUpdateFailedError):
        await intruder.get_workflow_handle(handle.id).execute_update("say", {"text": "planted"})

    await stays_well(handle, client)
    assert await handle.query(Sealed.all_heard) == ["valid"]


async def test_a_plaintext_signal_changes_nothing_and_a_raw_one_sees_why(client: Client, intruder: Client) -> None:
    handle = await begun(client, 2)
    outside = intruder.get_workflow_handle(handle.id)

    await outside.signal("typed", {"text": "planted"})
    await outside.signal("raw", {"text": "planted"})

    await stays_well(handle, client)
    assert await handle.query(Sealed.all_heard) == ["seawall/unreadable plaintext", "valid"]


async def test_a_payload_taken_from_another_case_is_refused(client: Client, intruder: Client) -> None:
    of_a, of_b = await begun(client, 3), await begun(client, 4)
    await of_a.execute_update(Sealed.say, Told("approve"))
    [stolen] = [
        event.workflow_execution_update_accepted_event_attributes.accepted_request.input.args.payloads[0]
        for event in (await of_a.fetch_history()).events
        if event.HasField("workflow_execution_update_accepted_event_attributes")
    ]
    outside = intruder.get_workflow_handle(of_b.id)

    with pytest.raises(WorkflowUpdateFailedError):
        await outside.execute_update("say", RawValue(stolen))
    await outside.signal("raw", RawValue(stolen))

    await stays_well(of_b, client)
    assert await of_b.query(Sealed.all_heard) == ["seawall/unreadable other_case", "valid"]


async def test_somebody_without_the_key_reads_neither_result_nor_query(client: Client, intruder: Client) -> None:
    handle = await begun(client, 5)
    await handle.signal(Sealed.end)
    assert await handle.result() == Told("0 heard")

    with pytest.raises(Exception, match="sw1"):
        await intruder.get_workflow_handle(handle.id).result()


async def test_a_client_with_another_ring_gets_the_reason_and_not_a_value(client: Client) -> None:
    handle = await begun(client, 6)
    await handle.signal(Sealed.end)
    await handle.result()
    stranger = await Client.connect(
        client.service_client.config.target_host, data_converter=sealing.data_converter(fresh())
    )

    with pytest.raises(sealing.Unreadable, match="unknown_key"):
        await stranger.get_workflow_handle(handle.id).result()


async def test_planted_personal_data_is_in_no_stored_byte_and_in_no_log_line(client: Client) -> None:
    lines = io.StringIO()
    logs.configure("json", "debug", stream=lines)
    text = " ".join(CANARIES)
    try:
        handle = await begun(client, 7, text)
        with pytest.raises(WorkflowUpdateFailedError):
            await handle.execute_update("no_such_update", Told(text))
        await handle.execute_update(Sealed.say, Told(text))
        await handle.execute_update(Sealed.say, Told("fail"))
        await handle.signal(Sealed.end)
        with pytest.raises(WorkflowFailureError) as failed:
            await handle.result()
    finally:
        logs.configure("json", "warning", stream=io.StringIO())
        logging.getLogger().setLevel(logging.WARNING)

    assert CANARIES[0] in str(failed.value.cause)
    history = await handle.fetch_history()
    stored = b"".join(event.SerializeToString() for event in history.events) + history.to_json().encode()
    stored += (await handle.describe()).raw_description.SerializeToString()
    told = lines.getvalue()
    assert "question.answered" in told
    assert "authority.not_reached" in told
    for canary in CANARIES:
        assert canary.encode() not in stored
        assert canary not in told


async def test_memo_and_summary_come_back_to_who_has_the_key(client: Client) -> None:
    handle = await begun(client, 8, "kettle")

    await handle.signal(Sealed.end)
    await handle.result()

    described = await handle.describe()

    assert await described.memo() == {"note": "kettle"}
