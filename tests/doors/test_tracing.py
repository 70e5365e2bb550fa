"""Is the life of a case one connected trace, at a strict receiver over real HTTP, and is nothing of it in history?"""

import asyncio
import gzip
import io
import json
import logging
import re
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio import activity, workflow
from temporalio.exceptions import ApplicationError
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities import outside, watching
from escalations import ids
from escalations.consensus import Gate, GateKind, Outcome
from escalations.model import Stage
from escalations.record import Batch, Card, Entry, GateCard
from starter import logs
from starter.errors import Problem
from starter.intake import routes, webhooks
from starter.intake.desk import Desk
from starter.keyring import fresh
from starter.seeing import spans, tracing, watched
from store.ledger import Ledger
from tests.replay.server import dev_server
from tests.stack.conftest import COMMAND, environment

NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
CASE = ids.case_id("test", "tracing")
# All that a span may carry; a new word must be thought about here first.
ATTRIBUTES = {
    "seawall.case_id",
    "seawall.source",
    "seawall.kind",
    "seawall.outcome",
    "seawall.door",
    "seawall.attempt",
    "seawall.workflow_type",
    "seawall.system",
    "seawall.how",
    "seawall.stage",
    "http.request.method",
    "http.response.status_code",
    "error.type",
}
PERSONAL = re.compile(r"@|https?://|\d{5,}|\s[A-Z][a-z]+\s[A-Z]")


@dataclass(slots=True)
class Receiver:
    """An OTLP receiver that takes what the protocol says and refuses everything else."""

    spans: list[Span] = field(default_factory=list)
    services: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    endpoint: str = ""

    def take(self, path: str, headers: Any, body: bytes) -> int:
        """Judge a request as the OTLP/HTTP specification 1.x does; return the status to answer."""
        if path != "/v1/traces" or headers.get("content-type") != "application/x-protobuf":
            self.refused.append(f"{path} {headers.get('content-type')}")
            return 415
        request = ExportTraceServiceRequest()
        request.ParseFromString(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)
        if request.FindInitializationErrors() or not request.resource_spans:
            self.refused.append("an empty or broken request")
            return 400
        for resource in request.resource_spans:
            named = {each.key: each.value.string_value for each in resource.resource.attributes}
            self.services.add(named.get("service.name", ""))
            for scope in resource.scope_spans:
                self.refused += [f"broken span {span.name}" for span in scope.spans if not _whole(span)]
                self.spans += scope.spans
        return 200

    def of(self, case_id: str) -> list[Span]:
        """The spans of a case's trace."""
        trace_id = tracing.ids(case_id)[0].to_bytes(16)
        return [span for span in self.spans if span.trace_id == trace_id]


def _whole(span: Span) -> bool:
    return (
        len(span.trace_id) == 16
        and len(span.span_id) == 8
        and len(span.parent_span_id) in (0, 8)
        and 0 < span.start_time_unix_nano <= span.end_time_unix_nano
        and bool(span.name)
    )


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """A receiver on a port of its own."""
    held = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            self.send_response(held.take(self.path, self.headers, body))
            self.send_header("content-type", "application/x-protobuf")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        held.endpoint = f"http://127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield held
        server.shutdown()
        thread.join()


