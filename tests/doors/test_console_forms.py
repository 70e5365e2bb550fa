"""Does the console pass on only what its own signed-in person said?"""

from dataclasses import replace
from datetime import datetime

import pytest

from escalations import ids
from escalations.consensus import Stance
from escalations.messages import Decide, Learn
from starter import signin
from starter.errors import BUSY, REFUSED, UNAVAILABLE, UNKNOWN_CASE, Problem
from tests.browser import planted
from tests.doors.consoles import NOW, SITE, Console


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


async def test_a_page_that_is_open_stays_and_says_that_its_session_ended(console: Console) -> None:
    card = await console.plant()

    for path in ("/", f"/cases/{card.case_id}"):
        answer = await console.http.get(path, headers={"HX-Request": "true"})

        assert (answer.status_code, "hx-redirect" in answer.headers) == (401, False)
        assert "Your session has ended." in answer.text


async def test_what_was_written_stays_when_the_session_ended_meanwhile(console: Console) -> None:
    card = await console.plant()
    await console.sign_in()
    fields = await console.form(f"/cases/{card.case_id}", f"/cases/{card.case_id}/decide")
    console.http.cookies.clear()

    answer = await console.http.post(
        f"/cases/{card.case_id}/decide",
        data={**fields, "option": "hide", "stance": "approve"},
        headers={"HX-Request": "true"},
    )

    assert (answer.status_code, "hx-redirect" in answer.headers) == (401, False)
    assert answer.headers["hx-retarget"] == f"#answer-{fields['request_id']}"
    assert "Your session has ended; nothing was recorded." in answer.text
    assert console.heard.said == []


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
