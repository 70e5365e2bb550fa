"""Which workflow uses everything the simulator knows? One that waits, calls, fails, grows long and has children."""

import asyncio
from dataclasses import dataclass
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.common import RetryPolicy, SearchAttributeKey
from temporalio.exceptions import ActivityError, ApplicationError, FailureError

STAGE = SearchAttributeKey.for_keyword("SeawallStage")
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What the workflow is to do; `left` counts the runs that are still to follow."""

    do: str
    left: int = 0


@activity.defn
async def fetched(what: str) -> str:
    """Stand for any call."""
    return what


@workflow.defn
class Helper:
    """A child that waits an hour, or until it is told to stop."""

    def __init__(self) -> None:
        self.stopped = False

    @workflow.run
    async def run(self, word: str) -> str:
        try:
            await workflow.wait_condition(lambda: self.stopped, timeout=HOUR)
        except TimeoutError:
            return f"{word} after an hour"
        return f"{word} stopped"

    @workflow.signal
    def stop(self) -> None:
        self.stopped = True


@workflow.defn
class Lively:
    """Does one thing by name and says what came of it."""

    @workflow.init
    def __init__(self, wish: Wish) -> None:
        self.said: list[str] = []

    @workflow.run
    async def run(self, wish: Wish) -> list[str]:
        await getattr(self, f"_{wish.do}")(wish)
        return self.said

    async def _sleep(self, _wish: Wish) -> None:
        await workflow.sleep(timedelta(days=30))
        self.said.append(workflow.now().isoformat())

    async def _race(self, _wish: Wish) -> None:
        try:
            await workflow.wait_condition(lambda: bool(self.said), timeout=HOUR)
        except TimeoutError:
            self.said.append("nobody spoke")

    async def _call(self, _wish: Wish) -> None:
        self.said.append(await workflow.execute_activity(fetched, "one", start_to_close_timeout=HOUR))
        self.said.append(await workflow.execute_local_activity(fetched, "two", start_to_close_timeout=HOUR))

    async def _fail(self, _wish: Wish) -> None:
        try:
            await workflow.execute_activity(
                fetched, "no", start_to_close_timeout=HOUR, retry_policy=RetryPolicy(maximum_attempts=1)
            )
        except ActivityError as failed:
            self.said.append(f"{getattr(failed.cause, 'type', '')}: {getattr(failed.cause, 'message', '')}")

    async def _give_up(self, _wish: Wish) -> None:
        call = asyncio.create_task(workflow.execute_activity(fetched, "slow", start_to_close_timeout=HOUR))
        await workflow.sleep(1)
        call.cancel()
        try:
            await call
        except (ActivityError, asyncio.CancelledError) as failed:
            self.said.append(type(failed).__name__)

    async def _parent(self, _wish: Wish) -> None:
        child = await workflow.start_child_workflow(Helper.run, "helped", id="helper")
        self.said.append(await child)

    async def _parent_stops(self, _wish: Wish) -> None:
        child = await workflow.start_child_workflow(Helper.run, "helped", id="helper")
        await workflow.sleep(60)
        await child.signal(Helper.stop)
        self.said.append(await child)

    async def _signal_nobody(self, _wish: Wish) -> None:
        try:
            await workflow.get_external_workflow_handle("nobody").signal("stop")
        except FailureError as lost:
            self.said.append(lost.message)

    async def _grow(self, wish: Wish) -> None:
        await workflow.wait_condition(lambda: len(self.said) == 1)
        if wish.left:
            workflow.continue_as_new(Wish(do="grow", left=wish.left - 1))
        self.said.append(f"run with {wish.left} left")

    async def _show(self, _wish: Wish) -> None:
        workflow.upsert_search_attributes([STAGE.value_set("shown")])
        self.said.append(str(workflow.info().typed_search_attributes.get(STAGE)))

    async def _branch(self, _wish: Wish) -> None:
        self.said.append("new" if workflow.patched("2026-11 lively") else "old")

    async def _cancelled(self, _wish: Wish) -> None:
        try:
            await workflow.sleep(HOUR)
        except asyncio.CancelledError:
            self.said.append("cancelled")

    async def _break(self, _wish: Wish) -> None:
        raise ValueError("a bug")

    async def _wait_for_ever(self, _wish: Wish) -> None:
        await workflow.wait_condition(lambda: False)

    @workflow.update
    async def say(self, word: str) -> str:
        self.said.append(word)
        return f"heard {word}"

    @say.validator
    def _fit(self, word: str) -> None:
        if not word:
            raise ApplicationError("say something", type="Empty", non_retryable=True)

    @workflow.signal
    def whisper(self, word: str) -> None:
        self.said.append(word)
