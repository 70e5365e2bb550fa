"""How does a history leave the house without anybody's data, and still replay? Replaced at the source, then relived.

What came from outside (inputs, messages, answers) is replaced text by text as `escalations.personal` says. What our
code made of it is not guessed: the replaced history is lived again, and what the code commands now is written in its
place, wherever the code had commanded exactly what was recorded. So a case that replayed still does, and one that did
not fails where it failed before; both are checked before anything is written.
"""

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter, WorkflowSerializationContext
from temporalio.runtime import Runtime
from temporalio.worker import Replayer

from activities import asked
from escalations import personal
from escalations.admission import MESSAGES
from replay import facts
from replay.check import Checked, Verdict, check
from replay.compare import differences
from replay.compare import given as given_to
from replay.histories import Recorded, recorded
from replay.payload_types import Reader, Types
from replay.replacement import JSON, payload
from replay.substitutes import Substitutes
from replay.tape import Tape, taped
from starter.errors import CHECK_FAILED, Problem
from starter.keyring import KeyRing
from starter.sandbox import WatchedRunner
from starter.sealing import ENCODING, data_converter

ROUNDS: Final = 6  # digests of digests; the process nests two


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a redaction works with: the code that relives, the key that opens, and the throw-away ring that seals."""

    workflows: Sequence[type]
    types: Types
    converter: DataConverter
    ring: KeyRing
    namespace: str = "default"
    runtime: Runtime | None = None
    substitutes: Substitutes = field(default_factory=Substitutes)

    @property
    def sealer(self) -> DataConverter:
        """What seals and opens the redacted histories."""
        return data_converter(self.ring, self.namespace)


async def redact(run: Recorded, bench: Bench, *, given: Sequence[Payload] = ()) -> Recorded:
    """Replace what is personal in one run. `given` is what the run before it, redacted, handed over.

    Texts are stable over all runs of a bench, so call `learn` for all of them first. Raises Problem: `unreadable` for a
    run that the key does not open or whose type is not ours, `redaction_differs` when it would not replay as before.
    """
    before = await _verdict(run, bench, bench.converter)
    if before.verdict in (Verdict.UNREADABLE, Verdict.UNKNOWN_TYPE):
        raise Problem(
            "unreadable",
            f"{run.workflow_id} cannot be redacted: {before.detail}.",
            next_step="Redact with the code and the key ring it was recorded with, or export it as stored.",
            exit_code=CHECK_FAILED,
        )
    was = await _tape(run, bench, bench.converter)
    made, tape = await _settled(run, was, bench, given)
    await _relived(run, was, made, tape, bench)
    after = await _verdict(made, bench, bench.sealer)
    if (after.verdict, len(after.differences)) != (before.verdict, len(before.differences)):
        raise Problem(
            "redaction_differs",
            f"{run.workflow_id} would replay as `{after.verdict}` when redacted, and is `{before.verdict}` now.",
            next_step="Report it with both verdicts; export the case as stored meanwhile.",
            exit_code=CHECK_FAILED,
        )
    return made


async def learn(run: Recorded, bench: Bench) -> None:
    """Take note of every personal text of a run, so that it is found where a sentence of ours quotes it."""
    bench.substitutes.listening = True
    try:
        await _replaced(run, bench)
    finally:
        bench.substitutes.listening = False


async def _verdict(run: Recorded, bench: Bench, converter: DataConverter) -> Checked:
    checking = check(
        [run], workflows=bench.workflows, converter=converter, namespace=bench.namespace, runtime=bench.runtime
    )
    [found] = [each async for each in checking]
    return found


# at the source


async def _replaced(run: Recorded, bench: Bench) -> Recorded:
    reader, events = Reader(types=bench.types), []
    opener = _codec(run.workflow_id, bench.converter, bench.namespace)
    sealer = _codec(run.workflow_id, bench.sealer, bench.namespace)
    for event in run.events:
        copied = HistoryEvent()
        copied.CopyFrom(event)
        _unnamed(copied, bench.substitutes)
        for slot in reader.slots(copied):
            sealed = slot.payload.metadata.get("encoding") == ENCODING
            [opened] = await opener.decode([slot.payload]) if sealed else [slot.payload]
            plain = payload(opened, slot, bench.substitutes)
            [kept] = await sealer.encode([plain]) if sealed else [plain]
            slot.payload.CopyFrom(kept)
        events.append(copied)
    return recorded(events, origin=run.origin)


def _codec(workflow_id: str, converter: DataConverter, namespace: str) -> Any:
    context = WorkflowSerializationContext(namespace=namespace, workflow_id=workflow_id)
    return converter.with_context(context).payload_codec


def _unnamed(event: HistoryEvent, substitutes: Substitutes) -> None:
    """Replace what is written in clear: names that others chose for messages, and which host did it."""
    said = getattr(event, event.WhichOneof("attributes") or "")
    names = {descriptor.name for descriptor in said.DESCRIPTOR.fields}
    if "identity" in names:
        said.identity = ""
    if "signal_name" in names and said.signal_name not in {*MESSAGES, "kill", "resume", "stop"}:
        said.signal_name = substitutes.of(said.signal_name)
    if "accepted_request" in names:
        said.accepted_request_message_id = substitutes.of(said.accepted_request_message_id)
        _update_named(said.accepted_request.meta, substitutes)
        said.protocol_instance_id = substitutes.of(said.protocol_instance_id)
    if event.HasField("workflow_execution_update_completed_event_attributes"):
        _update_named(said.meta, substitutes)


def _update_named(meta: Any, substitutes: Substitutes) -> None:
    meta.update_id, meta.identity = substitutes.of(meta.update_id), ""


# what our code makes of it


async def _settled(run: Recorded, was: Tape, bench: Bench, given: Sequence[Payload]) -> tuple[Recorded, Tape]:
    """Replace until the digests fit too: of what our code asks about, and answers name by its digest."""
    for _ in range(ROUNDS):
        made = await _replaced(run, bench)
        if given:
            started = made.events[0].workflow_execution_started_event_attributes.input.payloads
            del started[:]
            started.extend(given)
        tape = await _tape(made, bench, bench.sealer)
        if not _digests_learned(was, tape, bench.substitutes):
            break
    return made, tape


def _digests_learned(was: Tape, now: Tape, substitutes: Substitutes) -> bool:
    """Compare what local activities were asked then and are asked now: a digest that moved stands for other words."""
    fresh = dict(_questions(now))
    learned = False
    for seq, arguments in _questions(was):
        for old, new in _digests(arguments, fresh.get(seq)):
            if old != new and substitutes.known(old) != new:
                substitutes.alias(old, new)
                learned = True
    return learned


def _questions(tape: Tape) -> Iterator[tuple[int, Any]]:
    for given in tape.commands:
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


async def _relived(run: Recorded, was: Tape, made: Recorded, tape: Tape, bench: Bench) -> None:
    """Write what the code commands now in the place of what it commanded then."""
    differing = {each.event_id for each in await differences(run, was, bench.converter, bench.namespace)}
    commanded = {(said.kind, said.key): said for said in facts.of_tape(tape, given_to(run))}
    events = {event.event_id: event for event in made.events}
    for said in facts.of_events(made.events).acts:
        now = commanded.get((said.kind, said.key))
        if now is None or said.event_id in differing:
            continue
        owner = said.key.partition(" (no. ")[0] if said.kind in ("child workflow", "signal") else run.workflow_id
        sealer = _codec(owner, bench.sealer, bench.namespace)
        for place, payloads in _places(events[said.event_id], now.facts):
            sealed = await sealer.encode(payloads)
            for held, fresh in zip(place, sealed, strict=True):
                held.CopyFrom(fresh)
    await _asked_anew(was, made, tape, bench)


async def _asked_anew(was: Tape, made: Recorded, tape: Tape, bench: Bench) -> None:
    """Let each answer of a local activity prove the question as it is now, if it proved the question as it was."""
    codec = _codec(made.workflow_id, bench.sealer, bench.namespace)
    before = dict(_questions(was))
    now = dict(_questions(tape))
    for event in made.events:
        said = event.marker_recorded_event_attributes
        if said.marker_name != facts.LOCAL_ACTIVITY or not {"data", "result"} <= set(said.details):
            continue
        seq = json.loads(said.details["data"].payloads[0].data)["seq"]
        for held in said.details["result"].payloads:
            [opened] = await codec.decode([held])
            answer = json.loads(opened.data) if opened.metadata.get("encoding") == JSON else None
            if not (isinstance(answer, dict) and answer.get("asked") and before.get(seq) and now.get(seq)):
                continue
            # The digest as it was recorded: in what is made it may have been taken for somebody's text.
            if was.asked.get(seq) == asked.of_json(before[seq][0]):
                answer["asked"] = asked.of_json(now[seq][0])
                written = json.dumps(answer, separators=(",", ":"), ensure_ascii=False).encode()
                [fresh] = await codec.encode([Payload(metadata=opened.metadata, data=written)])
                held.CopyFrom(fresh)


async def _tape(run: Recorded, bench: Bench, converter: DataConverter) -> Tape:
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
            workflow_task_executor=executor,
        )
        await replayer.replay_workflow(run.history(), raise_on_replay_failure=False)
    return tapes[-1] if tapes else Tape()


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
