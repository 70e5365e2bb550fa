"""Did the source we know send exactly these bytes, just now? A strict verifier of Standard Webhooks 1.0.0.

Rule: every malformed header is a refusal, never another exception; nothing is computed before the headers' sizes and
shapes are right; all secrets and signatures are tried in full before the answer.
"""

import base64
import binascii
import hashlib
import hmac
import json
import os
import re
import secrets
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from starter.errors import CANNOT_WRITE, MISCONFIGURED, Problem
from starter.intake import words
from starter.intake.refusals import BadInput

TOLERANCE = timedelta(seconds=300)
LONGEST_HEADER = 2_048
MOST_SIGNATURES = 8
MESSAGE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
SECONDS = re.compile(r"[1-9][0-9]{8,10}")
SIGNATURE = re.compile(r"v[0-9]{1,2}[a-z]?,[A-Za-z0-9+/]{1,200}={0,2}")


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Secret:
    """One key of a source: a shared `v1` secret, or the public half of a `v1a` key pair."""

    kind: str
    key: bytes


def secret(written: str) -> Secret:
    """Read `whsec_…` (24 to 64 bytes) or `whpk_…` (32 bytes), both in base64. Raises ValueError without the value."""
    prefix, _, encoded = written.partition("_")
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("the part after '_' is not base64") from None
    if prefix == "whsec" and 24 <= len(key) <= 64:
        return Secret(kind="v1", key=key)
    if prefix == "whpk" and len(key) == 32:
        return Secret(kind="v1a", key=key)
    raise ValueError("it is neither whsec_ with 24 to 64 bytes nor whpk_ with 32 bytes")


def verified(headers: Sequence[tuple[str, str]], raw: bytes, *, keys: Sequence[Secret], now: datetime) -> str:
    """Return the `webhook-id` of a delivery that one of `keys` signed within 300 s of `now`. Raises BadInput.

    Any one valid signature suffices (a sender signs with old and new while a secret is rotated).
    """
    message, seconds, written = (_header(headers, name) for name in ("id", "timestamp", "signature"))
    parts = written.split(" ")
    if len(parts) > MOST_SIGNATURES:
        raise BadInput("headers_too_large")
    well_formed = MESSAGE_ID.fullmatch(message) and all(SIGNATURE.fullmatch(part) for part in parts)
    if not well_formed or not SECONDS.fullmatch(seconds) or abs(int(seconds) - now.timestamp()) > TOLERANCE.seconds:
        raise BadInput("bad_signature")
    signed = f"{message}.{seconds}.".encode() + raw
    offers = [_offer(part) for part in parts]
    found = [_matches(key, version, offered, signed) for key in keys for version, offered in offers]
    if not any(found):
        raise BadInput("bad_signature")
    return message


def signature(key: Secret, message: str, seconds: int, raw: bytes) -> str:
    """Sign as a sender does: `v1,<base64>`. Shared secrets only."""
    signed = f"{message}.{seconds}.".encode() + raw
    return "v1," + base64.b64encode(hmac.digest(key.key, signed, hashlib.sha256)).decode()


def _header(headers: Sequence[tuple[str, str]], name: str) -> str:
    values = [value for key, value in headers if key.lower() == f"webhook-{name}"]
    if sum(map(len, values)) > LONGEST_HEADER:
        raise BadInput("headers_too_large")
    if len(values) != 1:
        raise BadInput("bad_signature")
    return values[0]


def _offer(part: str) -> tuple[str, bytes]:
    version, _, encoded = part.partition(",")
    try:
        return version, base64.b64decode(encoded, validate=True)
    except binascii.Error:
        raise BadInput("bad_signature") from None


def _matches(key: Secret, version: str, offered: bytes, signed: bytes) -> bool:
    if version != key.kind:
        return False
    if version == "v1":
        return hmac.compare_digest(offered, hmac.digest(key.key, signed, hashlib.sha256))
    try:
        Ed25519PublicKey.from_public_bytes(key.key).verify(offered, signed)
    except InvalidSignature:
        return False
    return True


def load_secrets(path: Path) -> Mapping[str, tuple[Secret, ...]]:
    """Read each source's secrets; make the file with one secret for `demo` if there is none. Raises Problem.

    The file is one JSON object `{"source": ["whsec_…", …]}`, readable by its owner only.
    """
    try:
        if not path.exists():
            _make(path)
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise _misconfigured(path, "others may read it", f"Run: chmod 600 {path}")
        written = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Problem(
            "secrets_unreadable",
            f"{path} cannot be read or made: {error.strerror}.",
            next_step="Check SEAWALL_INTAKE_SECRETS_FILE and the folder's permissions.",
            exit_code=CANNOT_WRITE,
        ) from None
    except ValueError:
        raise _misconfigured(path, "it is not JSON") from None
    return _read(path, written)


def _read(path: Path, written: object) -> Mapping[str, tuple[Secret, ...]]:
    if not isinstance(written, dict):
        raise _misconfigured(path, "it is not an object of sources")
    sources: dict[str, tuple[Secret, ...]] = {}
    for source, values in written.items():
        if not words.SOURCE.fullmatch(source) or not isinstance(values, list) or not values:
            raise _misconfigured(path, "a source is not a lower-case name with a list of secrets")
        try:
            sources[source] = tuple(secret(str(value)) for value in values)
        except ValueError as error:
            raise _misconfigured(path, f"a secret of source {source} is wrong: {error}") from None
    return sources


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    made = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump({"demo": [made]}, file, indent=2)
    with suppress(FileExistsError):  # another process made it first: its secret is the one
        os.link(draft, path)
    draft.unlink()


def _misconfigured(path: Path, what: str, next_step: str = "") -> Problem:
    return Problem(
        "secrets_wrong",
        f"{path} is not a file of intake secrets: {what}.",
        next_step=next_step or 'Write {"source": ["whsec_…"]} or delete it to have one made.',
        exit_code=MISCONFIGURED,
    )
