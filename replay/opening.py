"""How are recorded values opened in a check, and what is said where they do not open?"""

from collections.abc import Sequence
from dataclasses import replace

from temporalio.api.common.v1 import Payload
from temporalio.converter import (
    DataConverter,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
    WorkflowSerializationContext,
)

from replay.histories import Recorded
from starter.sealing import UNREADABLE

_CLOSED_DOORS = {
    "unknown_key": "this key ring does not hold the key that sealed it; use the ring it was recorded with",
    "plaintext": "its payloads are not sealed, so seawall did not write them",
    "other_case": "its payloads belong to another case",
    "forged": "its payloads do not open: another namespace, or changed since",
    "malformed": "its payloads are damaged, or packed by newer code",
}


def why(reason: str) -> str:
    """Say in words why a value did not open, by the codec's word for it."""
    return _CLOSED_DOORS.get(reason, _CLOSED_DOORS["forged"])


async def closed_door(run: Recorded, converter: DataConverter, namespace: str) -> str:
    """Say why the start of a run cannot be opened with these keys, or ""."""
    context = WorkflowSerializationContext(namespace=namespace, workflow_id=run.workflow_id)
    codec = converter.with_context(context).payload_codec
    if codec is None or not run.input:
        return ""
    for payload in await codec.decode(run.input):
        if payload.metadata.get("encoding") == UNREADABLE:
            return _CLOSED_DOORS.get(payload.data.decode(), _CLOSED_DOORS["forged"])
    return ""


class _Opening(PayloadCodec, WithSerializationContext):
    """Opens what was recorded, and seals nothing: what the code commands in a replay goes nowhere."""

    def __init__(self, inner: PayloadCodec) -> None:
        self._inner = inner

    def with_context(self, context: SerializationContext) -> "_Opening":
        """See the base class."""
        if not isinstance(self._inner, WithSerializationContext):
            return self
        bound = self._inner.with_context(context)
        return _Opening(bound) if isinstance(bound, PayloadCodec) else self

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Leave payloads as they are."""
        return list(payloads)

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """See the base class."""
        return await self._inner.decode(payloads)


def opening(converter: DataConverter) -> DataConverter:
    """Let a converter open what was recorded, and seal nothing."""
    codec = converter.payload_codec
    return converter if codec is None else replace(converter, payload_codec=_Opening(codec))
