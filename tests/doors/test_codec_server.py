"""Who may read sealed values through the codec endpoint, and what do they see?"""

import asyncio
import base64
import json
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from temporalio.api.common.v1 import Payload
from temporalio.client import Client

from escalations import ids
from starter import codec_server, keyring, sealing
from starter.errors import Problem
from tests.replay.server import binary, dev_server

RING = keyring.fresh()
TOKEN = "the-token-of-this-test"
UI = "http://127.0.0.1:8233"
CASE = ids.case_id("test", "codec")


@pytest.fixture(scope="module")
async def url() -> AsyncIterator[str]:
    app = codec_server.create_app(RING, TOKEN, [UI])
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve())
    async with asyncio.timeout(20):
        while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
            await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    await serving


@pytest.fixture
async def http(url: str) -> AsyncIterator[httpx2.AsyncClient]:
    async with httpx2.AsyncClient(base_url=url) as client:
        yield client


BEARER = {"Authorization": f"Bearer {TOKEN}", "X-Namespace": "default"}


def plain(value: object) -> Payload:
    return Payload(metadata={"encoding": b"json/plain"}, data=json.dumps(value).encode())


def sealed(value: object, *, namespace: str = "default", ring: keyring.KeyRing = RING) -> Payload:
    return sealing.seal(plain(value), ring, namespace, CASE)


def body(*payloads: Payload) -> dict[str, Any]:
    def b64(value: bytes) -> str:
        return base64.b64encode(value).decode()

    return {
        "payloads": [
            {"metadata": {name: b64(value) for name, value in payload.metadata.items()}, "data": b64(payload.data)}
            for payload in payloads
        ]
    }


def values(answer: httpx2.Response) -> list[Any]:
    return [json.loads(base64.b64decode(payload["data"])) for payload in answer.json()["payloads"]]


async def test_who_has_the_token_reads_the_values(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/decode", json=body(sealed("one"), sealed({"two": 2})), headers=BEARER)

    assert (answer.status_code, values(answer)) == (200, ["one", {"two": 2}])
    assert answer.headers["cache-control"] == "no-store"


async def test_one_unreadable_value_spoils_no_other(http: httpx2.AsyncClient) -> None:
    broken = sealed("x")
    broken.data = broken.data[:-1] + bytes([broken.data[-1] ^ 1])
    payloads = [sealed("one"), broken, sealed("theirs", ring=keyring.KeyRing(**_other())), sealed("three")]

    answer = await http.post("/decode", json=body(*payloads), headers=BEARER)

    assert values(answer) == ["one", "<unreadable: forged>", "<unreadable: unknown_key>", "three"]


def _other() -> dict[str, Any]:
    ring = keyring.fresh()
    key_id = bytes(byte ^ 0xFF for byte in RING.active)
    return {"active": key_id, "keys": {key_id: ring.keys[ring.active]}}


async def test_values_of_another_namespace_stay_closed(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/decode", json=body(sealed("one", namespace="privileged")), headers=BEARER)

    assert values(answer) == ["<unreadable: forged>"]


async def test_temporals_own_plain_values_are_left_as_they_are(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/decode", json=body(plain({"seq": 1})), headers=BEARER)

    assert values(answer) == [{"seq": 1}]


async def test_the_console_cookie_serves_the_ui(http: httpx2.AsyncClient) -> None:
    headers = {"Cookie": f"{codec_server.COOKIE}={TOKEN}", "Origin": UI}

    answer = await http.post("/decode", json=body(sealed("one")), headers=headers)

    assert (answer.status_code, values(answer)) == (200, ["one"])
    assert answer.headers["access-control-allow-origin"] == UI
    assert answer.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xfc"],
)
async def test_no_token_or_a_wrong_one_is_401(http: httpx2.AsyncClient, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization.encode("latin-1")}

    answer = await http.post("/decode", json=body(sealed("one")), headers=headers)

    assert answer.status_code == 401
    assert "payloads" not in answer.text


@pytest.mark.parametrize("origin", ["http://evil.example", "http://127.0.0.1:8234", "https://127.0.0.1:8233", "null"])
async def test_another_page_gets_neither_values_nor_a_cors_header(http: httpx2.AsyncClient, origin: str) -> None:
    answer = await http.post("/decode", json=body(sealed("one")), headers={**BEARER, "Origin": origin})

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


async def test_the_ui_may_ask_first(http: httpx2.AsyncClient) -> None:
    answer = await http.options("/decode", headers={"Origin": UI, "Access-Control-Request-Method": "POST"})

    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == UI
    assert {"authorization", "x-namespace"} <= set(answer.headers["access-control-allow-headers"].split(", "))


async def test_another_page_may_not_even_ask(http: httpx2.AsyncClient) -> None:
    answer = await http.options("/decode", headers={"Origin": "http://evil.example"})

    assert answer.status_code == 403
    assert "access-control-allow-origin" not in answer.headers


async def test_ten_megabytes_are_413_announced_or_not(http: httpx2.AsyncClient) -> None:
    big = b" " * (10 * 1024 * 1024)

    async def streamed() -> AsyncIterator[bytes]:
        for _ in range(10):
            yield big[: 1024 * 1024]

    announced = await http.post("/decode", content=big, headers=BEARER)
    unannounced = await http.post("/decode", content=streamed(), headers=BEARER)

    assert (announced.status_code, unannounced.status_code) == (413, 413)


@pytest.mark.parametrize("content", [b"", b"[]", b"{", b"\xff", b'{"payloads": 1}', b"[" * 100_000])
async def test_a_body_that_is_no_payloads_is_400(http: httpx2.AsyncClient, content: bytes) -> None:
    answer = await http.post("/decode", content=content, headers=BEARER)

    assert answer.status_code == 400


async def test_nothing_can_be_sealed_through_it(http: httpx2.AsyncClient) -> None:
    for path in ("/encode", "/", "/docs", "/openapi.json"):
        assert (await http.post(path, json=body(plain("x")), headers=BEARER)).status_code == 404


async def test_a_name_that_is_not_loopback_is_refused(http: httpx2.AsyncClient) -> None:
    answer = await http.post("/decode", json=body(sealed("one")), headers={**BEARER, "Host": "rebound.example"})

    assert answer.status_code == 403


def test_the_token_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "codec.token"

    first = codec_server.token(path)

    assert codec_server.token(path) == first
    assert len(first) >= 40
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(Problem) as refused:
        codec_server.token(path)
    assert refused.value.exit_code == 78


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[Client]:
    async with dev_server(RING) as connected:
        yield connected


async def shown(client: Client, *codec: str) -> str:
    program = await asyncio.create_subprocess_exec(
        binary(),
        *("workflow", "show", "-w", CASE, "-o", "json", "--address", client.service_client.config.target_host),
        *codec,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "HOME": "/nonexistent"},
    )
    out, _ = await program.communicate()
    return out.decode()


async def test_the_temporal_cli_reads_a_history_with_the_token_only(client: Client, url: str) -> None:
    handle = await client.start_workflow("Escalation", "kettle in clear", id=CASE, task_queue="nobody")

    with_token = await shown(client, "--codec-endpoint", url, "--codec-auth", f"Bearer {TOKEN}")
    without = await shown(client)

    clear = base64.b64encode(b'"kettle in clear"').decode()
    assert clear in with_token
    assert clear not in without
    await handle.terminate()
