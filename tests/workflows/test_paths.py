"""Every path of the process, on the real server, with time skipped."""

from escalations.consensus import GateKind
from tests.workflows.world import World, recall


async def test_an_ordinary_recall_runs_from_intake_to_closed(world: World) -> None:
    handle = await world.opened(recall())

    await world.agree(handle, GateKind.LEGAL_REVIEW, "hide")
    file = await world.finish(handle)

    assert file.ruling == "hide"
    assert file.restricted > 0
    assert file.closed_at is not None
