"""Where is the history of a case: still in Temporal, or in the archive already?"""

import gzip
from collections.abc import Iterable

from google.protobuf.json_format import ParseError
from temporalio.client import Client, WorkflowHistory

from activities.clients.evidence import EvidenceDamaged, EvidenceMissing, EvidenceStore, open_evidence
from replay import histories
from replay.histories import Recorded
from starter.errors import CHECK_FAILED, MISCONFIGURED, UNAVAILABLE, Problem
from starter.sealing import scope_of
from starter.settings import Settings
from store.archive import Index, Row
from store.engine import open_engine
from store.errors import StoreMisconfigured, StoreUnavailable


async def of_case(told: Settings, client: Client, case_id: str, *, alone: bool = False) -> list[Recorded]:
    """Give all runs of a case, then those of its sweeps, watches and follow-ups, each chain oldest first.

    `alone` leaves out what it started. What Temporal has deleted comes from the archive. Raises Problem:
    `unknown_case` when neither knows it, `archive_damaged`, and what the casebook's database cannot.
    """
    missing: Problem | None = None
    try:
        runs = await (histories.chain if alone else histories.family)(client, case_id)
    except Problem as problem:
        if problem.code != "unknown_case":
            raise
        runs, missing = [], problem
    held = {run.run_id for run in runs}
    archived = await of_archive(told, case_id, known=held)
    runs += [run for run in archived if not alone or run.workflow_id == case_id]
    if not runs and missing:
        raise missing
    return in_order(runs)


def in_order(runs: Iterable[Recorded]) -> list[Recorded]:
    """Put runs in order: by workflow id, so that a case comes before what it started, then oldest first."""
    return sorted(runs, key=lambda run: (run.workflow_id, run.events[0].event_time.ToNanoseconds()))


async def of_archive(told: Settings, case_id: str, *, known: Iterable[str] = ()) -> list[Recorded]:
    """Read what the archive keeps of a case and of what it started, except `known` runs."""
    engine = open_engine(told.database_url)
    try:
        rows = await Index(engine).of_case(scope_of(case_id))
    except StoreMisconfigured as wrong:
        if wrong.code == "no_tables":
            return []  # nothing was ever archived here
        raise _store(wrong, MISCONFIGURED) from None
    except StoreUnavailable as wrong:
        raise _store(wrong, UNAVAILABLE) from None
    finally:
        await engine.dispose()
    wanted = [row for row in rows if row.run_id not in set(known) and _belongs(row.workflow_id, case_id)]
    if not wanted:
        return []
    evidence = open_evidence(told.evidence_url)
    return [await _read(evidence, row) for row in wanted]


def _belongs(workflow_id: str, case_id: str) -> bool:
    return workflow_id == case_id or workflow_id.startswith(f"{case_id}/")


async def _read(evidence: EvidenceStore, row: Row) -> Recorded:
    try:
        content = gzip.decompress(await evidence.get(row.sha256))
        history = WorkflowHistory.from_json("", content.decode())
        return histories.recorded(history.events, origin=f"archive/{row.sha256}")
    except (EvidenceMissing, EvidenceDamaged, OSError, EOFError, ValueError, ParseError):
        raise Problem(
            "archive_damaged",
            f"The archived history {row.sha256} of {row.workflow_id} is missing or was changed.",
            next_step="Restore the evidence store from its backup.",
            exit_code=CHECK_FAILED,
        ) from None


def _store(wrong: StoreMisconfigured | StoreUnavailable, exit_code: int) -> Problem:
    return Problem(wrong.code, wrong.text, next_step=wrong.next_step, exit_code=exit_code)
