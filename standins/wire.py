"""How does a stand-in take a request, misbehave if told to, and answer over HTTP?"""

import asyncio
import hmac
import json
import socket
import struct
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from standins import faults
from standins.journal import FAULT, Journal, Told
from starter.errors import Problem

LARGEST_BODY = 2 * 1024 * 1024
RESET = struct.pack("ii", 1, 0)  # SO_LINGER with zero seconds: close with RST instead of FIN
HELD_SECONDS = 120.0

_transports: WeakValueDictionary[tuple[Any, Any], asyncio.Transport] = WeakValueDictionary()


class Tracked(H11Protocol):
    """Uvicorn's HTTP protocol, which also lets a fault find the connection that it must cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn itself
        """Remember the connection under its two addresses."""
        super().connection_made(transport)
        _transports[(self.client, self.server)] = transport


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request, read completely."""

    request: Request
    op: str
    key: str
    subject: str
    body: bytes

    @property
    def caller(self) -> str:
        """Say which program called, by its User-Agent."""
        return self.request.headers.get("user-agent", "")

    def told(self, kind: str, **more: Any) -> Told:
        """Write the journal line of this request, as far as the request alone says it."""
        line = {"op": self.op, "key": self.key, "subject": self.subject, "caller": self.caller, "body": self.body}
        return Told(kind=kind, **(line | more))

    def json(self) -> Any:
        """Read the body as JSON; raises `ValueError` for anything else, doubled keys included."""
        return json.loads(self.body.decode("utf-8"), object_pairs_hook=_no_doubles)


