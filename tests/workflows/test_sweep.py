"""Does the watch over a finished sweep find what comes back, and does the case hear of it, open or closed?"""

import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from escalations import ids
from escalations.consensus import GateKind
from escalations.messages import TaskDone
from standins import catalogue
from tests.workflows.steering import HIDE, any_run, filed, noted, seen, still
from tests.workflows.world import Handle, World, recall
from workflows.resweep import Resweep

RELISTED = "L-RELISTED"


@pytest.fixture(autouse=True)
def time_stands_still(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with still(world, monkeypatch):
        yield


@pytest.fixture
def goods(world: World) -> Iterator[list[catalogue.Listing]]:
    """What the marketplace offers; put back after the test."""
    before = catalogue.read(world.standins.folder)
    yield before
    put_on_sale(world, before)


def put_on_sale(world: World, listings: list[catalogue.Listing]) -> None:
    """Replace the catalogue; its time is moved on, since two changes may fall into one tick of the file system."""
    path = catalogue.path_of(world.standins.folder)
    last = path.stat().st_mtime_ns
    catalogue.write(world.standins.folder, listings)
    os.utime(path, ns=(last + 1_000_000, last + 1_000_000))


def relisted(goods: list[catalogue.Listing], name: str) -> list[catalogue.Listing]:
    """Let a seller offer the heater anew under another id."""
    sold = next(one for one in goods if one.gtin.lstrip("0") == "9521100315135")
    return [*goods, replace(sold, id=name, title=f"{sold.title} (new)")]


def watch_of(world: World, handle: Handle) -> Any:
    return world.env.client.get_workflow_handle_for(Resweep.run, f"{ids.sweep_id(handle.id, 1)}/watch")


async def contained(world: World) -> Handle:
    handle = await world.opened(recall())
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    await world.until(handle, lambda card: card.sweeps)
    return handle


async def test_a_listing_that_comes_back_is_told_to_the_open_case_which_looks_again(
    world: World, goods: list[catalogue.Listing]
) -> None:
    handle = await contained(world)
    put_on_sale(world, relisted(goods, RELISTED))

    await world.forward(watch_of(world, handle), timedelta(hours=1, seconds=1))
    file = await seen(handle, lambda file: bool(file.findings))
    await world.agree(handle, GateKind.RESPONSE, "send")
    gate = await world.gate(handle, GateKind.LEGAL_REVIEW)
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    await world.until(handle, lambda card: sum(bool(swept.applied.done) for swept in card.sweeps) == 2)

    assert [(one.kind, one.text, one.by) for one in file.findings] == [
        ("resweep_found", "1 listings came back", "seawall")
    ]
    assert gate.gate.digest == file.findings[0].evidence[0]
    assert world.hidden(handle.id)[-1] == RELISTED


async def test_a_closed_case_is_reopened_by_what_came_back_and_only_by_that(
    world: World, goods: list[catalogue.Listing]
) -> None:
    handle = await contained(world)
    closed = await world.finish(handle)
    handle = any_run(world, handle.id)
    watch = watch_of(world, handle)

    await world.forward(watch, timedelta(hours=1, seconds=1))
    quiet = await noted(world, handle.id, "finding.reported")
    put_on_sale(world, relisted(goods, f"{RELISTED}-2"))
    await world.forward(watch, timedelta(hours=23))
    await world.until(handle, lambda card: card.runs == 2)
    await world.say(handle, "task", TaskDone(said=world.by("ana.ic"), task="reopened-2"))
    await world.agree(handle, GateKind.LEGAL_REVIEW, HIDE)
    await world.until(handle, lambda card: sum(bool(swept.applied.done) for swept in card.sweeps) == 2)
    file = await filed(handle)

    assert quiet == []
    assert [entry.text for entry in await noted(world, handle.id, "case.reopened")] == ["1 listings came back"]
    assert file.orders[0] == closed.orders[0]
    assert world.hidden(handle.id)[-1] == f"{RELISTED}-2"
