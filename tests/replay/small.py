"""What is lived again here? A small case with everything a real one has, and changed versions of the same type.

Other processes live the version that `SMALL_LIFE` names: JSON with the fields of `Life` that are other there.
"""

import asyncio
import json
import os
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RawValue, RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ApplicationError

from activities import asked

STAGE = SearchAttributeKey.for_keyword("SeawallStage")
SHORT = timedelta(milliseconds=20)


@dataclass(frozen=True)
class Order:
    seller: str
    listings: tuple[str, ...] = ("L1", "L2")


@dataclass(frozen=True)
class Word:
    text: str


@dataclass(frozen=True)
class Done:
    hidden: int
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judged:
    text: str
    asked: str = ""


@activity.defn
async def judge(order: Order) -> Judged:
    return Judged(f"hide {len(order.listings)}", asked.digest(order))


@activity.defn
async def hide(order: Order) -> int:
    return len(order.listings)


@activity.defn
async def tell(text: str) -> None:
    activity.logger.info("seller.told")


@workflow.defn(name="SmallChild")
class SmallChild:
    @workflow.run
    async def run(self, word: Word) -> str:
        workflow.logger.info("child.ran")
        return word.text


def spin() -> None:
    while True:
        time.sleep(0.01)


def end_with(code: int) -> None:
    """End so that the process's output ends well before it does."""
    for each in range(64):
        with suppress(OSError):
            if stat.S_ISFIFO(os.fstat(each).st_mode):
                os.close(each)
    time.sleep(0.5)
    os._exit(code)


class Life:
    """The plan of the story as values, so that a version differs in one of them."""

    wait = SHORT
    told = "hidden"
    hide_at_all = True
    tell_first = False
    asked_timeout = timedelta(seconds=5)
    stage = "closed"
    answer = "heard {}"
    extra = 0
    child_word = "follow-up"
    breaks = False
    breaks_at_once = False
    judged = ""
    attempts = 3
    heartbeat: timedelta | None = timedelta(seconds=2)
    answers_late = False
    ends = False
    spins = False
    refuses = "no such word"
    notes = True
    summary = "tell the seller"
    memo = "hidden"


class Story:
    def __init__(self, life: type[Life]) -> None:
        self.life = life
        self.words: list[str] = []
        self.unread: list[str] = []
        self.told = False

    async def live(self, order: Order) -> Done:
        life = self.life
        if life.breaks_at_once:
            raise ValueError("a bug of the new version")
        if life.ends:
            end_with(7)
        if life.spins:
            spin()
        question = Order(life.judged or order.seller, order.listings)
        await workflow.execute_local_activity(judge, question, start_to_close_timeout=life.asked_timeout)
        await workflow.sleep(life.wait, summary=life.summary)
        if life.tell_first:
            await workflow.execute_activity(tell, "first", start_to_close_timeout=life.asked_timeout)
        hidden = 0
        if life.hide_at_all:
            hidden = await workflow.execute_activity(
                hide,
                order,
                start_to_close_timeout=life.asked_timeout,
                heartbeat_timeout=life.heartbeat,
                retry_policy=RetryPolicy(maximum_attempts=life.attempts),
            )
        if life.breaks:
            raise ValueError("a bug of the new version")
        await workflow.wait_condition(lambda: bool(self.words))
        workflow.upsert_search_attributes([STAGE.value_set(life.stage)])
        workflow.upsert_memo({"word": life.memo})
        child_id = f"{workflow.info().workflow_id}/follow/1"
        await workflow.execute_child_workflow(
            SmallChild.run, Word(life.child_word), id=child_id, static_summary=life.summary
        )
        workflow.set_current_details(life.summary)
        await workflow.execute_activity(
            tell, life.told, start_to_close_timeout=life.asked_timeout, summary=life.summary
        )
        self.told = True
        await workflow.wait_condition(workflow.all_handlers_finished)
        return Done(hidden + life.extra, tuple(self.words))

    async def hear(self, word: Word) -> str:
        await asyncio.sleep(0)
        if word.text == "never":
            raise ApplicationError(self.life.refuses, type="Refused")
        self.words.append(word.text)
        await workflow.wait_condition(lambda: self.told or not self.life.answers_late)
        return self.life.answer.format(len(self.words))

    def note(self, value: RawValue) -> None:
        if self.life.notes:
            self.unread.append(value.payload.metadata["encoding"].decode())


# Which version of the code is live; tests put another one here and take it out again.
LIVE: list[type[Life]] = [Life]
if _named := json.loads(os.environ.get("SMALL_LIFE", "{}")):
    LIVE.append(type("Changed", (Life,), _named | ({"wait": _named["wait"] * SHORT} if "wait" in _named else {})))


@workflow.defn(name="Small")
class Small:
    @workflow.init
    def __init__(self, order: Order) -> None:
        self.story = Story(LIVE[-1])

    @workflow.run
    async def run(self, order: Order) -> Done:
        return await self.story.live(order)

    @workflow.update
    async def say(self, word: Word) -> str:
        return await self.story.hear(word)

    @workflow.signal
    async def whisper(self, value: RawValue) -> None:
        self.story.note(value)

    @workflow.query
    def unread(self) -> list[str]:
        return self.story.unread
