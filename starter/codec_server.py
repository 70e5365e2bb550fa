"""How does an engineer read sealed values in Temporal's own UI and CLI? Through this endpoint, on this machine only.

POST /decode in Temporal's remote codec form (protobuf JSON `Payloads`, header `X-Namespace`). It opens everything the
key ring opens, so it asks for the bearer token of `<home>/keys/codec.token` (or the cookie that the console sets),
answers only the UI's exact origin, and nothing but loopback names. There is no /encode: messages go through the doors.
"""

import hmac
import json
import secrets
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import structlog
from fastapi import FastAPI, Request, Response
from google.protobuf import json_format
from temporalio.api.common.v1 import Payload, Payloads

from starter.keyring import KeyRing, open_ring, private_file, write_once
from starter.sealing import Unreadable, unseal
from starter.settings import Settings

BODY_MAX = 2 * 1024 * 1024
COOKIE = "seawall_codec"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1", "[::1]"})
_ALLOWED_HEADERS = "authorization, content-type, x-namespace"

log = structlog.get_logger(__name__)
Next = Callable[[Request], Awaitable[Response]]


def token(path: Path) -> str:
    """Read the bearer token, made on first use with mode 0600. Raises Problem (78) when others can read it."""
    if not path.exists():
        write_once(path, secrets.token_urlsafe(32) + "\n")
    private_file(path)
    return path.read_text(encoding="utf-8").strip()


def app_of(settings: Settings) -> FastAPI:
    """Make the endpoint of this installation: its ring, its token, the origin of its Temporal UI."""
    origins = [f"http://{host}:{settings.ui_port}" for host in ("127.0.0.1", "localhost")]
    return create_app(open_ring(settings.keyring_file), token(settings.codec_token_file), origins)


def create_app(ring: KeyRing, token: str, origins: Sequence[str]) -> FastAPI:
    """Make the ASGI application. `origins` are exact: scheme, host and port."""
    app = FastAPI(title="Seawall codec", docs_url=None, redoc_url=None, openapi_url=None)

    @app.middleware("http")
    async def guard(request: Request, call_next: Next) -> Response:
        response = _refused(request, origins) or await call_next(request)
        _allow_origin(request, response, origins)
        return response

    @app.options("/decode")
    async def preflight() -> Response:
        return Response(
            status_code=204,
            headers={
                "Access-Control-Allow-Methods": "POST",
                "Access-Control-Allow-Headers": _ALLOWED_HEADERS,
                "Access-Control-Max-Age": "600",
            },
        )

    @app.post("/decode")
    async def decode(request: Request) -> Response:
        if not _knows(request, token):
            return _problem(401, "The codec token is missing or wrong.", {"WWW-Authenticate": "Bearer"})
        return await _decoded(request, ring)

    return app


async def _decoded(request: Request, ring: KeyRing) -> Response:
    """Answer with the payloads of the request, each opened if the ring has its key."""
    body = await _body(request)
    if body is None:
        return _problem(413, "The request is larger than 2 MB.")
    sealed = _payloads(body)
    if sealed is None:
        return _problem(400, "The body is not Temporal's Payloads in JSON.")
    namespace = request.headers.get("x-namespace") or "default"
    opened = Payloads(payloads=[_readable(payload, ring, namespace) for payload in sealed.payloads])
    log.info("payloads.decoded", count=len(opened.payloads), namespace=namespace)
    return Response(json_format.MessageToJson(opened, indent=None), media_type="application/json")


def _payloads(body: bytes) -> Payloads | None:
    """Read Temporal's Payloads; None for anything else."""
    try:
        told = json.loads(body)
        return json_format.ParseDict(told, Payloads(), ignore_unknown_fields=True) if isinstance(told, dict) else None
    except (ValueError, RecursionError, json_format.ParseError):
        return None


def _readable(payload: Payload, ring: KeyRing, namespace: str) -> Payload:
    """Open one payload. Plain ones (Temporal's own markers) stay; one that does not open says so."""
    try:
        return unseal(payload, ring, namespace)
    except Unreadable as found:
        if found.reason == "plaintext":
            return payload
        text = json.dumps(f"<unreadable: {found.reason}>").encode()
        return Payload(metadata={"encoding": b"json/plain"}, data=text)


def _refused(request: Request, origins: Sequence[str]) -> Response | None:
    """Refuse names that are not loopback (DNS rebinding) and pages that are not the UI."""
    if request.url.hostname not in LOOPBACK:
        return _problem(403, "This endpoint answers on loopback only.")
    origin = request.headers.get("origin")
    if origin is not None and origin not in origins:
        return _problem(403, "This page may not read sealed values.")
    return None


def _allow_origin(request: Request, response: Response, origins: Sequence[str]) -> None:
    origin = request.headers.get("origin")
    response.headers["Vary"] = "Origin"
    response.headers["Cache-Control"] = "no-store"
    if origin is not None and origin in origins:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Allow-Credentials"] = "true"


def _knows(request: Request, token: str) -> bool:
    scheme, _, told = request.headers.get("authorization", "").partition(" ")
    given = told.strip() if scheme.lower() == "bearer" else request.cookies.get(COOKIE, "")
    return hmac.compare_digest(given.encode("utf-8", "replace"), token.encode())


async def _body(request: Request) -> bytes | None:
    """Read at most BODY_MAX bytes; None when there is more, announced or not."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > BODY_MAX:
        return None
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > BODY_MAX:
            return None
    return bytes(body)


def _problem(status: int, detail: str, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps({"type": "about:blank", "status": status, "detail": detail})
    return Response(body, status_code=status, media_type="application/problem+json", headers=headers)
