"""Does every way a call can end lead to the documented error, and to nothing else?"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
from temporalio.exceptions import ApplicationError

from activities import outside
from activities.clients import http

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
SECRET = "ana@person.example"


@asynccontextmanager
async def answering(raw: bytes, *, then: str = "close") -> AsyncIterator[tuple[httpx2.AsyncClient, list[bytes]]]:
    """Serve the same bytes to every request, and keep the requests; `then` is `close` or `hang`."""
    asked: list[bytes] = []
    done = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(raw)
        if then == "hang":
            await done.wait()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    opened = http.client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "token-1")
    try:
        yield opened, asked
    finally:
        done.set()
        await opened.aclose()
        server.close()
        await server.wait_closed()


def answer(status: int, body: bytes = b"{}", *headers: str, label: str = "application/json") -> bytes:
    lines = [f"HTTP/1.1 {status} X", f"Content-Type: {label}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


async def failure(raw: bytes, method: str = "GET", *, then: str = "close", **more: Any) -> ApplicationError:
    async with answering(raw, then=then) as (client, asked):
        with pytest.raises(ApplicationError) as caught:
            await http.call(client, method, "/x", system="marketplace", **more)
        assert len(asked) == 1
    assert SECRET not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind", "retried"),
    [
        (302, outside.BROKEN, True),
        (400, outside.REFUSED, False),
        (401, outside.FORBIDDEN, False),
        (403, outside.FORBIDDEN, False),
        (404, outside.REFUSED, False),
        (408, outside.DOWN, True),
        (409, outside.REFUSED, False),
        (422, outside.REFUSED, False),
        (425, outside.DOWN, True),
        (429, outside.BUSY, True),
        (500, outside.DOWN, True),
        (502, outside.DOWN, True),
        (503, outside.BUSY, True),
        (504, outside.DOWN, True),
    ],
)
async def test_each_status_has_one_type_and_one_attempt(status: int, kind: str, retried: bool) -> None:
    error = await failure(answer(status, f'{{"email": "{SECRET}"}}'.encode(), "Location: /elsewhere"))

    assert (error.type, error.non_retryable) == (kind, not retried)
    assert error.details[0]["status"] == status
    assert "marketplace" in str(error)


async def test_credentials_that_are_refused_name_the_setting_to_check() -> None:
    error = await failure(answer(401))

    assert "SEAWALL_MARKETPLACE_TOKEN" in str(error)


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        pytest.param(answer(200, b'{"items": ['), "unreadable JSON", id="bad JSON"),
        pytest.param(answer(200, b"\xff\xfe{}"), "unreadable JSON", id="not UTF-8"),
        pytest.param(answer(200, b"[" * 100_000), "unreadable JSON", id="too deep"),
        pytest.param(answer(200, b"<html>", label="text/html"), "not JSON", id="wrong content type"),
        pytest.param(answer(200, b"{}", "Content-Encoding: gzip"), "compressed", id="compressed"),
        pytest.param(answer(200, b" " * (2 * 1024 * 1024 + 1)), "2 MiB", id="too long"),
    ],
)
async def test_an_answer_that_cannot_be_read_is_broken_and_retried(raw: bytes, what: str) -> None:
    error = await failure(raw)

    assert (error.type, error.non_retryable) == (outside.BROKEN, False)
    assert what in str(error)


async def test_a_lost_reply_to_a_post_has_an_unknown_outcome_and_to_a_put_has_not() -> None:
    posted = await failure(b"", "POST")
    put = await failure(b"", "PUT")
    keyed = await failure(b"", "POST", idempotent=True)

    assert [error.type for error in (posted, put, keyed)] == [outside.DOWN] * 3
    assert [error.details[0]["outcome_unknown"] for error in (posted, put, keyed)] == [True, False, False]


async def test_an_answer_cut_short_is_down() -> None:
    error = await failure(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{")

    assert error.type == outside.DOWN


async def test_a_silent_system_is_down_after_the_time_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.2)

    error = await failure(b"", "POST", then="hang")

    assert error.type == outside.DOWN
    assert error.details[0]["outcome_unknown"] is True


async def test_a_dripping_answer_is_cut_off_by_the_total_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TOTAL_SECONDS", 0.2)

    error = await failure(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", then="hang")

    assert error.type == outside.DOWN


async def test_a_connection_that_cannot_be_made_leaves_no_doubt() -> None:
    async with answering(b"") as (client, _):
        pass
    fresh = http.client(str(client.base_url))

    with pytest.raises(ApplicationError) as caught:
        await http.call(fresh, "POST", "/x", system="marketplace")
    await fresh.aclose()

    assert caught.value.type == outside.DOWN
    assert caught.value.details[0]["outcome_unknown"] is False


async def test_an_address_that_is_no_address_names_the_setting() -> None:
    client = http.client("nowhere://host")

    with pytest.raises(ApplicationError, match="SEAWALL_MARKETPLACE_URL") as caught:
        await http.call(client, "GET", "/x", system="marketplace")
    await client.aclose()

    assert caught.value.non_retryable


async def test_a_redirect_is_not_followed_and_an_expected_status_is_an_answer() -> None:
    async with answering(answer(302, b'{"puid": "p"}', "Location: /login")) as (client, asked):
        response = await http.call(client, "GET", "/x", system="regulator", expect=(302,))

    assert response.json() == {"puid": "p"}
    assert len(asked) == 1


async def test_our_token_and_wishes_travel_in_the_headers() -> None:
    async with answering(answer(204, b"")) as (client, asked):
        response = await http.call(client, "DELETE", "/x", system="marketplace")

    assert response.status_code == 204
    sent = asked[0].lower()
    assert b"authorization: bearer token-1" in sent
    assert b"accept: application/json" in sent
    assert b"accept-encoding: identity" in sent


@pytest.mark.parametrize(
    ("header", "wait"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1e3", None),
        ("0", timedelta(seconds=0.2)),
        ("0.5", timedelta(seconds=0.5)),
        (" 7 ", timedelta(seconds=7)),
        ("300", timedelta(minutes=5)),
        ("301", timedelta(minutes=5)),
        ("999999999", timedelta(minutes=5)),
        ("99999999999999999999", None),
        ("Sun, 22 Nov 2026 10:00:30 GMT", timedelta(seconds=30)),
        ("Sun, 22 Nov 2026 09:00:00 GMT", timedelta(seconds=0.2)),
        ("Sun, 22 Nov 2026 12:00:00 GMT", timedelta(minutes=5)),
        ("Sun, 99 Nov 2026 12:00:00 GMT", None),
    ],
)
def test_retry_after_is_honoured_between_a_floor_and_a_cap(header: str | None, wait: timedelta | None) -> None:
    assert outside.wait_asked(header, NOW) == wait


@pytest.mark.parametrize("status", [429, 503])
async def test_a_busy_system_sets_the_delay_of_the_next_attempt(status: int) -> None:
    error = await failure(answer(status, b"Limit Reached.", "Retry-After: 12", label="text/plain"))

    assert error.next_retry_delay == timedelta(seconds=12)


async def test_a_busy_system_that_names_no_time_leaves_the_delay_to_temporal() -> None:
    error = await failure(answer(503, b""))

    assert (error.type, error.next_retry_delay) == (outside.BUSY, None)
