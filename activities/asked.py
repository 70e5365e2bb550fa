"""What exactly was a local activity asked? A short digest in its answer, because history keeps answers only.

A replay asks again and compares digests, so a changed question, entry or card of a case is seen (`replay/check.py`).
Empty values are left out: a field that is new, and empty where nobody set it, makes no other question.
"""

import hashlib
from base64 import urlsafe_b64encode
from functools import lru_cache
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic_core import to_json

PLAIN: Final = frozenset({str, int, bool})  # most values are these, and are said as they are
LENGTH: Final = 6  # of base64, 36 bits: history has no bytes to spare, and nobody gains by a collision


def digest(question: Any) -> str:
    """Digest what an activity was handed, in the form that a payload would give it."""
    return of_json(_shape(question.__class__).dump_python(question, mode="json", exclude_none=True, warnings=False))


def of_json(value: Any) -> str:
    """Digest a payload's JSON value: names in any order, without what is empty."""
    # With its names sorted it is written as `ids.canonical` would write it, in a fraction of the time.
    return urlsafe_b64encode(hashlib.sha256(to_json(_said(value))).digest())[:LENGTH].decode()


@lru_cache(maxsize=32)  # more kinds of questions than there are; a shape is compiled in milliseconds
def _shape(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _said(value: Any) -> Any:
    kind = type(value)
    if kind is dict:
        return {
            name: said
            for name, inner in sorted(value.items())
            if inner and (said := inner if type(inner) in PLAIN else _said(inner))
        }
    if kind is list:
        return [inner if type(inner) in PLAIN else _said(inner) for inner in value]
    return int(value) if kind is float and value.is_integer() else value
