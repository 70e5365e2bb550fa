"""What came to a case from outside, and when did it see it? A trace, taken out of its history.

A workflow sees the world only when one of its tasks begins, so a time here is the time of the task that first saw a
thing, in nanoseconds since 1970. With these times a simulation can tell the very same story again; with the spans
between a call and its answer it can tell another one.
"""

from dataclasses import dataclass, field
from typing import Any

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.activity_result import ActivityResolution
from temporalio.bridge.proto.child_workflow import ChildWorkflowResult


class Unreadable(ValueError):
    """A history that no trace can be taken of; the message says why, without values of the case."""


class Untouched(Unreadable):
    """A history of which no task has been completed yet."""


@dataclass(slots=True, kw_only=True, eq=False)
class Answer:
    """What one call was answered. `key` is the id that the call had; `seen` is None while no answer has come.

    `kind` is `activity`, `local`, `child` or `signal`. `asked` is when the call was made, known once a simulation has
    told the recorded story again; `begun` is when a child had started, `refused` says that it could not.
    Local answers of one task and `group` were seen at once.
    """

    kind: str
    type: str
    key: str
    run: int
    task: int
    input: tuple[Payload, ...] = ()
    resolution: ActivityResolution | None = None
    child: ChildWorkflowResult | None = None
    child_run: str = ""
    failure: Failure | None = None
    refused: bool = False
    group: int = 0
    begun: int | None = None
    seen: int | None = None
    asked: int | None = None

    @property
    def took(self) -> int | None:
        """How long the answer took, in nanoseconds; None when that is not known."""
        return None if self.seen is None or self.asked is None else self.seen - self.asked


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """What somebody said: `kind` is `update`, `signal` or `cancel`. `answer` is the receipt of a taken update."""

    kind: str
    name: str
    id: str
    payloads: tuple[Payload, ...]
    seen: int
    run: int
    answer: Payload | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Timer:
    """One timer that outlived its task: how long it was set for, and when its end was seen (None: never)."""

    key: str
    lasts: int
    seen: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One thing that a run did, to be compared: when (or in which task), what kind, which one, and with what value."""

    at: int
    kind: str
    key: str
    value: Any = None


@dataclass(slots=True, kw_only=True)
class Run:
    """One run of a case. `tasks` are the times its tasks began; `long_since` is when Temporal called its history long.

    `continued` says that the run before it handed over to it.
    """

    run_id: str
    type: str
    input: tuple[Payload, ...]
    started: int
    continued: bool = False
    search_attributes: dict[str, Payload] = field(default_factory=dict)
    tasks: list[int] = field(default_factory=list)
    timers: dict[str, Timer] = field(default_factory=dict)
    patches: tuple[str, ...] = ()
    flags: tuple[int, ...] = ()
    long_since: int | None = None
    deeds: list[Deed] = field(default_factory=list)
    closed: bool = False

    @property
    def begun(self) -> int:
        """When the first task of the run began."""
        return self.tasks[0]

    def task_of(self, at: int) -> int:
        """Find the task that an instant belongs to; a task ends where the next one begins."""
        return max((place for place, began in enumerate(self.tasks) if began <= at), default=0)


@dataclass(slots=True, kw_only=True)
class Trace:
    """Everything one case was told, over all its runs, and all that it did. `ends` is when the last event happened."""

    case_id: str
    runs: list[Run]
    messages: list[Message]
    answers: list[Answer]
    ends: int
    origins: tuple[str, ...] = ()

    @property
    def began(self) -> int:
        """When the case began."""
        return self.runs[0].started

    @property
    def closed(self) -> bool:
        """Whether the last run of the history has ended."""
        return self.runs[-1].closed
