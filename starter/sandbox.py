"""What do workflows run in? The SDK's sandbox, with our own pure modules shared; some end on the build they began with.

A workflow class could say itself that it is pinned to its build, but then a worker without versioning cannot run it:
the server refuses its tasks ("versioning behavior cannot be specified without deployment options", server 1.32, tried).
So the runner says it, which only a worker with versioning has. The runner is a public extension point of worker and
replayer; `activate` of an instance takes the bridge's messages, which are not (temporalio 1.35): `tests/replay` fails
if a new release moves them.
"""

from collections.abc import Callable
from typing import Any

from temporalio.common import VersioningBehavior
from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workflows import options

# Our own pure modules are shared by all runs instead of being loaded anew in each (−60 % CPU per start); the linter
# forbids clocks, chance and input in them, which is what the sandbox would have caught.
SHARED = ("activities", "escalations", "workflows")
Watch = Callable[[WorkflowInstance, WorkflowInstanceDetails], None]


def runner(*, versioning: bool = False) -> WorkflowRunner:
    """Make the sandbox that workflows run in; with `versioning` the types of `options.PINNED` are pinned."""
    sandbox = SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*SHARED))
    return WatchedRunner(_pin, sandbox) if versioning else sandbox


class WatchedRunner(WorkflowRunner):
    """Run workflows with `inner`, unsandboxed if none is given, and let `watch` put its hooks on every instance."""

    def __init__(self, watch: Watch, inner: WorkflowRunner | None = None) -> None:
        self._watch = watch
        self._inner = inner or UnsandboxedWorkflowRunner()

    def prepare_workflow(self, defn: Any) -> None:
        """See the base class."""
        self._inner.prepare_workflow(defn)

    def set_worker_level_failure_exception_types(self, types: Any) -> None:
        """See the base class."""
        self._inner.set_worker_level_failure_exception_types(types)

    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        """Make an instance that is watched from its first activation on."""
        instance = self._inner.create_instance(det)
        self._watch(instance, det)
        return instance


def _pin(instance: Any, det: WorkflowInstanceDetails) -> None:
    """Let an instance of a pinned type say so with every task it completes."""
    if det.defn.name not in options.PINNED:
        return
    activate = instance.activate

    def activated(activation: Any) -> Any:
        completion = activate(activation)
        if completion.HasField("successful"):
            completion.successful.versioning_behavior = VersioningBehavior.PINNED.value
        return completion

    instance.activate = activated
