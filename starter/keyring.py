"""Which keys open the payloads? A small file that is made on first use, mode 0600, and never loses an old key.

With several hosts, hand out a new key before anybody seals with it: `rotate(path, activate=False)`, copy the file to
every host, then `activate(path, id)`. A process that meets a key id it does not know reads the file again.
"""

import base64
import binascii
import hashlib
import json
import os
import secrets
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from starter.errors import CANNOT_WRITE, MISCONFIGURED, Problem

KEY_BYTES = 32
ID_BYTES = 2
COPIED = "copied.json"


@dataclass(slots=True, kw_only=True)
class KeyRing:
    """Keys by their two-byte id. `active` seals; all of them open. `path` is None for a ring that lives in memory."""

    active: bytes
    keys: dict[bytes, AESGCM]
    path: Path | None = None
    stamp: int = 0

    def opener(self, key_id: bytes) -> AESGCM | None:
        """Find a key; one that was added by a rotation elsewhere is looked for in the file once per change of it."""
        if key_id not in self.keys and self.path is not None:
            _refresh(self, self.path)
        return self.keys.get(key_id)

    def sealer(self) -> tuple[bytes, AESGCM]:
        """Give the active key and its id."""
        return self.active, self.keys[self.active]


def fresh() -> KeyRing:
    """Make a ring in memory with one new key."""
    key_id = secrets.token_bytes(ID_BYTES)
    return KeyRing(active=key_id, keys={key_id: AESGCM(AESGCM.generate_key(KEY_BYTES * 8))})


def open_ring(path: Path) -> KeyRing:
    """Read the ring, or make it when the file does not exist yet; two processes that race end with one ring.

    Raises Problem: exit 78 for a file that others can read or that is not a key ring, 73 if it cannot be made.
    """
    if not path.exists():
        _create(path)
    stamp = path.stat().st_mtime_ns
    held = _read(path)
    return KeyRing(active=bytes.fromhex(held["active"]), keys=_keys(held), path=path, stamp=stamp)


def rotate(path: Path, *, activate: bool = True) -> str:
    """Add a new key and, unless told otherwise, seal with it from now on. Returns its id; old keys keep opening."""
    open_ring(path)
    held = _read(path)
    key_id = _new_id(held["keys"])
    held["keys"][key_id] = _new_key()
    if activate:
        held["active"] = key_id
    _replace(path, held)
    return key_id


def activate(path: Path, key_id: str) -> None:
    """Seal with a key that every host already has."""
    held = _read(path)
    if key_id not in held["keys"]:
        raise _bad(path, f"has no key {key_id!r}")
    _replace(path, {**held, "active": key_id})


def copy(path: Path, to: Path) -> None:
    """Copy the ring to a new file (0600), to be kept elsewhere, and note that it was copied as it is now.

    Raises Problem: `file_exists` (2) rather than overwrite something, and what `open_ring` and writing raise.
    """
    open_ring(path)
    content = path.read_text(encoding="utf-8")
    if to.exists():
        raise Problem("file_exists", f"{to} exists already.", next_step="Name a new file; an older copy stays good.")
    write_once(to, content)
    note = {"sha256": hashlib.sha256(content.encode()).hexdigest(), "at": datetime.now(UTC).isoformat()}
    os.replace(_written(path.with_name(COPIED), json.dumps(note) + "\n"), path.with_name(COPIED))


def copied(path: Path) -> bool:
    """Say whether the ring was copied since it last changed; where the copy is now, only people know."""
    try:
        noted = json.loads(path.with_name(COPIED).read_text(encoding="utf-8"))
        return bool(noted["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest())
    except (OSError, ValueError, KeyError, TypeError):
        return False


def private_file(path: Path) -> None:
    """Refuse a secret file that other people of this machine can read or write (Problem, exit 78)."""
    if path.stat().st_mode & 0o077:
        raise Problem(
            "keys_exposed",
            f"{path} can be read by others (mode {path.stat().st_mode & 0o777:04o}).",
            next_step=f"Run `chmod 600 {path}`, and rotate the keys if anybody may have read them.",
            exit_code=MISCONFIGURED,
        )


def write_once(path: Path, content: str) -> None:
    """Make a secret file, mode 0600 in a folder 0700, unless somebody else just did: then theirs stays."""
    temporary = _written(path, content)
    try:
        os.link(temporary, path)
    except FileExistsError:
        return
    except OSError as error:
        raise _unwritable(path, error) from None
    finally:
        os.unlink(temporary)


def _create(path: Path) -> None:
    key_id = _new_id({})
    write_once(path, _text({"active": key_id, "keys": {key_id: _new_key()}}))


def _new_key() -> dict[str, str]:
    key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
    return {"key": key, "made_at": datetime.now(UTC).isoformat(timespec="seconds")}


def _new_id(taken: dict[str, Any]) -> str:
    while (key_id := secrets.token_hex(ID_BYTES)) in taken:
        continue
    return key_id


def _read(path: Path) -> dict[str, Any]:
    try:
        private_file(path)
        held = json.loads(path.read_text(encoding="utf-8"))
        if held["active"] not in held["keys"]:
            raise _bad(path, "names an active key that it does not hold")
        _keys(held)
    except OSError as error:
        raise _bad(path, f"cannot be read ({error.strerror})") from None
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        raise _bad(path, "is not a key ring") from None
    return dict(held)


def _keys(held: dict[str, Any]) -> dict[bytes, AESGCM]:
    keys = {}
    for key_id, entry in held["keys"].items():
        name, key = bytes.fromhex(key_id), base64.b64decode(entry["key"], validate=True)
        if len(name) != ID_BYTES or len(key) != KEY_BYTES:
            raise ValueError("a key or its id has the wrong length")
        keys[name] = AESGCM(key)
    return keys


def _refresh(ring: KeyRing, path: Path) -> None:
    """Take over what a rotation added. A file that cannot be read now changes nothing: the keys in hand stay."""
    try:
        stamp = path.stat().st_mtime_ns
        if stamp == ring.stamp:
            return
        held = _read(path)
    except (OSError, Problem):
        return
    ring.keys, ring.active, ring.stamp = {**ring.keys, **_keys(held)}, bytes.fromhex(held["active"]), stamp


def _text(held: dict[str, Any]) -> str:
    return json.dumps(held, indent=1, sort_keys=True) + "\n"


def _replace(path: Path, held: dict[str, Any]) -> None:
    os.replace(_written(path, _text(held)), path)


def _written(path: Path, content: str) -> str:
    """Write a synced temporary file beside the path. mkstemp makes it 0600."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(path, error) from None
    return temporary


def _unwritable(path: Path, error: OSError) -> Problem:
    return Problem(
        "cannot_write",
        f"The secret file {path} cannot be written ({error.strerror}).",
        next_step="Make its folder writable, or set SEAWALL_HOME to another one.",
        exit_code=CANNOT_WRITE,
    )


def _bad(path: Path, what: str) -> Problem:
    return Problem(
        "bad_keyring",
        f"The key ring {path} {what}.",
        next_step="Restore it from your backup; without it nothing sealed before can be opened.",
        exit_code=MISCONFIGURED,
    )
