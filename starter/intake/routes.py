"""What does the intake API answer? One signed POST per report, and problems that never repeat what was sent.

202 new · 200 duplicate or added · 4xx `application/problem+json` with a stable code · 503 whenever it is not durable.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from starlette.requests import ClientDisconnect

from starter.errors import Problem
from starter.intake import desk as desks
from starter.intake import strict, webhooks
from starter.intake.desk import Desk, Outcome
from starter.intake.refusals import REFUSALS, BadInput
from starter.intake.report import parse_report
from starter.intake.webhooks import Secret
from starter.seeing import counters, health

AT_ONCE = 64
Secrets = Callable[[], Mapping[str, tuple[Secret, ...]]]
Clock = Callable[[], datetime]

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Load:
    """How many reports are in hand; beyond `AT_ONCE` a sender is asked to come back."""

    now: int = 0


def router(desk: Desk, secrets: Secrets, clock: Clock) -> APIRouter:
    """Make `POST /v1/intake/{source}`, `GET /healthz` and `GET /readyz`, to be included in an app.

    `secrets` is asked at every delivery, so rotating a secret needs no restart, and once now: the file that the first
    sender needs is there, and a fault of it is in the log, before anything is sent. `clock` says what time it is.
    """
    with suppress(BadInput):
        _keys(secrets, "")
    routes = APIRouter()
    load = _Load()
    for code in _LATER:
        counters.REFUSALS.labels("intake", code)  # alerted on, so shown at nought before the first

    @routes.post("/v1/intake/{source}", status_code=HTTPStatus.ACCEPTED)
    async def deliver(source: str, request: Request) -> JSONResponse:
        """Take one signed report."""
        request_id = uuid4().hex
        if load.now >= AT_ONCE:
            counters.counted(counters.REFUSALS, "intake", "busy")
            return refusal(BadInput("busy"), request_id)
        load.now += 1
        try:
            outcome = await _delivered(desk, secrets, clock, source, request)
        except BadInput as refused:
            log.info("delivery.refused", code=refused.code, request_id=request_id)
            counters.counted(counters.REFUSALS, "intake", refused.code)
            return refusal(refused, request_id)
        finally:
            load.now -= 1
        return _taken(outcome, request_id)

    routes.routes.extend(health.routes(health.of_door(desk.engine, desk.connect)))
    return routes


async def _delivered(desk: Desk, secrets: Secrets, clock: Clock, source: str, request: Request) -> Outcome:
    headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in request.headers.raw]
    _judge_headers(headers)
    try:
        raw = await strict.body(request.stream())
    except ClientDisconnect:
        raise BadInput("bad_framing") from None
    now = clock()
    keys = _keys(secrets, source)
    delivery_id = webhooks.verified(headers, raw, keys=keys, now=now)
    try:
        document = strict.one_object(raw)
        parsed = parse_report(document, raw, source=source, now=now)
    except BadInput as refused:
        await desks.keep_refused(desk, source, raw, refused, now=now)
        raise
    traces = [value for name, value in headers if name == "traceparent"]
    traceparent = traces[0] if len(traces) == 1 else ""
    return await desks.receive(desk, parsed, delivery_id=delivery_id, traceparent=traceparent)


def _keys(secrets: Secrets, source: str) -> Sequence[Secret]:
    """Find the keys of a source; none for an unknown one, which then fails like a wrong signature."""
    try:
        return secrets().get(source, ())
    except Problem as problem:
        log.error("secrets.unreadable", code=problem.code)
        raise BadInput("unavailable") from None


JSON_TYPES = frozenset({"application/json", "application/json;charset=utf-8", 'application/json;charset="utf-8"'})


def _judge_headers(headers: Sequence[tuple[str, str]]) -> None:
    """Judge what can be judged before reading the body: its encoding, type and announced length."""
    told = {wanted: [value for name, value in headers if name == wanted] for wanted in _JUDGED}
    if any(value.strip().lower() != "identity" for value in told["content-encoding"]):
        raise BadInput("encoding_not_supported")
    if len(told["content-type"]) != 1 or told["content-type"][0].replace(" ", "").lower() not in JSON_TYPES:
        raise BadInput("content_type")
    lengths = told["content-length"]
    if len(lengths) > 1 or (lengths and told["transfer-encoding"]):
        raise BadInput("bad_framing")
    if lengths and not (lengths[0].isascii() and lengths[0].isdigit()):
        raise BadInput("bad_framing")
    if lengths and (len(lengths[0]) > 9 or int(lengths[0]) > strict.REPORT.size):
        raise BadInput("body_too_large")


_JUDGED = ("content-encoding", "content-type", "content-length", "transfer-encoding")
_LATER = {"busy": "1", "not_durable": "5", "unavailable": "5"}


def _taken(outcome: Outcome, request_id: str) -> JSONResponse:
    status = HTTPStatus.ACCEPTED if outcome.status == "new" else HTTPStatus.OK
    return JSONResponse(
        {"case_id": outcome.case_id, "status": outcome.status, "started": outcome.started, "request_id": request_id},
        status,
    )


def refusal(refused: BadInput, request_id: str) -> JSONResponse:
    """Write a refusal as RFC 9457 problem details; no value of the request is in it."""
    body: dict[str, Any] = {
        "type": f"urn:seawall:problem:{refused.code}",
        "title": HTTPStatus(refused.status).phrase,
        "status": refused.status,
        "detail": f"{refused.text} {REFUSALS[refused.code].next_step}".strip(),
        "code": refused.code,
        "field": refused.field,
        "request_id": request_id,
    }
    later = {"Retry-After": _LATER[refused.code]} if refused.code in _LATER else {}
    return JSONResponse(body, refused.status, headers=later, media_type="application/problem+json")
