"""Which cases does a what-if try? Those of history files, or of a server: named first, then read one at a time."""

import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from replay import histories
from replay.histories import Recorded
from replay.simulation.traces_reading import chains
from starter import connect
from starter.settings import Settings

TYPE = "Escalation"
STARTED = "workflowExecutionStartedEventAttributes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case that is to be tried: the files of its runs, in any order, or none if the server has them."""

    id: str
    files: tuple[str, ...] = ()


def of_files(paths: Sequence[Path]) -> list[Case]:
    """Find the cases among history files. Raises Problem: `no_file`, `not_a_history`."""
    found: dict[str, list[str]] = {}
    for path in histories.files(paths):
        case_id = _case(path)
        if case_id:
            found.setdefault(case_id, []).append(str(path))
    return [Case(id=case_id, files=tuple(files)) for case_id, files in found.items()]


def _case(path: Path) -> str:
    """Name the case that a file tells of, "" if it is of no case. Only its first event is understood here."""
    try:
        data = path.read_bytes()
        told = json.loads(gzip.decompress(data) if path.name.endswith(".gz") else data)["events"][0][STARTED]
        return str(told["workflowId"]) if told["workflowType"]["name"] == TYPE else ""
    except (OSError, EOFError, ValueError, LookupError, TypeError):
        run = histories.of_file(path)  # it says what is wrong, or reads another way of writing the same
        return run.workflow_id if run.workflow_type == TYPE else ""


async def of_server(told: Settings, query: str) -> list[Case]:
    """List the cases that a query finds. Raises Problem: `bad_query`, `server_away`."""
    client = await connect.connect(told)
    with connect.answering(client):
        return [Case(id=case_id) for case_id in await histories.cases(client, query)]


def read(case: Case) -> list[Recorded]:
    """Read the runs of a case out of its files, oldest first. Raises Problem `not_a_history`."""
    return chains(histories.of_file(Path(file)) for file in case.files)[0]
