"""How does one entry vouch for all entries before it?

h = SHA-256(0x01 || previous h || canonical row), where the row holds SHA-256(salt || payload) in place of the payload:
a payload and its salt could be erased later and the chain would still be whole. The chain of a case begins with zeros;
its row names the case, so rows cannot move between cases. Hashes and salts go in as their hex digits, so that whatever
somebody wrote into such a column still has a hash, a wrong one.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from escalations import ids
from escalations.record import Entry

START = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """An entry as the database holds it: `data` a list of pairs, hashes and salt in lower-case hex."""

    case_id: str
    seq: int
    at: datetime
    kind: str
    actor: str
    text: str
    data: list[list[str]]
    salt: str
    payload_hash: str
    prev_hash: str
    hash: str


def linked(case_id: str, entry: Entry, *, prev_hash: str, salt: str) -> Row:
    """Make the row that follows `prev_hash`; `salt` is 16 random bytes in hex."""
    text, kind, actor = storable(entry.text), storable(entry.kind), storable(entry.actor)
    data = [[storable(name), storable(value)] for name, value in entry.data]
    payload_hash = hash_of_payload(text, data, salt)
    at = entry.at.astimezone(UTC)
    return Row(
        case_id=case_id,
        seq=entry.seq,
        at=at,
        kind=kind,
        actor=actor,
        text=text,
        data=data,
        salt=salt,
        payload_hash=payload_hash,
        prev_hash=prev_hash,
        hash=hash_of_row([case_id, entry.seq, instant(at), kind, actor, payload_hash], prev_hash),
    )


def flaw(row: Row, *, seq: int, prev_hash: str) -> str:
    """Say what is wrong with a row that should be number `seq` after `prev_hash`; empty if nothing is."""
    if row.seq != seq:
        return f"entry {seq} is missing"
    if row.prev_hash != prev_hash:
        return "it does not follow the entry before it"
    if row.payload_hash != hash_of_payload(row.text, row.data, row.salt):
        return "its text, data or salt was changed"
    if row.hash != hash_of_row(
        [row.case_id, row.seq, instant(row.at), row.kind, row.actor, row.payload_hash], prev_hash
    ):
        return "its time, kind, actor or hash was changed"
    return ""


def hash_of_payload(text: str, data: list[list[str]], salt: str) -> str:
    """Hash what may be erased one day."""
    return hashlib.sha256(salt.encode() + ids.canonical([text, data])).hexdigest()


def hash_of_row(row: list[Any], prev_hash: str) -> str:
    """Hash what stays for ever, bound to everything before it."""
    return hashlib.sha256(b"\x01" + prev_hash.encode() + ids.canonical(row)).hexdigest()


def instant(at: datetime) -> str:
    """Write a time the one way it is hashed: UTC, always six digits of a second."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def storable(text: str) -> str:
    """Replace what a database cannot keep (U+0000 in PostgreSQL, lone surrogates in UTF-8) by U+FFFD.

    The doors refuse both; if one slips through inside a case, losing one character beats halting the case.
    """
    if "\x00" in text:
        text = text.replace("\x00", "�")
    try:
        text.encode()
    except UnicodeEncodeError:
        text = "".join("�" if "\ud800" <= sign <= "\udfff" else sign for sign in text)
    return text
