"""How is a recorded history told otherwise, and still lived as it was? Changed at the source, then lived again.

What came from outside (inputs, messages, answers) is changed value by value. What our code made of it is not guessed:
the changed history is lived again, and what the code commands now is written in the place of what it had commanded,
wherever that was exactly what was recorded. So a history that replayed still does, and one that did not fails where it
failed before. Two changes use it: nobody's data is left (`redaction`), all instants are others (`forking.moving`).
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final, Protocol

from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter, WorkflowSerializationContext
from temporalio.runtime import Runtime
from temporalio.worker import Replayer

from activities import asked
from escalations import personal
from replay import facts
from replay.compare import differences
from replay.compare import given as given_to
from replay.histories import Recorded, recorded
from replay.payload_types import Reader, Slot, Types
from replay.tape import Tape, taped
from starter.sandbox import WatchedRunner
from starter.sealing import ENCODING, UNREADABLE

JSON: Final = b"json/plain"
ROUNDS: Final = 6  # digests of digests; the process nests two


class Change(Protocol):
    """What is told otherwise. Digests of what changed are learned on the way: `alias` is told, `known` is asked."""

    def clear(self, event: HistoryEvent) -> None:
        """Change, in place, what an event says outside its payloads."""

    def payload(self, opened: Payload, slot: Slot) -> Payload:
        """Change one value from outside. A tombstone that is returned as it is leaves the sealed one in its place."""

    def alias(self, text: str, other: str) -> None:
        """Learn what a digest is now."""

    def known(self, text: str) -> str:
        """Say what a digest is now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a history is changed with: the code that lives it, what opens the recorded and what seals the changed."""

    workflows: Sequence[type]
    types: Types
    opener: DataConverter
    sealer: DataConverter
    namespace: str = "default"
    runtime: Runtime | None = None


async def told_otherwise(run: Recorded, change: Change, bench: Bench, *, given: Sequence[Payload] = ()) -> Recorded:
    """Change one run. `given` is what the run before it, changed, handed over. Raises `compare.Unreadable`."""
    was = await tape(run, bench, bench.opener)
    made, now = await _settled(run, was, change, bench, given)
    await _relived(run, was, made, now, bench)
    return made


def handed_over(run: Recorded) -> Sequence[Payload]:
    """Give what a run that continued as new hands to the next; empty for any other."""
    return run.events[-1].workflow_execution_continued_as_new_event_attributes.input.payloads


# at the source


async def changed(run: Recorded, change: Change, bench: Bench) -> Recorded:
    """Change what came from outside, event by event; what the code made of it stays as it is."""
    reader, events = Reader(types=bench.types), []
    opener = codec(run.workflow_id, bench.opener, bench.namespace)
    sealer = codec(run.workflow_id, bench.sealer, bench.namespace)
    for event in run.events:
        copied = HistoryEvent()
        copied.CopyFrom(event)
        change.clear(copied)
        for slot in reader.slots(copied):
            sealed = slot.payload.metadata.get("encoding") == ENCODING
            [opened] = await opener.decode([slot.payload]) if sealed else [slot.payload]
            plain = change.payload(opened, slot)
            if sealed and plain is opened and plain.metadata.get("encoding") == UNREADABLE:
                continue
            [kept] = await sealer.encode([plain]) if sealed else [plain]
            slot.payload.CopyFrom(kept)
        events.append(copied)
    return recorded(events, origin=run.origin)


def codec(workflow_id: str, converter: DataConverter, namespace: str) -> Any:
    """Bind a converter's codec to a workflow."""
    context = WorkflowSerializationContext(namespace=namespace, workflow_id=workflow_id)
    return converter.with_context(context).payload_codec


# what our code makes of it


async def _settled(
    run: Recorded, was: Tape, change: Change, bench: Bench, given: Sequence[Payload]
) -> tuple[Recorded, Tape]:
    """Change until the digests fit too: of what our code asks about, and answers name by its digest."""
    for _ in range(ROUNDS):
        made = await changed(run, change, bench)
        if given:
            started = made.events[0].workflow_execution_started_event_attributes.input.payloads
            del started[:]
            started.extend(given)
        now = await tape(made, bench, bench.sealer)
        if not _digests_learned(was, now, change):
            break
    return made, now


def _digests_learned(was: Tape, now: Tape, change: Change) -> bool:
    """Compare what local activities were asked then and are asked now: a digest that moved stands for other words."""
    fresh = dict(questions(now))
    learned = False
    for seq, arguments in questions(was):
        for old, new in _digests(arguments, fresh.get(seq)):
            if old != new and change.known(old) != new:
                change.alias(old, new)
                learned = True
    return learned


def questions(told: Tape) -> Iterator[tuple[int, Any]]:
    """List what local activities were asked in a life, by their numbers."""
    for given in told.commands:
        if given.command.HasField("schedule_local_activity"):
            said = given.command.schedule_local_activity
            values = [json.loads(payload.data) if payload.data else None for payload in said.arguments]
            yield said.seq, values


