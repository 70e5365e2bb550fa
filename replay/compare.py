"""Where does today's code differ from what was recorded? Act by act, named by event and by place in the code.

Temporal's own replay sees a changed order and changed types. It is blind to a changed timer, argument, time-out,
answer, result or search attribute; this is not. Values are never shown, only where they differ: they may be personal.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, WorkflowSerializationContext

from replay import facts
from replay.facts import Said
from replay.histories import Recorded
from replay.tape import Tape

# Core starts timers of its own between the attempts of a local activity.
_CORES_OWN = frozenset({"timer"})
PATHS_MAX = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference: the recorded event, what it is about, what was recorded, what the code does now, and where."""

    event_id: int
    what: str
    recorded: str
    now: str
    place: str

    def line(self) -> str:
        """Write it on one line."""
        where = f" at {self.place}" if self.place else ""
        return f"event {self.event_id}: {self.what}: recorded {self.recorded}, now {self.now}{where}"


async def differences(run: Recorded, tape: Tape, converter: DataConverter, namespace: str) -> list[Difference]:
    """List what differs, in the order of the history."""
    commanded = {(said.kind, said.key): said for said in facts.of_tape(tape)}
    found: list[Difference] = []
    for said in facts.of_events(run.events):
        now = commanded.get((said.kind, said.key))
        if now is not None:
            if not now.place:
                now = replace(now, place=tape.defined.get(said.label if said.kind == "update answer" else "", ""))
            found += await _compared(said, now, _bound(converter, namespace, said, run))
        elif said.kind not in _CORES_OWN:
            found.append(_missing(said, tape))
    return found


def _bound(converter: DataConverter, namespace: str, said: Said, run: Recorded) -> DataConverter:
    owner = said.key.partition(" (no. ")[0] if said.kind in ("child workflow", "signal") else run.workflow_id
    return converter.with_context(WorkflowSerializationContext(namespace=namespace, workflow_id=owner))


def _missing(said: Said, tape: Tape) -> Difference:
    """The code came past the recorded act without doing it: show where it stood at that task."""
    before = [given.place for given in tape.commands if given.history_length <= said.event_id and given.place]
    after = [given.place for given in tape.commands if given.history_length > said.event_id and given.place]
    place = (after or before[-1:] or [""])[0]
    near = f"{place} (the next command)" if after else place
    return Difference(event_id=said.event_id, what=said.name, recorded="done", now="not done", place=near)


async def _compared(was: Said, now: Said, converter: DataConverter) -> list[Difference]:
    found = []
    for name, recorded in was.facts.items():
        if name not in now.facts and was.kind != "search attributes" and name != "error":
            continue
        told = now.facts.get(name)
        shown = await _shown(name, recorded, told, converter)
        if shown is not None:
            what = was.name if name in ("type", "how") else f"{was.name}, {name}"
            found.append(Difference(event_id=was.event_id, what=what, recorded=shown[0], now=shown[1], place=now.place))
    return found


async def _shown(name: str, was: Any, now: Any, converter: DataConverter) -> tuple[str, str] | None:
    """Give both sides for people, or None when they are equal."""
    if isinstance(was, list):
        codec = converter.payload_codec
        opened = await codec.decode(was) if codec is not None and was else was
        return _payloads(opened, now or [])
    if was == now:
        return None
    return _text(was), _text(now)


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    return str(value) if isinstance(value, timedelta) else f"`{value}`"


def _payloads(was: Sequence[Payload], now: Sequence[Payload]) -> tuple[str, str] | None:
    if len(was) != len(now):
        return f"{len(was)} values", f"{len(now)} values"
    paths = [path for number, pair in enumerate(zip(was, now, strict=True)) for path in _payload(*pair, number)]
    if not paths:
        return None
    more = f" and {len(paths) - PATHS_MAX} more" if len(paths) > PATHS_MAX else ""
    return "one value", f"another in {', '.join(paths[:PATHS_MAX])}{more}"


def _payload(was: Payload, now: Payload, number: int) -> list[str]:
    root = f"[{number}]" if number else "value"
    if was.metadata.get("encoding") != now.metadata.get("encoding"):
        return [root]
    if was.data == now.data:
        return []
    try:
        return paths(json.loads(was.data), json.loads(now.data), root)
    except ValueError:
        return [root]


def paths(was: Any, now: Any, at: str) -> list[str]:
    """Name the places where two JSON values differ."""
    if isinstance(was, dict) and isinstance(now, dict):
        names = sorted(was.keys() | now.keys())
        return [
            path for name in names for path in paths(was.get(name, _ABSENT), now.get(name, _ABSENT), f"{at}.{name}")
        ]
    if isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        return [
            path for number, pair in enumerate(zip(was, now, strict=True)) for path in paths(*pair, f"{at}[{number}]")
        ]
    if was is _ABSENT and now in _EMPTY:
        return []
    return [] if was == now and type(was) is type(now) else [at]


_ABSENT = object()
# A field that is new since the recording and empty is no difference: messages only ever grow by fields with defaults.
_EMPTY: tuple[Any, ...] = (None, "", 0, [], {})
