"""Would the candidate have led this case to the very life that it had? Then that life is not lived a second time.

While the recorded story is told, every question of policy is put to the candidate too. If each of its answers equals
the one that the case got, the candidate's life is the told one: it begins with the same input, the same code meets the
same answer at the first question, so it asks the same second question, and so on to the end; that the code does nothing
else of its own is determinism, which `seawall replay check` proves. Equal means every field and every word, because
words go into the life too, but the name of the rulebook: nothing but text is made of it, and it is one name in both
lives only if the case followed one rulebook all along. A failure is equal if it says the same.

Equal answers are not enough where the worlds around the two lives (`retold.Retold`, `other.Other`) are not alike: where
the record lacks something that the other world assumes or moves. Such a case is `loose`, and lived twice as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from temporalio.bridge.proto.activity_result import ActivityResolution

from escalations.rulebook import Rulebook
from replay.simulation.traces import Answer, Run, Trace
from replay.simulation.world import Call, Halted, Living
from replay.whatif.assumed import SECOND
from replay.whatif.life import RECORD, Desk, Life
from replay.whatif.other import SOON
from replay.whatif.people import Saying
from replay.whatif.rules import Whichever

VERSION = "rulebook"


class Alike:
    """Puts every question of a story to the candidate too, until an answer is another one."""

    def __init__(self, desk: Desk, candidate: Rulebook) -> None:
        self.holds = True
        self._desk = desk
        self._candidate = Whichever(candidate)
        self._version = ""

    def hear(self, call: Call, book: Rulebook, answer: ActivityResolution) -> None:
        """Compare what the candidate says with the answer that the case got from its rulebook."""
        if not self.holds:
            return
        self._version = self._version or book.version
        self.holds = self._version == book.version and self._same(answer, call)

    def _same(self, was: ActivityResolution, call: Call) -> bool:
        try:
            now = self._desk.ruled(call, self._candidate)
        except Halted:
            return False
        if was.HasField("completed") and now.HasField("completed"):
            values = self._desk.values
            return same(values.value(was.completed.result), values.value(now.completed.result))
        return was.HasField("failed") and now.HasField("failed") and _reason(was) == _reason(now)


def same(was: Any, now: Any) -> bool:
    """Compare two answers of policy, but for the name of the rulebook that gave them."""
    if type(was) is not type(now):
        return False
    return bool(was == (replace(now, rulebook=was.rulebook) if hasattr(was, VERSION) else now))


def _reason(answer: ActivityResolution) -> tuple[str, Any]:
    failure = answer.failed.failure
    return failure.message, failure.application_failure_info


def loose(trace: Trace, life: Life, said: Sequence[Saying], unheard: Sequence[str]) -> str:
    """Say what the other world would assume or move, though all its rules are the same; "" for nothing."""
    return next(_loose(trace, life, said, unheard), "")


def _loose(trace: Trace, life: Life, said: Sequence[Saying], unheard: Sequence[str]) -> Iterator[str]:
    if len(trace.runs) > 1 or life.runs[0].ended == "continued":
        yield "a chain of runs begins each of them anew"
    elif trace.closed and not life.runs[0].ended:
        yield "the record was ended from outside, and the other life goes on"
    if any(one.anchor is not None and one.after < 0 for one in said):
        yield "something was said before the question that it answers"
    if unheard:
        yield "something was said to nobody"
    yield from (why for answer in trace.answers if (why := _open(answer, trace.ends)))
    yield from _rung(trace.runs[0], life.runs[0], trace.ends)


def _open(answer: Answer, ends: int) -> str:
    """Say how the other world would answer a call otherwise than the record."""
    if answer.resolution is not None and answer.resolution.HasField("backoff"):
        return f"{answer.type} was tried again"
    if answer.kind == "child":
        return "" if answer.begun is not None else f"{answer.type} never began"
    answered = answer.seen is not None and (answer.kind == "signal" or answer.resolution is not None)
    quick = answer.kind != "activity" or answer.type == RECORD
    assumed = (answer.asked or 0) + (SOON if quick else SECOND)
    return "" if answered or assumed > ends else f"{answer.type} was not answered"


def _rung(run: Run, living: Living, ends: int) -> Iterator[str]:
    """Find timers that end at another time where the record does not say when, or says before it was due."""
    for deed in living.deeds:
        recorded = run.timers.get(deed.key) if deed.kind == "timer" else None
        if recorded is None:
            continue
        due = deed.at + recorded.lasts
        if recorded.seen is not None and recorded.seen < due:
            yield "a timer ended early"
        if recorded.seen is None and due <= ends and living.cut.get(deed.key, due) >= due:
            yield "the end of a timer was not seen"
