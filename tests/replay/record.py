"""How are the recorded cases made? `make record`: deliberately, in a commit of its own that says why.

The paths of `tests/workflows/test_paths.py` are walked on the real server, and the history of every workflow they
made is kept, sealed with the corpus's own ring. The test that replays them never writes. The rulebook that they
followed is kept beside them, for what-if: it asks the very same rules again. So are the states that the worker had
while it made them, taken live in its own sandbox, for time travel to be compared with.
"""

import asyncio
import gzip
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

import worker
from starter.rules import KEPT
from starter.sandbox import WatchedRunner
from tests.replay import corpus
from tests.replay.live import States
from tests.workflows import test_paths as paths
from tests.workflows.living import living
from tests.workflows.world import World

Path_ = Callable[[World], Awaitable[None]]
WALKED: dict[str, Path_] = {
    "ordinary": paths.test_an_ordinary_recall_runs_from_intake_to_closed,
    "rejected": paths.test_a_rejected_case_hides_nothing_and_its_clocks_do_not_apply,
    "vetoed": paths.test_a_veto_stops_what_leaves_the_house,
    "default": paths.test_when_nobody_decides_the_reversible_default_is_taken_at_the_time_box,
    "emergency-ratified": paths.test_an_emergency_hides_before_legal_review_and_is_ratified_by_somebody_else,
    "emergency-revoked": paths.test_a_revoked_emergency_act_is_undone_exactly,
    "injury-learned-later": paths.test_an_injury_learned_later_starts_emergency_containment,
    "order": paths.test_an_order_is_executed_answered_and_its_clocks_are_met,
    "not-offered": paths.test_a_recall_of_something_nobody_offers_closes_by_itself,
    "appeal-granted": paths.test_a_wrongly_matched_seller_is_restored_exactly_and_only_it,
    "withdrawn": paths.test_a_withdrawn_matter_is_undone_and_says_so,
    "aborted": paths.test_an_abort_before_anything_was_hidden_is_in_time,
    "second-report": paths.test_a_second_report_on_an_open_case_starts_another_round,
    "prevention": paths.test_corrective_actions_are_followed_until_somebody_else_verified_them,
    "late-vote": paths.test_a_late_vote_is_refused_with_what_happened,
}


async def record(into: Path) -> int:
    """Walk every path and write the histories. Return how many."""
    written = 0
    with tempfile.TemporaryDirectory() as folder:
        states = States()
        runner = WatchedRunner(states.watch, worker.runner())
        async with living(Path(folder), ring=corpus.ring(), runner=runner) as world:
            for name, walk in WALKED.items():
                before = len(world.cases)
                await walk(world)
                await world.lift_all()
                for case_id in world.cases[before:]:
                    written += await _kept(world, case_id, name, into, states)
                print(f"{name}: recorded", file=sys.stderr)
            shutil.copytree(world.told.home / KEPT, into / corpus.RULEBOOKS.name)
    return written


async def _kept(world: World, case_id: str, name: str, into: Path, states: States) -> int:
    """Write the case's own history and those of its sweeps and follow-ups."""
    client = world.env.client
    runs = [case_id]
    runs += sorted([run.id async for run in client.list_workflows(f'WorkflowId STARTS_WITH "{case_id}/"')])
    for run in runs:
        history = await client.get_workflow_handle(run).fetch_history()
        tail = run.removeprefix(case_id).replace("/", "-")
        path = into / f"{name}{tail}.json.gz"
        with gzip.GzipFile(path, "wb", mtime=0) as file:
            file.write(history.to_json().encode())
        await states.write(path)
    return len(runs)


def main() -> int:
    """Replace the corpus by a new one; the old one stays when a path does not go through."""
    with tempfile.TemporaryDirectory() as folder:
        written = asyncio.run(record(Path(folder)))
        shutil.rmtree(corpus.HISTORIES, ignore_errors=True)
        shutil.copytree(folder, corpus.HISTORIES)
    print(f"{written} histories recorded in {corpus.HISTORIES}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
