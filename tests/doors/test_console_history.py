"""Does the console show how a case stood before, task by task, to those who are signed in?"""

import re
import threading
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

import rulebook
from escalations.clocks import OPEN, wanted_at
from escalations.record import Card
from replay import reading
from replay.travel import state
from replay.travel.journey import Journey, Stop
from starter import signin
from starter.connect import ensure_search_attributes
from starter.console.app import create_app
from starter.console.past import Past
from starter.console.security import POLICY
from starter.errors import Problem
from starter.keyring import fresh
from store import refusals
from store.engine import open_engine
from store.migrations import upgrade
from store.refusals import Refused
from tests.browser import planted
from tests.replay import small
from tests.replay.past import Recalled, recorded
from tests.replay.server import dev_server

SITE = "http://console.test"


@dataclass
class Site:
    http: httpx2.AsyncClient
    home: Path
    engine: AsyncEngine
    past: Recalled
    card: Card

    async def sign_in(self) -> None:
        link = signin.new_link(self.home, "leo.legal", base_url=SITE, now=self.card.updated_at)
        await self.http.post("/signin", data={"token": link.split("token=")[1]})

    async def page(self, frame: str = "") -> str:
        answer = await self.http.get(f"/cases/{self.card.case_id}/history" + (f"?frame={frame}" if frame else ""))
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-security-policy"] == POLICY
        return answer.text


@pytest.fixture(scope="module")
async def ordinary() -> Journey:
    """The journey of the ordinary case, lived again once."""
    return await recorded("ordinary")


@pytest.fixture
async def site(tmp_path: Path, ordinary: Journey) -> AsyncIterator[Site]:
    journey = ordinary
    card = state.of(journey.films[-1].frames[-1]).card
    assert card is not None
    engine = open_engine(f"sqlite:///{tmp_path}/casebook.db")
    await upgrade(engine)
    await planted.plant(engine, card)
    past = Recalled(journey)

    async def no_client() -> Any:
        return None

    app = create_app(
        engine=engine,
        client_factory=no_client,
        settings=SimpleNamespace(home=tmp_path),
        rulebook=rulebook.load(),
        past=past,
        now=lambda: card.updated_at,
    )
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url=SITE) as http:
        yield Site(http=http, home=tmp_path, engine=engine, past=past, card=card)
    await engine.dispose()


async def test_nobody_looks_back_before_signing_in(site: Site) -> None:
    answer = await site.http.get(f"/cases/{site.card.case_id}/history")

    assert (answer.status_code, answer.headers["location"]) == (303, "/signin")
    assert site.past.asked == []


async def test_the_last_task_is_shown_first_and_each_other_one_is_a_link_away(site: Site) -> None:
    await site.sign_in()
    count = len(site.past.journey.stops())

    last, first = await site.page(), await site.page("1")

    assert f"{count} of {count}" in last
    assert f'href="/cases/{site.card.case_id}/history?frame={count - 1}" rel="prev"' in last
    assert f"1 of {count}" in first
    assert f'href="/cases/{site.card.case_id}/history?frame=2" rel="next"' in first
    assert f'<input type="range" id="frame" name="frame" min="1" max="{count}" value="1">' in first


async def test_a_task_shows_what_woke_it_what_changed_who_could_act_and_what_was_left(site: Site) -> None:
    await site.sign_in()
    voted = next(
        number
        for number, stop in enumerate(site.past.journey.stops(), 1)
        if (card := state.of(stop.frame).card) and card.gates and len(card.gates[0].votes) == 1
    )

    text = await site.page(str(voted))

    assert "update decide by leo.legal for LEG" in text
    assert "gate 1 (legal_review): leo.legal as LEG: approve hide" in text
    assert re.search(r"<strong>PSAF</strong>.*?not yet</td><td class=\"wrap\">[^<]*sam\.safety", text, re.S)
    assert re.search(r'data-mood="warm">7 h 5\d min</span>', text)
    assert "workflows/" in text
    assert "data-due" not in text, "a time of the past does not tick"


async def test_the_clocks_of_then_are_listed_with_what_was_due_first_in_front(site: Site) -> None:
    await site.sign_in()
    stops = site.past.journey.stops()
    number = max(range(1, len(stops) + 1), key=lambda at: len(running(stops[at - 1])))

    text = await site.page(str(number))

    places = [text.index(f">{rule}</small>") for rule in running(stops[number - 1])]
    assert len(places) > 2
    assert places == sorted(places)
    assert "What the approvers were shown" in await site.page(str(first_gate(stops)))


