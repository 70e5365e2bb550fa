"""How is a workflow made that no worker has? With the SDK's own instance, told what a worker would tell it.

`WorkflowInstanceDetails` is not public (temporalio 1.35), nor is the running loop that an instance asks for while it is
made; `tests/replay` fails if a new release moves them.
"""

import asyncio
import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from temporalio import workflow
from temporalio.api.common.v1 import Payloads, SearchAttributes
from temporalio.common import MetricMeter, Priority
from temporalio.converter import DefaultFailureConverter, decode_typed_search_attributes
from temporalio.worker import UnsandboxedWorkflowRunner
from temporalio.worker._workflow_instance import WorkflowInstanceDetails

from replay.simulation.values import Values
from replay.simulation.world import Beginning

SIMULATED = "simulation"
EXTERN: Mapping[str, Callable[..., Any]] = {
    "__temporal_get_metric_meter": lambda: MetricMeter.noop,
    "__temporal_assert_local_activity_valid": lambda _activity: None,
}
_RUNNER = UnsandboxedWorkflowRunner()


class _Nobody:
    """Stands where an instance looks for the loop of whoever makes it."""


_NOBODY = cast(asyncio.AbstractEventLoop, _Nobody())


@contextmanager
def alone() -> Iterator[None]:
    """Keep the SDK from logging what the caller is told, and any loop of the caller's away while instances live."""
    log = logging.getLogger("temporalio")
    before, loop = log.level, asyncio._get_running_loop()
    log.setLevel(logging.CRITICAL + 1)
    try:
        asyncio._set_running_loop(None)
        yield
    finally:
        asyncio._set_running_loop(loop)
        log.setLevel(before)


def instance(cls: type, workflow_id: str, begun: Beginning, values: Values) -> Any:
    """Make an instance of a workflow class, as a worker would for its first task."""
    asyncio._set_running_loop(_NOBODY)
    try:
        return _RUNNER.create_instance(_details(cls, workflow_id, begun, values))
    finally:
        asyncio._set_running_loop(None)


def _details(cls: type, workflow_id: str, begun: Beginning, values: Values) -> WorkflowInstanceDetails:
    return WorkflowInstanceDetails(
        payload_converter_factory=lambda: values,
        failure_converter_class=DefaultFailureConverter,
        interceptor_classes=[],
        defn=workflow._Definition.must_from_class(cls),
        info=_info(workflow_id, begun),
        randomness_seed=1,
        extern_functions=EXTERN,
        disable_eager_activity_execution=True,
        worker_level_failure_exception_types=[],
        patch_activation_callback=None,
        last_completion_result=Payloads(),
        last_failure=None,
    )


def _info(workflow_id: str, begun: Beginning) -> workflow.Info:
    started = datetime.fromtimestamp(begun.started / 1e9, UTC)
    return workflow.Info(
        attempt=1,
        continued_run_id=None,
        cron_schedule=None,
        execution_timeout=None,
        first_execution_run_id=begun.run_id,
        headers={},
        namespace=SIMULATED,
        original_execution_run_id=begun.run_id,
        parent=None,
        root=None,
        priority=Priority(),
        raw_memo={},
        retry_policy=None,
        run_id=begun.run_id,
        run_timeout=None,
        search_attributes={},
        start_time=started,
        task_queue=SIMULATED,
        task_timeout=timedelta(seconds=10),
        typed_search_attributes=decode_typed_search_attributes(
            SearchAttributes(indexed_fields=begun.search_attributes)
        ),
        workflow_id=workflow_id,
        workflow_start_time=started,
        workflow_type=begun.type,
    )
