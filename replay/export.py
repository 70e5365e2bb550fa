"""How is a history kept beyond Temporal's retention? As files in Temporal's JSON, with the chain of runs.

Nothing is seen in the folder before all of it is there: it is written beside it and moved into its place at the end.
"""

import json
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from temporalio.api.common.v1 import Payload

from replay import histories, redaction
from replay.histories import Recorded
from replay.redaction import Bench
from starter import keyring
from starter.errors import CANNOT_WRITE, Problem
from starter.keyring import KeyRing
from starter.sealing import scope_of

RING = "throw-away.keyring"  # not named like a history: a folder is checked file by file
Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One written run. `previous` and `next` are the runs it continues and continues as, "" for none.

    `case` is the case it belongs to: its own, or that of a sweep, a watch or a follow-up.
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

    def keep(self, run: Recorded) -> None:
        """Write one run."""
        # Run ids begin with the time, so runs that follow each other within a minute begin alike.
        name = f"{run.workflow_id.replace('/', '~')}.{run.run_id}.json"
        with _cannot_write(self._place):
            histories.write(run, self._beside / name)
        self.written.append(_indexed(run, name))

    def ring(self) -> KeyRing:
        """Make the ring that seals redacted histories, kept beside them: it protects nothing and opens nothing else."""
        return keyring.open_ring(self._beside / RING)


async def as_stored(families: AsyncIterator[list[Recorded]], into: Folder, told: Told, total: int) -> None:
    """Write families of runs, sealed as they are."""
    done = 0
    async for family in families:
        for run in family:
            into.keep(run)
        told(done := done + 1, total)


async def redacted(
    families: AsyncIterator[list[Recorded]], into: Folder, told: Told, total: int, *, bench: Bench
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
                handed[run.next_run_id] = _handed_over(made)
            into.keep(made)
        told(done := done + 1, total)


def _handed_over(run: Recorded) -> Sequence[Payload]:
    """Give what a run that continued as new hands to the next."""
    return run.events[-1].workflow_execution_continued_as_new_event_attributes.input.payloads


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
