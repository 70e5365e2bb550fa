"""How is a history kept beyond Temporal's retention? As files in Temporal's JSON, with the chain of runs.

Nothing is seen in the folder before all of it is there: it is written beside it and moved into its place at the end.
With a history may go the states that this code has when it lives it again, for later code to be compared with.
"""

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from temporalio.api.common.v1 import Payload
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime

from replay import frames, histories, redaction, reliving, states
from replay.check import type_name
from replay.histories import Recorded
from replay.opening import closed_door
from replay.redaction import Bench
from replay.states import Kept
from starter import keyring
from starter.errors import CANNOT_WRITE, Problem
from starter.keyring import KeyRing
from starter.sealing import scope_of

RING = "throw-away.keyring"  # not named like a history: a folder is checked file by file
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One written run. `previous` and `next` are the runs it continues and continues as, "" for none.

    `states` counts those written beside it, None when none were to be, or this code cannot live the run again. `case`
    is the case it belongs to: its own, or that of a sweep, a watch or a follow-up.
    """

    workflow_id: str
    run_id: str
    workflow_type: str
    file: str
    events: int
    closed: bool
    previous: str
    next: str
    case: str
    states: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Camera:
    """What states are taken with: the code that lives a run again, and the keys that open and seal it."""

    workflows: Sequence[type]
    converter: DataConverter
    namespace: str
    runtime: Runtime | None = None

    async def states(self, run: Recorded) -> Kept | None:
        """Take the states of a run; None if this code cannot live it again as it was recorded."""
        if run.workflow_type not in map(type_name, self.workflows):
            return None
        if await closed_door(run, self.converter, self.namespace):
            return None
        film = await frames.of_run(
            run,
            workflows=self.workflows,
            converter=self.converter,
            namespace=self.namespace,
            runtime=self.runtime,
        )
        return states.kept(states.of_film(film)) if film.whole else None


class Folder:
    """Where an export goes. What is written is moved into place when the block ends well, else nothing is left."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self.written: list[Exported] = []

    @asynccontextmanager
    async def opened(self) -> AsyncIterator["Folder"]:
        """Write beside the place, then take it. Raises Problem `cannot_write`, also for a folder that holds files."""
        with _cannot_write(self._place):
            if self._place.is_dir() and any(self._place.iterdir()):
                raise OSError(0, "it holds files already")
            self._place.parent.mkdir(parents=True, exist_ok=True)
            self._beside = Path(tempfile.mkdtemp(prefix=f".{self._place.name}.", dir=self._place.absolute().parent))
        try:
            yield self
            with _cannot_write(self._place):
                index = [asdict(each) for each in self.written]
                (self._beside / histories.INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
                os.replace(self._beside, self._place)
        finally:
            shutil.rmtree(self._beside, ignore_errors=True)

    async def keep(self, run: Recorded, camera: Camera | None = None) -> None:
        """Write one run, and its states if there is something to take them with."""
        # Run ids begin with the time, so runs that follow each other within a minute begin alike.
        name = f"{run.workflow_id.replace('/', '~')}.{run.run_id}.json"
        kept = await camera.states(run) if camera is not None else None
        with _cannot_write(self._place):
            histories.write(run, self._beside / name)
            if camera is not None and kept is not None:
                await states.write(kept, run, self._beside / name, camera.converter, camera.namespace)
        self.written.append(replace(_indexed(run, name), states=None if kept is None else len(kept.changes)))

    def ring(self) -> KeyRing:
        """Make the ring that seals redacted histories, kept beside them: it protects nothing and opens nothing else."""
        return keyring.open_ring(self._beside / RING)


async def as_stored(
    families: AsyncIterator[list[Recorded]], into: Folder, told: Told, total: int, *, camera: Camera | None = None
) -> None:
    """Write families of runs, sealed as they are."""
    done = 0
    async for family in families:
        for run in family:
            await into.keep(run, camera)
        told(done := done + 1, total)


async def redacted(
    families: AsyncIterator[list[Recorded]],
    into: Folder,
    told: Told,
    total: int,
    *,
    bench: Bench,
    camera: Camera | None = None,
) -> None:
    """Write families of runs without anybody's data; see `redaction.redact` for what is refused."""
    done = 0
    async for family in families:
        for run in family:
            await redaction.learn(run, bench)
        handed: dict[str, Sequence[Payload]] = {}
        for run in family:
            made = await redaction.redact(run, bench, given=handed.get(run.run_id, ()))
            if run.next_run_id:
                handed[run.next_run_id] = reliving.handed_over(made)
            await into.keep(made, camera)
        told(done := done + 1, total)


def _indexed(run: Recorded, name: str) -> Exported:
    return Exported(
        workflow_id=run.workflow_id,
        run_id=run.run_id,
        workflow_type=run.workflow_type,
        file=name,
        events=len(run.events),
        closed=run.closed,
        previous=run.previous_run_id,
        next=run.next_run_id,
        case=scope_of(run.workflow_id),
    )


@contextmanager
def _cannot_write(place: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Problem(
            "cannot_write",
            f"The folder {place} cannot be written ({error.strerror}).",
            next_step="Name another one with -o.",
            exit_code=CANNOT_WRITE,
        ) from None
