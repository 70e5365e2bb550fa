"""Which histories does a command mean, and with which keys and whose code are they read?"""

import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from temporalio.converter import DataConverter
from temporalio.runtime import Runtime, TelemetryConfig

from replay import histories
from replay.histories import Recorded
from starter import connect, sealing
from starter.errors import MISCONFIGURED, Problem
from starter.keyring import open_ring
from starter.settings import Settings

OPEN = 'ExecutionStatus = "Running"'


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Histories with all that a replay of them needs; `runs` can be gone through once."""

    runs: Iterable[Recorded] | AsyncIterator[Recorded]
    converter: DataConverter
    namespace: str
    runtime: Runtime


@asynccontextmanager
async def opened(
    told: Settings, *, files: Sequence[Path] = (), query: str = "", case: str = "", ring: Path | None = None
) -> AsyncIterator[Reading]:
    """Open history files, or all runs of one case, archived ones too, or those the server lists for `query` ("": all).

    `ring` is the key ring the files were recorded with, else that of this installation. Raises Problem: `no_keyring`,
    `no_file`, `not_a_history`, `unknown_case`, `server_away`.
    """
    converter_for = keys(told, ring)
    with quiet() as runtime:
        if files:
            runs = [histories.of_file(path) for path in histories.files(files)]
            if not runs:
                raise Problem(
                    "no_file", "The folder holds no history.", next_step="Write some with `seawall replay export`."
                )
            space = connect.namespace()
            yield Reading(runs=runs, converter=converter_for(space), namespace=space, runtime=runtime)
            return
        client = await connect.connect(told)
        with connect.answering(client):
            from replay import lookup  # the archive is asked for a named case only, and loads the casebook

            listed = (
                await lookup.of_case(told, client, case, alone=True) if case else histories.of_server(client, query)
            )
            yield Reading(
                runs=listed, converter=converter_for(client.namespace), namespace=client.namespace, runtime=runtime
            )


def workflows() -> tuple[type, ...]:
    """List the workflow types of this project."""
    from workflows.archive import Archive
    from workflows.escalation import Escalation
    from workflows.prevention import Prevention
    from workflows.resweep import Resweep
    from workflows.sweep import Sweep

    return (Escalation, Sweep, Resweep, Prevention, Archive)


@contextmanager
def quiet() -> Iterator[Runtime]:
    """Keep the SDK from telling in its own words, values included, what the commands say in ours."""
    log = logging.getLogger("temporalio")
    before = log.level
    log.setLevel(logging.CRITICAL + 1)
    try:
        yield Runtime(telemetry=TelemetryConfig(logging=None))
    finally:
        log.setLevel(before)


def keys(told: Settings, ring: Path | None = None) -> Callable[[str], DataConverter]:
    """Open a key ring, that of this installation if none is named. Raises Problem `no_keyring`."""
    path = ring or told.keyring_file
    if not path.is_file():
        raise Problem(
            "no_keyring",
            f"There is no key ring at {path}.",
            next_step="Name the ring that the histories were recorded with: --keyring FILE.",
            exit_code=MISCONFIGURED,
        )
    held = open_ring(path)
    return lambda namespace: sealing.data_converter(held, namespace)