@pytest.fixture
def traced(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    """Trace this process for one test."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.endpoint)
    receiver.spans.clear()
    tracing.begin()
    yield receiver
    tracing.end()
    if spans.outside in watching._eyes:
        watching.unwatch(spans.outside)


def words(span: Span) -> dict[str, Any]:
    """The attributes of a span."""
    return {
        each.key: each.value.string_value if each.value.HasField("string_value") else each.value.int_value
        for each in span.attributes
    }


def named(found: list[Span], name: str) -> Span:
    (span,) = [each for each in found if each.name == name]
    return span


# the whole life


@pytest.fixture(scope="module")
def lived(receiver: Receiver, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the demo, traced: reports taken in, people's decisions, cases closed; every process sends its own spans."""
    folder = tmp_path_factory.mktemp("traced")
    env = environment(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint, SEAWALL_LOG_FORMAT="json")
    receiver.spans.clear()
    ran = subprocess.run(
        [*COMMAND, "demo", "--json"], cwd=folder, env=env, capture_output=True, text=True, timeout=280, check=False
    )
    assert ran.returncode == 0, ran.stderr
    return {**json.loads(ran.stdout), "folder": folder, "spans": list(receiver.spans)}


@pytest.mark.slow
def test_every_case_is_one_connected_trace_from_the_door_to_the_outside_calls(
    receiver: Receiver, lived: dict[str, Any]
) -> None:
    assert receiver.refused == []
    assert receiver.services == {"seawall"}
    assert len(lived["cases"]) == 5
    for case in lived["cases"]:
        trace_id, root = tracing.ids(case["case_id"])
        found = [span for span in lived["spans"] if span.trace_id == trace_id.to_bytes(16)]
        by_id = {span.span_id: span for span in found}

        assert len(by_id) == len(found), "a span was told twice"
        assert by_id[root.to_bytes(8)].name == "case"
        assert [span.name for span in found if not span.parent_span_id] == ["case"]
        assert all(span.parent_span_id in by_id for span in found if span.parent_span_id)


@pytest.mark.slow
def test_a_recall_case_shows_door_stages_gates_activities_and_outside_calls(lived: dict[str, Any]) -> None:
    traces = defaultdict(set)
    for span in lived["spans"]:
        traces[span.trace_id].add(span.name)
    expected = {
        "case",
        "intake",
        "say decide",
        "say finding",
        "stage triage",
        "stage root_cause",
        "gate containment",
        "gate root_cause",
        "activity record",
        "activity plan_case",
        "activity enforce",
        "activity page",
        "marketplace PUT",
        "pager POST",
        "chat POST",
        "mail SEND",
        "regulator POST",
    }

    best = max(traces.values(), key=lambda names: len(names & expected))

    assert expected - best == set()


@pytest.mark.slow
def test_spans_carry_only_words_that_were_thought_about(lived: dict[str, Any]) -> None:
    for span in lived["spans"]:
        carried = words(span)
        assert carried.keys() <= ATTRIBUTES, span.name
        for name, value in carried.items():
            if name != "seawall.case_id" and isinstance(value, str):
                assert not PERSONAL.search(value), (span.name, name, value)
        assert not span.events, "an event could quote an exception's text"
        assert not span.status.message


# one piece each


@dataclass(frozen=True)
class Order:
    fails: int


@activity.defn
async def act(order: Order) -> str:
    with watching.calling("pager", "POST") as call:
        call.status = 202
        if activity.info().attempt <= order.fails:
            raise outside.down("pager", "error 503", status=503)
    return "done"


@workflow.defn(name="Acts")
class Acts:
    @workflow.run
    async def run(self, order: Order) -> str:
        return await workflow.execute_activity(act, order, start_to_close_timeout=timedelta(seconds=10))


async def test_each_attempt_is_a_span_with_its_call_under_it_and_history_holds_no_header(
    traced: Receiver, tmp_path: Path
) -> None:
    async with dev_server(fresh()) as client:
        worker = Worker(
            client,
            task_queue="traced",
            workflows=[Acts],
            activities=[act],
            interceptors=watched.interceptors(),
            workflow_runner=UnsandboxedWorkflowRunner(),
            max_cached_workflows=0,  # every task is a replay
        )
        async with worker:
            handle = await client.start_workflow("Acts", Order(1), id=f"{CASE}/sweep/1", task_queue="traced")
            await handle.result()
        history = await handle.fetch_history()
    tracing.end()

    attempts = sorted(
        (span for span in traced.of(CASE) if span.name == "activity act"),
        key=lambda span: words(span)["seawall.attempt"],
    )
    calls = [span for span in traced.of(CASE) if span.name == "pager POST"]
    assert [words(span)["seawall.attempt"] for span in attempts] == [1, 2]
    assert {span.parent_span_id for span in calls} == {span.span_id for span in attempts}
    assert sorted((words(span)["seawall.outcome"], words(span)["http.response.status_code"]) for span in calls) == [
        ("down", 503),
        ("ok", 202),
    ]
    assert {span.kind for span in calls} == {Span.SPAN_KIND_CLIENT}
    assert [span.status.code for span in attempts] == [2, 0]
    assert words(attempts[0])["error.type"] == "ApplicationError"
    assert len(traced.of(CASE)) == 4
    assert set(re.findall(r'"header": (.*?),?\n', history.to_json())) <= {"{}"}
    assert "traceparent" not in history.to_json()


@pytest.fixture
async def ledger(traced: Receiver, engine: AsyncEngine) -> Ledger:
    return Ledger(engine, watched.facts(engine))


async def test_stages_and_gates_are_drawn_once_with_their_own_times(traced: Receiver, ledger: Ledger) -> None:
    gate = Gate(
        id=f"{CASE}/gate/1",
        kind=GateKind.CONTAINMENT,
        question="Hide?",
        options=(),
        recommended="hide",
        default="hide",
        seats=(),
        quorum=1,
        opened_at=NOW + timedelta(minutes=10),
        due_at=NOW + timedelta(hours=1),
        digest="0",
    )
    decided = NOW + timedelta(minutes=40)
    outcome = Outcome(gate=gate.id, option="hide", how="quorum", at=decided)
    entries = (
        _entry(1, "case.opened", NOW),
        _entry(2, "stage.entered", NOW + timedelta(minutes=5), stage="investigation"),
        _entry(3, "gate.decided", decided, gate=gate.id, how="quorum"),
        _entry(4, "stage.entered", NOW + timedelta(days=20), stage="closed"),
    )
    card = Card(
        case_id=CASE,
        seq=4,
        title="A charger",
        stage=Stage.CLOSED,
        opened_at=NOW,
        updated_at=NOW,
        gates=(GateCard(gate=gate, outcome=outcome),),
    )
    batch = Batch(case_id=CASE, entries=entries, card=card)

    await ledger.append(batch)
    await ledger.append(batch)
    await ledger.append(replace(batch, entries=entries[:2]))
    await asyncio.gather(*spans._drawing)
    tracing.end()

    found = traced.of(CASE)
    assert sorted(span.name for span in found) == ["gate containment", "stage investigation", "stage triage"]
    assert _minutes(named(found, "stage triage")) == (0, 5)
    assert _minutes(named(found, "gate containment")) == (10, 40)
    assert _minutes(named(found, "stage investigation")) == (5, 20 * 24 * 60)
    assert {span.parent_span_id for span in found} == {tracing.ids(CASE)[1].to_bytes(8)}


def _entry(seq: int, kind: str, at: datetime, **data: str) -> Entry:
    return Entry(seq=seq, at=at, kind=kind, actor="seawall", text="told", data=tuple(data.items()))


def _minutes(span: Span) -> tuple[float, float]:
    began = NOW.timestamp() * 1e9
    return (span.start_time_unix_nano - began) / 6e10, (span.end_time_unix_nano - began) / 6e10


THEIRS = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


async def away() -> Any:
    raise Problem("server_away", "Temporal does not answer.")


@pytest.mark.parametrize(
    ("sent", "links"),
    [
        ([f"00-{THEIRS}-{PARENT}-01"], 1),
        ([f"00-{THEIRS}-{PARENT}-00"], 1),
        ([], 0),
        ([f"00-{'0' * 32}-{PARENT}-01"], 0),
        (["ff-nonsense", ""], 0),
        ([f"00-{THEIRS}-{PARENT}-01"] * 2, 0),
    ],
    ids=["sampled", "not sampled", "none", "all noughts", "malformed", "two"],
)
async def test_a_senders_trace_is_linked_to_and_never_obeyed(
    traced: Receiver, engine: AsyncEngine, sent: list[str], links: int
) -> None:
    key = webhooks.Secret(kind="v1", key=b"k" * 32)
    told = {"schema_version": 1, "source_ref": "TRACED", "kind": "incident_report", "title": "a burned hand"}
    raw = json.dumps(told).encode()
    seconds = int(datetime.now(UTC).timestamp())
    headers = [
        ("content-type", "application/json"),
        ("webhook-id", "msg_traced"),
        ("webhook-timestamp", str(seconds)),
        ("webhook-signature", webhooks.signature(key, "msg_traced", seconds, raw)),
        *(("traceparent", value) for value in sent),
    ]
    app = FastAPI(openapi_url=None)
    desk = Desk(engine=engine, connect=away, say=lambda *_: away())
    app.include_router(routes.router(desk, lambda: {"demo": (key,)}, lambda: datetime.now(UTC)))

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://seawall") as http:
        answer = await http.post("/v1/intake/demo", content=raw, headers=headers)
    tracing.end()

    assert answer.status_code == 202, answer.text
    intake = named(traced.of(ids.case_id("demo", "TRACED")), "intake")
    assert [(link.trace_id.hex(), link.span_id.hex()) for link in intake.links] == [(THEIRS, PARENT)] * links
    assert intake.parent_span_id == tracing.ids(ids.case_id("demo", "TRACED"))[1].to_bytes(8)


def test_the_ids_of_a_trace_follow_from_the_case_alone() -> None:
    follow_up = tracing.ids(f"{CASE}/prevention/1")

    assert tracing.ids(CASE) == follow_up
    assert tracing.ids(CASE) != tracing.ids(ids.case_id("test", "another"))
    assert tracing.case_of(f"{CASE}/sweep/1") == CASE
    assert tracing.case_of("archive/closed") == tracing.case_of(None) == ""


def test_log_lines_name_the_trace_and_span_they_belong_to(traced: Receiver) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logs.formatter(as_json=True))
    logger = logging.getLogger("seawall.traced")
    logger.propagate = False
    logger.addHandler(handler)
    with tracing.span("work", CASE):
        logger.warning("work.done")
    logger.warning("work.told", extra={"case_id": CASE})
    logger.warning("nothing.traced")
    tracing.end()
    logger.warning("work.told", extra={"case_id": CASE})
    logger.removeHandler(handler)

    inside, outside_, without, off = (json.loads(line) for line in stream.getvalue().splitlines())
    trace_id = f"{tracing.ids(CASE)[0]:032x}"
    assert inside["trace_id"] == outside_["trace_id"] == trace_id
    assert inside["span_id"] == named(traced.of(CASE), "work").span_id.hex()
    assert "trace_id" not in without
    assert "trace_id" not in off


