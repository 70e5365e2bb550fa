"""Where does today's code differ from what was recorded? Act by act and task by task, named by event and place.

Temporal's own replay sees a changed order and changed types. It is blind to a changed timer, argument, time-out,
answer, result or search attribute, to a changed question to a local activity, and to an act that moved to another task;
this is not. Words that Temporal's UI shows beside an act change nothing that a case does: they are told apart.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, PayloadCodec, WorkflowSerializationContext

from replay import facts, meant, values
from replay.differences import Difference, Found
from replay.facts import QUESTION, Act, Acts, Given
from replay.histories import Recorded
from replay.meant import Meanings
from replay.tape import Tape
from replay.values import ABSENT, Words
from starter.sealing import UNREADABLE

# Core writes these down when it sees fit, so their place in the order of events says nothing.
ANYTIME: Final = frozenset({"local activity", "update", "update answer"})
# Facts whose values are of the process, never of a case.
_CLEAR: Final = frozenset(
    {
        "type",
        "name",
        "how",
        "task",
        "duration",
        "task queue",
        "retry policy",
        "refused with",
        "parent close policy",
        "id reuse policy",
        QUESTION,
    }
)
# Acts whose facts may come and go one by one; of the others, what one side does not say is the server's default.
_BY_NAME: Final = frozenset({"search attributes", "memo"})
_SUMS: Final = 3
Facts = Mapping[str, Any]
_PLACES: Final = 8


class Unreadable(Exception):
    """A recorded value does not open. The message is the codec's stable word, `event_id` where it stands."""

    def __init__(self, reason: str, event_id: int) -> None:
        super().__init__(reason)
        self.event_id = event_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What differs, unless it is meant; `meant` holds the places of the entries that covered the rest.

    `words` are the differences in words that Temporal's UI shows.
    """

    differences: tuple[Difference, ...] = ()
    meant: tuple[int, ...] = ()
    words: tuple[Difference, ...] = ()


async def differences(run: Recorded, tape: Tape, converter: DataConverter, namespace: str) -> list[Difference]:
    """List everything that differs but words, in the order of the history. Raises Unreadable."""
    found = _found(run, tape, converter, namespace)
    return [each.told(shown=False) async for each in found if not each.words]


async def compared(
    run: Recorded,
    tape: Tape,
    converter: DataConverter,
    namespace: str,
    *,
    shown: bool = False,
    meanings: Meanings = meant.NONE,
    states: Sequence[Found] = (),
) -> Compared:
    """Compare a run with what the code commanded when it lived it again. Raises Unreadable.

    `states` is what its states showed.
    """
    found: dict[str, list[Found]] = {"acts": [], "states": [], "words": []}
    used = []
    for kind, every in (("acts", [act async for act in _found(run, tape, converter, namespace)]), ("states", states)):
        for each in every:
            entry = meanings.of(each.apart(run.workflow_type)) if meanings.entries else None
            if entry is None:
                found["words" if each.words else kind].append(each)
            else:
                used.append(entry)
    return Compared(
        differences=(
            *_summed([each.told(shown=shown) for each in found["acts"]]),
            *_first(found["states"], shown=shown),
        ),
        meant=tuple(used),
        words=tuple(_summed([each.told(shown=shown) for each in found["words"]])),
    )


def _first(stood: Sequence[Found], *, shown: bool) -> Iterator[Difference]:
    """Name the first few places of a state, and count the others: one lost fact may be missed in many."""
    for each in stood[:_PLACES]:
        yield each.told(shown=shown)
    if left := stood[_PLACES:]:
        was, now = (values.Words(text) for text in values.HIDDEN)
        count = f"{len(left)} more places of it"
        yield replace(replace(left[0], path="", more=0, was=was, now=now, clear=True).told(shown=shown), path=count)


def _summed(found: Sequence[Difference]) -> Iterator[Difference]:
    """Name the first few of a kind, and count the others: one changed text differs in every later card."""
    groups: dict[tuple[str, str, str], list[Difference]] = {}
    for each in found:
        groups.setdefault((each.kind, each.name, each.path), []).append(each)
    for each in found:
        group = groups[each.kind, each.name, each.path]
        place = next(number for number, one in enumerate(group) if one is each)
        if place < _SUMS - 1 or len(group) == _SUMS == place + 1:
            yield each
        elif place == _SUMS - 1:
            yield replace(each, more=len(group) - _SUMS)


def given(run: Recorded) -> Given:
    """Say what the server fills in for a run."""
    started = run.events[0].workflow_execution_started_event_attributes
    return Given(queue=started.task_queue.name, run_timeout=started.workflow_run_timeout.ToTimedelta())


async def _found(run: Recorded, tape: Tape, converter: DataConverter, namespace: str) -> Any:
    recorded = facts.of_events(run.events)
    commanded = {(act.kind, act.key): act for act in facts.of_tape(tape, given(run))}
    for act in commanded.values():
        act.task = recorded.joined.get(act.task, act.task)
    codecs = _Codecs(converter, namespace, run.workflow_id)
    for act in recorded.acts:
        now = commanded.pop((act.kind, act.key), None)
        if now is None:
            yield _missing(act, tape)
            continue
        if act.kind == "local activity" and (digest := tape.asked.get(int(act.key.partition(" ")[0]))):
            act.facts[QUESTION] = digest
        place = now.place or tape.defined.get(act.label if act.kind == "update answer" else "", "")
        async for each in _of_act(act, now, place, codecs.of(act)):
            yield each
    for act in commanded.values():
        if act.task in recorded.tasks and not _came_to_nothing(act, commanded, recorded):
            yield _added(act, recorded)


def _missing(act: Act, tape: Tape) -> Found:
    """The code came past the recorded act without doing it: show where it stood at that task."""
    before = [given.place for given in tape.commands if given.history_length <= act.event_id and given.place]
    after = [given.place for given in tape.commands if given.history_length > act.event_id and given.place]
    place = (after or before[-1:] or [""])[0]
    near = f"{place} (the next command)" if after else place
    return Found(act=act, path="", was=Words("done"), now=Words("not done"), place=near, clear=True)


def _added(act: Act, recorded: Acts) -> Found:
    act.event_id = recorded.tasks[act.task]
    return Found(act=act, path="", was=Words("not done"), now=Words("done"), place=act.place, clear=True)


def _came_to_nothing(act: Act, commanded: dict[tuple[str, str], Act], recorded: Acts) -> bool:
    """Say whether a command never reaches history: a timer set and cancelled at once, what the last task still does."""
    if act.kind == "timer":
        cancelled = commanded.get(("timer cancelled", act.key))
        return cancelled is not None and cancelled.task == act.task
    if act.kind == "timer cancelled":
        timer = commanded.get(("timer", act.key))
        return timer is None or timer.task == act.task
    return act.kind in ANYTIME and act.task >= recorded.last


async def _of_act(was: Act, now: Act, place: str, codec: PayloadCodec | None) -> Any:
    if was.kind != "local activity" and was.task != now.task:
        at = (Words(f"in the task of event {task}") for task in (was.task, now.task))
        yield Found(act=was, path="task", was=next(at), now=next(at), place=place, clear=True)
    names = was.facts if was.kind not in _BY_NAME else {**now.facts, **was.facts}
    for path, one, other, clear in await _pairs(was, names, was.facts, now.facts, codec):
        yield Found(act=was, path=path, was=one, now=other, place=place, clear=clear)
    for name in now.facts.keys() - names.keys():
        if now.facts[name] not in (None, [], {}) and name != QUESTION:
            yield Found(act=was, path=name, was=ABSENT, now=now.facts[name], place=place, clear=name in _CLEAR)
    for path, one, other, clear in await _pairs(was, {**was.words, **now.words}, was.words, now.words, codec):
        yield Found(act=was, path=path, was=one, now=other, place=place, clear=clear, words=True)


async def _pairs(
    act: Act, names: Iterable[str], was: Facts, now: Facts, codec: PayloadCodec | None
) -> list[tuple[str, Any, Any, bool]]:
    """List what differs among the facts of these names, and whether it holds nothing of a case."""
    found: list[tuple[str, Any, Any, bool]] = []
    for name in names:
        one, other = was.get(name, ABSENT), now.get(name, ABSENT)
        if isinstance(one, list) or isinstance(other, list):
            found += [each async for each in _payloads(name, one, other, codec, act.event_id)]
        elif one != other:
            clear = name in _CLEAR or act.kind in _BY_NAME or isinstance(one, timedelta) or name.endswith("timeout")
            found.append((name, one, other, clear))
    return found


async def _payloads(name: str, was: Any, now: Any, codec: PayloadCodec | None, event_id: int) -> Any:
    sealed = was if isinstance(was, list) else []
    opened = await codec.decode(sealed) if codec is not None and sealed else sealed
    for payload in opened:
        if payload.metadata.get("encoding") == UNREADABLE:
            raise Unreadable(payload.data.decode(), event_id)
    others: Sequence[Payload] = now if isinstance(now, list) else []
    if len(opened) != len(others):
        yield name, Words(f"{len(opened)} values"), Words(f"{len(others)} values"), True
        return
    for number, (one, other) in enumerate(zip(opened, others, strict=True)):
        if one.data != other.data or one.metadata.get("encoding") != other.metadata.get("encoding"):
            for path, before, after in _values(one, other, f"{name}[{number}]" if number else name):
                yield path, before, after, False


def _values(was: Payload, now: Payload, at: str) -> Iterator[tuple[str, Any, Any]]:
    try:
        one, other = _plain(was), _plain(now)
    except ValueError:
        yield at, was.metadata.get("encoding", b"").decode(), now.metadata.get("encoding", b"").decode()
        return
    yield from apart(one, other, at)


def _plain(payload: Payload) -> Any:
    """Read a payload. Of a failure only its message counts: its trace names lines, which move."""
    if payload.metadata.get("encoding") == b"binary/null":
        return None
    value = json.loads(payload.data)
    return value.get("message") if isinstance(value, dict) and value.keys() == {"message", "stack_trace"} else value


def apart(was: Any, now: Any, at: str) -> Iterator[tuple[str, Any, Any]]:
    """Name the places where two JSON values differ, with what stands there; ABSENT for nothing."""
    if isinstance(was, dict) and isinstance(now, dict):
        for name in sorted(was.keys() | now.keys()):
            yield from apart(was.get(name, ABSENT), now.get(name, ABSENT), f"{at}.{name}")
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for number, (one, other) in enumerate(zip(was, now, strict=True)):
            yield from apart(one, other, f"{at}[{number}]")
    elif was is ABSENT and now in _EMPTY:
        return
    elif was != now or type(was) is not type(now):
        yield at, was, now


def paths(was: Any, now: Any, at: str) -> list[str]:
    """Name the places where two JSON values differ."""
    return [path for path, _, _ in apart(was, now, at)]


class _Codecs:
    """Opens what was recorded: most of it is bound to the run, what it told other workflows to those."""

    def __init__(self, converter: DataConverter, namespace: str, workflow_id: str) -> None:
        self._bound: Callable[[str], PayloadCodec | None] = lambda owner: (
            converter.with_context(WorkflowSerializationContext(namespace=namespace, workflow_id=owner)).payload_codec
        )
        self._own = self._bound(workflow_id)

    def of(self, act: Act) -> PayloadCodec | None:
        return self._bound(act.key.partition(" (no. ")[0]) if act.kind in ("child workflow", "signal") else self._own


# A field that is new since the recording and empty is no difference: messages only ever grow by fields with defaults.
_EMPTY: Final[tuple[Any, ...]] = (None, "", 0, [], {})
