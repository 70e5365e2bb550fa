"""How is a message handed to a mail server over SMTP, and how does the marketplace tell us whom to write to?"""

import asyncio
import re
import smtplib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, getaddresses
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from temporalio.exceptions import ApplicationError

from activities import outside
from activities.clients import http
from activities.letters import ADDRESS, Buyers, Letter, Seller
from activities.mail import SYSTEM, Answer, End

if TYPE_CHECKING:
    import httpx2

SECONDS: Final = 10.0
LAYOUT: Final = policy.SMTP.clone(max_line_length=990)  # RFC 5322 2.1.1 allows 998; folding would break a Message-ID
DOTS: Final = re.compile(rb"^\.", re.MULTILINE)


class Smtp:
    """A mail server; `sender` is our own address, plain or as `Name <address>`.

    STARTTLS is used wherever the server offers it, and its certificate must then be good.
    """

    def __init__(self, host: str, port: int, sender: str, *, tls: ssl.SSLContext | None = None) -> None:
        name, address = (getaddresses([sender]) or [("", "")])[0]
        if not ADDRESS.fullmatch(address) or sender.count("@") != 1 or any(sign < " " for sign in sender):
            raise ValueError("SEAWALL_MAIL_FROM is not an address such as `Seawall <trust@shop.example>`; correct it")
        self.host, self.port, self.name, self.address, self.tls = host, port, name, address, tls
        self.domain = address.rpartition("@")[2]

    @asynccontextmanager
    async def line(self, letter: Letter) -> AsyncIterator["SmtpLine"]:
        """Write the message, connect and name the sender; nothing has been handed over when this fails."""
        try:
            content = self.written(letter)
        except ValueError as error:
            raise outside.unfit(error) from None
        session = await asyncio.to_thread(self._ready)
        try:
            yield SmtpLine(session, letter.to, content)
        finally:
            await asyncio.to_thread(_closed, session)

    def written(self, letter: Letter) -> bytes:
        """Write a message: plain text, UTF-8, CRLF, marked as sent by a machine; raises ValueError for bad headers."""
        message = EmailMessage(policy=LAYOUT)
        message["From"] = f"{self.name} <{self.address}>" if self.name else self.address
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(datetime.now(UTC))
        message["Message-ID"] = letter.message_id
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.body, charset="utf-8", cte="quoted-printable")
        return message.as_bytes()

    def _ready(self) -> smtplib.SMTP:
        session: smtplib.SMTP | None = None
        try:
            session = smtplib.SMTP(self.host, self.port, local_hostname=self.domain, timeout=SECONDS)
            session.ehlo_or_helo_if_needed()
            if session.has_extn("starttls"):
                session.starttls(context=self.tls or ssl.create_default_context())
                session.ehlo()
            _check(*session.mail(self.address))
        except smtplib.SMTPResponseException as error:
            _closed(session)
            raise _no_entry(error.smtp_code) from None
        except (OSError, smtplib.SMTPException):
            _closed(session)
            raise outside.down(SYSTEM, "no connection, or a certificate that is not good") from None
        return session


class SmtpLine:
    """One connection, ready for one message."""

    def __init__(self, session: smtplib.SMTP, to: str, content: bytes) -> None:
        self.session, self.to, self.content = session, to, content

    async def deliver(self) -> Answer:
        """Hand the message over; the calls block, so they run in a thread, each for at most 10 s."""
        return await asyncio.to_thread(self._deliver)

    def _deliver(self) -> Answer:
        try:
            code = self.session.rcpt(self.to)[0]
            if code < 300:
                code = self.session.docmd("DATA")[0]
            if code != 354:
                return _answer(code)
        except (OSError, smtplib.SMTPException):
            return Answer(end=End.DEFERRED)
        try:
            self.session.send(DOTS.sub(b"..", self.content) + b".\r\n")
            return _answer(self.session.getreply()[0])
        except (OSError, smtplib.SMTPException):
            return Answer(end=End.LOST)


class MarketplaceBook:
    """Looks people up at the marketplace; `client` is the marketplace's, with its token."""

    def __init__(self, client: "httpx2.AsyncClient") -> None:
        self.client = client

    async def seller(self, seller: str) -> Seller | None:
        """Ask who a seller is; None for an id that the marketplace does not know."""
        url = f"/v1/sellers/{quote(seller, safe='')}"
        response = await http.call(self.client, "GET", url, system="marketplace", expect=(404,))
        if response.status_code == 404:
            return None
        found = http.answer(response, system="marketplace")
        if not isinstance(found, dict) or not isinstance(found.get("email"), str):
            raise outside.broken("marketplace", "a seller without an email", status=response.status_code)
        return Seller(name=str(found.get("name") or seller), email=found["email"])

    async def buyers(self, listing: str, since: datetime | None) -> Buyers:
        """Ask who bought a listing; nobody, for a listing that the marketplace does not know."""
        response = await http.call(
            self.client,
            "GET",
            f"/v1/listings/{quote(listing, safe='')}/orders",
            system="marketplace",
            expect=(404,),
            params={"since": since.isoformat()} if since else {},
        )
        if response.status_code == 404:
            return Buyers(addresses=())
        found = http.answer(response, system="marketplace")
        given = found.get("addresses") if isinstance(found, dict) else None
        if not isinstance(given, list) or not isinstance(found.get("buyers"), int):
            raise outside.broken("marketplace", "orders without buyers and addresses", status=response.status_code)
        addresses = tuple(str(address) for address in given)
        return Buyers(addresses=addresses, unreachable=max(0, found["buyers"] - len(addresses)))


def _answer(code: int) -> Answer:
    if 200 <= code < 300:
        return Answer(end=End.ACCEPTED, code=code)
    if 500 <= code < 600:
        return Answer(end=End.REFUSED, code=code)
    return Answer(end=End.DEFERRED if 400 <= code < 500 else End.LOST, code=max(code, 0))


def _check(code: int, _: bytes) -> None:
    if not 200 <= code < 300:
        raise smtplib.SMTPResponseException(code, b"")


def _no_entry(code: int) -> ApplicationError:
    """Judge a refusal that came before any recipient was named: it is about us, not about them."""
    if code >= 500:
        return outside.forbidden(SYSTEM, status=code)
    if code >= 400:
        return outside.busy(SYSTEM, status=code, wait=None)
    return outside.down(SYSTEM, "no greeting")


def _closed(session: smtplib.SMTP | None) -> None:
    """Say goodbye if the server still listens; the message's end is known without it."""
    if session is not None:
        with suppress(OSError, smtplib.SMTPException):
            session.quit()
        session.close()