@pytest.mark.parametrize(
    "env",
    [
        {},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": ""},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_SDK_DISABLED": "true"},
        {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_EXPORTER": "none"},
    ],
    ids=["unset", "empty", "disabled", "none"],
)
def test_nothing_is_loaded_or_intercepted_unless_it_is_asked_for(env: dict[str, str]) -> None:
    code = (
        "import sys; from starter.seeing import tracing, watched, counters; tracing.begin();"
        "assert watched.facts(None) is counters.facts and watched.interceptors() == [] and tracing.here('x') == {};"
        "print(any(name.startswith('opentelemetry.sdk') for name in sys.modules))"
    )

    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment(**env), capture_output=True, text=True, timeout=60, check=False
    )

    assert ran.stdout.strip() == "False", ran.stderr


def test_what_a_piece_of_work_raises_passes_through_and_only_its_type_is_told(traced: Receiver) -> None:
    with pytest.raises(ApplicationError, match="secret words"), tracing.span("work", CASE):
        raise ApplicationError("secret words of a person")
    tracing.end()

    span = named(traced.of(CASE), "work")
    assert words(span)["error.type"] == "ApplicationError"
    assert "secret" not in str(span)


def test_a_receiver_that_is_away_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    tracing.begin()
    with tracing.span("work", CASE):
        pass

    tracing.end()

    assert not tracing.on()