def _digests(was: Any, now: Any) -> Iterator[tuple[str, str]]:
    if isinstance(was, dict) and isinstance(now, dict):
        for name in was.keys() & now.keys():
            yield from _digests(was[name], now[name])
    elif isinstance(was, list) and isinstance(now, list) and len(was) == len(now):
        for one, other in zip(was, now, strict=True):
            yield from _digests(one, other)
    elif isinstance(was, str) and isinstance(now, str) and personal.DIGEST.fullmatch(was):
        yield was, now


async def _relived(run: Recorded, was: Tape, made: Recorded, now: Tape, bench: Bench) -> None:
    """Write what the code commands now in the place of what it commanded then."""
    differing = {each.event_id for each in await differences(run, was, bench.opener, bench.namespace)}
    commanded = {(said.kind, said.key): said for said in facts.of_tape(now, given_to(run))}
    events = {event.event_id: event for event in made.events}
    for said in facts.of_events(made.events).acts:
        command = commanded.get((said.kind, said.key))
        if command is None or said.event_id in differing:
            continue
        owner = said.key.partition(" (no. ")[0] if said.kind in ("child workflow", "signal") else run.workflow_id
        sealer = codec(owner, bench.sealer, bench.namespace)
        event = events[said.event_id]
        for place, payloads in (*_places(event, command.facts), *_shown(event, command.words)):
            sealed = await sealer.encode(payloads)
            for held, fresh in zip(place, sealed, strict=True):
                held.CopyFrom(fresh)
    await _asked_anew(was, made, now, bench)


async def _asked_anew(was: Tape, made: Recorded, relived: Tape, bench: Bench) -> None:
    """Let each answer of a local activity prove the question as it is now, if it proved the question as it was."""
    bound = codec(made.workflow_id, bench.sealer, bench.namespace)
    before = dict(questions(was))
    now = dict(questions(relived))
    for event in made.events:
        said = event.marker_recorded_event_attributes
        if said.marker_name != facts.LOCAL_ACTIVITY or not {"data", "result"} <= set(said.details):
            continue
        seq = json.loads(said.details["data"].payloads[0].data)["seq"]
        for held in said.details["result"].payloads:
            [opened] = await bound.decode([held])
            answer = json.loads(opened.data) if opened.metadata.get("encoding") == JSON else None
            if not (isinstance(answer, dict) and answer.get("asked") and before.get(seq) and now.get(seq)):
                continue
            # The digest as it was recorded: in what is made it may have been taken for somebody's text.
            if was.asked.get(seq) == asked.of_json(before[seq][0]):
                answer["asked"] = asked.of_json(now[seq][0])
                written = json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
                [fresh] = await bound.encode([Payload(metadata=opened.metadata, data=written)])
                held.CopyFrom(fresh)


async def tape(run: Recorded, bench: Bench, converter: DataConverter) -> Tape:
    """Live a run and tape what it commands."""
    if len(run.events) < 2:
        return Tape()
    tapes: list[Tape] = []
    runner = WatchedRunner(lambda instance, det: tapes.append(taped(instance, det)))
    with ThreadPoolExecutor(max_workers=1) as executor:
        replayer = Replayer(
            workflows=list(bench.workflows),
            workflow_runner=runner,
            unsandboxed_workflow_runner=runner,
            namespace=bench.namespace,
            data_converter=converter,
            runtime=bench.runtime,
            debug_mode=True,  # else two wall seconds for a task are taken for a deadlock, on a busy machine too
            workflow_task_executor=executor,
        )
        await replayer.replay_workflow(run.history(), raise_on_replay_failure=False)
    return tapes[-1] if tapes else Tape()


def _shown(event: HistoryEvent, words: dict[str, list[Payload]]) -> list[tuple[Sequence[Payload], list[Payload]]]:
    """Pair the words that the UI shows beside an event with those of now."""
    there = {descriptor.name: held for descriptor, held in event.user_metadata.ListFields()}
    return [([there[name]], now) for name, now in words.items() if name in there]


def _places(event: HistoryEvent, now: dict[str, Any]) -> list[tuple[Sequence[Payload], list[Payload]]]:
    """Pair the payloads of an event that our code made with what it makes now; only pairs of the same number."""
    said: Any = getattr(event, event.WhichOneof("attributes") or "")
    found: list[tuple[Sequence[Payload], Any]] = []
    if "input" in now and hasattr(said, "input"):
        found.append((said.input.payloads, now["input"]))
    if "answer" in now and hasattr(said, "outcome"):
        found.append((said.outcome.success.payloads, now["answer"]))
    if "value" in now:
        found.append(((said.result if hasattr(said, "result") else said.input).payloads, now["value"]))
    if hasattr(said, "upserted_memo"):
        found += [([said.upserted_memo.fields[name]], now.get(name, [])) for name in said.upserted_memo.fields]
    return [(place, list(payloads)) for place, payloads in found if payloads and len(place) == len(payloads)]
