"""What does the intake API answer to every kind of bad input, over real HTTP, and is a report taken exactly once?"""

import asyncio
import base64
import json
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
import uvicorn
from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.client import Client

from escalations import ids
from escalations.messages import Receipt, Report
from starter.errors import UNAVAILABLE, Problem
from starter.intake import webhooks
from starter.intake.desk import Desk
from starter.intake.routes import AT_ONCE, router
from store import intakes, migrations, quarantine
from store.engine import open_engine

KEY = webhooks.secret("whsec_" + base64.b64encode(b"k" * 32).decode())
OTHER_KEY = webhooks.secret("whsec_" + base64.b64encode(b"o" * 32).decode())
SECRETS = {"demo": (KEY,), "other": (OTHER_KEY,)}
CANARY = "CANARY-7f3a"
REPORT: dict[str, Any] = {
    "schema_version": 1,
    "source_ref": "REF-0001",
    "kind": "incident_report",
    "title": "A charger burned a hand",
}


async def away() -> Client:
    raise Problem("server_away", "Temporal does not answer.", exit_code=UNAVAILABLE)


async def silent(case_id: str, message: Report) -> Receipt:
    raise Problem("server_away", "Temporal does not answer.", exit_code=UNAVAILABLE)


@pytest.fixture(scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AsyncEngine]:
    made = open_engine(f"sqlite+aiosqlite:///{tmp_path_factory.mktemp('intake') / 'casebook.db'}")
    await migrations.upgrade(made)
    yield made
    await made.dispose()


@pytest.fixture(scope="module")
async def api(engine: AsyncEngine) -> AsyncIterator[httpx2.AsyncClient]:
    """The API on a real port, with Temporal away."""
    app = FastAPI(openapi_url=None)
    app.include_router(
        router(Desk(engine=engine, connect=away, say=silent), lambda: SECRETS, lambda: datetime.now(UTC))
    )
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="critical", lifespan="off"))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 (uvicorn tells it by this attribute only)
            await asyncio.sleep(0.01)
        async with httpx2.AsyncClient(
            base_url=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=30, trust_env=False
        ) as client:
            yield client
        server.should_exit = True
        await serving


def signed(
    raw: bytes, *, key: webhooks.Secret = KEY, message: str = "msg_1", at: datetime | None = None
) -> dict[str, str]:
    seconds = int((at or datetime.now(UTC)).timestamp())
    return {
        "content-type": "application/json",
        "webhook-id": message,
        "webhook-timestamp": str(seconds),
        "webhook-signature": webhooks.signature(key, message, seconds, raw),
    }


async def post(
    api: httpx2.AsyncClient, document: Any, *, message: str = "", source: str = "demo", **headers: str
) -> httpx2.Response:
    raw = document if isinstance(document, bytes) else json.dumps(document).encode()
    sent = signed(raw, message=message or ids.digest(raw)[:24]) | headers
    return await api.post(f"/v1/intake/{source}", content=raw, headers=sent)


def report(number: int, **changed: Any) -> dict[str, Any]:
    return REPORT | {"source_ref": f"REF-{number:04d}"} | changed


