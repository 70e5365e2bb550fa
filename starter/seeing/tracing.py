"""What happened to one case, from the door to the last outside call? One trace a case, however many weeks it lives.

The trace's id is made of the case id, so intake, every message from any door, every activity and every later run find
it by themselves: nothing is carried in headers, and nothing enters a history. The same holds for the root span, which
the door draws that opened the case. Stages and gates are drawn when the casebook takes their entries for the first
time, so a replay draws nothing. Off, and costing nothing, unless `OTEL_EXPORTER_OTLP_ENDPOINT` says where to; the usual
`OTEL_*` variables hold. Spans carry words of ours: no address, no body, nothing personal.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from opentelemetry.context import Context
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Link, Span

ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
SERVICE = "seawall"
FLUSHED_WITHIN = 3000  # milliseconds
# OpenTelemetry's own words where it has one.
NAMES = {"method": "http.request.method", "status": "http.response.status_code"}
Words = Mapping[str, str | int]

# The one trace provider of the process; empty while tracing is off.
_providers: list["TracerProvider"] = []
# How the open span is found; kept here because a workflow's log line may not import anything in its sandbox.
_current: list[Callable[[], "Span"]] = []
_planned: ContextVar[tuple[int, int] | None] = ContextVar("planned", default=None)


def begin() -> None:
    """Start tracing in this process, if it is told where to send spans. Loads OpenTelemetry only then."""
    if _providers or not wanted():
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import get_current_span

    from starter.seeing.spans import Planned

    named = {} if os.environ.get("OTEL_SERVICE_NAME") else {"service.name": SERVICE}
    resource = Resource.create({**named, "process.pid": os.getpid()})
    provider = TracerProvider(resource=resource, id_generator=Planned(_planned), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _current[:] = [get_current_span]
    _providers.append(provider)


def wanted() -> bool:
    """Say whether the environment asks for traces."""
    if os.environ.get("OTEL_SDK_DISABLED", "").lower() == "true" or os.environ.get("OTEL_TRACES_EXPORTER") == "none":
        return False
    return any(os.environ.get(name) for name in ENDPOINTS)


def end() -> None:
    """Send what is left, for three seconds at most, and stop."""
    while _providers:
        provider = _providers.pop()
        provider.force_flush(FLUSHED_WITHIN)
        provider.shutdown()


def on() -> bool:
    """Say whether spans are drawn."""
    return bool(_providers)


def ids(case_id: str) -> tuple[int, int]:
    """Make the ids of a case's trace and of its root span; follow-ups and sweeps belong to their case."""
    digest = hashlib.sha256(f"seawall trace {case_id.partition('/')[0]}".encode()).digest()
    return int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:24]) or 1


def case_of(workflow_id: str | None) -> str:
    """Find the case that a workflow belongs to; "" for one that belongs to none."""
    return workflow_id.partition("/")[0] if workflow_id and workflow_id.startswith("ESC-") else ""


@contextmanager
def span(
    name: str, case_id: str = "", *, client: bool = False, sender: str = "", **words: str | int
) -> Iterator["Span | None"]:
    """Draw a span around a piece of work: in the trace of a case, or under the span that is open here.

    `sender` is the `traceparent` of somebody outside: linked to and never obeyed, neither as parent nor in what it says
    about sampling; one that is malformed is ignored. Yields None while tracing is off. What is raised passes through,
    and only its type is told.
    """
    if not _providers:
        yield None
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode

    tracer = _providers[0].get_tracer(SERVICE)
    kind = SpanKind.CLIENT if client else SpanKind.INTERNAL
    with tracer.start_as_current_span(
        name,
        context=_context(case_id),
        kind=kind,
        attributes=_attributes(case_id, words),
        links=_links(sender),
        record_exception=False,
        set_status_on_exception=False,
    ) as drawn:
        try:
            yield drawn
        except BaseException as error:
            drawn.set_attribute("error.type", type(error).__name__)
            drawn.set_status(Status(StatusCode.ERROR))
            raise


def told(drawn: "Span | None", **words: str | int) -> None:
    """Add to a span what is known at its end."""
    if drawn is not None:
        drawn.set_attributes(_attributes("", words))


def drawn(name: str, case_id: str, began: datetime, ended: datetime, *, key: str = "", **words: str | int) -> None:
    """Draw a span of the past in a case's trace. With the same `key` it is the same span, however often it is told.

    Without a key it is the root of the trace.
    """
    if not _providers:
        return
    from opentelemetry.context import Context

    trace_id, root = ids(case_id)
    span_id = int.from_bytes(hashlib.sha256(f"{case_id} {key}".encode()).digest()[:8]) or 1 if key else root
    plan = _planned.set((trace_id, span_id))
    try:
        context = _root(case_id) if key else Context()
        tracer = _providers[0].get_tracer(SERVICE)
        made = tracer.start_span(
            name, context=context, attributes=_attributes(case_id, words), start_time=_nanoseconds(began)
        )
        made.end(_nanoseconds(max(began, ended)))
    finally:
        _planned.reset(plan)


def here(case_id: str = "") -> dict[str, str]:
    """Name the trace and span for a log line: those that are open here, else the trace of the case."""
    if not _providers:
        return {}
    now = _current[0]().get_span_context()
    if now.is_valid:
        return {"trace_id": f"{now.trace_id:032x}", "span_id": f"{now.span_id:016x}"}
    return {"trace_id": f"{ids(case_id)[0]:032x}"} if case_id else {}


def _context(case_id: str) -> "Context | None":
    """Choose what a span hangs under: the span that is open here if it is of the same case, else the case's root."""
    if not case_id:
        return None
    from opentelemetry.trace import get_current_span

    open_ = get_current_span().get_span_context()
    return None if open_.is_valid and open_.trace_id == ids(case_id)[0] else _root(case_id)


def _links(sender: str) -> "list[Link]":
    """Read a W3C `traceparent`; none for an empty or a malformed one."""
    if not sender:
        return []
    from opentelemetry.context import Context
    from opentelemetry.trace import Link, get_current_span
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    read = TraceContextTextMapPropagator().extract({"traceparent": sender}, Context())
    told = get_current_span(read).get_span_context()
    return [Link(told)] if told.is_valid else []


def _root(case_id: str) -> "Context":
    """Stand in for the root span; whether it is sampled follows from its id, so every process decides alike."""
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context

    trace_id, root = ids(case_id)
    sampled = _providers[0].sampler.should_sample(Context(), trace_id, "case").decision.is_sampled()  # type: ignore[no-untyped-call]  # an enum's method
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    return set_span_in_context(NonRecordingSpan(SpanContext(trace_id, root, True, flags)), Context())


def _attributes(case_id: str, words: Words) -> dict[str, str | int]:
    named = {NAMES.get(name, f"seawall.{name}"): value for name, value in words.items()}
    return {"seawall.case_id": case_id, **named} if case_id else named


def _nanoseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000) * 1000
