"""Does every letter go out once, to the right people, with nothing added by anybody?"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from temporalio.exceptions import ApplicationError

from activities import outside
from activities.clients.evidence import open_evidence
from activities.clients.mail import MarketplaceBook, Smtp
from activities.evidence import Store
from activities.letters import Buyers, Letter, Seller, months_before
from activities.mail import Mail
from escalations.notices import NoticeOrder, Recipient, Sent
from rulebook import notices
from standins.serve import Running
from tests.activities.far_side import (
    AT,
    CASE,
    TARGETS,
    Room,
    applied,
    attempt,
    bodies,
    client,
    mail_port,
    order,
    running,
)

SENDER = "Seawall Trust & Safety <trust@shop.example>"
TEMPLATES = notices.load()
AUTHORITY = {
    "authority": "Bundesnetzagentur",
    "reference": "BNetzA-2026-17",
    "legal_basis": "Regulation (EU) 2023/988, Article 22(4)",
    "received_at": "2026-11-20 09:00 UTC",
    "product": "Ohmberry Peak 20K power bank",
    "effect": "The offers can no longer be seen or bought.",
    "effect_at": "2026-11-22 10:00 UTC",
    "offers": "3",
    "territory": "DE, FR",
    "contact": "orders@shop.example",
}
RECALL = {
    "product": "Ohmberry Peak 20K power bank",
    "identification": "model OB-PK20",
    "sold": "from January 2026, on our marketplace",
    "hazard": "The battery can overheat and catch fire.",
    "action": "Unplug it and keep it away from anything that burns.",
    "remedy": "A refund or a replacement, as you choose.",
    "contact": "https://shop.example/recalls, free of charge",
}


class Book:
    """An address book in memory."""

    def __init__(self, bought: Mapping[str, Buyers] | None = None, mail: str = "{}@sellers.example") -> None:
        self.bought = bought or {}
        self.mail = mail
        self.since: list[datetime | None] = []

    async def seller(self, seller: str) -> Seller | None:
        return None if seller == "gone" else Seller(name=f"{seller} Ltd", email=self.mail.format(seller))

    async def buyers(self, listing: str, since: datetime | None) -> Buyers:
        self.since.append(since)
        return self.bought.get(listing, Buyers(addresses=()))


class Office:
    """One mail hand with its store, against the stand-in."""

    def __init__(self, far: Running, folder: Path, book: Any = None) -> None:
        self.room = Room()
        self.evidence = open_evidence(str(folder / "evidence"))
        self.hand = Mail(Smtp("127.0.0.1", mail_port(far), SENDER), book or Book(), self.evidence, TEMPLATES)

    async def send(self, asked: NoticeOrder, number: int = 1) -> Sent:
        for content in self.room.kept.values():
            await self.evidence.put(content)
        return await attempt(number).run(self.hand.send_notice, asked)

    def sellers(self, **more: Any) -> NoticeOrder:
        return order(Recipient.SELLERS, "seller_statement", manifest=self.room.manifest(), **more)

    def buyers(self, **more: Any) -> NoticeOrder:
        return order(Recipient.BUYERS, "buyer_recall", RECALL, manifest=self.room.manifest(), **more)


def reply_to(address: str = "orders@authority.example", **more: Any) -> NoticeOrder:
    return order(Recipient.AUTHORITY, "authority_reply", AUTHORITY, reply_to=address, **more)


def text(letter: EmailMessage) -> str:
    content = letter.get_content()
    assert "\n" not in content.replace("\r\n", "")
    return str(content.replace("\r\n", "\n"))


def letters(folder: Path) -> list[EmailMessage]:
    return [BytesParser(policy=policy.default).parsebytes(body) for body in bodies(folder)]


async def test_an_authority_gets_one_plain_letter_that_says_it_was_sent_by_a_machine(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        sent = await Office(far, tmp_path).send(reply_to())

        (letter,) = letters(tmp_path)
    assert letter["To"] == "orders@authority.example"
    assert letter["From"] == SENDER
    assert letter["Subject"] == "Order BNetzA-2026-17: effect given"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert letter["Message-ID"].startswith(f"<{CASE}.notice.1.")
    assert letter["Message-ID"].endswith("@shop.example>")
    assert letter.get_content_type() == "text/plain"
    assert "Offers restricted: 3" in text(letter)
    assert (sent.count, sent.problem) == (1, "")
    assert "authority.example" not in sent.proof


async def test_each_seller_gets_one_letter_about_their_own_offers(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path)

        sent = await office.send(office.sellers())

        volt, maple = letters(tmp_path)
    assert (sent.count, sent.problem) == (2, "")
    assert (volt["To"], maple["To"]) == ("volt-corner@sellers.example", "maple-outlet@sellers.example")
    assert "- L-00001\n- L-00002\n" in text(volt)
    assert "L-00003" not in text(volt)
    assert volt["Message-ID"] != maple["Message-ID"]


async def test_a_retry_and_a_reset_send_nothing_again_and_give_the_same_proof(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path)

        first = await office.send(office.sellers())
        again = await office.send(office.sellers(), 2)
        reset = await Office(far, tmp_path).send(office.sellers(), 1)

        assert len(applied(far, "mail")) == 2
    assert (first.proof, first.count) == (again.proof, again.count) == (reset.proof, reset.count)


async def test_a_second_notice_of_the_case_is_another_letter(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path)

        await office.send(reply_to())
        await office.send(reply_to(number=2))

        first, second = applied(far, "mail")
    assert first["key"] != second["key"]


async def test_a_letter_whose_reply_was_lost_is_not_sent_again_but_left_to_a_person(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        far.script("mail", [{"id": "lost", "op": "data", "kind": "reset_after"}])
        office = Office(far, tmp_path)

        for number in (1, 2):
            with pytest.raises(ApplicationError) as caught:
                await office.send(office.sellers(), number)
            assert (caught.value.type, caught.value.non_retryable) == (outside.OUTCOME_UNKNOWN, True)

        assert len(applied(far, "mail")) == 2
    assert "1 of 2 letters" in str(caught.value)
    assert "sellers.example" not in str(caught.value)


async def test_a_letter_that_may_be_repeated_is_sent_again_and_the_proof_says_so(tmp_path: Path) -> None:
    book = Book({"L-00001": Buyers(addresses=("bo@buyers.example", "li@buyers.example"))})
    async with running(tmp_path) as far:
        far.script("mail", [{"id": "lost", "op": "data", "kind": "reset_after"}])
        office = Office(far, tmp_path, book)

        with pytest.raises(ApplicationError) as caught:
            await office.send(office.buyers())
        sent = await office.send(office.buyers(), 2)

        keys = [told["key"] for told in applied(far, "mail")]
    assert (caught.value.type, caught.value.details[0]["outcome_unknown"]) == (outside.DOWN, True)
    assert len(keys) == 3
    assert len(set(keys)) == 2
    assert sent.count == 2
    assert sent.proof.endswith("duplicate possible for 1")


class Dying:
    """An evidence store whose worker dies before it can write down that a letter was taken."""

    def __init__(self, evidence: Store) -> None:
        self.put, self.get, self.find = evidence.put, evidence.get, evidence.find
        self.evidence = evidence

    async def put_once(self, name: str, content: bytes) -> bytes:
        if name.endswith(".accepted"):
            raise OSError("died")
        return await self.evidence.put_once(name, content)


async def test_a_worker_that_died_before_it_could_write_the_end_leaves_it_to_a_person(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path)
        dying = Mail(Smtp("127.0.0.1", mail_port(far), SENDER), Book(), Dying(office.evidence), TEMPLATES)

        with pytest.raises(OSError, match="died"):
            await attempt(1).run(dying.send_notice, reply_to())
        with pytest.raises(ApplicationError) as caught:
            await office.send(reply_to(), 2)

        assert len(applied(far, "mail")) == 1
    assert (caught.value.type, caught.value.non_retryable) == (outside.OUTCOME_UNKNOWN, True)


async def test_a_cancelled_activity_still_writes_down_the_end_of_the_letter_under_way(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        far.script("mail", [{"id": "held", "op": "data", "kind": "pause_before", "barrier": "b"}])
        office = Office(far, tmp_path)
        sending = asyncio.create_task(office.send(office.sellers()))
        await far.barrier("mail", "b").arrived()

        sending.cancel()
        await asyncio.sleep(0)
        far.barrier("mail", "b").release()
        with pytest.raises(asyncio.CancelledError):
            await sending
        after_the_cancel = len(applied(far, "mail"))
        sent = await office.send(office.sellers(), 2)

        assert (after_the_cancel, len(applied(far, "mail"))) == (1, 2)
    assert (sent.count, sent.problem) == (2, "")


@pytest.mark.parametrize("kind", ["450", "451"])
async def test_a_recipient_that_is_put_off_is_tried_again_later_and_the_others_at_once(
    tmp_path: Path, kind: str
) -> None:
    async with running(tmp_path) as far:
        far.script("mail", [{"id": "grey", "op": "rcpt", "kind": kind}])
        office = Office(far, tmp_path)

        with pytest.raises(ApplicationError) as caught:
            await office.send(office.sellers())
        to_the_other = len(applied(far, "mail"))
        sent = await office.send(office.sellers(), 2)

        assert (to_the_other, len(applied(far, "mail"))) == (1, 2)
    assert caught.value.type == outside.BUSY
    assert caught.value.next_retry_delay == timedelta(minutes=1)
    assert (sent.count, sent.problem) == (2, "")


async def test_a_message_put_off_after_its_text_was_not_taken_and_goes_again(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        far.script("mail", [{"id": "full", "op": "data", "kind": "451"}])
        office = Office(far, tmp_path)

        with pytest.raises(ApplicationError):
            await office.send(reply_to())
        sent = await office.send(reply_to(), 2)

        assert len(applied(far, "mail")) == 1
    assert "duplicate" not in sent.proof


async def test_a_refused_recipient_is_counted_and_does_not_keep_the_others_from_theirs(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        far.script("mail", [{"id": "no", "op": "rcpt", "kind": "550"}])
        office = Office(far, tmp_path)

        first = await office.send(office.sellers())
        again = await office.send(office.sellers(), 2)

        assert len(applied(far, "mail")) == 1
    assert first.count == again.count == 1
    assert "refused 1 recipients (550)" in first.problem
    assert again.problem == first.problem


async def test_a_mail_server_that_is_away_leaves_no_doubt_about_any_letter(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path)
    with pytest.raises(ApplicationError) as caught:
        await office.send(reply_to())
    assert (caught.value.type, caught.value.details[0]["outcome_unknown"]) == (outside.DOWN, False)

    async with running(tmp_path / "again") as back:
        sent = await Office(back, tmp_path).send(reply_to(), 2)

    assert (sent.count, sent.problem) == (1, "")


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nBcc: all@b.example",
        "a@b.example>\r\nRCPT TO:<x@y.example",
        "a@b.example,c@d.example",
        "a b@c.example",
        "ä@b.example",
        "a@b",
        "",
    ],
)
async def test_an_address_that_is_none_is_refused_and_counted(tmp_path: Path, address: str) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path, Book(mail=address))

        sent = await office.send(office.sellers())

        assert far.journal("mail") == []
    assert (sent.count, sent.problem.split(";")[0]) == (0, "1 recipients have no usable address")


async def test_a_line_break_in_a_field_adds_no_header_and_no_line(tmp_path: Path) -> None:
    hostile = AUTHORITY | {"reference": "17\r\nBcc: victim@x.example\r\n\r\nHello", "effect": "done\r\n.\r\nQUIT"}
    async with running(tmp_path) as far:
        asked = order(Recipient.AUTHORITY, "authority_reply", hostile, reply_to="orders@authority.example")
        await Office(far, tmp_path).send(asked)

        (letter,) = letters(tmp_path)
    assert letter["Bcc"] is None
    assert letter["Subject"] == "Order 17 Bcc: victim@x.example Hello: effect given"
    assert "Effect given: done . QUIT\n" in text(letter)


async def test_a_body_line_that_starts_with_a_dot_arrives_whole(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        letter = Letter(to="a@b.example", subject="s", body=".\n..\n.end\nÄ\n", message_id="<1@shop.example>")
        async with Smtp("127.0.0.1", mail_port(far), SENDER).line(letter) as line:
            answer = await line.deliver()

        (kept,) = letters(tmp_path)
    assert answer.code == 250
    assert text(kept) == ".\n..\n.end\nÄ\n"


@pytest.mark.parametrize("sender", ["", "nobody", "a@b.example\r\nBcc: c@d.example", "a@b.example, c@d.example"])
def test_a_sender_that_is_no_address_names_the_setting(sender: str) -> None:
    with pytest.raises(ValueError, match="SEAWALL_MAIL_FROM"):
        Smtp("127.0.0.1", 25, sender)


async def test_a_buyer_of_several_offers_gets_one_letter_about_all(tmp_path: Path) -> None:
    book = Book(
        {
            "L-00001": Buyers(addresses=("bo@buyers.example",), unreachable=2),
            "L-00003": Buyers(addresses=("bo@buyers.example", "li@buyers.example")),
        }
    )
    async with running(tmp_path) as far:
        office = Office(far, tmp_path, book)

        sent = await office.send(office.buyers())

        bo, li = letters(tmp_path)
    assert "- L-00001\n- L-00003\n" in text(bo)
    assert "L-00001" not in text(li)
    assert (sent.count, sent.problem.split(";")[0]) == (2, "2 recipients have no usable address")
    assert book.since == [None, None, None]


async def test_buyers_of_something_illegal_are_counted_back_from_awareness_and_told_the_trader(tmp_path: Path) -> None:
    book = Book({"L-00003": Buyers(addresses=("bo@buyers.example",))})
    given = {"product": "x", "illegality": "no CE mark", "redress": "a refund", "contact": "help@shop.example"}
    async with running(tmp_path) as far:
        office = Office(far, tmp_path, book)
        asked = order(
            Recipient.BUYERS, "buyer_illegal", given, manifest=office.room.manifest(), aware_at=AT - timedelta(days=3)
        )

        await office.send(asked)

        (letter,) = letters(tmp_path)
    assert "The trader: maple-outlet Ltd\n" in text(letter)
    assert set(book.since) == {datetime(2026, 5, 19, 10, 0, tzinfo=UTC)}


async def test_words_that_play_a_recall_down_stop_the_letter(tmp_path: Path) -> None:
    async with running(tmp_path) as far:
        office = Office(far, tmp_path, Book({"L-00001": Buyers(addresses=("bo@buyers.example",))}))
        given = RECALL | {"hazard": "A Voluntary, precautionary measure."}
        asked = order(Recipient.BUYERS, "buyer_recall", given, manifest=office.room.manifest())

        with pytest.raises(ApplicationError, match="'hazard'") as caught:
            await office.send(asked)

        assert far.journal("mail") == []
    assert caught.value.type == outside.NOTICE_UNFIT


async def test_an_operator_without_a_known_address_is_a_problem_not_a_failure(tmp_path: Path) -> None:
    given = {
        "operator": "Ohmberry GmbH",
        "product": "x",
        "identification": "OB-PK20",
        "reason": "recall",
        "effect": "hidden",
        "effect_at": "now",
        "offers": "3",
        "contact": "c@shop.example",
    }
    async with running(tmp_path) as far:
        sent = await Office(far, tmp_path).send(order(Recipient.OPERATOR, "operator_notice", given))

    assert (sent.count, sent.problem.split(";")[0]) == (0, "1 recipients have no usable address")


async def test_the_marketplace_is_asked_for_addresses_and_they_reach_the_letters(tmp_path: Path) -> None:
    async with running(tmp_path) as far, client(far, "marketplace") as to:
        office = Office(far, tmp_path, MarketplaceBook(to))
        one = office.room.manifest(TARGETS[2:])

        sellers = await office.send(order(Recipient.SELLERS, "seller_statement", manifest=one))
        buyers = await office.send(order(Recipient.BUYERS, "buyer_recall", RECALL, manifest=one, number=2))
        book = MarketplaceBook(to)
        unknown = (await book.seller("no such/seller"), await book.buyers("no such", None))

        told = [entry["subject"] for entry in applied(far, "mail")]
    assert unknown == (None, Buyers(addresses=()))
    assert sellers.count == 1
    assert told[0] == "maple-outlet@sellers.example"
    assert buyers.count == len(told) - 1 > 0


@asynccontextmanager
async def smtp(*replies: bytes) -> AsyncIterator[int]:
    """Speak SMTP by rote: one reply a line, whatever is said."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in replies:
            writer.write(reply + b"\r\n")
            if not await reader.readline():
                break
        writer.close()

    server = await asyncio.start_server(speak, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("replies", "kind"),
    [
        pytest.param((b"554 no",), outside.FORBIDDEN, id="not welcome"),
        pytest.param((b"421 later",), outside.BUSY, id="closing"),
        pytest.param((b"220 hi", b"250 hi", b"553 who"), outside.FORBIDDEN, id="sender refused"),
        pytest.param((b"220 hi", b"250 hi", b"452 full"), outside.BUSY, id="sender put off"),
        pytest.param((b"HTTP/1.1 400 Bad Request",), outside.DOWN, id="not a mail server"),
    ],
)
async def test_what_a_server_says_before_the_recipient_is_about_us(replies: tuple[bytes, ...], kind: str) -> None:
    letter = Letter(to="a@b.example", subject="s", body="b", message_id="<1@shop.example>")
    async with smtp(*replies) as port:
        with pytest.raises(ApplicationError) as caught:
            async with Smtp("127.0.0.1", port, SENDER).line(letter):
                pass

    assert caught.value.type == kind