ORDER = {
    "authority": "Office",
    "reference": "17",
    "legal_basis": "GPSR art. 22(4)",
    "country": "DE",
    "reply_to": "a@b.example",
}
REFUSED = [
    pytest.param(b" " * 300_000, 413, "body_too_large", "", id="1"),
    pytest.param(b"", 400, "not_one_json_object", "", id="2 empty"),
    pytest.param([REPORT], 400, "not_one_json_object", "", id="2 list"),
    pytest.param(json.dumps(REPORT).encode() * 2, 400, "not_one_json_object", "", id="2 two documents"),
    pytest.param(b'{"title":"\xff"}', 400, "not_utf8", "", id="3"),
    pytest.param(json.dumps(REPORT).encode("utf-16"), 400, "not_utf8", "", id="4"),
    pytest.param(b'{"a":' * 100_0, 400, "too_deep", "", id="5"),
    pytest.param(b'{"facts":{"deaths":' + b"9" * 5_000 + b"}}", 400, "huge_number", "/facts", id="6"),
    pytest.param(report(1, facts={"deaths": float("nan")}), 422, "not_finite", "/facts", id="7 NaN"),
    pytest.param(b'{"facts":{"deaths":1e999}}', 422, "not_finite", "/facts", id="7 1e999"),
    pytest.param(report(1, facts={"deaths": "nan"}), 422, "not_finite", "/facts/deaths", id="7 text"),
    pytest.param(report(1, facts={"deaths": -1}), 422, "number_out_of_range", "/facts/deaths", id="8 negative"),
    pytest.param(report(1, facts={"deaths": -0.0}), 422, "number_out_of_range", "/facts/deaths", id="8 -0.0"),
    pytest.param(report(1, facts={"units_sold": 2**63}), 422, "number_out_of_range", "/facts/units_sold", id="8 2^63"),
    pytest.param(
        report(1, facts={"units_sold": 10**30}), 422, "number_out_of_range", "/facts/units_sold", id="8 10^30"
    ),
    pytest.param(report(1, facts={"deaths": "12"}), 422, "wrong_type", "/facts/deaths", id="9 text"),
    pytest.param(report(1, facts={"deaths": 1.0}), 422, "wrong_type", "/facts/deaths", id="9 1.0"),
    pytest.param(report(1, facts={"deaths": True}), 422, "wrong_type", "/facts/deaths", id="9 true"),
    pytest.param(report(1, facts={"confirmed": 1}), 422, "wrong_type", "/facts/confirmed", id="9 1 for true"),
    pytest.param(b'{"source_ref":"A-1","source_ref":"A-2"}', 400, "duplicate_key", "", id="10"),
    pytest.param(report(1, **{CANARY: 1}), 422, "unknown_field", "", id="11 unknown field"),
    pytest.param(report(1, facts={CANARY: 1}), 422, "unknown_field", "/facts", id="11 unknown field inside"),
    pytest.param(report(1, domain=CANARY), 422, "unknown_value", "/domain", id="11 unknown value"),
    pytest.param(report(1, domain="psafe"), 422, "unknown_value", "/domain", id="11 wrong case"),
    pytest.param(report(1, schema_version=2), 422, "unsupported_version", "/schema_version", id="12"),
    pytest.param(
        {"source_ref": "REF-1", "kind": "notice", "title": "x"}, 422, "missing_field", "/schema_version", id="12"
    ),
    pytest.param(report(1, aware_at="2026-11-01T10:00:00"), 422, "timezone_required", "/aware_at", id="13"),
    pytest.param(report(1, aware_at="1700000000"), 422, "bad_datetime", "/aware_at", id="14 epoch as text"),
    pytest.param(report(1, aware_at=1700000000), 422, "bad_datetime", "/aware_at", id="14 epoch"),
    pytest.param(report(1, aware_at="2026-11-01"), 422, "bad_datetime", "/aware_at", id="14 date"),
    pytest.param(report(1, aware_at="9999-12-31T23:59:59-14:00"), 422, "date_out_of_range", "/aware_at", id="15"),
    pytest.param(report(1, aware_at="1999-12-31T23:59:59Z"), 422, "date_out_of_range", "/aware_at", id="15 too early"),
    pytest.param(report(1, aware_at="2030-01-01T00:00:00Z"), 422, "aware_in_future", "/aware_at", id="16"),
    pytest.param(report(1, aware_at="2026-02-30T00:00:00Z"), 422, "bad_datetime", "/aware_at", id="17 Feb 30"),
    pytest.param(report(1, aware_at="2026-02-03T23:59:60Z"), 422, "bad_datetime", "/aware_at", id="17 leap second"),
    pytest.param(report(1, aware_at="2026-02-03T24:00:00Z"), 422, "bad_datetime", "/aware_at", id="17 hour 24"),
    pytest.param(report(1, aware_at="2026-02-03T10:00:00+25:00"), 422, "bad_datetime", "/aware_at", id="17 +25:00"),
    pytest.param(
        report(1, aware_at="2026-10-25T02:30:00"), 422, "timezone_required", "/aware_at", id="18 repeated hour"
    ),
    pytest.param(report(1, zone="Europe/Kiev"), 422, "unknown_field", "", id="19 no zones, offsets only"),
    pytest.param(report(1, title="a\x00b"), 422, "control_character", "/title", id="20 NUL"),
    pytest.param(report(1, title="a\u0085b"), 422, "control_character", "/title", id="20 C1"),
    pytest.param(report(1, title="a\nb"), 422, "control_character", "/title", id="20 a line break in a title"),
    pytest.param(report(1, summary="a\u2028b"), 422, "control_character", "/summary", id="20 U+2028"),
    pytest.param(report(1, source_ref="REF-\x07"), 422, "control_character", "/source_ref", id="20 in an id"),
    pytest.param(b'{"title":"\\ud800"}', 400, "not_utf8", "", id="21"),
    pytest.param(report(1, source_ref="\u0415SC-1"), 422, "bad_id", "/source_ref", id="22 homoglyph"),
    pytest.param(report(1, source_ref="REF\u200b-1"), 422, "bad_id", "/source_ref", id="22 zero width"),
    pytest.param(report(1, source_ref="\uff12\uff13\uff14"), 422, "bad_id", "/source_ref", id="22 full width"),
    pytest.param(report(1, source_ref="ref-1"), 422, "bad_id", "/source_ref", id="23 lower case"),
    pytest.param(report(1, source_ref="REF-1 "), 422, "bad_id", "/source_ref", id="23 trailing space"),
    pytest.param(report(1, title="x" * 201), 422, "too_long", "/title", id="24 title"),
    pytest.param(report(1, title="e" + "\u0301" * 40_000), 422, "too_long", "/title", id="24 combining marks"),
    pytest.param(report(1, summary="x" * 200_000), 422, "too_long", "/summary", id="24 summary"),
    pytest.param(report(1, source_ref="A" * 1_001), 422, "bad_id", "/source_ref", id="25 long"),
    pytest.param(report(1, source_ref="A/../B"), 422, "bad_id", "/source_ref", id="25 path"),
    pytest.param(report(1, source_ref="-AB"), 422, "bad_id", "/source_ref", id="25 leading dash"),
    pytest.param(report(1, listings=["L:1"]), 422, "bad_id", "/listings/0", id="25 listing"),
    pytest.param(report(1, listings=["L-1"] * 201), 422, "too_many_items", "/listings", id="26"),
    pytest.param(report(1, kind="authority_order"), 422, "inconsistent", "/order", id="31 order without order"),
    pytest.param(report(1, order=ORDER), 422, "inconsistent", "/order", id="31 order of another kind"),
    pytest.param(report(1, kind="recall_notice"), 422, "inconsistent", "/product", id="31 recall of nothing"),
    pytest.param(report(1, source="other"), 422, "inconsistent", "/source", id="31 another source"),
    pytest.param(
        report(1, kind="authority_order", order=ORDER, jurisdictions=["US"]),
        422,
        "inconsistent",
        "/jurisdictions",
        id="31 another country",
    ),
    pytest.param(report(1, about=ids.case_id("demo", "REF-0001")), 422, "cycle", "/about", id="31 about itself"),
    pytest.param(report(1, about="ESC-0000-0000-0000"), 404, "unknown_case", "/about", id="about an unknown case"),
    pytest.param(
        report(1, kind="recall_notice", product={"name": "x", "gtins": ["4006381333932"]}),
        422,
        "bad_gtin",
        "/product/gtins/0",
        id="wrong check digit",
    ),
    pytest.param(
        report(1, kind="authority_order", order=ORDER | {"reply_to": "a@b.example\r\nBcc: c@d.example"}),
        422,
        "bad_address",
        "/order/reply_to",
        id="mail header in an address",
    ),
    pytest.param(report(1, url="javascript:alert(1)"), 422, "bad_url", "/url", id="script address"),
    pytest.param(report(1, url="https://ok.example@127.0.0.1/"), 422, "bad_url", "/url", id="user part in an address"),
    pytest.param(report(1, title="   "), 422, "blank", "/title", id="blank"),
]


