"""How do we reach Temporal? One way, for every door and the worker: its own profiles, our codec, clear refusals.

Address, namespace, API key and TLS come from Temporal's environment configuration (`TEMPORAL_ADDRESS`,
`TEMPORAL_PROFILE`, `TEMPORAL_TLS_*`, or a `temporal.toml`); without any of it, a server on 127.0.0.1:7233.
"""

import asyncio
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import AddSearchAttributesRequest, ListSearchAttributesRequest
from temporalio.client import Client, RPCTimeoutOrCancelledError
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.converter import DataConverter
from temporalio.envconfig import ClientConfig, ClientConnectConfig
from temporalio.runtime import Runtime
from temporalio.service import RPCError, RPCStatusCode

from starter import sealing
from starter.build_id import build_id
from starter.errors import MISCONFIGURED, UNAVAILABLE, Problem
from starter.settings import Settings
from workflows.attributes import KEYS

if TYPE_CHECKING:
    from temporalio.worker import WorkerDeploymentConfig

__all__ = [
    "KEYS",
    "address",
    "answering",
    "connect",
    "deployment",
    "ensure_search_attributes",
    "is_without_namespace",
    "namespace",
    "server_away",
    "unknown_namespace",
]

DEFAULT_ADDRESS = "127.0.0.1:7233"
DEPLOYMENT = "seawall"  # never with a dot in it: Temporal writes "deployment.build"
PATIENCE = timedelta(seconds=10)
NO_NAMESPACE = "NamespaceNotFoundFailure"
_AWAY = (RPCStatusCode.UNAVAILABLE, RPCStatusCode.DEADLINE_EXCEEDED)


async def connect(
    settings: Settings, *, runtime: Runtime | None = None, data_converter: DataConverter | None = None
) -> Client:
    """Connect within ten seconds and prove that the server answers.

    Raises Problem: `misconfigured` (78) for a broken profile, `server_away` (69) when nobody answers.
    """
    profile = _profile()
    address = profile.setdefault("target_host", DEFAULT_ADDRESS)
    space = profile.setdefault("namespace", "default")
    converter = data_converter or sealing.data_converter(settings, space)
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await Client.connect(**profile, data_converter=converter, runtime=runtime, identity=identity())
    except (RuntimeError, TimeoutError, RPCError, OSError):
        raise server_away(address) from None
    except (ValueError, TypeError):
        raise _broken_profile("its values do not fit together") from None


@contextmanager
def answering(client: Client) -> Iterator[None]:
    """Turn a server that went away in the middle of a call into the same one line as at the start."""
    try:
        yield
    except RPCTimeoutOrCancelledError:
        raise server_away(client.service_client.config.target_host) from None
    except RPCError as error:
        if error.status in _AWAY:
            raise server_away(client.service_client.config.target_host) from None
        if is_without_namespace(error):
            raise unknown_namespace(client.namespace) from None
        raise


async def ensure_search_attributes(client: Client) -> tuple[str, ...]:
    """Register what is missing of `KEYS`; several workers may do so at once. Returns the names that were missing.

    Raises Problem `misconfigured` (78) when a name is taken by another type.
    """
    request = ListSearchAttributesRequest(namespace=client.namespace)
    held = (await client.operator_service.list_search_attributes(request)).custom_attributes
    clash = [key.name for key in KEYS if held.get(key.name, key.indexed_value_type) != key.indexed_value_type]
    if clash:
        raise Problem(
            "misconfigured",
            f"Temporal already keeps {', '.join(clash)} as another type.",
            next_step="Remove it with `temporal operator search-attribute remove`, or use another namespace.",
            exit_code=MISCONFIGURED,
        )
    missing = {key.name: IndexedValueType.ValueType(key.indexed_value_type) for key in KEYS if key.name not in held}
    if missing:
        await _register(client, missing)
    return tuple(sorted(missing))


async def _register(client: Client, missing: dict[str, IndexedValueType.ValueType]) -> None:
    try:
        await client.operator_service.add_search_attributes(
            AddSearchAttributesRequest(namespace=client.namespace, search_attributes=missing)
        )
    except RPCError as error:
        if error.status != RPCStatusCode.ALREADY_EXISTS:
            raise


def namespace() -> str:
    """Name the namespace of the profile without connecting: payloads are bound to it."""
    return _profile().get("namespace") or "default"


def address() -> str:
    """Say where Temporal is looked for, as host:port, without connecting. Raises Problem for a broken profile."""
    return _profile().get("target_host") or DEFAULT_ADDRESS


def identity() -> str:
    """Name this process in few bytes: it is stored with most events. Names of hosts differ at their end."""
    return f"{socket.gethostname()[-6:]}.{os.getpid()}"


def deployment(settings: Settings) -> "WorkerDeploymentConfig":
    """Name this code to Temporal. With `SEAWALL_VERSIONING=on` it gets work once its build is made current."""
    from temporalio.worker import WorkerDeploymentConfig  # not every door needs a worker

    named = settings.build_id or build_id()
    version = WorkerDeploymentVersion(deployment_name=DEPLOYMENT, build_id=named)
    if not settings.versioning:
        return WorkerDeploymentConfig(version=version, use_worker_versioning=False)
    return WorkerDeploymentConfig(
        version=version, use_worker_versioning=True, default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE
    )


def server_away(address: str) -> Problem:
    """Say that nobody answers, and how to start the server."""
    return Problem(
        "server_away",
        f"Temporal does not answer at {address}.",
        next_step="Start it with `seawall up`, or set TEMPORAL_ADDRESS.",
        exit_code=UNAVAILABLE,
    )


def is_without_namespace(error: RPCError) -> bool:
    """Say whether a server answers that it has no such namespace; it says NOT_FOUND of a workflow too."""
    return any(detail.type_url.endswith(NO_NAMESPACE) for detail in error.grpc_status.details)


def unknown_namespace(name: str) -> Problem:
    """Say that the server answers and has no such namespace."""
    return Problem(
        "unknown_namespace",
        f"Temporal has no namespace '{name}'.",
        next_step=f"Correct TEMPORAL_NAMESPACE, or make it: temporal operator namespace create -n {name}",
        exit_code=MISCONFIGURED,
    )


def _profile() -> ClientConnectConfig:
    file = os.environ.get("TEMPORAL_CONFIG_FILE", "")
    if file and not os.path.isfile(file):
        raise _broken_profile("the file that TEMPORAL_CONFIG_FILE names does not exist")
    try:
        return ClientConfig.load_client_connect_config()
    except (RuntimeError, ValueError, OSError) as error:
        raise _broken_profile(str(error).splitlines()[0] if str(error) else "it cannot be read") from None


def _broken_profile(what: str) -> Problem:
    return Problem(
        "misconfigured",
        f"Temporal's profile cannot be used: {what}.",
        next_step="Check the TEMPORAL_* variables and temporal.toml.",
        exit_code=MISCONFIGURED,
    )
