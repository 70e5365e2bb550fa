"""Where does a run stand otherwise than it stood? State by state, as it is lived again, against those that were kept.

This sees what no act shows: a handler that keeps something else, and does and says what it always did.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from replay.compare import apart
from replay.differences import Found
from replay.facts import Act
from replay.frames import Frame
from replay.states import DETAILS, Kept, State, of_frame
from replay.tape import Tape
from replay.values import ABSENT

KIND: Final = "state"


class Drift:
    """Follows one run through its states; holds one kept state at a time. `seen` counts those that were compared."""

    def __init__(self, kept: Kept) -> None:
        self._states = kept.each()
        self._next: tuple[int, State] | None = next(self._states, None)
        self._held: tuple[int, State] = (0, {})
        self._compared = 0
        self.seen = 0
        self._found: dict[tuple[str, str], Found] = {}

    def see(self, frame: Frame, tape: Tape) -> None:
        """Compare a frame with the state that was kept of its task, if one was."""
        while self._next is not None and self._next[0] <= frame.event_id:
            self._held, self._next = self._next, next(self._states, None)
        event_id, was = self._held
        # Core names a last task that wrote nothing by its completion, one event after its start.
        if event_id in (0, self._compared) or frame.event_id - event_id > 1:
            return
        self._compared, self.seen = event_id, self.seen + 1
        for found in _apart(was, of_frame(frame), event_id, place(frame, tape)):
            first = self._found.setdefault((found.act.key, found.path), found)
            if first is not found:
                self._found[first.act.key, first.path] = replace(first, more=first.more + 1)

    def found(self) -> tuple[Found, ...]:
        """List what differed, each place of the state once, by the first task that left it otherwise."""
        return tuple(self._found.values())


def place(frame: Frame, tape: Tape) -> str:
    """Name the line that the task began at: of the handler it woke, else of the first act it did, else of the run."""
    heard = [job.do_update.name for job in frame.jobs if job.HasField("do_update")]
    heard += [job.signal_workflow.signal_name for job in frame.jobs if job.HasField("signal_workflow")]
    if handlers := [tape.defined[name] for name in dict.fromkeys(heard) if name in tape.defined]:
        return ", ".join(handlers)
    return next((given.place for given in frame.commands if given.place), tape.defined.get("", ""))


def _apart(was: State, now: State, event_id: int, where: str) -> Iterator[Found]:
    """A question that is new since then was not asked, and one that is gone answers nothing."""
    for name, value in was.items():
        for path, one, other in apart(value, now.get(name, ABSENT), ""):
            act = Act(kind=KIND, key=name, event_id=event_id)
            yield Found(act=act, path=path.removeprefix("."), was=one, now=other, place=where, words=name == DETAILS)
