"""Which bytes are one well-formed JSON document, before anybody looks at what it says?

Rule: the order is size, signature on the raw bytes (`webhooks`), UTF-8, depth, JSON, field names and numbers, then the
schema (`report`). Whatever comes in, only `BadInput` comes out.
"""

import json
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from math import isfinite
from typing import Any

from starter.intake.refusals import BadInput


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How large a document may be: bytes of the whole, levels of nesting, field names of one document."""

    size: int
    depth: int = 32
    keys: int = 1_000


REPORT = Limits(size=256 * 1024)
FEED = Limits(size=64 * 1024 * 1024)
MOST_DIGITS = 40
# Strings and brackets, from left to right. An unfinished string ends the scan; the parser will refuse it.
TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*+"|[\[{]|[\]}]', re.DOTALL)
BLANK = " \t\r\n"


class _Pairs(list[tuple[str, Any]]):
    """An object as it was written: its names may repeat."""


async def body(chunks: AsyncIterator[bytes], *, limits: Limits = REPORT) -> bytes:
    """Gather a streamed body and stop reading at the size limit, announced length or not."""
    kept = bytearray()
    async for chunk in chunks:
        kept += chunk
        if len(kept) > limits.size:
            raise BadInput("body_too_large")
    return bytes(kept)


def one_object(raw: bytes, *, limits: Limits = REPORT) -> dict[str, Any]:
    """Read exactly one JSON object. Raises BadInput."""
    text = decoded(raw, limits=limits)
    found = _parsed(text)
    if not isinstance(found, _Pairs):
        raise BadInput("not_one_json_object")
    value: dict[str, Any] = plain(found, limits=limits)
    return value


def decoded(raw: bytes, *, limits: Limits) -> str:
    """Read bytes as UTF-8 text that nests no deeper than the limit. Raises BadInput.

    A zero byte never stands in JSON text, so it means UTF-16 or UTF-32.
    """
    if len(raw) > limits.size:
        raise BadInput("body_too_large")
    if raw.startswith(b"\xef\xbb\xbf") or b"\x00" in raw:
        raise BadInput("not_utf8")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise BadInput("not_utf8") from None
    _not_too_deep(raw, limits.depth)
    return text


def elements(text: str, start: int) -> Iterator[tuple[Any, str]]:
    """Yield each element of the JSON array that starts at `start`, with the text it was written as.

    Values come as parsed, still to be made `plain`. Raises BadInput where the text stops being one array.
    """
    place = _skip(text, start + 1)
    if text[place : place + 1] == "]":
        place += 1
    else:
        while True:
            value, end = _parsed_at(text, place, wrong="not_one_list")
            yield value, text[place:end]
            place = _skip(text, end)
            mark = text[place : place + 1]
            if mark not in (",", "]"):
                raise BadInput("not_one_list")
            place = _skip(text, place + 1)
            if mark == "]":
                break
    if _skip(text, place) != len(text):
        raise BadInput("not_one_list")


def is_json(text: str) -> bool:
    """Say whether a text is JSON of any kind."""
    try:
        _parsed(text)
    except BadInput:
        return False
    return True


def plain(value: Any, *, limits: Limits) -> Any:
    """Turn a parsed value into plain dicts and lists, and refuse what JSON allows but no field may hold.

    Refused: a repeated name, more names than the limit, a lone surrogate, a number that is not finite.
    """
    return _plain(value, "", [limits.keys])


def _parsed(text: str) -> Any:
    value, end = _parsed_at(text, _skip(text, 0))
    if _skip(text, end) != len(text):
        raise BadInput("not_one_json_object")
    return value


def _parsed_at(text: str, place: int, *, wrong: str = "not_one_json_object") -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, place)
    except (ValueError, RecursionError):
        raise BadInput(wrong) from None


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in BLANK:
        place += 1
    return place


def _not_too_deep(raw: bytes, limit: int) -> None:
    depth = 0
    for token in TOKENS.finditer(raw):
        mark = token[0]
        if mark in (b"[", b"{"):
            depth += 1
            if depth > limit:
                raise BadInput("too_deep")
        elif mark in (b"]", b"}"):
            depth -= 1


class _Huge:
    """Stands where a number was that is too long to be read (reading it costs the square of its length)."""


def _integer(digits: str) -> int | _Huge:
    return int(digits) if len(digits) <= MOST_DIGITS else _Huge()


_DECODER = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=_integer)


def _plain(value: Any, place: str, keys: list[int]) -> Any:
    if isinstance(value, _Pairs):
        return _object(value, place, keys)
    if isinstance(value, list):
        return [_plain(item, f"{place}/{number}", keys) for number, item in enumerate(value)]
    if isinstance(value, str):
        _no_surrogate(value, place)
    elif isinstance(value, _Huge):
        raise BadInput("huge_number", _own(place))
    elif isinstance(value, float) and not isfinite(value):
        raise BadInput("not_finite", _own(place))
    return value


def _object(pairs: _Pairs, place: str, keys: list[int]) -> dict[str, Any]:
    keys[0] -= len(pairs)
    if keys[0] < 0:
        raise BadInput("too_many_keys")
    made: dict[str, Any] = {}
    for name, value in pairs:
        _no_surrogate(name, place)
        if name in made:
            raise BadInput("duplicate_key", _own(place))
        made[name] = _plain(value, f"{place}/{name}", keys)
    return made


def _no_surrogate(text: str, place: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput("not_utf8", _own(place)) from None


_OWN_NAMES = frozenset({"product", "order", "facts", "listings", "models", "gtins", "batches"})


def _own(place: str) -> str:
    """Name a place only as far as it is made of our own names: others are the sender's text."""
    kept = []
    for part in place.split("/")[1:]:
        if part not in _OWN_NAMES and not (part.isascii() and part.isdigit() and len(part) < 5):
            break
        kept.append(f"/{part}")
    return "".join(kept)