async def test_a_server_that_offers_tls_with_a_bad_certificate_gets_no_letter() -> None:
    letter = Letter(to="a@b.example", subject="s", body="b", message_id="<1@shop.example>")
    async with smtp(b"220 hi", b"250-hi\r\n250 STARTTLS", b"220 go", b"plain text") as port:
        with pytest.raises(ApplicationError) as caught:
            async with Smtp("127.0.0.1", port, SENDER, tls=ssl.create_default_context()).line(letter):
                pass

    assert caught.value.type == outside.DOWN


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Make a certificate for this machine: one context to serve with, one that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
        .public_bytes(serialization.Encoding.PEM)
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "server.pem").write_bytes(secret + made)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(folder / "server.pem")
    return serving, ssl.create_default_context(cadata=made.decode())


class Sealed:
    """Keeps what arrives, and whether it came through TLS."""

    def __init__(self) -> None:
        self.arrived: list[tuple[list[str], bool]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        self.arrived.append((envelope.rcpt_tos, session.ssl is not None))
        return "250 OK"


async def test_a_server_that_offers_tls_gets_the_letter_through_it_if_its_certificate_is_good(tmp_path: Path) -> None:
    serving, trusting = certificate(tmp_path)
    sealed = Sealed()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(sealed, tls_context=serving, loop=loop), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    letter = Letter(to="a@b.example", subject="s", body="b", message_id="<1@shop.example>")

    async with Smtp("127.0.0.1", port, SENDER, tls=trusting).line(letter) as line:
        answer = await line.deliver()
    with pytest.raises(ApplicationError) as caught:
        async with Smtp("127.0.0.1", port, SENDER).line(letter):
            pass
    server.close()
    await server.wait_closed()

    assert answer.code == 250
    assert sealed.arrived == [(["a@b.example"], True)]
    assert caught.value.type == outside.DOWN


@pytest.mark.parametrize(
    ("at", "months", "before"),
    [
        ("2026-11-22", 6, "2026-05-22"),
        ("2026-03-31", 1, "2026-02-28"),
        ("2028-03-31", 1, "2028-02-29"),
        ("2026-10-31", 1, "2026-09-30"),
        ("2026-01-15", 6, "2025-07-15"),
    ],
)
def test_months_are_counted_back_to_the_last_day_of_a_shorter_one(at: str, months: int, before: str) -> None:
    assert months_before(datetime.fromisoformat(at), months) == datetime.fromisoformat(before)
