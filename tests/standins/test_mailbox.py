"""Does the mail server keep letters strictly, and refuse when told to?"""

import asyncio
import contextlib
import smtplib
from collections.abc import Callable
from email.message import EmailMessage
from email.utils import formatdate
from typing import Any
from urllib.parse import urlsplit

import pytest

from standins import journal, serve

TO = "marktaufsicht@authority.example"


def _letter(**headers: str) -> EmailMessage:
    letter = EmailMessage()
    given = {
        "From": "trust@shop.example",
        "To": TO,
        "Subject": "Our reply",
        "Date": formatdate(1_795_000_000),
        "Message-ID": "<esc-1.reply-1@shop.example>",
    }
    for name, value in {**given, **headers}.items():
        if value:
            letter[name] = value
    letter.set_content("The listings are hidden.")
    return letter


async def _talk(running: serve.Running, said: Callable[[smtplib.SMTP], Any]) -> Any:
    address = urlsplit(running.urls["mail"])

    def session() -> Any:
        with smtplib.SMTP(str(address.hostname), address.port or 0, local_hostname="shop.example", timeout=5) as smtp:
            return said(smtp)

    return await asyncio.to_thread(session)


async def _send(running: serve.Running, letter: EmailMessage, to: str = TO) -> Any:
    return await _talk(running, lambda smtp: smtp.send_message(letter, "trust@shop.example", [to]))


async def test_a_letter_is_kept_whole_and_journaled_without_its_subject(far_side: serve.Running) -> None:
    await _send(far_side, _letter())

    (line,) = far_side.journal("mail")
    kept = (far_side.folder / line["detail"]["file"]).read_bytes()
    assert (line["key"], line["detail"]["recipients"]) == ("<esc-1.reply-1@shop.example>", [TO])
    assert b"The listings are hidden." in kept
    assert "Our reply" not in str(line)


async def test_the_same_letter_twice_is_kept_twice(far_side: serve.Running) -> None:
    for _ in range(2):
        await _send(far_side, _letter())

    assert len(journal.effects(far_side.folder, "mail")) == 2
    assert len(list((far_side.folder / "mail").iterdir())) == 2


@pytest.mark.parametrize(
    "address",
    ["nobody", "a@b", "a..b@authority.example", "a b@authority.example", "ü@authority.example"[1:], "x@-a.example"],
)
async def test_an_address_that_is_none_is_refused(far_side: serve.Running, address: str) -> None:
    code, _ = await _talk(far_side, lambda smtp: (smtp.ehlo(), smtp.mail("trust@shop.example"), smtp.rcpt(address))[2])

    assert code // 100 == 5
    assert journal.effects(far_side.folder, "mail") == []


@pytest.mark.parametrize("missing", ["From", "To", "Date", "Message-ID", "Subject"])
async def test_a_letter_without_a_needed_header_is_refused(far_side: serve.Running, missing: str) -> None:
    with pytest.raises(smtplib.SMTPDataError) as refused:
        await _send(far_side, _letter(**{missing: ""}))

    assert refused.value.smtp_code == 550


@pytest.mark.parametrize("code", ["450", "451", "550"])
async def test_a_scripted_refusal_of_one_recipient_hits_that_one_only(far_side: serve.Running, code: str) -> None:
    far_side.script("mail", [{"id": code, "op": "rcpt", "match": {"to": TO}, "kind": code}])

    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await _send(far_side, _letter())
    await _send(far_side, _letter(), to="other@authority.example")
    await _send(far_side, _letter())

    assert refused.value.recipients[TO][0] == int(code)
    assert [subject for *_, subject in journal.effects(far_side.folder, "mail")] == ["other@authority.example", TO]
    assert far_side.unfired() == []


@pytest.mark.parametrize(
    ("kind", "kept"),
    [("500_before", 0), ("500_after", 1), ("reset_before", 0), ("reset_after", 1), ("451", 0), ("slow", 1)],
)
async def test_a_scripted_fault_at_the_end_of_the_letter_happens_before_or_after_keeping_it(
    far_side: serve.Running, kind: str, kept: int
) -> None:
    far_side.script("mail", [{"id": kind, "op": "data", "kind": kind, "seconds": 0.01}])

    if kind == "slow":
        await _send(far_side, _letter())
    else:
        with pytest.raises((smtplib.SMTPException, OSError)):
            await _send(far_side, _letter())

    assert len(journal.effects(far_side.folder, "mail")) == kept
    assert far_side.unfired() == []


async def test_a_letter_is_numbered_on_after_a_restart(far_side: serve.Running) -> None:
    await _send(far_side, _letter())
    await far_side.stop()

    again = await serve.start(far_side.folder)
    await _send(again, _letter())
    await again.stop()

    assert [line["detail"]["file"] for line in journal.read(far_side.folder, "mail")] == [
        "mail/000001.eml",
        "mail/000002.eml",
    ]


async def test_stopping_ends_a_session_that_a_client_left_open(far_side: serve.Running) -> None:
    address = urlsplit(far_side.urls["mail"])
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    greeting = await reader.readline()

    await far_side.stop()

    with contextlib.suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()
    assert greeting.startswith(b"220")
