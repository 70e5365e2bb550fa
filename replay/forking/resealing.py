"""How does a history become one of the fork's own? Opened with the house's key, sealed with the throw-away ring."""

from collections.abc import Iterator
from typing import Any

from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter, WorkflowSerializationContext

from replay import histories
from replay.histories import Recorded
from starter.errors import CHECK_FAILED, Problem
from starter.sealing import ENCODING, UNREADABLE


async def resealed(
    run: Recorded, *, opener: DataConverter, sealer: DataConverter, namespaces: tuple[str, str], ids: dict[str, str]
) -> Recorded:
    """Seal every payload of a run anew and name the fork's namespace in it.

    `namespaces` are the names of the source's and of the fork's; `ids` maps namespace ids. Raises Problem
    `unreadable` when the start of the run does not open; another payload that does not open stays as it is, which is
    as unreadable there as it was here.
    """
    source, fork = namespaces
    events = []
    for event in run.events:
        copied = HistoryEvent()
        copied.CopyFrom(event)
        _renamed(copied, source, fork, ids)
        for payload in _payloads(copied):
            if payload.metadata.get("encoding") != ENCODING:
                continue
            [opened] = await _codec(run.workflow_id, opener, source).decode([payload])
            if opened.metadata.get("encoding") != UNREADABLE:
                [sealed] = await _codec(run.workflow_id, sealer, fork).encode([opened])
                payload.CopyFrom(sealed)
            elif event.event_id == 1:
                raise _unreadable(run, opened)
        events.append(copied)
    return histories.recorded(events, origin=run.origin)


async def readable(run: Recorded, opener: DataConverter, namespace: str) -> None:
    """Prove that the key opens a run before anything is made for it. Raises Problem `unreadable`."""
    for opened in await _codec(run.workflow_id, opener, namespace).decode(list(run.input)):
        if opened.metadata.get("encoding") == UNREADABLE:
            raise _unreadable(run, opened)


def _unreadable(run: Recorded, opened: Payload) -> Problem:
    return Problem(
        "unreadable",
        f"{run.workflow_id} does not open with this ring and namespace ({opened.data.decode()}).",
        next_step="Name those it was recorded with: --keyring FILE, TEMPORAL_NAMESPACE.",
        exit_code=CHECK_FAILED,
    )


def namespace_ids(run: Recorded) -> set[str]:
    """List the ids by which a history names its namespace."""
    return {value for event in run.events for _, _, value in _named(event, "namespace_id") if value}


def _renamed(message: Message, source: str, fork: str, ids: dict[str, str]) -> None:
    for owner, name, value in list(_named(message, "namespace_id")):
        setattr(owner, name, ids.get(value, value))
    for owner, name, value in list(_named(message, "namespace")):
        if value == source:
            setattr(owner, name, fork)


def _named(message: Message, ending: str) -> Iterator[tuple[Message, str, str]]:
    """Find every text field below a message whose name ends like that."""
    for descriptor, value in message.ListFields():
        if isinstance(value, str) and descriptor.name.endswith(ending):
            yield message, descriptor.name, value
    for inner in within(message):
        yield from _named(inner, ending)


def _payloads(message: Message) -> Iterator[Payload]:
    for inner in within(message):
        if isinstance(inner, Payload):
            yield inner
        else:
            yield from _payloads(inner)


def within(message: Message) -> Iterator[Message]:
    """List the messages that a message holds itself: in fields, lists and mappings."""
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        if descriptor.message_type.GetOptions().map_entry:
            yield from (value[key] for key in value if isinstance(value[key], Message))
        elif isinstance(value, Message):
            yield value
        else:
            yield from value


def _codec(workflow_id: str, converter: DataConverter, namespace: str) -> Any:
    context = WorkflowSerializationContext(namespace=namespace, workflow_id=workflow_id)
    return converter.with_context(context).payload_codec
