"""What was an outside system really told? One fsynced line per request, written before the reply.

The journal is the ground truth that tests and reconcilers compare everything else with, and a stand-in rebuilds its
own state from it, so `kill -9` and a restart lose nothing that was acknowledged.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from errno import ENOSPC
from hashlib import sha256
from pathlib import Path
from typing import Any

from starter.errors import CANNOT_WRITE, CHECK_FAILED, Problem

APPLIED = "applied"  # the far side changed
REPEATED = "repeated"  # told again under the same key; nothing changed
READ = "read"  # a question
REFUSED = "refused"  # a request the far side would not take
FAULT = "fault"  # a scripted fault ate the request before it had any effect

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One request as the far side understood it.

    `op` names the call, `key` the sender's own reference (restriction id, puid, dedup key, Message-ID), `subject` what
    it is about, `prev` and `now` the state before and after. `detail` holds what a restart needs.
    """

    op: str
    kind: str
    key: str = ""
    subject: str = ""
    prev: Any = None
    now: Any = None
    caller: str = ""
    body: bytes = b""
    detail: Entry = field(default_factory=dict)


class Journal:
    """An append-only file that one process owns."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.entries = _mended(path)
        self._seq = self.entries[-1]["seq"] if self.entries else 0
        try:
            self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError as error:
            raise Problem(
                "journal_not_writable",
                f"Cannot write the journal {path}: {error.strerror}.",
                next_step="Give a folder that can be written.",
                exit_code=CANNOT_WRITE,
            ) from error

    def write(self, told: Told) -> int:
        """Append one line and wait until it is on the disk; give its number back.

        Blocks for one fsync. Nothing may be acknowledged before this returns. Raises `OSError` when the disk refuses;
        then the line is not there, and nothing may be changed.
        """
        line = json.dumps(_entry(self._seq + 1, told), ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        size = os.fstat(self._file).st_size
        try:
            if os.write(self._file, line) < len(line):
                raise OSError(ENOSPC, os.strerror(ENOSPC))
            os.fsync(self._file)
        except OSError:
            os.ftruncate(self._file, size)
            raise
        self._seq += 1
        return self._seq

    def close(self) -> None:
        """Let go of the file; the journal stays."""
        os.close(self._file)

    def applied(self) -> Iterator[Entry]:
        """Give what changed the far side before this process started, oldest first, and then forget it."""
        earlier, self.entries = self.entries, []
        return (entry for entry in earlier if entry["kind"] == APPLIED)


def read(folder: Path, system: str) -> list[Entry]:
    """Read one system's journal, oldest first; a torn last line (never acknowledged) is left out."""
    path = path_of(folder, system)
    return _parsed(path, _whole_lines(path.read_bytes()) if path.exists() else [])


def effects(folder: Path, system: str) -> list[tuple[str, str, str]]:
    """List `(op, key, subject)` of everything that changed the far side; a batch counts once per item."""
    found = []
    for entry in read(folder, system):
        if entry["kind"] == APPLIED:
            keys = entry["detail"].get("keys", [entry["key"]])
            found += [(entry["op"], key, entry["subject"]) for key in keys]
    return found


def path_of(folder: Path, system: str) -> Path:
    """Name the journal of a system."""
    return folder / "journal" / f"{system}.jsonl"


def _entry(seq: int, told: Told) -> Entry:
    return {
        "seq": seq,
        "t": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "op": told.op,
        "key": told.key,
        "subject": told.subject,
        "prev": told.prev,
        "now": told.now,
        "caller": told.caller,
        "body_sha256": sha256(told.body).hexdigest(),
        "kind": told.kind,
        "detail": told.detail,
    }


def _mended(path: Path) -> list[Entry]:
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole != len(content):
        os.truncate(path, whole)
    return _parsed(path, _whole_lines(content))


def _whole_lines(content: bytes) -> list[bytes]:
    return content[: content.rfind(b"\n") + 1].splitlines()


def _parsed(path: Path, lines: list[bytes]) -> list[Entry]:
    try:
        return [json.loads(line) for line in lines]
    except ValueError as error:
        raise Problem(
            "journal_damaged",
            f"The journal {path} has a line that is not JSON.",
            next_step="Restore the file from a backup, or move it away to start with an empty far side.",
            exit_code=CHECK_FAILED,
        ) from error