@pytest.mark.parametrize(("document", "status", "code", "field"), REFUSED)
async def test_bad_input_is_a_problem_with_code_and_place(
    api: httpx2.AsyncClient, document: Any, status: int, code: str, field: str
) -> None:
    answer = await post(api, document)

    problem = answer.json()
    assert (answer.status_code, problem["code"], problem["field"]) == (status, code, field)
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(problem) == {"type", "title", "status", "detail", "code", "field", "request_id"}
    assert CANARY not in answer.text


async def test_no_refusal_repeats_any_value_or_name_that_was_sent(api: httpx2.AsyncClient) -> None:
    names = ["source_ref", "kind", "title", "source", "about", "domain", "aware_at", "url", CANARY]
    wrong = [report(1, **{name: f"{CANARY}\x00/é"}) for name in names]
    wrong += [report(1, **{name: [CANARY]}) for name in ("models", "jurisdictions", "product", "order", "facts")]

    answers = [await post(api, document) for document in wrong]

    assert all(answer.status_code == 422 for answer in answers[:-1])
    assert all(CANARY not in answer.text for answer in answers)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity"])
async def test_row_29_an_encoded_body_is_not_supported(api: httpx2.AsyncClient, encoding: str) -> None:
    answer = await post(api, REPORT, **{"content-encoding": encoding})

    assert (answer.status_code, answer.json()["code"]) == (415, "encoding_not_supported")


