"""Who is speaking at a door of this installation, and how does the case know that we checked?

Embedded mode: a one-time link proves that its holder may act as a person of the roster, a signed cookie keeps them
signed in, and every message carries an attestation by the door that took it. What is stored (`signin.json`, mode 0600)
holds hashes only: reading the file signs nobody in. A link is consumed by POST alone, since mail scanners and chat
previews follow links by GET.
"""

import fcntl
import hashlib
import hmac
import json
import os
import secrets
import stat
import string
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict, TypeVar

from itsdangerous import BadSignature, URLSafeSerializer
from pydantic import TypeAdapter

from escalations import ids
from escalations.messages import Said
from escalations.rulebook import Roster
from starter.errors import CANNOT_WRITE, MISCONFIGURED, NOT_PERMITTED, Problem

LINK_LASTS = timedelta(minutes=15)
SESSION_LASTS = timedelta(hours=12)
TOKEN_BYTES = 32
ATTESTATION = "v1"
MARK_DIGITS = 32  # half of HMAC-SHA256, the least that RFC 2104 section 5 advises; every message in history has one
REQUEST_ID_SIGNS = string.ascii_letters + string.digits


M = TypeVar("M")


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """Somebody signed in: the person, the session's own id, and the token its forms must carry."""

    person: str
    id: str
    csrf: str


class _Kept(TypedDict):
    person: str
    until: str


def person_on(roster: Roster, person: str) -> str:
    """Return the person if the roster knows them. Raises Problem `who` or `not_on_roster` (exit 77)."""
    if not person:
        raise Problem(
            "who",
            "It is not said who you are.",
            next_step="Add `--as PERSON` or set SEAWALL_PERSON.",
            exit_code=NOT_PERMITTED,
        )
    if not roster.roles_of(person):
        raise Problem(
            "not_on_roster",
            "This person is not on the roster.",
            next_step="Check the spelling against rulebook/rosters/persons.yaml.",
            exit_code=NOT_PERMITTED,
        )
    return person


# links


def new_link(home: Path, person: str, *, base_url: str, now: datetime) -> str:
    """Make a link that signs `person` in once within 15 minutes."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    with _memory(home, now) as memory:
        memory["links"][_hash(token)] = _Kept(person=person, until=(now + LINK_LASTS).isoformat())
    return f"{base_url.rstrip('/')}/signin?token={token}"


def holder(home: Path, token: str, *, now: datetime) -> str:
    """Name the person a link is for, without using it up. Raises Problem `link_unusable`."""
    return _usable(_read(home)["links"].get(_hash(token)), now)["person"]


def consume(home: Path, token: str, *, now: datetime) -> Session:
    """Use a link up and sign its person in; of two at once, one succeeds. Raises Problem `link_unusable`."""
    session_id = secrets.token_urlsafe(TOKEN_BYTES)
    with _memory(home, now) as memory:
        person = _usable(memory["links"].pop(_hash(token), None), now)["person"]
        until = (now + SESSION_LASTS).isoformat()
        memory["sessions"][_hash(session_id)] = _Kept(person=person, until=until)
    return Session(person=person, id=session_id, csrf=secrets.token_urlsafe(TOKEN_BYTES))


def _usable(kept: _Kept | None, now: datetime) -> _Kept:
    if kept is None or datetime.fromisoformat(kept["until"]) <= now:
        raise Problem(
            "link_unusable",
            "This sign-in link was used, has expired, or never existed.",
            next_step="Get a new one with `seawall signin --as PERSON`.",
            exit_code=NOT_PERMITTED,
        )
    return kept


# sessions


def cookie(home: Path, session: Session) -> str:
    """Write a session as a signed cookie value."""
    return _serializer(home).dumps([session.id, session.person, session.csrf])


def session(home: Path, cookie_value: str, *, now: datetime) -> Session | None:
    """Read a cookie; None when it is forged, expired or signed out. A copied cookie ends with its session."""
    try:
        session_id, person, csrf = _serializer(home).loads(cookie_value)
    except (BadSignature, ValueError, TypeError):
        return None
    kept = _read(home)["sessions"].get(_hash(session_id))
    if kept is None or kept["person"] != person or datetime.fromisoformat(kept["until"]) <= now:
        return None
    return Session(person=person, id=session_id, csrf=csrf)


def sign_out(home: Path, ended: Session, *, now: datetime) -> None:
    """End a session for every copy of its cookie."""
    with _memory(home, now) as memory:
        memory["sessions"].pop(_hash(ended.id), None)


def _serializer(home: Path) -> URLSafeSerializer:
    return URLSafeSerializer(
        key(home, "console"), salt="seawall.console.session", signer_kwargs={"digest_method": hashlib.sha256}
    )


# attestation


def new_request_id() -> str:
    """Make a request id for one thing that is about to be said; whoever repeats it repeats the id.

    47 random bits tell the messages of one case apart; history keeps the id four times a message, so it is short.
    """
    return "".join(secrets.choice(REQUEST_ID_SIGNS) for _ in range(8))


def attested(message: M, case_id: str, *, door: str, home: Path) -> M:
    """Return the message with the door's proof that it authenticated the speaker for these very words and case.

    HMAC-SHA256 under `<home>/keys/attestation.key` over door, person, case, request id and the digest of the rest.
    """
    spoken: Any = message  # the messages are frozen dataclasses with `said` and share no base
    said: Said = spoken.said
    unsigned = replace(spoken, said=replace(said, door=door, attestation=""))
    mark = _mark(unsigned, case_id, home)
    signed: M = replace(spoken, said=replace(said, door=door, attestation=mark))
    return signed


def is_attested(message: Any, case_id: str, *, home: Path) -> bool:
    """Check a message's attestation, for audits and tests."""
    unsigned = replace(message, said=replace(message.said, attestation=""))
    return hmac.compare_digest(message.said.attestation, _mark(unsigned, case_id, home))


