"""How does the console look back? It lives the history of a case again, off its loop, within bounds, and keeps it.

What is kept is named by the case, its run and its last event, so it is never out of date.
"""

import asyncio
from collections import OrderedDict
from datetime import timedelta
from typing import Protocol

from temporalio.client import Client
from temporalio.service import RPCError

from replay import histories, reading
from replay.histories import Recorded
from replay.travel.journey import Journey, travelled
from starter import connect
from starter.errors import UNAVAILABLE, Problem, unknown_case

MOST_EVENTS = 4000
PATIENCE = timedelta(seconds=30)
KEPT = 4


class LookBack(Protocol):
    """Live a case again; `Past` is the one that does."""

    async def of(self, client: Client, case_id: str) -> Journey:
        """Return its journey or raise Problem."""


Key = tuple[str, str, int]


class Past:
    """The cases that were looked at last. One is lived again at a time, also where nobody waits for it any more."""

    def __init__(self, *, most_events: int = MOST_EVENTS, patience: timedelta = PATIENCE) -> None:
        self._kept: OrderedDict[Key, Journey] = OrderedDict()
        self._turn = asyncio.Lock()
        self._at_work: tuple[Key, asyncio.Task[Journey]] | None = None
        self._most_events = most_events
        self._patience = patience

    async def of(self, client: Client, case_id: str) -> Journey:
        """Live all runs of a case again; who asks again after `too_slow` gets what was begun, and not once more.

        Raises Problem `unknown_case`, `too_long`, `too_slow`, `busy`, or those of `travelled`.
        """
        with connect.answering(client):
            key = await self._named(client, case_id)
            async with self._turn:
                if key not in self._kept:
                    await self._begun(client, key)
                    self._kept[key] = (await self._done(_too_slow(case_id))).result()
        self._kept.move_to_end(key)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return self._kept[key]

    async def _named(self, client: Client, case_id: str) -> Key:
        try:
            described = await client.get_workflow_handle(case_id).describe()
        except RPCError as error:
            raise unknown_case() from error
        if described.history_length > self._most_events:
            raise _too_long(case_id)
        return case_id, described.run_id or "", described.history_length

    async def _begun(self, client: Client, key: Key) -> None:
        """Begin to live a case again, unless that was begun before. Raises Problem `busy` while another one is."""
        if self._at_work is not None and self._at_work[0] != key:
            other = self._at_work[0]
            done = await self._done(_busy(key[0]))
            if done.exception() is None:
                self._kept[other] = done.result()
        if self._at_work is not None:
            return
        runs = await histories.chain(client, key[0])
        if sum(len(run.events) for run in runs) > self._most_events:
            raise _too_long(key[0])
        self._at_work = key, asyncio.create_task(asyncio.to_thread(_journey, client, runs))

    async def _done(self, late: Problem) -> "asyncio.Task[Journey]":
        """Wait for what is being lived. Raises Problem `late` when patience ends; the work goes on."""
        assert self._at_work is not None
        work = self._at_work[1]
        done, _ = await asyncio.wait([work], timeout=self._patience.total_seconds())
        if not done:
            raise late
        self._at_work = None
        return work


def _journey(client: Client, runs: list[Recorded]) -> Journey:
    """Live runs again in a thread of its own, with a loop of its own."""
    with reading.quiet() as runtime:
        return asyncio.run(
            travelled(
                runs,
                workflows=reading.workflows(),
                converter=client.data_converter,
                namespace=client.namespace,
                runtime=runtime,
            )
        )


def _too_long(case_id: str) -> Problem:
    return Problem(
        "too_long",
        f"The history of this case is longer than the {MOST_EVENTS} events that a page shows.",
        next_step=f"Look at it with `seawall replay at {case_id}`.",
    )


def _too_slow(case_id: str) -> Problem:
    return Problem(
        "too_slow",
        "The history of this case takes too long to live again here.",
        next_step=f"Ask again in a minute, or look at it with `seawall replay at {case_id}`.",
        exit_code=UNAVAILABLE,
    )


def _busy(case_id: str) -> Problem:
    return Problem(
        "busy",
        "The long history of another case is being lived again here.",
        next_step=f"Ask again in a minute, or look at it with `seawall replay at {case_id}`.",
        exit_code=UNAVAILABLE,
    )
