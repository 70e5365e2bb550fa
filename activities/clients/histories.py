"""How are closed runs listed and fetched from Temporal, for keeping?"""

import gzip
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from activities.archive import ClosedRun

NOT_KEPT: Final = "Archive"  # the keeper's own runs say nothing


class TemporalHistories:
    """Temporal's closed runs. Raises RPCError when Temporal is away."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def retention(self) -> timedelta:
        """Say how long a closed run is kept by the namespace."""
        request = DescribeNamespaceRequest(namespace=self._client.namespace)
        described = await self._client.workflow_service.describe_namespace(request)
        return described.config.workflow_execution_retention_ttl.ToTimedelta()

    async def closed(self, since: datetime, until: datetime) -> Sequence[ClosedRun]:
        """List the runs that closed in a span, both ends included, in no order."""
        query = f'CloseTime BETWEEN "{_written(since)}" AND "{_written(until)}" AND WorkflowType != "{NOT_KEPT}"'
        return [
            ClosedRun(workflow_id=run.id, run_id=run.run_id, closed_at=run.close_time)
            async for run in self._client.list_workflows(query)
            if run.close_time is not None
        ]

    async def fetch(self, run: ClosedRun) -> tuple[bytes, int] | None:
        """Fetch a history in Temporal's JSON, gzipped, its payloads sealed as they are; None when it is gone."""
        try:
            handle = self._client.get_workflow_handle(run.workflow_id, run_id=run.run_id)
            history = await handle.fetch_history()
        except RPCError as error:
            if error.status is RPCStatusCode.NOT_FOUND:
                return None
            raise
        written = json.dumps(history.to_json_dict(), separators=(",", ":")).encode()
        return gzip.compress(written, mtime=0), len(history.events)


def _written(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
