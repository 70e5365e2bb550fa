"""What is around a simulated workflow? Whoever answers its calls, and the run itself as it is being lived."""

from dataclasses import dataclass, field
from typing import Any, Protocol

from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.bridge.proto.activity_result import ActivityResolution
from temporalio.bridge.proto.child_workflow import ChildWorkflowResult

from replay.simulation.traces import Deed


class Halted(RuntimeError):
    """The code raised where it may not; a real case would stand still for repair."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """Something a workflow asks of the world: an activity (`local` or not), a child, a signal to somebody."""

    kind: str
    type: str
    key: str
    at: int
    arguments: tuple[Payload, ...] = ()
    seq: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Coming:
    """An answer on its way: when it is seen, and what it says."""

    at: int
    resolution: ActivityResolution | None = None
    child: ChildWorkflowResult | None = None
    failure: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """How a child begins: when that is seen, under which run id, or that it was `refused`; `end` is how it ends.

    A `virtual` child has no recorded end: its own code is lived beside its parent.
    """

    at: int
    run_id: str = "child"
    refused: bool = False
    end: Coming | None = None
    virtual: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What starts a run."""

    at: int
    run_id: str
    type: str
    input: tuple[Payload, ...]
    started: int
    search_attributes: dict[str, Payload] = field(default_factory=dict)
    patches: tuple[str, ...] = ()
    flags: tuple[int, ...] = ()
    long_since: int | None = None


class World(Protocol):
    """What is around a simulated workflow. None for an answer that never comes."""

    def answer(self, living: "Living", call: Call) -> Coming | None:
        """Answer an activity."""
        ...

    def birth(self, living: "Living", call: Call) -> Birth | None:
        """Begin a child."""
        ...

    def passed_on(self, living: "Living", call: Call) -> Coming | None:
        """Carry a signal to another workflow."""
        ...

    def rings(self, living: "Living", key: str, lasts: int, at: int) -> int:
        """Say when the end of a timer is seen."""
        ...

    def goes_on(self, living: "Living", payloads: tuple[Payload, ...], at: int) -> Beginning | None:
        """Begin the run that follows one which grew long."""
        ...

    def lived(self, living: "Living", at: int) -> None:
        """Look at a workflow after each of its tasks."""
        ...

    def unheard(self, number: str) -> None:
        """Learn that something was said to nobody: no run of the workflow lives."""
        ...


@dataclass(slots=True, kw_only=True, eq=False)
class Living:
    """One run that is being lived. `deeds` is what it did; `ended` says how and `result` with what.

    `cut` is when each cancelled timer was cancelled, `rang` when each other one ended.
    """

    workflow_id: str
    number: int
    begun: Beginning
    instance: Any
    parent: tuple["Living", int] | None = None
    deeds: list[Deed] = field(default_factory=list)
    timers: dict[int, int] = field(default_factory=dict)
    calls: dict[int, Call] = field(default_factory=dict)
    cut: dict[str, int] = field(default_factory=dict)
    rang: dict[str, int] = field(default_factory=dict)
    updates: dict[str, str] = field(default_factory=dict)
    refusals: dict[str, tuple[str, str]] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    tasks: int = 0
    ended: str = ""
    result: Payload | None = None

    @property
    def object(self) -> Any:
        """The workflow itself: our own class, to be looked at and never touched."""
        return self.instance._object
