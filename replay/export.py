"""How is a history kept beyond Temporal's retention? As sealed files in Temporal's JSON, with the chain of runs."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from temporalio.client import Client

from replay import histories
from replay.histories import Recorded
from starter.errors import CANNOT_WRITE, Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """One written run. `previous` and `next` are the runs it continues and continues as, "" for none."""

    workflow_id: str
    run_id: str
    workflow_type: str
    file: str
    events: int
    closed: bool
    previous: str
    next: str


async def export_case(client: Client, case_id: str, folder: Path) -> list[Exported]:
    """Write all runs of a case and of its sweeps and follow-ups. Raises Problem `unknown_case`, `cannot_write`."""
    runs = await histories.chain(client, case_id)
    for child in sorted(await _children(client, case_id)):
        runs += await histories.chain(client, child)
    return _written(runs, folder)


async def export_all(client: Client, folder: Path) -> list[Exported]:
    """Write every run that the server still has."""
    return _written([run async for run in histories.of_server(client, "")], folder)


async def _children(client: Client, case_id: str) -> set[str]:
    """List what belongs to a case; the listing may lag by a second behind a child that has just been started."""
    return {run.id async for run in client.list_workflows(f'WorkflowId STARTS_WITH "{case_id}/"')}


def _written(runs: list[Recorded], folder: Path) -> list[Exported]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = [_one(run, folder) for run in runs]
        index = [asdict(each) for each in written]
        (folder / histories.INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise Problem(
            "cannot_write",
            f"The folder {folder} cannot be written ({error.strerror}).",
            next_step="Name another one with -o.",
            exit_code=CANNOT_WRITE,
        ) from None
    return written


def _one(run: Recorded, folder: Path) -> Exported:
    name = f"{run.workflow_id.replace('/', '~')}.{run.run_id[:8]}.json"
    histories.write(run, folder / name)
    return Exported(
        workflow_id=run.workflow_id,
        run_id=run.run_id,
        workflow_type=run.workflow_type,
        file=name,
        events=len(run.events),
        closed=run.closed,
        previous=run.previous_run_id,
        next=run.next_run_id,
    )
