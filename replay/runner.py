"""How does one look into a run while it is lived? A runner that shows each new instance to those who watch.

The workflow runner is a public extension point of worker and replayer; `activate` of the instance takes the bridge's
messages, which are not (temporalio 1.35). `tests/replay` fails if a new release moves them.
"""

from collections.abc import Callable
from typing import Any

from temporalio.worker import UnsandboxedWorkflowRunner, WorkflowInstance, WorkflowInstanceDetails, WorkflowRunner

Watch = Callable[[WorkflowInstance, WorkflowInstanceDetails], None]


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