@pytest.mark.parametrize("kind", ["text/plain", "", "application/json;charset=latin-1", "application/jsonp"])
async def test_row_32_only_json_in_utf8_is_supported(api: httpx2.AsyncClient, kind: str) -> None:
    answer = await post(api, REPORT, **{"content-type": kind})

    assert (answer.status_code, answer.json()["code"]) == (415, "content_type")


async def test_row_1_a_chunked_body_without_length_is_cut_off(api: httpx2.AsyncClient) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(400):
            yield b" " * 4_096

    answer = await api.post("/v1/intake/demo", content=endless(), headers=signed(b""))

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("path", ["//v1/intake/demo", "/v1/intake/demo/", "/v1/intake/demo;x", "/v1/intake/..%2fdemo"])
async def test_row_34_another_spelling_of_the_address_takes_nothing(api: httpx2.AsyncClient, path: str) -> None:
    raw = json.dumps(report(9034)).encode()

    answer = await api.post(path, content=raw, headers=signed(raw))

    assert answer.status_code in (307, 401, 404)


async def test_attack_24_a_source_signs_only_for_itself_and_unknown_sources_look_the_same(
    api: httpx2.AsyncClient,
) -> None:
    raw = json.dumps(REPORT).encode()
    foreign = await api.post("/v1/intake/other", content=raw, headers=signed(raw))
    unknown = await api.post("/v1/intake/nobody", content=raw, headers=signed(raw))

    assert (foreign.status_code, unknown.status_code) == (401, 401)
    assert {**foreign.json(), "request_id": ""} == {**unknown.json(), "request_id": ""}


@pytest.mark.parametrize(
    "headers",
    [
        {"webhook-signature": "v1"},
        {"webhook-signature": "v1,a,b"},
        {"webhook-signature": "v1,abc"},
        {"webhook-signature": "v1,abcd  v1,abcd"},
        {"webhook-timestamp": "1674087231.9"},
        {"webhook-timestamp": "1_674_087_231"},
        {"webhook-timestamp": "1.67e9"},
        {"webhook-id": "msg_2"},
        {"webhook-id": "a.b"},
    ],
)
async def test_attacks_15_19_20_malformed_headers_are_unauthorised(
    api: httpx2.AsyncClient, headers: dict[str, str]
) -> None:
    raw = json.dumps(REPORT).encode()

    answer = await api.post("/v1/intake/demo", content=raw, headers=signed(raw) | headers)

    assert (answer.status_code, answer.json()["code"]) == (401, "bad_signature")


