"""Must code be lived once more that hears what it heard before? Answers of one life, given to lives that begin alike.

A run is lived once and remembered, activation by activation. A later life of it gets the remembered answers for as long
as it is told exactly the same; at the first thing that it is told otherwise, it is lived for real from its start.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import UTC
from typing import Any

from temporalio.bridge.proto.workflow_activation import WorkflowActivation
from temporalio.bridge.proto.workflow_completion import WorkflowActivationCompletion
from temporalio.worker import WorkflowInstanceDetails

from replay import frames
from replay.frames import Frame
from replay.tape import Commanded, Tape

watched = frames.watched
Taken = Callable[[Frame], None]


@dataclass(slots=True)
class Echo:
    """One life of a run: what the code was told and said, and its frames by how much it had been told by then.

    `real` counts the lives that had to be lived.
    """

    told: list[WorkflowActivation] = field(default_factory=list)
    said: list[WorkflowActivationCompletion] = field(default_factory=list)
    stood: dict[int, Frame] = field(default_factory=dict)
    real: int = 0

    def remember(self, instance: Any, det: WorkflowInstanceDetails, taken: Taken, *, only_last: bool = False) -> Tape:
        """Stand in for `frames.watched` in the life that is remembered."""

        def stood(frame: Frame) -> None:
            self.stood[len(self.told)] = frame
            taken(frame)

        tape = watched(instance, det, stood)
        activate = instance.activate

        def activated(activation: WorkflowActivation) -> WorkflowActivationCompletion:
            heard = _copied(activation)
            completion: WorkflowActivationCompletion = activate(activation)
            if not _evicts(activation):
                self.told.append(heard)
                self.said.append(_copied(completion))
            return completion

        instance.activate = activated
        return tape

    def answer(self, instance: Any, det: WorkflowInstanceDetails, taken: Taken, *, only_last: bool = False) -> Tape:
        """Stand in for `frames.watched` in a later life."""
        return _Life(self, instance, det, taken, only_last=only_last).tape


class _Life:
    """One later life, echoed until it hears something else."""

    def __init__(
        self, echo: Echo, instance: Any, det: WorkflowInstanceDetails, taken: Taken, *, only_last: bool
    ) -> None:
        self.tape = Tape()
        self._echo = echo
        self._lived: Callable[[WorkflowActivation], WorkflowActivationCompletion] | None = None
        self._heard = 0
        self._real = Tape()
        self._taken = taken
        self._begin = lambda: self._begun(instance, det, instance_activate, only_last)
        instance_activate, instance.activate = instance.activate, self._activated

    def _activated(self, activation: WorkflowActivation) -> WorkflowActivationCompletion:
        if self._lived is None and self._remembered(activation):
            self.tape.reached = max(self.tape.reached, activation.history_length)
            self._heard += 1
            return _copied(self._echo.said[self._heard - 1])
        if self._lived is None and _evicts(activation) and (frame := self._frame()) is not None:
            self._taken(frame)
            ended = WorkflowActivationCompletion(run_id=activation.run_id)
            ended.successful.SetInParent()
            return ended
        if self._lived is None:
            self._begin()
        assert self._lived is not None
        completion = self._lived(activation)
        for each in fields(Tape):
            setattr(self.tape, each.name, getattr(self._real, each.name))
        return completion

    def _remembered(self, activation: WorkflowActivation) -> bool:
        told = self._echo.told
        return self._heard < len(told) and _same(activation, told[self._heard])

    def _frame(self) -> Frame | None:
        """Give the frame of where this life ends. One cut off in the middle of a task stands nowhere, as in `Film`."""
        if self._heard in self._echo.stood:
            return self._echo.stood[self._heard]
        told, said = self._echo.told[: self._heard], self._echo.said[: self._heard]
        if not told:
            return None
        task = [number for number, one in enumerate(told) if one.history_length == told[-1].history_length]
        cut = Frame(
            event_id=told[-1].history_length,
            at=told[task[0]].timestamp.ToDatetime(UTC),
            jobs=tuple(job for number in task for job in told[number].jobs),
            commands=tuple(
                Commanded(command=command, place="", history_length=told[-1].history_length)
                for number in task
                for command in said[number].successful.commands
            ),
        )
        return None if frames._ended(cut) else cut

    def _begun(self, instance: Any, det: WorkflowInstanceDetails, activate: Any, only_last: bool) -> None:
        """Live for real what was echoed so far."""
        self._echo.real += 1
        instance.activate = activate
        self._real = watched(instance, det, self._taken, only_last=only_last)
        self._lived, instance.activate = instance.activate, self._activated
        for activation in self._echo.told[: self._heard]:
            self._lived(_copied(activation))


def _same(one: WorkflowActivation, other: WorkflowActivation) -> bool:
    """Compare what two lives are told, but for their own names and whether it is the last thing of a history."""
    if one.history_length != other.history_length:
        return False
    first, second = _copied(one), _copied(other)
    for each in (first, second):
        each.run_id, each.is_replaying = "", False
    return bool(first == second)


def _evicts(activation: WorkflowActivation) -> bool:
    return {job.WhichOneof("variant") for job in activation.jobs} == {"remove_from_cache"}


def _copied(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy
