"""How is one HTTP request to an outside system made and judged?

One call is one attempt: no retries, no redirects, explicit time limits, a bounded answer. `activities.outside`
documents how the ends are classified.
"""

import asyncio
import json as jsonlib
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
from temporalio.exceptions import ApplicationError

from activities import outside, watching

CONNECT_SECONDS: Final = 3.0
TOTAL_SECONDS: Final = 10.0
LONGEST_ANSWER: Final = 2 * 1024 * 1024
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "PUT", "DELETE"})
NOT_SENT: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.ProxyError)
LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


def client(base_url: str, token: str = "", *, headers: dict[str, str] | None = None) -> httpx2.AsyncClient:
    """Open a client for one system; close it with `aclose`. `token` goes into a Bearer header when there is one.

    Proxies of the environment are used except for a system on this machine. Compressed answers are not asked for, so
    that the limit on their length is a limit on memory.
    """
    sent = {"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "seawall"} | (headers or {})
    if token:
        sent["Authorization"] = f"Bearer {token}"
    return httpx2.AsyncClient(
        base_url=base_url,
        headers=sent,
        timeout=httpx2.Timeout(TOTAL_SECONDS, connect=CONNECT_SECONDS),
        follow_redirects=False,
        trust_env=urlsplit(base_url).hostname not in LOOPBACK,
    )


async def call(
    client: httpx2.AsyncClient,
    method: str,
    url: str,
    *,
    system: str,
    expect: tuple[int, ...] = (),
    idempotent: bool | None = None,
    **request: Any,
) -> httpx2.Response:
    """Make one attempt and return an answer that is 2xx or in `expect`; its body, if it has one, is valid JSON.

    `system` is a word of `outside.ADDRESSES`. `idempotent` says whether carrying the request out twice is harmless; by
    default that is so for every method but POST and PATCH. `request` goes to `AsyncClient.build_request`. Raises the
    errors of `activities.outside`.
    """
    repeatable = method.upper() in IDEMPOTENT if idempotent is None else idempotent
    with watching.calling(system, method.upper()) as seen:
        response = await _attempt(client, client.build_request(method, url, **request), system, repeatable)
        seen.status = response.status_code
        if not (response.is_success or response.status_code in expect):
            raise _failure(response, system, repeatable)
        if response.content:
            answer(response, system=system, repeatable=repeatable)
    return response


def answer(response: httpx2.Response, *, system: str, repeatable: bool = True) -> Any:
    """Read the JSON body of a response; raises `OutsideBroken` when it is not labelled or not written as JSON."""
    label = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if label != "application/json" and not label.endswith("+json"):
        raise outside.broken(
            system, "a body that is not JSON", status=response.status_code, outcome_unknown=not repeatable
        )
    try:
        return jsonlib.loads(response.content.decode("utf-8"))
    except (ValueError, RecursionError):
        raise outside.broken(
            system, "unreadable JSON", status=response.status_code, outcome_unknown=not repeatable
        ) from None


async def _attempt(
    client: httpx2.AsyncClient, request: httpx2.Request, system: str, repeatable: bool
) -> httpx2.Response:
    """Send once; `from None` everywhere, because the causes quote addresses and header values."""
    try:
        async with asyncio.timeout(TOTAL_SECONDS):
            return await _read(client, request, system, repeatable)
    except (httpx2.UnsupportedProtocol, httpx2.LocalProtocolError):
        raise outside.refused(system, status=0, what=f"check {outside.ADDRESSES.get(system, 'its address')}") from None
    except NOT_SENT:
        raise outside.down(system, "no connection") from None
    except (TimeoutError, httpx2.TimeoutException):
        raise outside.down(system, "time-out", outcome_unknown=not repeatable) from None
    except httpx2.HTTPError:
        raise outside.down(system, "connection lost", outcome_unknown=not repeatable) from None


async def _read(client: httpx2.AsyncClient, request: httpx2.Request, system: str, repeatable: bool) -> httpx2.Response:
    """Read an answer of at most 2 MiB into memory."""
    response = await client.send(request, stream=True)
    try:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise outside.broken(
                system, "a compressed body", status=response.status_code, outcome_unknown=not repeatable
            )
        body = bytearray()
        async for part in response.aiter_raw():
            body += part
            if len(body) > LONGEST_ANSWER:
                raise outside.broken(
                    system, "more than 2 MiB", status=response.status_code, outcome_unknown=not repeatable
                )
    finally:
        await response.aclose()
    kept = [(name, value) for name, value in response.headers.multi_items() if name.lower() != "transfer-encoding"]
    return httpx2.Response(response.status_code, headers=kept, content=bytes(body), request=request)


def _failure(response: httpx2.Response, system: str, repeatable: bool) -> ApplicationError:
    status = response.status_code
    if status in (429, 503):
        wait = outside.wait_asked(response.headers.get("retry-after"), datetime.now(UTC))
        return outside.busy(system, status=status, wait=wait)
    if status >= 500 or status in (408, 425):
        return outside.down(system, f"error {status}", status=status, outcome_unknown=not repeatable)
    if status in (401, 403):
        return outside.forbidden(system, status=status)
    if status >= 400:
        return outside.refused(system, status=status)
    return outside.broken(system, "a redirect", status=status)