async def test_attack_19_a_header_that_is_not_ascii_is_unauthorised(api: httpx2.AsyncClient) -> None:
    raw = json.dumps(REPORT).encode()
    sent = [(name, value) for name, value in signed(raw).items() if name != "webhook-signature"]
    wild = [(name.encode(), value.encode()) for name, value in sent] + [(b"webhook-signature", b"v1,\xc3\xa9\xff")]

    answer = await api.post("/v1/intake/demo", content=raw, headers=wild)

    assert answer.status_code == 401


@pytest.mark.parametrize("drift", [-310, 310])
async def test_attack_16_a_stale_delivery_is_unauthorised(api: httpx2.AsyncClient, drift: int) -> None:
    raw = json.dumps(REPORT).encode()

    answer = await api.post(
        "/v1/intake/demo", content=raw, headers=signed(raw, at=datetime.now(UTC) + timedelta(seconds=drift))
    )

    assert answer.status_code == 401


async def test_a_stale_or_reused_delivery_is_told_what_to_change(api: httpx2.AsyncClient) -> None:
    raw = json.dumps(REPORT).encode()
    early = datetime.now(UTC) - timedelta(seconds=310)

    late = await api.post("/v1/intake/demo", content=raw, headers=signed(raw, at=early))
    await post(api, report(41), message="msg_once")
    reused = await post(api, report(42), message="msg_once")

    assert "300 s of now" in late.json()["detail"]
    assert (reused.status_code, "webhook-id" in reused.json()["detail"]) == (409, True)


async def test_attack_21_many_signatures_are_too_large(api: httpx2.AsyncClient) -> None:
    raw = json.dumps(REPORT).encode()

    answer = await api.post(
        "/v1/intake/demo", content=raw, headers=signed(raw) | {"webhook-signature": "v1,abcd " * 1_000 + "v1,abcd"}
    )

    assert answer.status_code == 431


