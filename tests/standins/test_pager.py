"""Does the pager take events as PagerDuty's Events API v2 does?"""

from typing import Any

import pytest

from standins import journal, serve

from .conftest import Client

KEY = "0123456789abcdef0123456789abcdef"


def _event(action: str = "trigger", **changes: Any) -> dict[str, Any]:
    event = {
        "routing_key": KEY,
        "event_action": action,
        "dedup_key": "esc:1:page:1",
        "payload": {"summary": "P0 waits for you", "source": "seawall", "severity": "critical"},
    }
    return {**event, **changes}


async def test_a_trigger_opens_one_alert_and_the_same_again_changes_nothing(
    client: Client, far_side: serve.Running
) -> None:
    pager = client("pager")

    answers = [await pager.post("/v2/enqueue", json=_event()) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == {"status": "success", "message": "Event processed", "dedup_key": "esc:1:page:1"}
    assert journal.effects(far_side.folder, "pager") == [("enqueue", "esc:1:page:1", KEY)]


async def test_after_a_resolve_a_trigger_opens_a_new_alert_and_a_late_resolve_is_dropped(
    client: Client, far_side: serve.Running
) -> None:
    pager = client("pager")

    for action in ("trigger", "acknowledge", "resolve", "resolve", "trigger"):
        assert (await pager.post("/v2/enqueue", json=_event(action))).status_code == 202

    lines = far_side.journal("pager")
    assert [line["kind"] for line in lines] == ["applied", "applied", "applied", "repeated", "applied"]
    assert [line["now"]["number"] for line in lines] == [1, 1, 1, 1, 2]


async def test_without_a_dedup_key_every_trigger_is_an_alert_of_its_own(client: Client) -> None:
    pager = client("pager")

    keys = {(await pager.post("/v2/enqueue", json=_event(dedup_key=None))).json()["dedup_key"] for _ in range(2)}

    assert len(keys) == 2


@pytest.mark.parametrize(
    "event",
    [
        pytest.param(_event(routing_key="short"), id="routing key not 32 long"),
        pytest.param(_event(routing_key=None), id="routing key missing"),
        pytest.param(_event("snooze"), id="unknown action"),
        pytest.param(_event(dedup_key="x" * 256), id="dedup key too long"),
        pytest.param(_event("resolve", dedup_key=None), id="resolve without dedup key"),
        pytest.param(_event(payload=None), id="payload missing"),
        pytest.param(_event(payload={"summary": "s", "source": "x"}), id="severity missing"),
        pytest.param(_event(payload={"summary": "s", "source": "x", "severity": "P0"}), id="unknown severity"),
        pytest.param(_event(payload={"summary": "s" * 1025, "source": "x", "severity": "info"}), id="long summary"),
        pytest.param(_event(images=[{"src": "http://plain.example/a.png"}]), id="image without https"),
        pytest.param([], id="not an object"),
    ],
)
async def test_an_event_that_breaks_a_rule_is_400_with_a_reason(asking: Client, event: Any) -> None:
    answer = await asking("pager").post("/v2/enqueue", json=event)

    assert answer.status_code == 400
    assert answer.json()["status"] == "invalid event"
    assert answer.json()["errors"]
