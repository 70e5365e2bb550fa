"""What may a log line say, and is it the same shape wherever it was written?"""

import io
import json
import logging
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import structlog
from temporalio import activity, workflow
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from escalations import ids
from starter import logs
from starter.keyring import fresh
from tests.replay.server import dev_server

CASE = ids.case_id("test", "logs")


@pytest.fixture
def told() -> Iterator[io.StringIO]:
    stream = io.StringIO()
    logs.configure("json", "info", stream=stream)
    yield stream
    logs.configure("json", "warning", stream=io.StringIO())


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_door_writes_one_json_object_a_line(told: io.StringIO) -> None:
    structlog.get_logger("starter.intake").info("case.opened", case_id=CASE, source="cpsc", listings=3)

    [line] = lines(told)
    assert {"timestamp", "level", "event", "logger", "service", "version"} <= line.keys()
    assert (line["event"], line["case_id"], line["listings"], line["service"]) == ("case.opened", CASE, 3, "seawall")
    assert (line["level"], line["logger"]) == ("info", "starter.intake")


def test_the_standard_library_writes_the_same_shape(told: io.StringIO) -> None:
    logging.getLogger("some.library").warning("port %d is taken", 8787, extra={"port": 8787})

    [line] = lines(told)
    assert (line["event"], line["level"], line["logger"], line["port"]) == (
        "port 8787 is taken",
        "warning",
        "some.library",
        8787,
    )


def test_what_is_below_the_level_is_not_written(told: io.StringIO) -> None:
    structlog.get_logger("x").debug("clock.asked")
    logging.getLogger("x").debug("asked")

    assert lines(told) == []


def test_bound_context_is_in_every_line(told: io.StringIO) -> None:
    with structlog.contextvars.bound_contextvars(case_id=CASE):
        structlog.get_logger("x").info("gate.opened")

    assert lines(told)[0]["case_id"] == CASE


def test_a_field_that_is_not_allowed_is_named_and_not_written(told: io.StringIO) -> None:
    structlog.get_logger("x").info("letter.sent", case_id=CASE, recipient="Jolanta Canary", body="your child")

    [line] = lines(told)
    assert line["dropped"] == ["body", "recipient"]
    assert "Canary" not in told.getvalue()


def test_a_reason_is_written_while_it_is_one_word(told: io.StringIO) -> None:
    log = structlog.get_logger("x")
    log.info("update.refused", reason="stale_digest")
    log.info("update.refused", reason="Jolanta said so")

    word, sentence = lines(told)
    assert word["reason"] == "stale_digest"
    assert (sentence.get("reason"), sentence["dropped"]) == (None, ["reason"])


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("mail to jane.doe+x@shop.example.com failed", "jane.doe"),
        ("Jürgen@bücher.example", "Jürgen"),
        ("Authorization: Bearer abc.def-123456", "abc.def"),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "eyJzdWI"),
        ("xoxb-123456789012-abcdef", "123456789012"),
        ("GET /signin?token=s3cretvalue&next=/ HTTP/1.1", "s3cretvalue"),
        ("password: hunter2", "hunter2"),
        ("postgresql://seawall:hunter2@db/cases", "hunter2"),
        ("call +49 170 555-0101 now", "555"),
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "MfKQ9"),
    ],
)
def test_what_looks_personal_or_secret_is_blanked_anywhere(told: io.StringIO, text: str, secret: str) -> None:
    logging.getLogger("aiosmtpd").info(text)
    structlog.get_logger("x").info("request.made", url_path=text, listings=[{"id": text}])

    assert len(lines(told)) == 2
    assert secret not in told.getvalue()


def test_ids_digests_and_times_are_not_blanked(told: io.StringIO) -> None:
    kept = {
        "case_id": CASE,
        "digest": "a" * 64,
        "due_at": "2026-11-22T10:00:00+00:00",
        "address": "127.0.0.1:7233",
        "request_id": "0f8fad5b-d9cb-469f-a165-70867728950e",
    }

    structlog.get_logger("x").info("clock.started", **kept)

    [line] = lines(told)
    assert {name: line[name] for name in kept} == kept


def test_an_exception_is_told_by_type_and_place_and_never_by_its_words(told: io.StringIO) -> None:
    def broken() -> None:
        try:
            raise KeyError("Jolanta Canary")
        except KeyError as error:
            raise ValueError("canary@mail.example") from error

    for log in (structlog.get_logger("x"), logging.getLogger("y")):
        try:
            broken()
        except ValueError:
            log.exception("case.halted")

    for line in lines(told):
        assert line["error_type"] == "ValueError < KeyError"
        assert any("broken" in place for place in line["traceback"])
    assert "anary" not in told.getvalue()


def test_a_terminal_gets_readable_lines_with_the_same_rules() -> None:
    stream = io.StringIO()
    logs.configure("console", "info", stream=stream)
    try:
        structlog.get_logger("x").info("letter.sent", case_id=CASE, body="Jolanta")
    finally:
        logs.configure("json", "warning", stream=io.StringIO())

    text = stream.getvalue()
    assert "letter.sent" in text
    assert CASE in text
    assert "Jolanta" not in text
    assert not text.startswith("{")


def test_setting_it_up_twice_writes_each_line_once(told: io.StringIO) -> None:
    logs.configure("json", "info", stream=told)

    structlog.get_logger("x").info("worker.started")

    assert len(lines(told)) == 1


@activity.defn
async def chat() -> None:
    activity.logger.info("message.posted")
    structlog.get_logger("activities.chat").info("message.taken")


@workflow.defn(name="Logging")
class Logging:
    @workflow.run
    async def run(self) -> None:
        workflow.logger.info("case.triaged", extra={"severity": 2})
        structlog.get_logger("workflows.x").info("case.ruled")
        await workflow.execute_activity(chat, start_to_close_timeout=timedelta(seconds=10))
        await workflow.execute_local_activity(chat, start_to_close_timeout=timedelta(seconds=10))
        workflow.logger.info("case.closed")


async def test_workflows_and_activities_write_the_same_shape_once_although_replayed(told: io.StringIO) -> None:
    async with (
        dev_server(fresh()) as client,
        Worker(
            client,
            task_queue="logs",
            workflows=[Logging],
            activities=[chat],
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_cached_workflows=0,
        ),
    ):
        await client.execute_workflow(Logging.run, id=f"{CASE}/sweep/1", task_queue="logs")

    found = lines(told)
    assert [line["event"] for line in found if line["event"].startswith("case.")] == [
        "case.triaged",
        "case.ruled",
        "case.closed",
    ]
    posted = [line for line in found if line["event"].startswith("message.")]
    assert len(posted) == 4
    for line in [each for each in found if "." in each["event"]]:
        assert {"service", "version", "workflow_id", "run_id"} <= line.keys()
        assert line["case_id"] == CASE
    assert all(line["activity"] == "chat" and line["attempt"] == 1 for line in posted)
    assert next(line for line in found if line["event"] == "case.triaged")["severity"] == 2
