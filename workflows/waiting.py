"""How does a case wait? For a named answer, from somebody, until a deadline: never bare.

One timer serves all waits and clocks of a case: it sleeps to the earliest deadline and is only set anew when an
earlier one comes up, so a deadline that moved later costs nothing.
"""

import contextlib
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeVar

from temporalio import workflow

from escalations.record import Wait

UPDATES_PER_RUN = 1500
T = TypeVar("T")


class HistoryGrewLong(Exception):
    """The run should hand its file to a next run; raised when everything in it stands in a wait."""


class Watch:
    """The waits of one run and the single timer that ends them."""

    def __init__(self, begins: Callable[[], None] = lambda: None) -> None:
        """Make a watch; `begins` is called whenever a wait begins, so that people can see it."""
        self._begins = begins
        self.waits: list[Wait] = []
        self.taken = 0
        self._questions: list[Callable[[], bool]] = []
        self._deadlines: list[datetime] = []
        self._home_by: list[datetime] = []

    async def until(self, answered: Callable[[], bool], *, owner: str, reason: str, until: datetime, then: str) -> bool:
        """Wait for an answer. Return True when it came, False when `until` passed first.

        `owner` is who owes the answer (roles or a system), `reason` why the case waits, `then` what happens at the
        deadline; people see all four.
        """
        wait = Wait(owner=owner, reason=reason, until=until, then=then)
        self.waits.append(wait)
        self._begins()
        try:
            await self._until(answered, until)
        finally:
            self.waits.remove(wait)
        return answered()

    async def tick(self, changed: Callable[[], bool], at: datetime | None) -> bool:
        """Sleep to a clock's next warning, or until the clocks change. True when `at` was reached.

        For the keeper of clocks only: each clock already has its owner, reason and due time.
        """
        await self._until(changed, at)
        return at is not None and workflow.now() >= at

    async def settled(self, done: Callable[[], bool]) -> None:
        """Wait for our own bookkeeping, which ends by itself: written entries, finished handlers."""
        await workflow.wait_condition(done)

    async def busy(self, hands: Awaitable[T], within: timedelta | None = None) -> T:
        """Await activities or children.

        Hands that surely end `within` some time wake the case by then, so no timer is set for a later deadline
        meanwhile: what they bring often sets an earlier one.
        """
        home_by = workflow.now() + within if within else None
        self._home_by += [home_by] if home_by else []
        try:
            return await hands
        finally:
            if home_by:
                self._home_by.remove(home_by)

    async def keep(self) -> None:
        """Hold the one timer. Runs for the life of the workflow run."""
        while True:
            await workflow.wait_condition(self._needs_a_timer)
            await self._sleep_to(min(self._deadlines))
            self._deadlines = [at for at in self._deadlines if at > workflow.now()]

    def _needs_a_timer(self) -> bool:
        first = min(self._deadlines, default=None)
        return first is not None and all(first < home_by for home_by in self._home_by)

    async def _sleep_to(self, armed: datetime) -> None:
        left = armed - workflow.now()
        if left.total_seconds() <= 0:
            return
        with contextlib.suppress(TimeoutError):
            await workflow.wait_condition(
                lambda: bool(self._deadlines) and min(self._deadlines) < armed,
                timeout=left,
            )

    def may_hand_over(self, stories: int) -> bool:
        """Ask whether the history is long and every one of so many stories stands in a wait that goes on.

        Only then is nothing in flight, and a next run takes up each wait where this one left it.
        """
        long = workflow.info().is_continue_as_new_suggested() or self.taken >= UPDATES_PER_RUN
        return long and workflow.all_handlers_finished() and sum(not over() for over in self._questions) == stories

    async def _until(self, answered: Callable[[], bool], at: datetime | None) -> None:
        def over() -> bool:
            return answered() or (at is not None and workflow.now() >= at)

        self._questions.append(over)
        self._deadlines += [at] if at else []
        try:
            await workflow.wait_condition(over)
        finally:
            self._questions.remove(over)
            if at in self._deadlines:
                self._deadlines.remove(at)
