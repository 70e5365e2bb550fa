"""What do all feed parsers make of one published record? An intake, or a record kept aside with its reason."""

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from escalations import ids
from starter.intake import words
from starter.intake.report import Parsed

TAG = re.compile(r"</?[A-Za-z][^<>]{0,400}>|<!--.{0,2000}?-->", re.DOTALL)
SPACES = re.compile(r"\s+")

REASONS = {
    "api_error_row": "The publisher's service answered with an error in the shape of a record; ask it again later.",
    "not_a_record": "The record has neither the shape of its feed nor of a report.",
    "no_reference": "The record has no number of its own, so it cannot be told apart from others.",
    "no_title": "The record names neither a title nor a product.",
    "malformed": "The record's text is not well-formed JSON for one object.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Aside:
    """A record that did not become an intake: why (a key of `REASONS`), its raw text, and its place from 1 on."""

    source: str
    source_ref: str
    reason: str
    raw: bytes
    place: int
    code: str = ""

    @property
    def digest(self) -> str:
        """Name the record by its raw bytes."""
        return ids.digest(self.raw)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one file held: its format, the reports, and the records kept aside."""

    form: str
    reports: tuple[Parsed, ...]
    asides: tuple[Aside, ...] = ()


def clean(text: Any) -> str:
    """Write published text plainly: no tags, entities resolved, no control characters, one space between words, NFC."""
    if not isinstance(text, str):
        return ""
    bare = TAG.sub(" ", html.unescape(TAG.sub(" ", text)))
    plain = "".join(" " if words.controls(sign) else sign for sign in bare)
    return SPACES.sub(" ", unicodedata.normalize("NFC", plain)).strip()


def reference(value: Any) -> str:
    """Write a publisher's number as our reference; empty when it cannot be one (zero, null, other characters)."""
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) and value > 0 else value
    if not isinstance(text, str):
        return ""
    upper = text.strip().upper()
    return upper if words.REFERENCE.fullmatch(upper) and upper.strip("0-") else ""


def address(value: Any) -> str:
    """Return a published web address, or nothing when it is not a plain one."""
    return value if isinstance(value, str) and len(value) <= 2000 and words.URL.fullmatch(value) else ""
