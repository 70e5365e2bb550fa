"""What is a payload of a history without anybody's data? The same value along its type, text by text.

`Walk` goes along the type for other changes of texts too (`forking.moving`).
"""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, Final, Protocol, get_args, get_origin, get_type_hints

from temporalio.api.common.v1 import Payload

from escalations import personal
from escalations.admission import MESSAGES
from escalations.personal import Kind
from replay.payload_types import FAILURE, SUMMARY, Slot
from replay.substitutes import Substitutes
from starter.sealing import ENCODING, UNREADABLE, SealedPayloadConverter
from workflows.reception import fingerprint

JSON: Final = b"json/plain"
_EMPTY: Final = b"binary/null"
MESSAGE_TYPES: Final = frozenset(MESSAGES.values())
_SPAN: Final = ("P", "-P")


def payload(opened: Payload, slot: Slot, substitutes: Substitutes) -> Payload:
    """Replace one value. What cannot be opened, or is not JSON, keeps its kind and loses its content."""
    encoding = opened.metadata.get("encoding", b"")
    if encoding == _EMPTY:
        return opened
    if encoding == UNREADABLE:
        return Payload(metadata={"encoding": ENCODING}, data=b"")
    try:
        value = json.loads(opened.data) if encoding == JSON else None
    except ValueError:
        return Payload(metadata=opened.metadata, data=b"x" * len(opened.data))
    if encoding != JSON:
        return Payload(metadata=opened.metadata, data=bytes(len(opened.data)))
    written = json.dumps(_value(value, slot.hint, substitutes), separators=(",", ":"), ensure_ascii=False)
    replaced = Payload(metadata=opened.metadata, data=written.encode("utf-8", "surrogatepass"))
    if slot.hint in MESSAGE_TYPES:
        fingerprinted(opened, replaced, slot.hint, substitutes.alias)
    return replaced


def fingerprinted(was: Payload, now: Payload, hint: Any, alias: Callable[[str, str], None]) -> None:
    """Remember under which digest a case keeps a message, for the answers that a later run begins with."""
    converter = SealedPayloadConverter()
    with suppress(Exception):  # not such a message after all: the case did not take it either
        then, later = (fingerprint(converter.from_payload(each, hint)) for each in (was, now))
        alias(then, later)


def _value(value: Any, hint: Any, substitutes: Substitutes) -> Any:
    if hint == FAILURE:
        message = value.get("message", "") if isinstance(value, dict) else ""
        return {"message": substitutes.of(str(message)), "stack_trace": ""}
    if hint == SUMMARY:
        return substitutes.within(value) if isinstance(value, str) else None
    return Walk(Unnamed(substitutes)).value(value, hint, "", "")


class Words(Protocol):
    """What becomes of the texts of a value."""

    def name(self, name: str, *, ours: bool) -> str:
        """Change the name of a field or the key of a mapping; one that is not `ours` may be anybody's word."""

    def text(self, text: str, hint: Any, kind: Kind, place: tuple[str, str]) -> str:
        """Change a text. `hint` is its type, `place` the type and the field that it stands in."""


@dataclass(frozen=True, slots=True)
class Walk:
    """Goes through a value along its type. What fits no type is personal throughout."""

    words: Words

    def value(self, value: Any, hint: Any, owner: str, name: str) -> Any:
        hint = present(hint)
        if isinstance(value, str):
            return self.words.text(value, hint, personal.kind_of(owner, name), (owner, name))
        if isinstance(value, dict):
            if is_dataclass(hint):
                return self._fields(value, hint)
            return self._mapping(value, hint, owner, name)
        if isinstance(value, list):
            return self._items(value, hint, owner, name)
        return value

    def _fields(self, value: dict[str, Any], hint: Any) -> dict[str, Any]:
        hints = _hints(hint)
        return {
            self.words.name(name, ours=True): self.value(inner, hints.get(name, Any), hint.__name__, name)
            for name, inner in value.items()
        }

    def _mapping(self, value: dict[str, Any], hint: Any, owner: str, name: str) -> dict[str, Any]:
        inner_hint = (get_args(hint) or (Any, Any))[1]
        ours = not owner or (owner, name) in personal.NAMED
        return {
            self.words.name(key, ours=ours): self.value(inner, inner_hint, owner, name) for key, inner in value.items()
        }

    def _items(self, value: list[Any], hint: Any, owner: str, name: str) -> list[Any]:
        arguments = get_args(hint)
        if get_origin(hint) is tuple and len(arguments) == 2 and arguments[1] is not Ellipsis:
            if arguments == (str, str) and len(value) == 2 and all(isinstance(one, str) for one in value):
                first = self.words.name(value[0], ours=(owner, name) in personal.NAMED)
                kind = personal.pair(owner, name, value[0])
                return [first, self.words.text(value[1], str, kind, (f"{owner}.{name}", value[0]))]
            return [self.value(one, its, owner, name) for one, its in zip(value, arguments, strict=False)]
        inner = arguments[0] if arguments else Any
        return [self.value(one, inner, owner, name) for one in value]


@dataclass(frozen=True, slots=True)
class Unnamed:
    """Words without anybody's data: each replaced, unless `personal` says that it may stay."""

    substitutes: Substitutes

    def name(self, name: str, *, ours: bool) -> str:
        """See `Words`."""
        return name if ours and personal.kept(Kind.CODE, name) else self.substitutes.of(name)

    def text(self, text: str, hint: Any, kind: Kind, _: tuple[str, str]) -> str:
        """See `Words`."""
        if kind is Kind.FINGERPRINT or personal.DIGEST.fullmatch(text):
            text = self.substitutes.known(text)
        if _typed(text, hint) or personal.kept(kind, text):
            return text
        return self.substitutes.within(text) if kind is Kind.PROSE else self.substitutes.of(text)


@cache
def _hints(owner: Any) -> dict[str, Any]:
    return get_type_hints(owner)


def present(hint: Any) -> Any:
    """Leave out `| None`."""
    arguments = [one for one in get_args(hint) if one is not NoneType]
    return arguments[0] if NoneType in get_args(hint) and len(arguments) == 1 else hint


def _typed(text: str, hint: Any) -> bool:
    """Ask whether a text is a value of an enum, a time or a span, as its type says."""
    if not isinstance(hint, type):
        return False
    if issubclass(hint, Enum):
        return text in {member.value for member in hint}
    if issubclass(hint, date | datetime):
        return personal.MOMENT.fullmatch(text) is not None
    return issubclass(hint, timedelta) and text.startswith(_SPAN) and text.strip("-PTDHMSW.0123456789") == ""
