"""Does the console show what the casebook holds, to those who are signed in and to nobody else?"""

import base64
import hashlib
import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncEngine

from escalations import ids
from escalations.record import Card, Wait
from starter import signin
from starter.console.security import POLICY
from starter.errors import UNAVAILABLE, Problem
from store import quarantine
from store.engine import open_engine
from tests.browser import planted
from tests.doors.consoles import NOW, SITE, Console, Heard, client_of

VENDOR = Path("starter/console/static/vendor")


# signing in


async def test_nobody_sees_a_page_before_signing_in(console: Console) -> None:
    await console.plant()

    for path in ("/", "/cases", f"/cases/{planted.CASE}", f"/cases/{planted.CASE}/timeline", "/quarantine"):
        answer = await console.http.get(path)

        assert (answer.status_code, answer.headers["location"]) == (303, "/signin")


async def test_looking_at_a_link_does_not_use_it_up_but_entering_does(console: Console) -> None:
    link = signin.new_link(console.home, "leo.legal", base_url=SITE, now=NOW)
    token = link.split("token=")[1]

    assert "Sign in as leo.legal?" in await console.page(f"/signin?token={token}")
    assert "Sign in as leo.legal?" in await console.page(f"/signin?token={token}")
    entered = await console.http.post("/signin", data={"token": token})
    again = await console.http.post("/signin", data={"token": token})

    assert (entered.status_code, again.status_code) == (303, 403)
    assert "leo.legal" in await console.page("/")


async def test_the_cookie_cannot_be_read_by_scripts_or_sent_by_other_sites(console: Console) -> None:
    link = signin.new_link(console.home, "leo.legal", base_url=SITE, now=NOW)

    answer = await console.http.post("/signin", data={"token": link.split("token=")[1]})

    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]


async def test_signing_out_ends_every_copy_of_the_cookie(console: Console) -> None:
    await console.sign_in()
    stolen = console.http.cookies["seawall"]
    hidden = await console.form("/", "/signout")

    await console.http.post("/signout", data=hidden)
    console.http.cookies.set("seawall", stolen)

    assert (await console.http.get("/")).status_code == 303


async def test_somebody_who_left_the_roster_is_turned_away(console: Console) -> None:
    await console.sign_in("gone.person")

    assert "not on the roster any more" in await console.page("/", status=403)


# reading


async def test_the_inbox_asks_first_what_this_person_can_answer(console: Console) -> None:
    await console.plant()
    await planted.plant_others(console.engine, NOW)

    await console.sign_in("leo.legal")
    text = await console.page("/")

    assert text.index("Hide the 214 matched listings") < text.index("Folding stroller")
    assert "Waits for you" in text
    assert "40 min" in text


async def test_the_inbox_of_somebody_who_may_not_decide_says_why(console: Console) -> None:
    await console.plant()

    await console.sign_in("lena.legal")
    text = await console.page("/")

    assert "Nothing waits for lena.legal" in text
    assert "somebody else must decide" in text


async def test_a_case_shows_stage_clocks_question_digest_and_history(console: Console) -> None:
    card = await console.plant()

    await console.sign_in("leo.legal")
    text = await console.page(f"/cases/{card.case_id}")

    for shown in (
        'class="here" aria-current="step">Legal review',
        "asks LEG, PSAF, OPS",
        "12 min late",
        "Article 22(4)",
        "earliest candidate: DE",
        "the order sets an earlier date",
        card.gates[1].gate.digest,
        "Two burns in one week are enough.",
        "L-100238",
        "40: The matched listings were counted.",
        "serious hazard: +40",
    ):
        assert shown in text


async def test_a_house_target_is_never_shown_as_law(console: Console) -> None:
    card = planted.rich_card(NOW)
    house = replace(card.clocks[1], due_operational=None, internal_target=NOW + timedelta(hours=3))
    await console.plant(replace(card, clocks=(house,)))

    await console.sign_in()

    assert "house target, not law" in await console.page(f"/cases/{card.case_id}")


