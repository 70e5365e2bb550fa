"""Does the console show what the casebook holds, and pass on only what its own signed-in person said?"""

import base64
import hashlib
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncEngine

import rulebook
from escalations import ids
from escalations.consensus import Stance
from escalations.messages import Decide, Learn, Receipt
from escalations.record import Card
from starter import signin
from starter.console.app import create_app
from starter.console.security import POLICY
from starter.errors import BUSY, REFUSED, UNAVAILABLE, UNKNOWN_CASE, Problem
from store import quarantine
from store.engine import open_engine
from store.migrations import upgrade
from tests.browser import planted

NOW = planted.start()
RULES = rulebook.load()
VENDOR = Path("starter/console/static/vendor")
SITE = "http://console.test"


@dataclass
class Heard:
    """A door's ear: keeps what was said and answers as it was told to."""

    said: list[tuple[str, str, Any]] = field(default_factory=list)
    refusal: Problem | None = None

    async def __call__(self, client: Any, case_id: str, name: str, message: Any) -> Receipt:
        self.said.append((case_id, name, message))
        if self.refusal is not None:
            raise self.refusal
        return Receipt(request_id=message.said.request_id, code="taken", text="Your answer counts.", at=NOW)


@dataclass
class Console:
    home: Path
    engine: AsyncEngine
    heard: Heard
    http: httpx2.AsyncClient

    async def sign_in(self, person: str = "leo.legal") -> None:
        link = signin.new_link(self.home, person, base_url=SITE, now=NOW)
        answer = await self.http.post("/signin", data={"token": link.split("token=")[1]})
        assert answer.status_code == 303

    async def plant(self, card: Card | None = None, **more: Any) -> Card:
        card = card or planted.rich_card(NOW)
        await planted.plant(self.engine, card, **more)
        return card

    async def page(self, path: str, status: int = 200) -> str:
        answer = await self.http.get(path)
        assert answer.status_code == status, answer.text
        return answer.text

    async def form(self, path: str, action: str) -> dict[str, str]:
        """Read the hidden fields of the form that posts to `action`."""
        text = await self.page(path)
        found = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', text, re.S)
        assert found, f"no form for {action}"
        return dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found[0]))

    async def decide(self, case_id: str, **changed: str) -> httpx2.Response:
        hidden = await self.form(f"/cases/{case_id}", f"/cases/{case_id}/decide")
        fields = {**hidden, "option": "hide", "stance": "approve", **changed}
        return await self.http.post(f"/cases/{case_id}/decide", data=fields, headers={"HX-Request": "true"})


@pytest.fixture
async def console(tmp_path: Path) -> AsyncIterator[Console]:
    engine = open_engine(f"sqlite:///{tmp_path}/casebook.db")
    await upgrade(engine)
    heard = Heard()
    async with client_of(engine, tmp_path, heard) as http:
        yield Console(home=tmp_path, engine=engine, heard=heard, http=http)
    await engine.dispose()


def client_of(engine: AsyncEngine, home: Path, heard: Heard, **more: Any) -> httpx2.AsyncClient:
    async def no_client() -> Any:
        return None

    app = create_app(
        engine=engine,
        client_factory=more.pop("client_factory", no_client),
        settings=SimpleNamespace(home=home),
        rulebook=RULES,
        speak=heard,
        now=lambda: NOW,
        **more,
    )
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url=SITE)


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


# saying


async def test_a_decision_reaches_the_case_bound_to_what_was_shown_and_attested(console: Console) -> None:
    card = await console.plant()
    await console.sign_in("leo.legal")

    answer = await console.decide(
        card.case_id, stance="approve_with_conditions", conditions="tell the seller\r\n\r\nask OPS"
    )

    assert answer.status_code == 200
    assert "Your answer counts." in answer.text
    [(case_id, name, message)] = console.heard.said
    assert (case_id, name) == (card.case_id, "decide")
    assert isinstance(message, Decide)
    assert (message.said.person, message.said.door, message.role) == ("leo.legal", "console", "LEG")
    assert message.digest == card.gates[1].gate.digest
    assert (message.stance, message.conditions) == (Stance.CONDITIONS, ("tell the seller", "ask OPS"))
    assert signin.is_attested(message, case_id, home=console.home)


async def test_an_attestation_proves_these_words_in_this_case_only(console: Console) -> None:
    card = await console.plant()
    await console.sign_in("leo.legal")
    await console.decide(card.case_id)
    [(case_id, _, message)] = console.heard.said

    for other in (
        replace(message, option="no_action"),
        replace(message, reason="other words"),
        replace(message, said=replace(message.said, person="eric.exec")),
        replace(message, said=replace(message.said, request_id="another-one")),
        replace(message, said=replace(message.said, door="cli")),
    ):
        assert not signin.is_attested(other, case_id, home=console.home)
    assert not signin.is_attested(message, ids.case_id("another", "case"), home=console.home)


async def test_the_same_form_sent_twice_says_the_same_request_id(console: Console) -> None:
    card = await console.plant()
    await console.sign_in()
    action = f"/cases/{card.case_id}/decide"
    fields = {**await console.form(f"/cases/{card.case_id}", action), "option": "hide", "stance": "approve"}

    for _ in range(2):
        await console.http.post(action, data=fields)

    first, second = (message.said.request_id for _, _, message in console.heard.said)
    assert first == second


