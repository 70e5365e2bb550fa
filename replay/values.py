"""How may a value that differs be shown? Never, where it may name a person; by its form, where it cannot.

Enum words, durations and what Temporal itself keeps in clear are always shown. Numbers, times, digests and ids of cases
are shown to whoever asks for values. Free text is never shown: only how long it is.
"""

import enum
import functools
import re
from datetime import timedelta
from typing import Any, Final

ABSENT: Final = object()
_DURATION: Final = re.compile(r"-?P(?=.)(\d+D)?(T(?=.)(\d+H)?(\d+M)?([\d.]+S)?)?")
_PLAIN: Final = re.compile(
    r"\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?"  # a day or a time
    r"|[0-9a-f]{8,64}|R[0-9a-f]{25}"  # a digest or a key of ours
    r"|ESC(-[0-9A-HJKMNP-TV-Z]{4}){3}(/[a-z]+(/\d+)?)*"  # a case and what belongs to it
    r"|20\d\d\.\d\d-[0-9a-f]{12}"  # a rulebook
)
HIDDEN: Final = ("one value", "another")
TEXT_MAX: Final = 200


class Words(str):
    """Words of ours about a value, not the value: shown as they are."""

    __slots__ = ()


def told(was: Any, now: Any, *, clear: bool, values: bool) -> tuple[str, str]:
    """Write both sides for people. `clear` says that they hold nothing of a case, `values` that values are wanted."""
    sides = [side for side in (was, now) if side is not ABSENT]
    if clear or all(map(_speaks, sides)):
        return _text(was), _text(now)
    if values:
        return _masked(was), _masked(now)
    return "nothing" if was is ABSENT else HIDDEN[0], "nothing" if now is ABSENT else HIDDEN[len(sides) - 1]


def _speaks(value: Any) -> bool:
    """Say whether a value is shown to everybody: a duration, or a word of one of our enums."""
    if not isinstance(value, str):
        return False
    return value in _words() or bool(_DURATION.fullmatch(value))


def _masked(value: Any) -> str:
    """Write a value whose form shows that it is nobody's text; of any other, only its size."""
    if value is ABSENT or value is None or isinstance(value, bool | int | float):
        return _text(value)
    if isinstance(value, str):
        return _text(value) if _speaks(value) or _PLAIN.fullmatch(value) else f"a text of {len(value)} characters"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return f"{len(value)} fields" if isinstance(value, dict) else "a value"


def _text(value: Any) -> str:
    if value is ABSENT or value is None:
        return "nothing"
    if isinstance(value, timedelta | Words):
        return str(value)
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return f"`{text}`" if len(text) <= TEXT_MAX else f"`{text[:TEXT_MAX]}…`"


@functools.cache
def _words() -> frozenset[str]:
    """Collect the words of our enums: the domain's whole vocabulary, which no person's name is part of."""
    found: set[str] = set()
    waiting: list[type[enum.Enum]] = [enum.StrEnum]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        if kind.__module__.startswith("escalations."):
            found |= {str(member.value) for member in kind}
    return frozenset(found)
