"""What is said of one difference between a recorded run and today's code? What, which event, from → to, and where."""

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from replay import values
from replay.facts import Act
from replay.meant import Apart
from replay.values import ABSENT


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference: the recorded event, what it is about, what was recorded, what the code does now, and where.

    `path` names the fact, and the place in its value: `input.listings[2]`. `more` counts the same of later acts.
    """

    event_id: int
    kind: str
    name: str = ""
    path: str = ""
    recorded: str
    now: str
    place: str
    more: int = 0

    @property
    def what(self) -> str:
        """Name what differs."""
        act = f"{self.kind} {self.name}".strip()
        return f"{act}, {self.path}" if self.path else act

    def line(self) -> str:
        """Write it on one line."""
        where = f" at {self.place}" if self.place else ""
        more = f"; the same {self.more} times later" if self.more else ""
        return f"event {self.event_id}: {self.what}: recorded {self.recorded}, now {self.now}{where}{more}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A difference with its values in full, before anybody decides what of it is shown.

    `words` says that it is only about words that Temporal's UI shows. `more` as in `Difference`.
    """

    act: Act
    path: str
    was: Any
    now: Any
    place: str
    clear: bool = False
    words: bool = False
    more: int = 0

    def apart(self, workflow: str) -> Apart:
        """Give what it is matched by."""
        was, now = _matched(self.was), _matched(self.now)
        return Apart(workflow=workflow, kind=self.act.kind, name=self.act.name, path=self.path, was=was, now=now)

    def told(self, *, shown: bool) -> Difference:
        """Write it for people."""
        was, now = values.told(self.was, self.now, clear=self.clear, values=shown)
        return Difference(
            event_id=self.act.event_id,
            kind=self.act.kind,
            name=self.act.name if self.act.kind not in ("result", "memo", "search attributes") else "",
            path=self.path,
            recorded=was,
            now=now,
            place=self.place,
            more=self.more,
        )


def _matched(value: Any) -> str:
    """Write a value as the patterns of meant differences see it."""
    if value is ABSENT or value is None:
        return ""
    return value if isinstance(value, str) else str(value) if isinstance(value, timedelta) else json.dumps(value)