Act = Callable[[Call], Awaitable[Response]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One endpoint: an ASGI application that gives each call its scripted fault.

    `key` and `subject` name the path parameters that identify the effect; `facts`, when given, adds more to match by.
    """

    op: str
    act: Act
    script: faults.Script
    journal: Journal
    key: str = ""
    subject: str = ""
    fault_answer: Callable[[int], Response] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        try:
            body = await _body(request)
        except ClientDisconnect:
            return
        except Problem as large:
            await problem(413, large.code, large.text)(scope, receive, send)
            return
        call = Call(
            request=request,
            op=self.op,
            key=request.path_params.get(self.key, ""),
            subject=request.path_params.get(self.subject, ""),
            body=body,
        )
        rule = self.script.take(self.op, _facts(call))
        if rule is None:
            await (await self.act(call))(scope, receive, send)
        elif rule.kind in faults.BEFORE:
            await self._fail_before(call, rule, send)
        else:
            await self._fail_after(call, rule, send)

    async def _fail_before(self, call: Call, rule: faults.Rule, send: Send) -> None:
        if rule.kind == "pause_before":
            await self.script.pause(rule)
            await (await self.act(call))(call.request.scope, call.request.receive, send)
            return
        self.journal.write(call.told(FAULT, detail={"fault": rule.kind, "rule": rule.id}))
        await self.script.pause(rule)
        if rule.kind == "timeout_before":
            await self._hold(call)
        elif rule.kind == "reset_before":
            await _cut(call.request)
        else:
            await self._refusal(rule)(call.request.scope, call.request.receive, send)

    async def _fail_after(self, call: Call, rule: faults.Rule, send: Send) -> None:
        answer = await self.act(call)
        await self.script.pause(rule)
        if rule.kind == "timeout_after":
            await self._hold(call)
        elif rule.kind == "reset_after":
            await _cut(call.request)
        elif rule.kind == "half":
            await _half(call.request, answer, send)
        else:
            if rule.kind == "slow":
                await self.script.hold(rule.seconds)
            await self._spoilt(answer, rule)(call.request.scope, call.request.receive, send)

    async def _hold(self, call: Call) -> None:
        """Leave the caller without an answer until it gives up, then cut the connection."""
        gone = asyncio.ensure_future(_disconnected(call.request))
        patience = asyncio.ensure_future(self.script.hold(HELD_SECONDS))
        await asyncio.wait([gone, patience], return_when=asyncio.FIRST_COMPLETED)
        for task in (gone, patience):
            task.cancel()
        await asyncio.gather(gone, patience, return_exceptions=True)
        await _cut(call.request)

    def _refusal(self, rule: faults.Rule) -> Response:
        status = 500 if rule.kind.startswith("500") else int(rule.kind)
        answer = self.fault_answer(status) if self.fault_answer else problem(status, "scripted", "A scripted fault.")
        if rule.retry_after is not None:
            answer.headers["retry-after"] = str(rule.retry_after)
        return answer

    def _spoilt(self, answer: Response, rule: faults.Rule) -> Response:
        if rule.kind == "500_after":
            return self._refusal(rule)
        if rule.kind == "bad_json":
            return Response(b'{"items": [' + bytes(answer.body)[:20], answer.status_code, media_type="application/json")
        if rule.kind == "wrong_ct":
            return Response(bytes(answer.body), answer.status_code, media_type="text/html")
        return answer


def application(routes: list[Route], scripts: dict[str, faults.Script], system: str) -> Starlette:
    """Put a stand-in together: its own routes, and the ones by which a test scripts its faults.

    A rule posted with `system` set goes to that stand-in instead; this is how the mail server, which speaks no HTTP,
    is scripted from another process.
    """

    async def plan(request: Request) -> Response:
        try:
            rules = faults.rules(json.loads(await request.body()))
            for rule in rules:
                scripts[rule.system or system].add([rule])
        except (ValueError, KeyError, Problem) as error:
            return problem(422, "bad_script", str(error))
        return JSONResponse({"planned": len(rules)}, 201)

    async def report(request: Request) -> Response:
        return JSONResponse(scripts[request.query_params.get("system", system)].report())

    async def release(request: Request) -> Response:
        scripts[request.query_params.get("system", system)].barrier(request.path_params["name"]).release()
        return Response(status_code=204)

    control = [
        Route("/_script", plan, methods=["POST"]),
        Route("/_script", report, methods=["GET"]),
        Route("/_barrier/{name}/release", release, methods=["POST"]),
    ]
    return Starlette(routes=control + routes, exception_handlers={HTTPException: _routing_problem})


def problem(status: int, code: str, detail: str, **more: Any) -> Response:
    """Answer in the words of RFC 9457, with a `code` for programs."""
    body = {"type": "about:blank", "title": code.replace("_", " "), "status": status, "code": code, "detail": detail}
    return JSONResponse(body | more, status, media_type="application/problem+json")


def bearer_ok(request: Request, token: str) -> bool:
    """Say whether the request carries the token."""
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.encode(), token.encode())


async def _routing_problem(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code = {404: "unknown_path", 405: "method_not_allowed"}.get(status, "refused")
    return problem(status, code, "This stand-in has no such endpoint.")


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST_BODY:
            raise Problem("body_too_large", f"The body is larger than {LARGEST_BODY} bytes.")
    return bytes(body)


def _facts(call: Call) -> dict[str, str]:
    """Collect what a scripted fault may match by: path, query and the top level of a JSON body."""
    facts: dict[str, Any] = dict(call.request.query_params)
    try:
        content = call.json()
    except ValueError:
        content = None
    if isinstance(content, dict):
        facts |= {name: value for name, value in content.items() if isinstance(value, str | int)}
    facts |= call.request.path_params
    facts |= {"key": call.key or facts.get("key", ""), "subject": call.subject or facts.get("subject", "")}
    return {name: str(value) for name, value in facts.items()}


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _cut(request: Request) -> None:
    """End the connection with a TCP reset, and wait until the server noticed."""
    transport = _transports.get((_pair(request.scope["client"]), _pair(request.scope["server"])))
    if transport is not None:
        connection = transport.get_extra_info("socket")
        if connection is not None and not transport.is_closing():
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        transport.abort()
    await _disconnected(request)


async def _half(request: Request, answer: Response, send: Send) -> None:
    """Announce the whole answer, send half of it and cut the connection in an orderly way."""
    content = bytes(answer.body)
    await send({"type": "http.response.start", "status": answer.status_code, "headers": answer.raw_headers})
    await send({"type": "http.response.body", "body": content[: len(content) // 2], "more_body": True})
    transport = _transports.get((_pair(request.scope["client"]), _pair(request.scope["server"])))
    if transport is not None:
        transport.close()
    await _disconnected(request)


def _pair(address: Any) -> tuple[str, int] | None:
    return (address[0], address[1]) if address else None


def _no_doubles(pairs: list[tuple[str, Any]]) -> MutableMapping[str, Any]:
    found: dict[str, Any] = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is given twice")
    return found
