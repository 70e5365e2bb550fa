"""What do workflows run in? The SDK's sandbox, with our own pure modules shared; some end on the build they began with.

A workflow class could say itself that it is pinned to its build, but then a worker without versioning cannot run it:
the server refuses its tasks ("versioning behavior cannot be specified without deployment options", server 1.32, tried).
So the runner says it, which only a worker with versioning has.
"""

from collections.abc import Collection
from typing import Any

from temporalio.common import VersioningBehavior
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workflows import options

# Our own pure modules are shared by all runs instead of being loaded anew in each (−60 % CPU per start); the linter
# forbids clocks, chance and input in them, which is what the sandbox would have caught.
SHARED = ("activities", "escalations", "workflows")


def runner(*, versioning: bool = False) -> WorkflowRunner:
    """Make the sandbox that workflows run in; with `versioning` the types of `options.PINNED` are pinned."""
    sandbox = SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*SHARED))
    return PinningRunner(sandbox, options.PINNED) if versioning else sandbox


class PinningRunner(WorkflowRunner):
    """Runs workflows as `inner` does and answers for the named types that they are pinned."""

    def __init__(self, inner: WorkflowRunner, pinned: Collection[str]) -> None:
        self._inner = inner
        self._pinned = pinned

    def prepare_workflow(self, defn: Any) -> None:
        """See the base class."""
        self._inner.prepare_workflow(defn)

    def set_worker_level_failure_exception_types(self, types: Any) -> None:
        """See the base class."""
        self._inner.set_worker_level_failure_exception_types(types)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Make an instance; a pinned one says so with every task it completes."""
        instance = self._inner.create_instance(det)
        if det.defn.name in self._pinned:
            _pin(instance)
        return instance


def _pin(instance: Any) -> None:
    activate = instance.activate

    def activated(activation: Any) -> Any:
        completion = activate(activation)
        if completion.HasField("successful"):
            completion.successful.versioning_behavior = VersioningBehavior.PINNED.value
        return completion

    instance.activate = activated