async def test_the_timeline_is_read_newest_first_page_by_page_without_gaps(console: Console) -> None:
    card = await console.plant(planted.rich_card(NOW, seq=75))
    await console.sign_in()
    path, seen = f"/cases/{card.case_id}", []

    while path:
        text = await console.page(path)
        seen += [int(number) for number in re.findall(r">(\d+): The matched", text)]
        earlier = re.search(r'href="([^"]+)">Earlier', text)
        path = earlier[1] if earlier else ""

    assert seen == list(range(75, 0, -1))


async def test_the_list_is_filtered_and_ordered_by_urgency(console: Console) -> None:
    await console.plant()
    await planted.plant_others(console.engine, NOW)
    await console.sign_in()

    everything, worst, closed = [
        await console.page(path) for path in ("/cases", "/cases?priority=1", "/cases?state=closed")
    ]

    assert everything.index("ceramic") < everything.index("Counterfeit") < everything.index("stroller")
    assert "Laser pointers" not in everything
    assert "Counterfeit" in worst
    assert "ceramic" not in worst
    assert "Laser pointers" in closed


async def test_a_case_is_found_by_words_of_its_title(console: Console) -> None:
    await console.plant()
    await planted.plant_others(console.engine, NOW)
    await console.sign_in()

    found = await console.page("/cases?find=CERAMIC")

    assert "ceramic" in found
    assert "stroller" not in found
    nothing = await console.page("/cases?find=Laser")
    onward = re.search(r'href="(/cases\?[^"]+)">Look among closed', nothing)
    assert onward
    assert "Laser pointers" in await console.page(onward[1].replace("&amp;", "&"))
    assert 'value="CERAMIC"' in found


async def test_what_ends_first_is_named_first_among_what_a_case_waits_for(console: Console) -> None:
    late, soon = (
        Wait(owner=owner, reason=f"reason of {owner}", until=NOW + timedelta(hours=hours), then="default")
        for owner, hours in (("LATE", 9), ("SOON", 1))
    )
    await console.plant(replace(planted.rich_card(NOW), waiting=(late, soon)))
    await console.sign_in()

    case, cases = await console.page(f"/cases/{planted.CASE}"), await console.page("/cases")

    assert case.index("reason of SOON") < case.index("reason of LATE")
    assert "SOON, LATE" in cases


async def test_the_list_goes_on_where_the_page_before_ended(console: Console) -> None:
    for number in range(60):
        card = Card(
            case_id=ids.case_id("many", str(number)),
            seq=1,
            title=f"case {number}",
            stage=planted.Stage.TRIAGE,
            opened_at=NOW,
            updated_at=NOW,
            priority=number % 5,
        )
        await console.plant(card)
    await console.sign_in()

    first = await console.page("/cases")
    onward = re.search(r'href="(/cases\?[^"]+after=[^"]+)"', first)
    assert onward
    second = await console.page(onward[1].replace("&amp;", "&"))

    seen = re.findall(r"/cases/(ESC-[A-Z0-9-]+)", first + second)
    assert (len(seen), len(set(seen))) == (60, 60)


async def test_what_could_not_be_read_is_counted_on_every_page_and_listed_without_its_content(console: Console) -> None:
    await quarantine.keep(
        console.engine, source="cpsc", code="not_json", raw=b"secret bytes", received_at=NOW, detail="/RecallID"
    )
    await console.sign_in()

    inbox, listed = await console.page("/"), await console.page("/quarantine")

    assert re.search(r'class="count bad"[^>]*>1<', inbox)
    assert "not json" in listed
    assert "secret bytes" not in listed


@pytest.mark.parametrize("case_id", [ids.case_id("no", "body"), "ESC-1", "x" * 300, "%2e%2e"])
async def test_every_case_that_does_not_exist_gets_the_same_page(console: Console, case_id: str) -> None:
    await console.sign_in()

    text = await console.page(f"/cases/{case_id}", status=404)

    assert text == await console.page(f"/cases/{ids.case_id('another', 'one')}", status=404)


