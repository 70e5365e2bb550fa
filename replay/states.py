"""Which state did a run have after each of its tasks? A file beside its history says so, sealed like the history.

What lies in `FOLDER/states` under the name of a history in `FOLDER` belongs to it. A state is what the queries of the
workflow answered, and `details`, the text that Temporal's UI showed; each is kept as what changed since the one before.
"""

import base64
import gzip
import json
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter, PayloadCodec, WorkflowSerializationContext

from replay.frames import Film, Frame
from replay.histories import Recorded
from starter.errors import BAD_INPUT, Problem
from starter.sealing import UNREADABLE

FOLDER: Final = "states"
DETAILS: Final = "details"
_FORMAT: Final = 1
State = Mapping[str, Any]


class Unreadable(Exception):
    """Kept states do not open. The message says why, in words that follow the name of a file."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The states of one run, each as the event that began its task and what changed; see `each`."""

    changes: tuple[tuple[int, Any], ...]

    def each(self) -> Iterator[tuple[int, State]]:
        """Go through them in order, one state at a time, so that a long run does not fill the memory."""
        held: Any = {}
        for event_id, change in self.changes:
            held = _changed(held, change)
            yield event_id, held


def of_frame(frame: Frame) -> State:
    """Take the state out of a frame."""
    said = {name: json.loads(payload.data) for name, payload in sorted(frame.answers.items())}
    return {**said, DETAILS: frame.details} if frame.details else said


def of_film(film: Film) -> Iterator[tuple[int, State]]:
    """Take the states out of a film."""
    return ((frame.event_id, of_frame(frame)) for frame in film.frames)


def kept(states: Iterable[tuple[int, State]]) -> Kept:
    """Keep states, given in the order of their events."""
    before: State = {}
    changes = []
    for event_id, now in states:
        changes.append((event_id, _change(before, now)))
        before = now
    return Kept(tuple(changes))


# In a file


def beside(path: Path) -> Path:
    """Name the file that belongs to the history at a path."""
    return path.parent / FOLDER / path.name


async def write(states: Kept, run: Recorded, path: Path, converter: DataConverter, namespace: str) -> None:
    """Write the states of a run beside its history at `path`. Raises OSError."""
    plain = json.dumps({"format": _FORMAT, "run_id": run.run_id, "changes": states.changes}, separators=(",", ":"))
    payload = Payload(metadata={"encoding": b"binary/plain"}, data=zlib.compress(plain.encode(), 9))
    codec = _codec(run, converter, namespace)
    [sealed] = await codec.encode([payload]) if codec is not None else [payload]
    text = json.dumps({"states": base64.b64encode(sealed.SerializeToString()).decode()})
    place = beside(path)
    place.parent.mkdir(exist_ok=True)
    place.write_bytes(gzip.compress(text.encode(), mtime=0) if path.name.endswith(".gz") else text.encode())


def with_states(run: Recorded, path: Path) -> Recorded:
    """Add the states that lie beside a history, if any do. Raises Problem `not_a_history` for another file."""
    place = beside(path)
    if not place.is_file():
        return run
    try:
        data = place.read_bytes()
        text = gzip.decompress(data) if place.name.endswith(".gz") else data
        return replace(run, states=Payload.FromString(base64.b64decode(json.loads(text)["states"], validate=True)))
    except Exception as wrong:
        raise Problem(
            "not_a_history",
            f"{place} does not hold the states of a history ({type(wrong).__name__}).",
            next_step="Export it again with `seawall replay export --states`, or take the file away.",
            exit_code=BAD_INPUT,
        ) from None


async def opened(run: Recorded, converter: DataConverter, namespace: str) -> Kept | None:
    """Open the states that came with a run; None if none did. Raises Unreadable."""
    if run.states is None:
        return None
    codec = _codec(run, converter, namespace)
    [payload] = await codec.decode([run.states]) if codec is not None else [run.states]
    if payload.metadata.get("encoding") == UNREADABLE:
        raise Unreadable("do not open with this key ring")
    try:
        content = json.loads(zlib.decompress(payload.data))
        if content["format"] != _FORMAT:
            raise Unreadable("were written by newer code")
        if content["run_id"] != run.run_id:
            raise Unreadable("are of another run")
        return Kept(tuple((int(event_id), change) for event_id, change in content["changes"]))
    except (ValueError, KeyError, TypeError, zlib.error):
        raise Unreadable("are damaged") from None


def _codec(run: Recorded, converter: DataConverter, namespace: str) -> PayloadCodec | None:
    context = WorkflowSerializationContext(namespace=namespace, workflow_id=run.workflow_id)
    return converter.with_context(context).payload_codec


# What changed from one JSON value to the next: {} for nothing, {"now": value} for another one, else by name or place


def _change(was: Any, now: Any) -> dict[str, Any]:
    if isinstance(was, dict) and isinstance(now, dict):
        inner = {name: {"now": now[name]} if name not in was else _change(was[name], now[name]) for name in now}
        gone = [name for name in was if name not in now]
        return _said({"in": {name: one for name, one in inner.items() if one}, "gone": gone})
    if isinstance(was, list) and isinstance(now, list) and len(now) >= len(was):
        inner = {str(place): _change(one, other) for place, (one, other) in enumerate(zip(was, now, strict=False))}
        return _said({"at": {place: one for place, one in inner.items() if one}, "more": now[len(was) :]})
    return {} if was == now and type(was) is type(now) else {"now": now}


def _said(change: dict[str, Any]) -> dict[str, Any]:
    return {how: what for how, what in change.items() if what}


def _changed(was: Any, change: dict[str, Any]) -> Any:
    if "now" in change:
        return change["now"]
    if isinstance(was, dict):
        gone, inner = change.get("gone", ()), change.get("in", {})
        kept = {name: one for name, one in was.items() if name not in gone}
        return kept | {name: _changed(was.get(name), one) for name, one in inner.items()}
    if isinstance(was, list) and change:
        held = list(was)
        for place, one in change.get("at", {}).items():
            held[int(place)] = _changed(held[int(place)], one)
        return held + change.get("more", [])
    return was
