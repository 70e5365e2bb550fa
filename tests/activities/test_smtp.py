"""Is the mail server spoken to as it should be, and through TLS where it offers that?"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
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
from activities.clients.mail import Smtp
from activities.letters import Letter
from tests.activities.far_side import (
    mail_port,
    running,
)
from tests.activities.offices import SENDER, letters, text


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