async def test_a_casebook_that_is_away_is_a_page_that_says_what_to_do(tmp_path: Path) -> None:
    async def away() -> Any:
        raise Problem("server_away", "Temporal does not answer.", exit_code=UNAVAILABLE)

    engine = open_engine(f"sqlite:///{tmp_path}/empty.db")
    async with client_of(engine, tmp_path, Heard(), client_factory=away) as http:
        console = Console(home=tmp_path, engine=engine, heard=Heard(), http=http)
        await console.sign_in()

        text = await console.page("/", status=503)
        alive = await console.http.get("/healthz")
        ready = await console.http.get("/readyz")
    await engine.dispose()

    assert "seawall up" in text
    assert alive.status_code == 200
    assert ready.status_code == 503


@pytest.mark.parametrize("path", ["/?after=zzz", "/cases?after=W10", "/cases?stage=nowhere", "/cases?domain=%00"])
async def test_a_broken_filter_or_page_is_refused_not_a_crash(console: Console, path: str) -> None:
    await console.sign_in()

    assert (await console.http.get(path)).status_code in (404, 422)


# untrusted text


async def test_text_from_reports_stays_text_everywhere(console: Console) -> None:
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{ 7*7 }}\u202egnp.exe"
    card = planted.rich_card(NOW, title=evil)
    gate = replace(card.gates[1].gate, question=evil, steps=(evil,))
    voted = tuple(replace(vote, reason=evil) for vote in card.gates[1].votes)
    card = replace(
        card,
        gates=(card.gates[0], replace(card.gates[1], gate=gate, votes=voted)),
        reasons=(evil,),
        source_ref=evil,
        jurisdictions=(evil,),
        tasks=tuple(replace(task, title=evil) for task in card.tasks),
        open_items=(evil,),
        clocks=tuple(replace(clock, duty=evil, derivation=(evil,)) for clock in card.clocks),
    )
    await console.plant(card, text=evil)
    await console.sign_in()

    for path in ("/", "/cases", f"/cases/{card.case_id}", f"/cases/{card.case_id}/timeline"):
        text = await console.page(path)

        assert "<script>alert" not in text
        assert "<img src=x" not in text
        assert "{{ 7*7 }}" in text
        assert "\u202e" not in text


@pytest.mark.parametrize(
    ("verb", "path", "allowed"), [("POST", "/healthz", "GET"), ("GET", "/signout", "POST"), ("PUT", "/v1/x", "POST")]
)
async def test_a_verb_that_a_place_does_not_take_is_told_which_it_takes(
    engine: AsyncEngine, tmp_path: Path, verb: str, path: str, allowed: str
) -> None:
    routes = APIRouter()
    routes.add_api_route("/v1/x", lambda: {}, methods=["POST"])

    async with client_of(engine, tmp_path, Heard(), intake_router=routes) as http:
        answer = await http.request(verb, path)

    assert (answer.status_code, allowed in answer.headers["allow"].split(", ")) == (405, True)


async def test_every_answer_forbids_foreign_and_inline_code(console: Console) -> None:
    await console.plant()
    await console.sign_in()

    for path in ("/", f"/cases/{planted.CASE}", "/nothing", "/static/seawall.css", "/healthz", "/cases/none"):
        answer = await console.http.get(path)

        assert answer.headers["content-security-policy"] == POLICY
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert not re.search(r"<script(?![^>]*src=)|<style|\sstyle=|\son[a-z]+=|https?://", answer.text)


def test_the_vendored_files_are_those_of_the_manifest() -> None:
    manifest = json.loads((VENDOR / "manifest.json").read_text())

    assert {path.name for path in VENDOR.iterdir()} == {*manifest, "manifest.json"}
    for name, listed in manifest.items():
        digest = hashlib.sha384((VENDOR / name).read_bytes()).digest()
        assert listed["integrity"] == f"sha384-{base64.b64encode(digest).decode()}", name


async def test_the_intakes_routes_are_served_beside_the_pages(console: Console) -> None:
    router = APIRouter()

    @router.post("/v1/intake/{source}")
    async def take(source: str) -> dict[str, str]:
        raise Problem("cannot_write", "The casebook cannot be written.", exit_code=UNAVAILABLE)

    async with client_of(console.engine, console.home, console.heard, intake_router=router) as http:
        answer = await http.post("/v1/intake/demo", json={})

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["code"] == "cannot_write"