async def test_attack_17_the_same_delivery_again_is_a_duplicate_of_one_case(
    api: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    first = await post(api, report(17), message="msg_17")
    again = await post(api, report(17), message="msg_17")
    resent = await post(api, report(17), message="msg_17b")

    assert [answer.status_code for answer in (first, again, resent)] == [202, 200, 200]
    assert [answer.json()["status"] for answer in (first, again, resent)] == ["new", "duplicate", "duplicate"]
    case_id = ids.case_id("demo", "REF-0017")
    assert {answer.json()["case_id"] for answer in (first, again, resent)} == {case_id}
    kept = await intakes.of_case(engine, case_id)
    assert [row.raw for row in kept] == [json.dumps(report(17)).encode()]


async def test_attack_18_the_same_reference_or_delivery_with_another_body_is_a_conflict(
    api: httpx2.AsyncClient,
) -> None:
    await post(api, report(18), message="msg_18")

    same_reference = await post(api, report(18, title="Another title"), message="msg_18b")
    same_delivery = await post(api, report(1018), message="msg_18")

    assert [answer.status_code for answer in (same_reference, same_delivery)] == [409, 409]
    assert same_reference.json()["code"] == "conflict"


async def test_attack_23_a_document_written_again_does_not_keep_its_signature(api: httpx2.AsyncClient) -> None:
    raw = json.dumps(report(23)).encode()

    answer = await api.post("/v1/intake/demo", content=json.dumps(report(23), indent=1).encode(), headers=signed(raw))

    assert answer.status_code == 401


async def test_while_temporal_is_away_a_report_is_kept_and_waits(api: httpx2.AsyncClient, engine: AsyncEngine) -> None:
    answer = await post(api, report(40))

    assert (answer.status_code, answer.json()["started"]) == (202, False)
    assert "REF-0040" in {kept.source_ref for kept in await intakes.waiting(engine, 500)}


async def test_two_hundred_deliveries_at_once_are_one_case(api: httpx2.AsyncClient, engine: AsyncEngine) -> None:
    places = asyncio.Semaphore(AT_ONCE)

    async def deliver(number: int) -> httpx2.Response:
        async with places:
            return await post(api, report(200), message=f"msg_200_{number}")

    answers = await asyncio.gather(*(deliver(number) for number in range(200)))

    statuses = [answer.status_code for answer in answers]
    assert (statuses.count(202), statuses.count(200)) == (1, 199)
    assert len(await intakes.of_case(engine, ids.case_id("demo", "REF-0200"))) == 1


async def test_a_flood_is_asked_to_come_back_and_nothing_of_it_is_lost(
    api: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    answers = await asyncio.gather(*(post(api, report(3_000 + number)) for number in range(3 * AT_ONCE)))

    taken = {answer.json()["case_id"] for answer in answers if answer.status_code == 202}
    busy = [answer for answer in answers if answer.status_code == 429]
    assert len(taken) + len(busy) == len(answers)
    assert all(answer.json()["code"] == "busy" and answer.headers["retry-after"] for answer in busy)
    for case_id in taken:
        assert len(await intakes.of_case(engine, case_id)) == 1


async def test_a_signed_document_that_cannot_be_read_is_kept_for_people(
    api: httpx2.AsyncClient, engine: AsyncEngine
) -> None:
    document = report(12, schema_version=3)

    await post(api, document)
    await post(api, document)

    kept = [record for record in await quarantine.list(engine, limit=500) if b"REF-0012" in record.raw]
    assert [(record.code, record.times, record.source) for record in kept] == [("unsupported_version", 2, "demo")]


async def test_an_unsigned_document_is_not_kept(api: httpx2.AsyncClient, engine: AsyncEngine) -> None:
    raw = b'{"unsigned": "REF-UNSIGNED"}'

    await api.post("/v1/intake/demo", content=raw, headers=signed(raw, key=OTHER_KEY))

    assert not [record for record in await quarantine.list(engine, limit=500) if record.raw == raw]


async def test_the_probes_tell_a_live_process_from_a_ready_one(api: httpx2.AsyncClient) -> None:
    assert (await api.get("/healthz")).status_code == 200
    assert (await api.get("/readyz")).status_code == 200


async def test_nothing_is_taken_while_the_casebook_cannot_be_reached(tmp_path: Path) -> None:
    (tmp_path / "casebook.db").mkdir()
    broken = open_engine(f"sqlite+aiosqlite:///{tmp_path / 'casebook.db'}")
    app = FastAPI()
    app.include_router(
        router(Desk(engine=broken, connect=away, say=silent), lambda: SECRETS, lambda: datetime.now(UTC))
    )
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://intake") as client:
        answer = await post(client, report(503))
        unread = await post(client, report(503, schema_version=9))
        ready = await client.get("/readyz")
    await broken.dispose()

    assert (answer.status_code, answer.json()["code"]) == (503, "not_durable")
    assert answer.headers["retry-after"]
    assert unread.status_code == 503
    assert ready.status_code == 503


async def test_a_secrets_file_that_went_wrong_takes_nothing(engine: AsyncEngine, tmp_path: Path) -> None:
    path = tmp_path / "s.json"
    path.write_text("{broken")
    path.chmod(0o600)
    app = FastAPI()
    desk = Desk(engine=engine, connect=away, say=silent)
    app.include_router(router(desk, lambda: webhooks.load_secrets(path), lambda: datetime.now(UTC)))
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://intake") as client:
        answer = await post(client, report(504))

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")


async def test_the_secret_that_the_first_sender_needs_is_there_before_anything_is_sent(
    engine: AsyncEngine, tmp_path: Path
) -> None:
    path = tmp_path / "intake-secrets.json"

    router(
        Desk(engine=engine, connect=away, say=silent), lambda: webhooks.load_secrets(path), lambda: datetime.now(UTC)
    )

    assert list(json.loads(path.read_text())) == ["demo"]
