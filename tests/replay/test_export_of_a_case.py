"""Does a canary in every text that people may write leave with a redacted case of the real process?"""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from escalations.consensus import GateKind, Stance
from escalations.messages import Appeal, Assign, Decide, Delegate, Learn, Reopen, ReportFinding
from escalations.model import Action
from replay import export, export_commands, histories, reading
from starter import keyring, rules
from starter.say import say
from tests.replay.opened import everything_said
from tests.workflows.living import living
from tests.workflows.world import Handle, World, order, recall

pytestmark = pytest.mark.slow
CANARY = "Quackenbush"


@pytest.fixture(scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    async with living(tmp_path_factory.mktemp("world")) as world:
        yield world


def bird(what: str) -> str:
    """A sentence with somebody in it; every one is another."""
    return f"{what}, says Wilhelmina {CANARY}"


async def lived(world: World) -> Handle:
    """Live a case to its end and a round beyond, with somebody in every text that may be written."""
    listings = tuple(sorted(await world.listings("Tumblebee"))[:2])
    intake = order(listings, title=bird("title"), summary=bird("summary"), remedy=bird("remedy"), url=bird("url"))
    assert intake.order is not None
    ordered = replace(
        intake.order, authority=bird("authority"), legal_basis=bird("basis"), reply_to=f"{CANARY}@authority.example"
    )
    handle = await world.opened(replace(intake, order=ordered, hazard=bird("hazard"), legal_basis=bird("legal basis")))
    await handle.signal(bird("signal name"), bird("signal"))
    await handle.signal("claim", {"said": bird("wrong type")})
    await handle.signal("finding", ReportFinding(said=world.by("sam.safety"), kind=bird("kind"), text=bird("text")))
    death = Learn(said=world.by("sam.safety"), fact="deaths", value="1", reason=bird("reason"))
    await world.say(handle, "learn", death)
    until = intake.received_at + timedelta(days=300)
    await world.say(handle, "delegate", Delegate(said=world.by("leo.legal"), to="paul.policy", role="LEG", until=until))
    gate = await world.gate(handle, GateKind.CONTAINMENT)
    seat = next(seat for seat in gate.gate.seats if seat.persons)
    await world.say(
        handle,
        "decide",
        Decide(
            said=world.by(seat.persons[0], f"request of {CANARY}"),
            gate=gate.gate.id,
            digest=gate.gate.digest,
            option=gate.gate.recommended,
            role=seat.role,
            conditions=(bird("condition"),),
            stance=Stance.CONDITIONS,
            reason=bird("vote"),
        ),
    )
    await world.until(handle, lambda card: card.sweeps)
    appeal = Appeal(said=world.by("olga.ops"), listings=listings[:1], reason=bird("appeal"))
    await world.say(handle, "appeal", appeal)
    await world.say(handle, "appeal", replace(appeal, said=world.by("omar.ops"), deny=True))
    await world.say(handle, "assign", Assign(said=world.by("ana.ic"), to="ivo.ic", reason=bird("assign")))
    action = Action(
        id="a-1",
        title=bird("action"),
        owner="petra.product",
        strength="automate",
        due=timedelta(days=9),
        verifier_role="PSAF",
    )
    finding = ReportFinding(
        said=world.by("sam.safety"), kind="root_cause", text=bird("cause"), factors=("DET-1",), actions=(action,)
    )
    await world.say(handle, "finding", finding)
    await world.finish(handle)
    again = Reopen(said=world.by("ana.ic"), reason=bird("reopen"), intake=recall(title=bird("second title")))
    for _ in range(2):
        await say(world.env.client, handle.id, "reopen", again)
    await say(world.env.client, handle.id, "learn", Learn(said=world.by("ana.ic"), fact="units_sold", value="7"))
    return handle


async def test_nobody_is_left_in_a_redacted_case_and_it_replays_as_before(world: World, tmp_path: Path) -> None:
    handle = await lived(world)
    folder = tmp_path / "out"

    client = world.env.client
    async with export.Folder(folder).opened() as into:
        families = export_commands._families(world.told, client, [handle.id])
        with reading.quiet() as runtime:
            bench = export_commands._bench(world.told, client, into, runtime)
            await export.redacted(families, into, lambda _done, _total: None, 1, bench=bench)

    ring = keyring.open_ring(folder / export.RING)
    runs = [histories.of_file(path) for path in histories.files([folder])]
    said = "\n".join([await everything_said(run, ring) for run in runs])
    before = "\n".join(
        [
            await everything_said(run, keyring.open_ring(world.told.keyring_file))
            for run in await histories.family(client, handle.id)
        ]
    )
    persons = [person.id for person in rules.today(world.told).roster.persons]
    assert before.count(CANARY) > 40
    assert CANARY.casefold() not in said.casefold()
    assert [person for person in persons if person in before] != []
    assert [person for person in persons if person in said] == []
    assert {run.workflow_id for run in runs} == {run.workflow_id for run in await histories.family(client, handle.id)}
    assert len([run for run in runs if run.workflow_id == handle.id]) == 2
