"""What did the record look like, told by a file that the database's owner does not write?

One JSON object a line, `{"at", "case_id", "hash", "prev", "seq"}`, for every head that moved since the last call;
`prev` is the SHA-256 of the line before, so no line can be taken out of the middle either. Keep the file under another
administrator (an append-only folder, an object lock); one process writes it. A last line without its newline was never
acknowledged (power cut) and is written anew.
"""

import asyncio
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncEngine

from escalations import ids
from store.chain import START, instant
from store.engine import reading
from store.tables import entries


class AnchorBroken(Exception):
    """The anchor file was changed, or the record is no longer what it saw. Nothing was appended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The last entry of a case."""

    case_id: str
    seq: int
    hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Anchored:
    """One line: the head of a case at a time."""

    at: str
    case_id: str
    seq: int
    hash: str
    prev: str


async def heads(engine: AsyncEngine) -> tuple[Head, ...]:
    """List the last entry of every case, by case id."""
    last = select(entries.c.case_id, func.max(entries.c.seq).label("seq")).group_by(entries.c.case_id).subquery()
    query = (
        select(entries.c.case_id, entries.c.seq, entries.c.hash)
        .join(last, (entries.c.case_id == last.c.case_id) & (entries.c.seq == last.c.seq))
        .order_by(entries.c.case_id)
    )
    async with reading(engine) as connection:
        return tuple(Head(**row) for row in (await connection.execute(query)).mappings())


async def anchor(engine: AsyncEngine, path: Path, *, at: datetime) -> int:
    """Append the heads that moved since the last call, durably; return how many.

    Raises AnchorBroken when the file is not whole or the record is shorter or other than it was, StoreUnavailable,
    and OSError when the file cannot be written.
    """
    now = await heads(engine)
    lines = await asyncio.to_thread(anchored, path)
    known = {line.case_id: line for line in lines}
    _check(known, {head.case_id: head for head in now})
    prev = _digest(lines[-1]) if lines else START
    new: list[Anchored] = []
    for head in now:
        if head.case_id not in known or known[head.case_id].seq < head.seq:
            new.append(Anchored(at=instant(at), case_id=head.case_id, seq=head.seq, hash=head.hash, prev=prev))
            prev = _digest(new[-1])
    await asyncio.to_thread(_write, path, b"".join(_line(line) for line in new))
    return len(new)


def anchored(path: Path) -> list[Anchored]:
    """Read the anchor file; an absent one is empty. Raises AnchorBroken naming the first line that was changed."""
    lines: list[Anchored] = []
    prev = START
    for number, text in enumerate(_whole(path).splitlines(), start=1):
        try:
            line = Anchored(**json.loads(text))
        except (ValueError, TypeError) as error:
            raise AnchorBroken(f"Line {number} of {path} is no anchor; restore the file from its backup.") from error
        if line.prev != prev:
            raise AnchorBroken(f"Line {number} of {path} does not follow the one before; restore the file.")
        prev = _digest(line)
        lines.append(line)
    return lines


def _check(known: dict[str, Anchored], present: dict[str, Head]) -> None:
    for case_id, line in known.items():
        head = present.get(case_id)
        if head is None or head.seq < line.seq or (head.seq == line.seq and head.hash != line.hash):
            raise AnchorBroken(
                f"{case_id} is not what the anchor saw at entry {line.seq}; verify the casebook against the anchor."
            )


def _line(line: Anchored) -> bytes:
    return ids.canonical(asdict(line)) + b"\n"


def _digest(line: Anchored) -> str:
    return hashlib.sha256(_line(line)).hexdigest()


def _whole(path: Path) -> bytes:
    content = path.read_bytes() if path.exists() else b""
    return content[: content.rfind(b"\n") + 1]


def _write(path: Path, content: bytes) -> None:
    """Append and wait for the disk; a torn last line is cut off first."""
    made = not path.exists()
    whole = len(_whole(path))
    with path.open("ab") as file:
        if file.tell() > whole:
            file.truncate(whole)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if made:
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