def running(stop: Stop) -> list[str]:
    """The rules of the clocks that ran, the soonest due first."""
    card = state.of(stop.frame).card
    due = [
        (at, clock.rule) for clock in (card.clocks if card else ()) if clock.status in OPEN and (at := wanted_at(clock))
    ]
    return [rule for _, rule in sorted(due, key=lambda one: one[0])]


def first_gate(stops: tuple[Stop, ...]) -> int:
    """The first task after which a gate was open."""
    cards = [state.of(stop.frame).card for stop in stops]
    return next(number for number, card in enumerate(cards, 1) if card and card.gates)


@pytest.mark.parametrize("frame", ["0", "-1", "99999", "two", "１", ""])
async def test_a_task_that_is_none_shows_the_last_one(site: Site, frame: str) -> None:
    await site.sign_in()
    count = len(site.past.journey.stops())

    assert f"{count} of {count}" in await site.page(frame)


async def test_what_was_refused_is_shown_after_the_task_before_it(site: Site) -> None:
    await site.sign_in()
    stop = site.past.journey.stops()[2]
    said = Refused(at=stop.at + timedelta(microseconds=1), message="decide", code="stale_digest", door="console")
    await refusals.note(site.engine, site.card.case_id, "r-1", said)

    assert "decide: stale digest" in await site.page("3")
    assert "stale digest" not in await site.page("2")


async def test_an_unknown_case_has_no_history(site: Site) -> None:
    await site.sign_in()

    answer = await site.http.get("/cases/ESC-0000-0000-0000/history")

    assert answer.status_code == 404


async def test_a_history_that_takes_long_is_lived_once_however_often_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The code loads slowly until the test lets it; the replays are real."""
    begun: list[str] = []
    loaded = threading.Event()

    def slowly() -> tuple[type, ...]:
        begun.append("")
        assert loaded.wait(60)
        return (small.Small, small.SmallChild)

    monkeypatch.setattr(reading, "workflows", slowly)
    async with dev_server(fresh()) as client:
        await ensure_search_attributes(client)
        async with Worker(
            client,
            task_queue="small",
            workflows=[small.Small, small.SmallChild],
            activities=[small.judge, small.hide, small.tell],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            for case_id in ("ESC-1", "ESC-2"):
                handle = await client.start_workflow(small.Small.run, small.Order("S1"), id=case_id, task_queue="small")
                await handle.execute_update(small.Small.say, small.Word("yes"))
                await handle.result()
        past = Past(patience=timedelta(milliseconds=20))

        refused = [await code_of(past, client, case_id) for case_id in ("ESC-1", "ESC-2", "ESC-1")]
        begun_while_slow = len(begun)
        loaded.set()
        while await code_of(past, client, "ESC-1"):
            pass
        while await code_of(past, client, "ESC-2"):
            pass
        first = await past.of(client, "ESC-1")

    assert refused == ["too_slow", "busy", "too_slow"]
    assert begun_while_slow == 1
    assert len(begun) == 2, "each case was lived once"
    assert first.workflow_id == "ESC-1"


async def code_of(past: Past, client: Any, case_id: str) -> str:
    """How looking at a case is refused, "" if it is not."""
    try:
        await past.of(client, case_id)
    except Problem as refused:
        return refused.code
    return ""


async def test_a_case_is_lived_again_once_until_it_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "workflows", lambda: (small.Small, small.SmallChild))
    async with dev_server(fresh()) as client:
        await ensure_search_attributes(client)
        async with Worker(
            client,
            task_queue="small",
            workflows=[small.Small, small.SmallChild],
            activities=[small.judge, small.hide, small.tell],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            handle = await client.start_workflow(small.Small.run, small.Order("S1"), id="ESC-1", task_queue="small")
            await handle.execute_update(small.Small.say, small.Word("yes"))
            await handle.result()
        past = Past()

        first = await past.of(client, "ESC-1")
        again = await past.of(client, "ESC-1")
        with pytest.raises(Problem) as too_long:
            await Past(most_events=5).of(client, "ESC-1")
        with pytest.raises(Problem) as too_slow:
            await Past(patience=timedelta(0)).of(client, "ESC-1")
        with pytest.raises(Problem) as unknown:
            await past.of(client, "ESC-2")

    assert first is again
    assert first.stops()
    assert [problem.value.code for problem in (too_long, too_slow, unknown)] == ["too_long", "too_slow", "unknown_case"]
