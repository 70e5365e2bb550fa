"""What does a case write down, and when? Every fact once, in order, into the casebook."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from temporalio import workflow
from temporalio.exceptions import ActivityError

from activities.casebook import Casebook, Written
from escalations.casefile import CaseFile
from escalations.record import Batch, Card, Entry
from workflows import options
from workflows.waiting import Watch

SYSTEM = "seawall"
T = TypeVar("T")


class Journal:
    """The pen of one run. Notes are written together when somebody may look: at a wait, an answer, a failure, the end.

    Each writing costs an event and may cost a billable action, so steps that follow each other at once share one.
    Notes are numbered when they are written, because a step that a worker's death undid may have written some already.
    """

    def __init__(self, file: CaseFile, watch: Watch, card: Callable[[], Card]) -> None:
        self._file = file
        self._watch = watch
        self._card = card
        self._pending: list[Entry] = []
        self.writing = False
        self._due = False
        self._asking = 0

    def note(self, kind: str, text: str, *, actor: str = SYSTEM, **data: str) -> None:
        """Note a fact: `kind` is `noun.past_verb`, `text` one line for people. No personal data."""
        entry = Entry(
            seq=0,
            at=workflow.now(),
            kind=kind,
            actor=actor,
            text=text,
            data=tuple(sorted(data.items())),
        )
        self._pending.append(entry)

    async def keep(self) -> None:
        """Write notes as they come. Runs for the life of the workflow run."""
        while True:
            await self._watch.settled(lambda: self._due and bool(self._pending))
            # Whoever the same step has woken goes on first, and may ask: what comes of it is written along.
            await self._watch.settled(lambda: not self._asking)
            await self._write()

    async def after(self, answer: Awaitable[T]) -> T:
        """Hold the pen until policy has answered, which takes milliseconds."""
        self._asking += 1
        try:
            return await answer
        finally:
            self._asking -= 1

    def show(self) -> None:
        """Let people see what was noted so far, at the end of this step."""
        self._due = True

    @property
    def clean(self) -> bool:
        """Say whether everything noted is in the casebook."""
        return not self._pending and not self.writing

    async def written(self) -> None:
        """Wait until everything noted is in the casebook."""
        self.show()
        await self._watch.settled(lambda: self.clean)

    async def _write(self) -> None:
        self.writing, self._due = True, False
        first = self._file.seq + 1
        entries = tuple(replace(entry, seq=first + place) for place, entry in enumerate(self._pending))
        self._file.seq, self._pending = self._file.seq + len(entries), []
        batch = Batch(case_id=self._file.case_id, entries=entries, card=self._card())
        try:
            at_once = workflow.execute_local_activity_method(Casebook.record, batch, **options.CASEBOOK_AT_ONCE)
            # The casebook numbers on where this step was done, and told otherwise, by a worker that died before.
            written = await at_once
        except options.NOT_AT_ONCE:
            written = await self._write_later(batch)
        finally:
            self.writing = False
        self._file.seq = written.seq

    async def _write_later(self, batch: Batch) -> Written:
        while True:
            try:
                return await workflow.execute_activity_method(
                    Casebook.record, batch, **options.why(options.CASEBOOK_LATER, "casebook was away; writing later")
                )
            except ActivityError:
                again = workflow.now() + options.AGAIN_AFTER
                reason = f"the casebook refuses entries from {batch.entries[0].seq} on"
                await self._watch.until(lambda: False, owner="OPS", reason=reason, until=again, then="write again")
