"""Which texts, identifiers and times may come in from outside? The rim's own rules, one function each.

Every function returns the accepted value or raises `BadInput`; none of them puts a value of the sender's in its error.
"""

import re
import unicodedata
from datetime import UTC, datetime, timedelta

from escalations.matching import gtin14
from starter.intake.refusals import BadInput

SOURCE = re.compile(r"[a-z0-9][a-z0-9_-]{1,63}")
REFERENCE = re.compile(r"[A-Z0-9][A-Z0-9_-]{2,63}")
LISTING = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
CASE = re.compile(r"ESC(-[0-9A-HJKMNP-TV-Z]{4}){3}")
PLACE = re.compile(r"[A-Z]{2}")
MAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}")
URL = re.compile(r"https?://[A-Za-z0-9.-]{1,253}(:[0-9]{1,5})?([/?#][!-\[\]-~]*)?")
# RFC 3339 section 5.6, without its leap second: no calendar library here can hold one.
TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,9})?"
    r"(?P<zone>[Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])?"
)
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=3653)


def identifier(value: str, pattern: re.Pattern[str]) -> str:
    """Accept an ASCII identifier of one fixed shape, compared byte for byte."""
    if controls(value):
        raise BadInput("control_character")
    if not pattern.fullmatch(value):
        raise BadInput("bad_id")
    return value


def text(value: str, *, longest: int, lines: bool = False) -> str:
    """Normalise a text to NFC without outer spaces; at most `longest` code points, counted after normalising.

    `lines` allows line breaks and tabs. Bidirectional and zero-width marks stay: a screen shows them as marks.
    """
    if len(value) > 4 * longest:
        raise BadInput("too_long")
    normal = unicodedata.normalize("NFC", value).strip(" \n\t" if lines else " ")
    if len(normal) > longest or len(normal.encode()) > 4 * longest:
        raise BadInput("too_long")
    if controls(normal, allowed="\n\t" if lines else ""):
        raise BadInput("control_character")
    return normal


def controls(value: str, *, allowed: str = "") -> bool:
    """Say whether a text holds C0, C1, line or paragraph separators, or noncharacters, other than those allowed."""
    return any(_control(sign) and sign not in allowed for sign in value)


def _control(sign: str) -> bool:
    code = ord(sign)
    if code < 0x80:
        return code < 0x20 or code == 0x7F
    return code < 0xA0 or code in (0x2028, 0x2029) or (code & 0xFFFE) == 0xFFFE or 0xFDD0 <= code <= 0xFDEF


def gtin(value: str) -> str:
    """Accept a GTIN-8, -12, -13 or -14 with its check digit, and write it as 14 digits."""
    number = gtin14(value)
    if number is None:
        raise BadInput("bad_gtin")
    return number


def mail(value: str) -> str:
    """Accept one plain mail address, ASCII, without a display name."""
    if len(value) > 254 or not MAIL.fullmatch(value):
        raise BadInput("bad_address")
    return value


def url(value: str) -> str:
    """Accept an absolute http(s) address without a user part; at most 2,000 characters."""
    if len(value) > 2000 or not URL.fullmatch(value):
        raise BadInput("bad_url")
    return value


def instant(value: str) -> datetime:
    """Read an RFC 3339 date-time with its offset as UTC; not before 2000 (the upper bound needs `now`)."""
    found = TIME.fullmatch(value) if len(value) <= 40 else None
    if found is None:
        raise BadInput("bad_datetime")
    if not found["zone"]:
        raise BadInput("timezone_required")
    try:
        at = datetime.fromisoformat(value.upper())
    except ValueError:
        raise BadInput("bad_datetime") from None
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        raise BadInput("date_out_of_range") from None
    if at < EARLIEST:
        raise BadInput("date_out_of_range")
    return at


def not_too_far(at: datetime | None, now: datetime, field: str) -> None:
    """Refuse a time more than ten years after `now`."""
    if at is not None and at - now > AHEAD:
        raise BadInput("date_out_of_range", field)