def _mark(unsigned: Any, case_id: str, home: Path) -> str:
    said = unsigned.said
    body = TypeAdapter(type(unsigned)).dump_python(unsigned, mode="json")
    del body["said"]
    words = [said.door, said.person, case_id, said.request_id, type(unsigned).__name__, ids.digest(ids.canonical(body))]
    mark = hmac.new(key(home, "attestation"), ids.canonical(words), "sha256").hexdigest()
    return f"{ATTESTATION}:{mark[:MARK_DIGITS]}"


# what is kept


def key(home: Path, name: str) -> bytes:
    """Read `<home>/keys/NAME.key` (32 random bytes, mode 0600), making it on first use.

    Raises Problem `misconfigured` (exit 78) when others may read it, `cannot_write` (exit 73) when it cannot be made.
    """
    path = home / "keys" / f"{name}.key"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not path.exists():
            _make_key(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        content = path.read_bytes()
    except OSError as error:
        raise _cannot_write(path, error) from error
    if mode & 0o077 or len(content) != TOKEN_BYTES:
        raise Problem(
            "misconfigured",
            f"The key file {path} is readable by others or damaged.",
            next_step=f"Run `chmod 600 {path}`, or remove it to sign everybody out and start anew.",
            exit_code=MISCONFIGURED,
        )
    return content


def _make_key(path: Path) -> None:
    """Put a whole key in place, or none; of two processes at once the first wins."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    _write_private(draft, secrets.token_bytes(TOKEN_BYTES))
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _write_private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def _read(home: Path) -> dict[str, dict[str, _Kept]]:
    path = home / "signin.json"
    try:
        kept = json.loads(path.read_bytes())
        return {"links": kept["links"], "sessions": kept["sessions"]}
    except FileNotFoundError:
        return {"links": {}, "sessions": {}}
    except (ValueError, KeyError, TypeError) as damaged:
        raise Problem(
            "misconfigured",
            f"{path} is damaged.",
            next_step="Remove it; everybody signs in again.",
            exit_code=MISCONFIGURED,
        ) from damaged


@contextmanager
def _memory(home: Path, now: datetime) -> Iterator[dict[str, dict[str, _Kept]]]:
    """Change `signin.json` alone among all processes, dropping what has expired; the file is replaced whole."""
    path = home / "signin.json"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(home / "signin.lock", os.O_RDWR | os.O_CREAT, 0o600), "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            memory = _read(home)
            yield memory
            kept = {
                kind: {name: one for name, one in some.items() if datetime.fromisoformat(one["until"]) > now}
                for kind, some in memory.items()
            }
            draft = path.with_name(f".signin.{secrets.token_hex(4)}")
            _write_private(draft, json.dumps(kept).encode())
            draft.replace(path)
    except OSError as error:
        raise _cannot_write(path, error) from error


def _cannot_write(path: Path, error: OSError) -> Problem:
    return Problem(
        "cannot_write",
        f"{path} cannot be written ({error.strerror}).",
        next_step="Make the folder writable, or set SEAWALL_HOME to another one.",
        exit_code=CANNOT_WRITE,
    )
