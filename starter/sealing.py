"""Who can read what Temporal keeps? Nobody without the key ring: every payload is packed and sealed, bound to its case.

A sealed payload is `header, nonce (12), AES-256-GCM of the packed value`. The header is one byte of flags, the key id
(2) and the scope; it and the namespace are authenticated. The scope is the workflow id up to its first "/": a case and
its sweeps, follow-ups and schedules share one, and a value moved from case A to case B does not open there.
(A schedule's workflow id needs the "/", since Temporal appends a time to it: `monitoring/handover`.)

What does not open becomes a tombstone with a reason, never an exception: a codec that raises fails the workflow task
for ever. No converter accepts a tombstone, so an update is rejected, a query fails, a `RawValue` signal sees it.
"""

import os
import struct
from collections.abc import Sequence
from typing import Any

from cryptography.exceptions import InvalidTag
from temporalio.api.common.v1 import Payload
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    EncodingPayloadConverter,
    JSONPlainPayloadConverter,
    PayloadCodec,
    SerializationContext,
    WithSerializationContext,
)

from escalations.ids import CROCKFORD
from starter import packing
from starter.keyring import ID_BYTES, KeyRing, open_ring
from starter.settings import Settings

ENCODING = b"sw1"
UNREADABLE = b"seawall/unreadable"
NONCE = 12
TAG = 16
CASE_SCOPE = 0b1000  # the one flag that is not `packing`'s


class Unreadable(ValueError):
    """A payload that this installation did not seal for this case, or can no longer open. `reason` is a stable word."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the payload is unreadable ({reason}); send it through a door of seawall, not around it")
        self.reason = reason


class Tombstones(EncodingPayloadConverter):
    """Refuse a tombstone wherever a value of ours is expected."""

    @property
    def encoding(self) -> str:
        """See the base class."""
        return UNREADABLE.decode()

    def to_payload(self, value: Any) -> Payload | None:
        """Never: no value of ours is written as a tombstone."""
        return None

    def from_payload(self, payload: Payload, type_hint: type | None = None) -> Any:
        """Raise Unreadable with the reason that the codec found."""
        raise Unreadable(payload.data.decode("ascii", "replace"))


# One set for the process: each holds its type adapters, which cost milliseconds to build and are kept per instance.
_CONVERTERS: tuple[EncodingPayloadConverter, ...] = (
    *(
        PydanticJSONPlainPayloadConverter() if isinstance(converter, JSONPlainPayloadConverter) else converter
        for converter in DefaultPayloadConverter.default_encoding_payload_converters
    ),
    Tombstones(),
)


class SealedPayloadConverter(CompositePayloadConverter):
    """Temporal's pydantic conversion, which also names the reason of a tombstone."""

    def __init__(self) -> None:
        super().__init__(*_CONVERTERS)


class SealingCodec(PayloadCodec, WithSerializationContext):
    """Seal by context, open by what the payload says, and refuse it where the context says otherwise."""

    def __init__(self, ring: KeyRing, namespace: str, scope: str | None = None) -> None:
        self._ring = ring
        self._namespace = namespace
        self._scope = scope

    def with_context(self, context: SerializationContext) -> "SealingCodec":
        """Bind to the case of the context's workflow id. Its namespace is not asked: a replayer makes one up."""
        workflow_id = getattr(context, "workflow_id", None)
        return SealingCodec(self._ring, self._namespace, scope_of(workflow_id) if workflow_id else None)

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal every payload with the active key."""
        return [seal(payload, self._ring, self._namespace, self._scope or "") for payload in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open every payload; a tombstone takes the place of one that does not open."""
        return [self._opened(payload) for payload in payloads]

    def _opened(self, payload: Payload) -> Payload:
        try:
            return unseal(payload, self._ring, self._namespace, self._scope)
        except Unreadable as found:
            return tombstone(found.reason)


