"""How is something done to every target of a span: eight at a time, resumed where it stopped, nothing skipped?

One attempt at each target in each attempt of the activity. Targets that fail while others succeed are set aside and
tried again in the next attempt; when several fail in a row the system itself is away, and the attempt ends.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Final, Literal, TypeVar

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import outside
from escalations.enforcement import Tally

AT_ONCE: Final = 8
AWAY_AFTER: Final = 3
PATIENCE: Final = 8
MOST_NAMED: Final = 20
BEAT_SECONDS: Final = 1.0
Ending = Literal["done", "already", "gone", "wrong", "failed"]
PASSING: Final = (outside.DOWN, outside.BROKEN)
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """How one target ended; `why` says it for `wrong` and `failed`."""

    ending: Ending
    why: str = ""


@dataclass(slots=True)
class Progress:
    """How far a span got. Every position below `next` is counted, or among the `aside` ones.

    This is what a heartbeat carries; it stays small, because `aside` grows by at most two for each success.
    """

    next: int = 0
    aside: list[int] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    named: list[str] = field(default_factory=list)

    def count(self, target: str, mark: Mark) -> None:
        """Count one target."""
        self.counts[mark.ending] = self.counts.get(mark.ending, 0) + 1
        if mark.why and len(self.named) < MOST_NAMED:
            self.named.append(f"{target}: {mark.why}")

    def tally(self) -> Tally:
        """Sum up; the time is that of the end."""
        counted = {name: self.counts.get(name, 0) for name in ("done", "already", "gone", "wrong")}
        return Tally(**counted, failed=tuple(self.named), at=datetime.now(UTC))


def resumed() -> Progress:
    """Take up what the last heartbeat of an earlier attempt carried, or start afresh."""
    details = activity.info().heartbeat_details
    carried: Any = details[0] if details else None
    if not isinstance(carried, dict) or carried.keys() != {one.name for one in fields(Progress)}:
        return Progress()
    return Progress(**carried)


class Walk:
    """One attempt at a span. `act` does one target by its position and never repeats anything by itself."""

    def __init__(self, targets: tuple[str, ...], act: Callable[[int], Awaitable[Mark]], progress: Progress) -> None:
        self.targets = targets
        self.progress = progress
        self._act = act
        self._again = list(progress.aside)
        self._fresh = progress.next
        self._finished: dict[int, Mark | None] = {}
        self._running: dict[asyncio.Task[Mark], int] = {}
        self._in_a_row = 0
        self._began = asyncio.get_running_loop().time()
        self._passing: ApplicationError | None = None
        self._stopped: ApplicationError | None = None

    async def to_the_end(self) -> Tally:
        """Do what is left; heartbeat the contiguous watermark after every step.

        Raises the error of the system when it is busy or away, or when targets were set aside and their patience
        (eight attempts) has not ended; after that they are `failed`.
        """
        try:
            while self._hand_out() or self._running:
                done, _ = await asyncio.wait(self._running, timeout=BEAT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    self._take(self._running.pop(task), task)
                self._beat()
        finally:
            for task in self._running:
                task.cancel()
            await asyncio.gather(*self._running, return_exceptions=True)
        if self._stopped:
            raise self._stopped
        self._give_up()
        return self.progress.tally()

    def _hand_out(self) -> bool:
        while self._stopped is None and len(self._running) < AT_ONCE:
            if self._fresh < len(self.targets):
                position, self._fresh = self._fresh, self._fresh + 1
            elif self._again:
                position = self._again.pop(0)
            else:
                break
            self._running[asyncio.ensure_future(self._act(position))] = position
        return bool(self._running)

    def _take(self, position: int, task: "asyncio.Task[Mark]") -> None:
        try:
            mark: Mark | None = task.result()
        except ApplicationError as error:
            if error.type == outside.REFUSED:
                mark = Mark(ending="failed", why=error.message)
            else:
                mark = None
                self._missed(error, fresh=position >= self.progress.next)
        if mark:
            self._in_a_row = 0
        elif self._stopped and position >= self.progress.next:
            return
        self._settle(position, mark)

    def _missed(self, error: ApplicationError, *, fresh: bool) -> None:
        self._in_a_row += 1
        self._passing = error
        if error.type not in PASSING or (fresh and self._in_a_row >= AWAY_AFTER):
            self._stopped = self._stopped or error

    def _settle(self, position: int, mark: Mark | None) -> None:
        if position < self.progress.next:
            if mark:
                self.progress.aside.remove(position)
                self.progress.count(self.targets[position], mark)
            return
        self._finished[position] = mark
        while self.progress.next in self._finished:
            at, self.progress.next = self.progress.next, self.progress.next + 1
            ended = self._finished.pop(at)
            if ended:
                self.progress.count(self.targets[at], ended)
            else:
                self.progress.aside.append(at)

    def _give_up(self) -> None:
        if not self.progress.aside:
            return
        if activity.info().attempt < PATIENCE and self._passing:
            raise self._passing
        for position in self.progress.aside:
            self.progress.count(self.targets[position], Mark(ending="failed", why="no usable answer in eight attempts"))
        self.progress.aside.clear()

    def _beat(self) -> None:
        """Say how far it got. A few targets done within a second need no word: each heartbeat is a billed action."""
        quick = asyncio.get_running_loop().time() - self._began < BEAT_SECONDS
        if quick and len(self.targets) <= AT_ONCE:
            return
        activity.heartbeat(asdict(self.progress))


async def kept_alive(work: Awaitable[Kept]) -> Kept:
    """Await work that has no steps to report, with a heartbeat every second that repeats what the last one said."""
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait({task}, timeout=BEAT_SECONDS))[0]:
            activity.heartbeat(*activity.info().heartbeat_details)
        return task.result()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
