"""Do scripted faults happen exactly where the script says, and is one that did not happen a failure?"""

import asyncio
from typing import Any

import httpx2
import pytest

from standins import journal, serve
from standins.faults import assert_all_fired
from starter.errors import Problem

from .conftest import Client

PATH = "/v1/listings/L-1/restrictions/R1"
HIDE = {"type": "hide", "reason_code": "unsafe", "case_ref": "ESC-1", "markets": None, "actor": "seawall"}


async def _put(market: httpx2.AsyncClient) -> int | str:
    try:
        answer = await market.put(PATH, json=HIDE, timeout=1)
        answer.json()
    except httpx2.TimeoutException:
        return "timeout"
    except httpx2.HTTPError:
        return "cut"
    except ValueError:
        return "not JSON"
    return answer.status_code if "json" in answer.headers["content-type"] else "not labelled"


@pytest.mark.parametrize(
    ("kind", "seen", "applied"),
    [
        ("500_before", 500, 0),
        ("500_after", 500, 1),
        ("timeout_before", "timeout", 0),
        ("timeout_after", "timeout", 1),
        ("reset_before", "cut", 0),
        ("reset_after", "cut", 1),
        ("429", 429, 0),
        ("503", 503, 0),
        ("slow", 201, 1),
        ("bad_json", "not JSON", 1),
        ("wrong_ct", "not labelled", 1),
        ("half", "cut", 1),
    ],
)
async def test_each_kind_of_fault_is_what_its_name_says(
    client: Client, far_side: serve.Running, kind: str, seen: int | str, applied: int
) -> None:
    market = client("marketplace")
    far_side.script("marketplace", [{"id": "f", "op": "restrict", "kind": kind, "seconds": 0.01}])

    first = await _put(market)
    effects = len(journal.effects(far_side.folder, "marketplace"))
    retried = await _put(market)

    assert (first, effects) == (seen, applied)
    assert retried == (200 if applied else 201)
    assert journal.effects(far_side.folder, "marketplace") == [("restrict", "R1", "L-1")]
    assert_all_fired(far_side)


async def test_only_the_nth_matching_call_is_hit_and_then_as_often_as_planned(
    client: Client, far_side: serve.Running
) -> None:
    market = client("marketplace")
    rule = {"id": "f", "op": "read", "match": {"subject": "L-2"}, "nth": 2, "times": 2, "kind": "503"}
    far_side.script("marketplace", [rule])

    codes = [(await market.get(f"/v1/listings/{listing}")).status_code for listing in ("L-1", *["L-2"] * 4)]

    assert codes == [200, 200, 503, 503, 200]


async def test_the_seconds_to_wait_are_told(client: Client, far_side: serve.Running) -> None:
    far_side.script("marketplace", [{"id": "f", "kind": "429", "retry_after": 7}])

    answer = await client("marketplace").get("/v1/listings/L-1")

    assert answer.headers["retry-after"] == "7"


async def test_a_fault_that_never_fired_fails_the_test_that_planned_it(far_side: serve.Running) -> None:
    far_side.script("marketplace", [{"id": "lonely", "op": "lift", "kind": "500_after"}])

    with pytest.raises(AssertionError, match="lonely"):
        assert_all_fired(far_side)


async def test_faults_are_scripted_and_counted_over_http_too(client: Client, far_side: serve.Running) -> None:
    market = client("marketplace")
    rules: list[dict[str, Any]] = [
        {"id": "one", "op": "read", "kind": "500_before"},
        {"id": "letters", "op": "data", "kind": "450", "system": "mail"},
    ]

    planned = await market.post("/_script", json=rules)
    await market.get("/v1/listings/L-1")
    report = (await market.get("/_script")).json()
    mail = (await market.get("/_script", params={"system": "mail"})).json()

    assert planned.status_code == 201
    assert [(each["id"], each["hits"]) for each in report] == [("one", 1)]
    assert [(each["id"], each["hits"]) for each in mail] == [("letters", 0)]
    assert len(far_side.unfired()) == 1


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param({"id": "f", "kind": "explode"}, id="unknown kind"),
        pytest.param({"id": "f", "kind": "503", "nht": 2}, id="unknown field"),
        pytest.param({"id": "f", "kind": "503", "nth": 0}, id="nth from 1"),
        pytest.param({"id": "f", "kind": "550"}, id="a kind of mail only"),
    ],
)
async def test_a_rule_that_cannot_be_kept_is_refused(client: Client, far_side: serve.Running, rule: Any) -> None:
    answer = await client("marketplace").post("/_script", json=[rule])

    assert answer.status_code == 422
    with pytest.raises(Problem):
        far_side.script("marketplace", [rule])


async def test_a_call_waits_at_a_barrier_between_effect_and_answer(client: Client, far_side: serve.Running) -> None:
    market = client("marketplace")
    far_side.script("marketplace", [{"id": "b", "op": "restrict", "kind": "pause_after", "barrier": "gate"}])

    put = asyncio.create_task(market.put(PATH, json=HIDE))
    await far_side.barrier("marketplace", "gate").arrived()
    hidden = (await market.get("/v1/listings/L-1")).json()["visibility"]
    answered_early = put.done()
    await market.post("/_barrier/gate/release")
    answer = await put

    assert (hidden, answered_early, answer.status_code) == ("hidden", False, 201)


async def test_stopping_ends_calls_that_a_fault_still_holds(client: Client, far_side: serve.Running) -> None:
    market = client("marketplace")
    far_side.script("marketplace", [{"id": "b", "op": "read", "kind": "pause_before", "barrier": "never"}])
    held = asyncio.create_task(market.get("/v1/listings/L-1"))
    await far_side.barrier("marketplace", "never").arrived()

    await far_side.stop()

    assert (await asyncio.gather(held, return_exceptions=True))[0] is not None
    again = await serve.start(far_side.folder)
    await again.stop()
