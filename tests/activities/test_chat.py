"""Does a message reach the channel as plain words, and is every refusal of the chat understood?"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest
from temporalio.exceptions import ApplicationError

from activities import outside
from activities.chat import REPEAT, Chat, ChatPost
from activities.clients.chat import Slack
from tests.activities.far_side import CASE, applied, attempt, client, running
from tests.activities.test_outside import answer, answering

POST = ChatPost(case_id=CASE, text="P0 opened", url="https://seawall.example/cases/1")


@asynccontextmanager
async def saying(error: str) -> AsyncIterator[httpx2.AsyncClient]:
    """Answer 200 with one of Slack's error words, as Slack does."""
    async with answering(answer(200, json.dumps({"ok": False, "error": error}).encode())) as (to, _):
        yield to


async def test_a_message_goes_to_the_channel_of_the_settings_and_gives_its_ts(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "chat") as to:
        ts = await attempt(1).run(Chat(Slack(to, "#escalations")).post, POST)
        reply = ChatPost(case_id=CASE, text="decided", channel="#escalations", thread=ts)
        await attempt(1).run(Chat(Slack(to, "#elsewhere")).post, reply)

        first, second = applied(far, "chat")
    assert (first["key"], first["subject"]) == (ts, "C0ESCALATIONS")
    assert first["now"]["text"] == f"{CASE}: P0 opened\nhttps://seawall.example/cases/1"
    assert (second["subject"], second["now"]["thread_ts"]) == ("C0ESCALATIONS", ts)


async def test_nothing_in_a_text_can_call_a_whole_channel_or_hide_a_link(tmp_path: Path) -> None:
    hostile = ChatPost(case_id=CASE, text="<!channel> <@U1> <https://evil.example|our help page> &lt;!here&gt;")
    async with running(tmp_path) as far, client(far, "chat") as to:
        await attempt(1).run(Chat(Slack(to, "#escalations")).post, hostile)

        (told,) = applied(far, "chat")
    assert "<" not in told["now"]["text"]
    assert ">" not in told["now"]["text"]
    assert "&lt;!channel&gt;" in told["now"]["text"]
    assert "&amp;lt;!here&amp;gt;" in told["now"]["text"]


async def test_a_lost_reply_may_post_twice_and_the_second_says_so(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "chat") as to:
        far.script("chat", [{"id": "lost", "op": "post", "kind": "reset_after"}])
        hand = Chat(Slack(to, "#escalations"))

        with pytest.raises(ApplicationError) as caught:
            await attempt(1).run(hand.post, POST)
        await attempt(2).run(hand.post, POST)

        first, second = applied(far, "chat")
    assert (caught.value.type, caught.value.details[0]["outcome_unknown"]) == (outside.DOWN, True)
    assert REPEAT not in first["now"]["text"]
    assert REPEAT in second["now"]["text"]


@pytest.mark.parametrize(
    ("word", "kind", "says"),
    [
        ("invalid_auth", outside.FORBIDDEN, "SEAWALL_CHAT_TOKEN"),
        ("token_revoked", outside.FORBIDDEN, "SEAWALL_CHAT_TOKEN"),
        ("channel_not_found", outside.REFUSED, "SEAWALL_CHAT_CHANNEL"),
        ("not_in_channel", outside.REFUSED, "SEAWALL_CHAT_CHANNEL"),
        ("msg_too_long", outside.REFUSED, "msg_too_long"),
        ("ana@person.example", outside.REFUSED, "unknown reason"),
        ("internal_error", outside.DOWN, "internal_error"),
        ("ratelimited", outside.BUSY, "busy"),
    ],
)
async def test_an_error_that_came_with_200_is_classified_by_its_word(word: str, kind: str, says: str) -> None:
    async with saying(word) as to:
        with pytest.raises(ApplicationError, match=says) as caught:
            await attempt(1).run(Chat(Slack(to, "#escalations")).post, POST)

    assert caught.value.type == kind
    assert "ana@" not in str(caught.value)


async def test_a_wrong_token_is_forbidden(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "chat", "wrong") as to:
        with pytest.raises(ApplicationError) as caught:
            await attempt(1).run(Chat(Slack(to, "#escalations")).post, POST)

    assert caught.value.type == outside.FORBIDDEN


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"ok": true}', b'{"ok": "yes", "ts": "1"}'])
async def test_an_answer_without_ok_and_ts_is_broken(body: bytes) -> None:
    async with answering(answer(200, body)) as (to, _):
        with pytest.raises(ApplicationError) as caught:
            await attempt(1).run(Chat(Slack(to, "#escalations")).post, POST)

    assert caught.value.type == outside.BROKEN
