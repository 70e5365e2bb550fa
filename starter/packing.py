"""How small can a payload be, before it is sealed? Most of a history is payloads, and most of a payload repeats.

JSON is shortened first: the case's own id becomes one byte that no UTF-8 text contains; behind two other such bytes a
run of hex digits becomes its bytes, and a time its microseconds. What is left is deflated with a dictionary of the
phrases that our payloads share.
"""

import re
import zlib
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.message import DecodeError
from temporalio.api.common.v1 import Payload

from starter import sealing_words

# Temporal refuses payloads above 2 MB; a value that unpacks to more than this was not made by us.
UNPACKED_MAX: Final = 8 * 1024 * 1024

WHOLE, JSON, NULL, SHORT_JSON = 0, 1, 2, 3
KIND: Final = 0b0011
DEFLATED: Final = 0b0100
VERSION_AT: Final = 4
_ENCODINGS: Final = {JSON: b"json/plain", SHORT_JSON: b"json/plain", NULL: b"binary/null"}
OWN, HEX, TIME = b"\xfd", b"\xfe", b"\xff"
# The dictionaries know case ids by their beginning.
_DICTIONARIES: Final = {number: words.replace(b"ESC-", OWN) for number, words in sealing_words.VERSIONS.items()}
_WORDS: Final = _DICTIONARIES[sealing_words.VERSION]
TIME_BYTES: Final = 7
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LONG: Final = re.compile(rb"(?:[0-9a-f]{2}){8,255}|[12]\d{3}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")
_SHORT: Final = re.compile(rb"\xff(.{7})|\xfe(.)|\xfd", re.DOTALL)


def packed(payload: Payload, scope: str) -> tuple[int, bytes]:
    """Leave out what every payload says, shorten and deflate. Return flags for `unpacked` and the bytes.

    `scope` is the case the payload belongs to, "" for none; unpacking needs the same.
    """
    kind, plain = WHOLE, b""
    if dict(payload.metadata) == {"encoding": b"json/plain"}:
        kind, plain = _shortened(payload.data, scope.encode())
    elif dict(payload.metadata) == {"encoding": b"binary/null"} and not payload.data:
        kind = NULL
    else:
        plain = payload.SerializeToString(deterministic=True)
    packer = _PACKER.copy()
    deflated = packer.compress(plain) + packer.flush()
    flags = kind | sealing_words.VERSION << VERSION_AT
    return (flags | DEFLATED, deflated) if len(deflated) < len(plain) else (flags, plain)


def unpacked(flags: int, plain: bytes, scope: str) -> Payload:
    """Undo `packed`. Raises ValueError for bytes that it did not make."""
    kind = flags & KIND
    try:
        if flags & DEFLATED:
            unpacker = zlib.decompressobj(-15, zdict=_DICTIONARIES[flags >> VERSION_AT])
            plain = unpacker.decompress(plain, UNPACKED_MAX)
            if not unpacker.eof:
                raise ValueError("longer than Temporal takes, or cut off")
        if kind == WHOLE:
            return Payload.FromString(plain)
        data = _restored(plain, scope.encode()) if kind == SHORT_JSON else plain
        return Payload(metadata={"encoding": _ENCODINGS[kind]}, data=data)
    except (zlib.error, DecodeError, KeyError, OverflowError) as found:
        raise ValueError(f"not packed by us: {type(found).__name__}") from None


# Copied for each payload: reading the dictionary anew would cost more than the deflating.
_PACKER: Final = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, _WORDS)


def _shortened(text: bytes, scope: bytes) -> tuple[int, bytes]:
    if any(mark in text for mark in (OWN, HEX, TIME)):
        return JSON, text  # not UTF-8, so not JSON of ours
    return SHORT_JSON, _LONG.sub(_short, text.replace(scope, OWN) if scope else text)


def _short(found: re.Match[bytes]) -> bytes:
    long = found[0]
    if long[-1:] != b"Z":
        return HEX + bytes([len(long) // 2]) + bytes.fromhex(long.decode())
    try:
        at = datetime.fromisoformat(long.decode())
    except ValueError:
        return long
    return TIME + ((at - _EPOCH) // timedelta(microseconds=1)).to_bytes(TIME_BYTES, signed=True)


def _restored(short: bytes, scope: bytes) -> bytes:
    parts, at = [], 0
    while found := _SHORT.search(short, at):
        parts.append(short[at : found.start()])
        at = found.end()
        if found[1] is not None:
            moment = _EPOCH + timedelta(microseconds=int.from_bytes(found[1], signed=True))
            parts.append(f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z".encode())
        elif found[2] is None:
            parts.append(scope)
        else:
            length = found[2][0]
            parts.append(short[at : at + length].hex().encode())
            at += length
    return b"".join((*parts, short[at:]))
