"""How is a workflow lived without a server? Its own code in the SDK's own instance, in virtual time.

The instance is given hand-made activations (temporalio 1.35: the bridge's messages are not public; `tests/replay`
fails if a new release moves them). Nothing waits, nothing runs beside: the same trace gives the same
life, task by task. The code is told that it replays, so it logs nothing and takes the branches that were recorded.
"""

import heapq
from typing import Any, NamedTuple

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob

from replay.simulation.commands import COMMANDS, THE_REST
from replay.simulation.instance import instance
from replay.simulation.traces import Deed, Message
from replay.simulation.values import Values
from replay.simulation.world import Beginning, Halted, Living, World

ANY_RUN = -1
SPOKEN = 1 << 32  # before whatever else is seen in the same task, in the order of the record


class _Due(NamedTuple):
    """Something that will be seen; ordered by its first three fields, of which the third is given once only."""

    at: int
    rank: int
    number: int
    workflow_id: str
    run: int
    job: WorkflowActivationJob
    seq: int = 0


class Simulation:
    """One case and its virtual children, from their beginning until nothing is due any more or `until` is reached."""

    def __init__(self, world: World, values: Values, classes: dict[str, type], until: int | None = None) -> None:
        self.world = world
        self.values = values
        self.until = until
        self.runs: list[Living] = []
        self.now = 0
        self._classes = classes
        self._live: dict[str, Living] = {}
        self._due: list[_Due] = []
        self._number = 0

    # what comes

    def begin(self, workflow_id: str, begun: Beginning, parent: tuple[Living, int] | None = None) -> Living:
        """Start a run: its first task is due when it began."""
        number = sum(one.workflow_id == workflow_id for one in self.runs)
        made = instance(self._classes[begun.type], workflow_id, begun, self.values)
        living = Living(workflow_id=workflow_id, number=number, begun=begun, instance=made, parent=parent)
        self.runs.append(living)
        self._live[workflow_id] = living
        job = WorkflowActivationJob()
        started = job.initialize_workflow
        started.workflow_id, started.workflow_type, started.attempt = workflow_id, begun.type, 1
        started.arguments.extend(begun.input)
        self.due(begun.at, living, job)
        for patch in begun.patches:
            noticed = WorkflowActivationJob()
            noticed.notify_has_patch.patch_id = patch
            self.due(begun.at, living, noticed)
        return living

    def due(self, at: int, living: Living, job: WorkflowActivationJob, *, rank: int = THE_REST, seq: int = 0) -> None:
        """Let something be seen by a run at an instant."""
        self._number += 1
        heapq.heappush(self._due, _Due(at, rank, self._number, living.workflow_id, living.number, job, seq))

    def live(self, workflow_id: str) -> Living | None:
        """Find the run of a workflow that lives."""
        living = self._live.get(workflow_id)
        return living if living is not None and not living.ended else None

    def say(self, at: int, workflow_id: str, said: Message, number: str) -> None:
        """Let somebody speak to a workflow, to whichever run of it lives then.

        `number`, a decimal, names what is said; of what is said at one instant the lowest is heard first.
        """
        job = WorkflowActivationJob()
        if said.kind == "update":
            told = job.do_update
            told.id = told.meta.update_id = said.id
            told.protocol_instance_id, told.name, told.run_validator = number, said.name, True
            told.input.extend(said.payloads)
        elif said.kind == "signal":
            job.signal_workflow.signal_name, job.signal_workflow.identity = said.name, number
            job.signal_workflow.input.extend(said.payloads)
        else:
            job.cancel_workflow.reason = "cancelled"
        heapq.heappush(self._due, _Due(at, THE_REST, int(number) - SPOKEN, workflow_id, ANY_RUN, job))

    def signal(self, at: int, living: Living, name: str, payloads: tuple[Payload, ...]) -> None:
        """Let another workflow speak to a run."""
        job = WorkflowActivationJob()
        job.signal_workflow.signal_name = name
        job.signal_workflow.input.extend(payloads)
        self.due(at, living, job)

    def cancel(self, at: int, living: Living) -> None:
        """Cancel a run."""
        job = WorkflowActivationJob()
        job.cancel_workflow.reason = "cancelled"
        self.due(at, living, job)

    # the loop

    def step(self) -> bool:
        """Live one task. False when nothing is due any more, or only beyond the end."""
        while self._due:
            if self.until is not None and self._due[0].at > self.until:
                return False
            found = self._together()
            living = self.live(found[0].workflow_id)
            jobs = [one.job for one in found if living is not None and self._wanted(living, one)]
            if living is None:
                self._unheard(found)
            elif jobs:
                self._activate(living, found[0].at, jobs)
                return True
        return False

    def next_alarm(self) -> int | None:
        """Say when the next timer ends, if nothing but timers is due any more."""
        if not self._due or any(not one.job.HasField("fire_timer") for one in self._due):
            return None
        return self._due[0].at

    def _together(self) -> list[_Due]:
        found = [heapq.heappop(self._due)]
        first = found[0]
        while self._due:
            other = self._due[0]
            if (other.at, other.rank, other.workflow_id) != (first.at, first.rank, first.workflow_id):
                break
            found.append(heapq.heappop(self._due))
        return found

    def _unheard(self, found: list[_Due]) -> None:
        for one in found:
            if one.run == ANY_RUN:
                self.world.unheard(one.job.do_update.protocol_instance_id or one.job.signal_workflow.identity)

    def _wanted(self, living: Living, one: _Due) -> bool:
        """Say whether somebody still waits for it: a timer or a call may have been cancelled, its run may be over."""
        if one.run not in (ANY_RUN, living.number):
            return False
        if one.job.HasField("fire_timer"):
            if living.timers.pop(one.seq, None) is None:
                return False
            living.rang[str(one.seq)] = one.at
        if one.job.HasField("resolve_activity"):
            return living.calls.pop(one.seq, None) is not None
        return True

    def _activate(self, living: Living, at: int, jobs: list[WorkflowActivationJob]) -> None:
        self.now = at
        living.tasks += 1
        task = WorkflowActivation(run_id=living.begun.run_id, is_replaying=True, history_length=3 * living.tasks)
        task.timestamp.FromNanoseconds(at)
        task.available_internal_flags.extend(living.begun.flags)
        task.continue_as_new_suggested = living.begun.long_since is not None and at >= living.begun.long_since
        task.jobs.extend(jobs)
        done = living.instance.activate(task)
        if done.HasField("failed"):
            # The message may quote values of the case, so only the type is told.
            raise Halted(f"the code raised {done.failed.failure.application_failure_info.type or 'an error'}")
        for command in done.successful.commands:
            COMMANDS[command.WhichOneof("variant")](self, living, command, at)
        self.world.lived(living, at)

    def evict(self) -> None:
        """End every run, so that nothing of it is left."""
        for living in self.runs:
            task = WorkflowActivation(run_id=living.begun.run_id)
            task.jobs.add().remove_from_cache.SetInParent()
            living.instance.activate(task)

    # what it does

    def deed(self, living: Living, at: int, kind: str, key: str, value: Any = None) -> None:
        """Note what a run did."""
        living.deeds.append(Deed(at=at, kind=kind, key=key, value=value))

    def ended(self, living: Living, at: int, how: str, result: Payload | None = None) -> None:
        """End a run; whoever started it hears of it."""
        living.ended, living.result = how, result
        self.deed(living, at, "end", how, result)
        if living.parent is not None and how == "completed":
            parent, seq = living.parent
            job = WorkflowActivationJob()
            job.resolve_child_workflow_execution.seq = seq
            job.resolve_child_workflow_execution.result.completed.SetInParent()
            if result is not None:
                job.resolve_child_workflow_execution.result.completed.result.CopyFrom(result)
            self.due(at, parent, job)