def data_converter(keys: Settings | KeyRing, namespace: str = "default") -> DataConverter:
    """Make the one conversion for clients, workers, replays and tests: pydantic values, sealed, failures too.

    Settings name the key ring file, which is made on first use (Problem as in `keyring.open_ring`).
    """
    ring = open_ring(keys.keyring_file) if isinstance(keys, Settings) else keys
    return DataConverter(
        payload_converter_class=SealedPayloadConverter,
        payload_codec=SealingCodec(ring, namespace),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


def scope_of(workflow_id: str) -> str:
    """Name the case that a workflow id belongs to: everything before its first "/"."""
    return workflow_id.split("/", 1)[0]


def tombstone(reason: str) -> Payload:
    """Stand in for a payload that does not open."""
    return Payload(metadata={"encoding": UNREADABLE}, data=reason.encode())


def seal(payload: Payload, ring: KeyRing, namespace: str, scope: str) -> Payload:
    """Pack and seal one payload. At most 28 bytes, the header and the scope are added to what packing leaves."""
    flags, plain = packing.packed(payload, scope)
    named, flags = _scope_bytes(scope, flags)
    key_id, key = ring.sealer()
    header = bytes([flags]) + key_id + named
    nonce = os.urandom(NONCE)
    return Payload(
        metadata={"encoding": ENCODING},
        data=header + nonce + key.encrypt(nonce, plain, _bound(namespace, header)),
    )


def unseal(payload: Payload, ring: KeyRing, namespace: str, scope: str | None = None) -> Payload:
    """Open one payload. `scope` None trusts the scope in the payload (authenticated); else both must agree.

    Raises Unreadable: `plaintext`, `malformed`, `unknown_key`, `other_case` or `forged` (changed, or of another
    namespace). A tombstone stays what it is. The reason depends on the payload alone, so a replay finds the same.
    """
    encoding = payload.metadata.get("encoding", b"")
    if encoding == UNREADABLE:
        return payload
    if encoding != ENCODING:
        raise Unreadable("plaintext")
    data = payload.data
    flags, key_id, owner, at = _header(data)
    key = ring.opener(key_id)
    if key is None:
        raise Unreadable("unknown_key")
    try:
        plain = key.decrypt(data[at : at + NONCE], data[at + NONCE :], _bound(namespace, data[:at]))
    except InvalidTag:
        raise Unreadable("forged") from None
    if scope is not None and owner != scope:
        raise Unreadable("other_case")
    try:
        return packing.unpacked(flags, plain, owner)
    except ValueError:
        raise Unreadable("malformed") from None


def _bound(namespace: str, header: bytes) -> bytes:
    return ENCODING + b"\0" + namespace.encode() + b"\0" + header


def _scope_bytes(scope: str, flags: int) -> tuple[bytes, int]:
    """Write the scope: 8 bytes for a case id (60 bits in Crockford's alphabet), else its length and its UTF-8 bytes."""
    digits = scope[4:].replace("-", "")
    if len(digits) == 12 and scope == _case_id(digits) and all(digit in CROCKFORD for digit in digits):
        number = 0
        for digit in digits:
            number = number << 5 | CROCKFORD.index(digit)
        return number.to_bytes(8), flags | CASE_SCOPE
    name = scope.encode()
    if len(name) > 0xFFFF:
        raise ValueError(f"a workflow id of {len(name)} bytes cannot be bound; Temporal takes at most 1000")
    return struct.pack(">H", len(name)) + name, flags


def _case_id(digits: str) -> str:
    return f"ESC-{digits[:4]}-{digits[4:8]}-{digits[8:]}"


def _header(data: bytes) -> tuple[int, bytes, str, int]:
    """Read flags, key id, scope, and where the nonce begins."""
    start = 1 + ID_BYTES
    end = start + 8
    if len(data) < start + 2 + NONCE + TAG:
        raise Unreadable("malformed")
    flags, key_id = data[0], data[1:start]
    if flags & CASE_SCOPE:
        number = int.from_bytes(data[start:end])
        scope = _case_id("".join(CROCKFORD[number >> 5 * place & 31] for place in reversed(range(12))))
    else:
        (length,) = struct.unpack_from(">H", data, start)
        end = start + 2 + length
        try:
            scope = data[start + 2 : end].decode()
        except UnicodeDecodeError:
            raise Unreadable("malformed") from None
    if len(data) < end + NONCE + TAG:
        raise Unreadable("malformed")
    return flags, key_id, scope, end
