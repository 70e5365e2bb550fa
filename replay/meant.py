"""Which differences are meant? A reviewed file names each with a reason; whatever it does not name fails the gate.

A difference that is meant is one that a running case can live with: Temporal does not see it. What Temporal does see
would halt the case, and no reason helps; such a change needs a dated patch.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Apart:
    """What a difference is matched by: all as text, with both values in full. Never shown and never stored."""

    workflow: str
    kind: str
    name: str
    path: str
    was: str
    now: str


class Meant(BaseModel):
    """One meant difference. Names, paths and values are patterns as of a shell (`*`, `?`, `[…]`)."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    workflow: Annotated[str, Field(min_length=1)]
    kind: Annotated[str, Field(min_length=1)]
    name: str = "*"
    path: str = "*"
    was: str = Field(default="*", alias="from")
    now: str = Field(default="*", alias="to")
    reason: Words
    who: Words
    date: datetime.date
    expires: datetime.date | None = None
    where: str = Field(default="", exclude=True)

    def covers(self, apart: Apart, today: datetime.date) -> bool:
        """Say whether this is the difference that was meant; never after it has expired."""
        if self.expired(today):
            return False
        pairs = (
            (self.workflow, apart.workflow),
            (self.kind, apart.kind),
            (self.name, apart.name),
            (self.path, apart.path),
            (self.was, apart.was),
            (self.now, apart.now),
        )
        return all(fnmatchcase(said, pattern) for pattern, said in pairs)

    def expired(self, today: datetime.date) -> bool:
        """Say whether its last day has passed."""
        return self.expires is not None and today > self.expires

    def line(self) -> str:
        """Name it on one line."""
        return f"{self.where}: {self.workflow}, {self.kind} {self.name}, {self.path}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meanings:
    """All meant differences, as of one day."""

    entries: tuple[Meant, ...] = ()
    today: datetime.date = datetime.date.min

    def of(self, apart: Apart) -> int | None:
        """Find the place of the first entry that covers a difference."""
        return next((place for place, entry in enumerate(self.entries) if entry.covers(apart, self.today)), None)


NONE: Final = Meanings()


def unused(meanings: Meanings, used: Sequence[int]) -> list[str]:
    """Say which entries covered nothing, and which have expired."""
    lines = []
    for place, entry in enumerate(meanings.entries):
        if entry.expired(meanings.today):
            lines.append(f"{entry.line()} expired on {entry.expires}; remove it, or review it anew")
        elif place not in used:
            lines.append(f"{entry.line()} covered nothing; remove it once no older history is left")
    return lines
