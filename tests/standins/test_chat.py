"""Does the chat service answer as Slack does: 200 for nearly everything, and the truth in `ok`?"""

from typing import Any

import pytest

from standins import journal, serve

from .conftest import Client


async def test_a_message_is_posted_and_can_be_replaced(client: Client) -> None:
    chat = client("chat")

    posted = (await chat.post("/api/chat.postMessage", json={"channel": "#safety", "text": "A case waits"})).json()
    where = {"channel": posted["channel"], "ts": posted["ts"]}
    updated = (await chat.post("/api/chat.update", json={**where, "text": "Decided"})).json()
    reply = (
        await chat.post("/api/chat.postMessage", json={"channel": "#safety", "text": "r", "thread_ts": posted["ts"]})
    ).json()

    assert posted["ok"]
    assert posted["message"]["text"] == "A case waits"
    assert (updated["ok"], updated["ts"]) == (True, posted["ts"])
    assert reply["ts"] > posted["ts"]


async def test_the_same_message_twice_is_there_twice(client: Client, far_side: serve.Running) -> None:
    chat = client("chat")

    for _ in range(2):
        await chat.post("/api/chat.postMessage", json={"channel": "C0SAFETY", "text": "A case waits"})

    keys = [key for _, key, _ in journal.effects(far_side.folder, "chat")]
    assert len(set(keys)) == 2


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ({"text": "hi"}, "channel_not_found"),
        ({"channel": "#nowhere", "text": "hi"}, "channel_not_found"),
        ({"channel": "#a"}, "no_text"),
        ({"channel": "#a", "text": "x" * 40_001}, "msg_too_long"),
        ({"channel": "#a", "text": "x", "blocks": [{"type": "banana"}]}, "invalid_blocks"),
        ({"channel": "#a", "text": "x", "blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        (
            {"channel": "#a", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}]},
            "invalid_blocks",
        ),
        ({"channel": "#a", "text": "x", "metadata": {"event_type": "e"}}, "invalid_metadata_format"),
        ({"channel": "#a", "text": "x", "thread_ts": "1.0"}, "thread_not_found"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_wrong_message_is_answered_200_and_not_ok(asking: Client, message: dict[str, Any], error: str) -> None:
    answer = await asking("chat").post("/api/chat.postMessage", json=message)

    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": error})


async def test_a_form_body_and_broken_json_are_refused_in_slacks_words(asking: Client) -> None:
    chat, headers = asking("chat"), {"Content-Type": "application/json; charset=utf-8"}

    form = await chat.post("/api/chat.postMessage", data={"channel": "#a", "text": "x"})
    broken = await chat.post("/api/chat.postMessage", content=b"{", headers=headers)

    assert [form.json()["error"], broken.json()["error"]] == ["invalid_post_type", "invalid_json"]


@pytest.mark.parametrize(("token", "error"), [("Bearer wrong", "invalid_auth"), (None, "not_authed")])
async def test_a_wrong_token_is_answered_200_and_not_ok(client: Client, token: str | None, error: str) -> None:
    chat = client("chat")
    del chat.headers["authorization"]

    answer = await chat.post(
        "/api/chat.postMessage",
        json={"channel": "#a", "text": "x"},
        headers={"Authorization": token} if token else {},
    )

    assert (answer.status_code, answer.json()) == (200, {"ok": False, "error": error})


async def test_a_rate_limit_is_429_with_retry_after(client: Client, far_side: serve.Running) -> None:
    far_side.script("chat", [{"id": "busy", "op": "post", "kind": "429", "retry_after": 1}])

    answer = await client("chat").post("/api/chat.postMessage", json={"channel": "#a", "text": "x"})

    assert (answer.status_code, answer.headers["retry-after"], answer.json()["error"]) == (429, "1", "ratelimited")