async def test_without_scripts_the_receipt_is_a_whole_page(console: Console) -> None:
    card = await console.plant()
    await console.sign_in()
    fields = await console.form(f"/cases/{card.case_id}", f"/cases/{card.case_id}/claim")

    answer = await console.http.post(f"/cases/{card.case_id}/claim", data=fields)

    assert answer.status_code == 200
    assert "<!doctype html>" in answer.text
    assert "Your answer counts." in answer.text


@pytest.mark.parametrize(
    ("refusal", "status"),
    [
        (Problem("stale_digest", "The evidence has changed.", exit_code=REFUSED), 409),
        (Problem("unknown_case", "There is no such case.", exit_code=UNKNOWN_CASE), 404),
        (Problem("server_away", "Temporal does not answer.", exit_code=UNAVAILABLE), 503),
        (Problem("busy", "The case is answering others.", exit_code=BUSY), 429),
    ],
    ids=lambda value: value.code if isinstance(value, Problem) else "",
)
async def test_a_refusal_is_shown_beside_its_form_with_the_reason(
    console: Console, refusal: Problem, status: int
) -> None:
    card = await console.plant()
    await console.sign_in()
    console.heard.refusal = refusal

    answer = await console.decide(card.case_id)

    assert answer.status_code == status
    assert refusal.text in answer.text
    assert 'role="alert"' in answer.text
    said = console.heard.said[0][2].said
    assert answer.headers["hx-retarget"] == f"#answer-{said.request_id}"


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"stance": "veto", "reason": "  "}, "reason_required"),
        ({"stance": "maybe"}, "unknown_value"),
        ({"option": ""}, "option_required"),
        ({"digest": ""}, "digest_required"),
        ({"reason": "a\x00b"}, "control_character"),
        ({"reason": "x" * 4001}, "too_long"),
        ({"request_id": ""}, "request_id_required"),
        ({"request_id": '"><b>x'}, "request_id_required"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_form_filled_in_wrongly_is_refused_before_the_case_is_asked(
    console: Console, changed: dict[str, str], code: str
) -> None:
    card = await console.plant()
    await console.sign_in()

    answer = await console.decide(card.case_id, **changed)

    assert answer.status_code == 422
    assert code in answer.text
    assert console.heard.said == []


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"a=1", "text/plain", 415),
        (b"a=%ff", "application/x-www-form-urlencoded", 400),
        (b"a=%ED%A0%80", "application/x-www-form-urlencoded", 400),
        (b"csrf=1&csrf=2", "application/x-www-form-urlencoded", 400),
        (b"a=" + b"x" * 70_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"f%d=1" % number for number in range(60)), "application/x-www-form-urlencoded", 422),
    ],
)
async def test_bytes_that_are_no_form_of_ours_are_refused(
    console: Console, content: bytes, kind: str, status: int
) -> None:
    await console.sign_in()

    answer = await console.http.post(f"/cases/{planted.CASE}/decide", content=content, headers={"content-type": kind})

    assert answer.status_code == status
    assert console.heard.said == []


async def test_a_form_without_its_sessions_token_is_refused(console: Console) -> None:
    card = await console.plant()
    await console.sign_in()

    for token in ("", "guessed", "ключ"):
        answer = await console.decide(card.case_id, csrf=token)

        assert answer.status_code == 403
    assert console.heard.said == []


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.test"},
        {"origin": "null"},
    ],
    ids=str,
)
async def test_a_form_sent_by_another_site_is_refused_even_with_the_token(
    console: Console, headers: dict[str, str]
) -> None:
    card = await console.plant()
    await console.sign_in()
    action = f"/cases/{card.case_id}/claim"
    fields = await console.form(f"/cases/{card.case_id}", action)

    answer = await console.http.post(action, data=fields, headers=headers)

    assert answer.status_code == 403
    assert console.heard.said == []


async def test_signing_somebody_in_from_another_site_is_refused(console: Console) -> None:
    link = signin.new_link(console.home, "leo.legal", base_url=SITE, now=NOW)

    answer = await console.http.post(
        "/signin", data={"token": link.split("token=")[1]}, headers={"sec-fetch-site": "cross-site"}
    )

    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


async def test_a_session_that_ended_while_the_page_was_open_leads_to_signing_in(console: Console) -> None:
    card = await console.plant()

    answer = await console.http.post(f"/cases/{card.case_id}/claim", data={"csrf": "x"}, headers={"HX-Request": "true"})

    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/signin")


async def test_a_fact_is_told_with_its_time_in_utc(console: Console) -> None:
    card = await console.plant()
    await console.sign_in()
    action = f"/cases/{card.case_id}/learn"
    fields = await console.form(f"/cases/{card.case_id}", action)
    told = {"fact": "serious_injuries", "value": "2", "reason": "hospital", "at": "2026-11-22T04:00:00+02:00"}

    await console.http.post(action, data={**fields, **told})

    [(_, _, message)] = console.heard.said
    assert isinstance(message, Learn)
    assert message.at == datetime(2026, 11, 22, 2, tzinfo=NOW.tzinfo)


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
