"""What does a history say, all of it, in clear? For tests that look for words in it."""

from collections.abc import Iterator
from typing import Any

from temporalio.api.common.v1 import Payload

from replay.histories import Recorded
from starter.keyring import KeyRing
from starter.sealing import ENCODING, unseal


async def everything_said(run: Recorded, ring: KeyRing, namespace: str = "default") -> str:
    """Write every event and every payload in it, opened, as one text."""
    said = []
    for event in run.events:
        said.append(str(event))
        for payload in payloads(event):
            opened = unseal(payload, ring, namespace) if payload.metadata.get("encoding") == ENCODING else payload
            said.append(opened.data.decode(errors="replace"))
    return "\n".join(said)


def payloads(message: Any) -> Iterator[Payload]:
    """List every payload below a message."""
    for descriptor, value in message.ListFields():
        if descriptor.message_type is None:
            continue
        if descriptor.message_type.GetOptions().map_entry:
            inner = [value[key] for key in value]
        else:
            inner = list(value) if not hasattr(value, "ListFields") else [value]
        for each in inner:
            if isinstance(each, Payload):
                yield each
            elif hasattr(each, "ListFields"):
                yield from payloads(each)
