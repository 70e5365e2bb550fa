"""What does a mail server do with our letters? It keeps them, strictly, and refuses when told to.

SMTP has no idempotency: a message sent twice is kept twice, and only its Message-ID tells. Each one is stored as
`mail/<number>.eml` and journaled with its Message-ID, its recipients and the hash of its subject.
"""

import asyncio
import os
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from hashlib import sha256
from pathlib import Path
from typing import Any
from weakref import WeakSet

from aiosmtpd.smtp import SMTP

from standins.faults import BEFORE, Rule, Script
from standins.journal import APPLIED, FAULT, REFUSED, Journal, Told

LARGEST_MESSAGE = 10 * 1024 * 1024
HELD_SECONDS = 120.0
ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)
REPLIES = {
    "450": "450 4.2.1 Mailbox busy, try again later",
    "451": "451 4.3.0 Local error in processing",
    "550": "550 5.1.1 No such mailbox",
    "500": "451 4.3.0 Local error in processing",
}
NEEDED = ("From", "To", "Date", "Message-ID", "Subject")


class Mailbox:
    """The hooks that aiosmtpd calls, by their names."""

    def __init__(self, folder: Path, journal: Journal, script: Script) -> None:
        self.folder, self.journal, self.script = folder / "mail", journal, script
        self.folder.mkdir(parents=True, exist_ok=True)
        self.count = sum(1 for entry in journal.applied() if entry["op"] == "data")

    async def handle_MAIL(self, _: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802  # aiosmtpd's name
        """Take the sender."""
        if address and not _address_ok(address):
            return self._refuse("mail", address, "553 5.1.7 Sender address is not a valid one")
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802  # aiosmtpd's name
        """Take one recipient."""
        if not _address_ok(address):
            return self._refuse("rcpt", address, "553 5.1.3 Recipient address is not a valid one")
        rule = self.script.take("rcpt", {"to": address, "subject": address, "from": envelope.mail_from or ""})
        if rule is not None and (reply := await self._fail(server, rule, Told(op="rcpt", kind=FAULT, subject=address))):
            return reply
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  # aiosmtpd's name
        """Take one message; it is on the disk before the reply."""
        content: bytes = envelope.original_content
        message = BytesParser(policy=policy.SMTP).parsebytes(content)
        key, to = str(message["Message-ID"] or "").strip(), ",".join(envelope.rcpt_tos)
        if (reply := _message_error(content, message)) is not None:
            return self._refuse("data", to, reply)
        told = Told(op="data", kind=FAULT, key=key, subject=to, caller=str(session.host_name or ""), body=content)
        rule = self.script.take("data", {"to": to, "subject": to, "from": envelope.mail_from or "", "key": key})
        if rule is not None and rule.kind in BEFORE and (reply := await self._fail(server, rule, told)):
            return reply
        number = self._keep(told, message)
        if rule is not None and rule.kind not in BEFORE and (reply := await self._fail(server, rule, told)):
            return reply
        return f"250 2.0.0 OK: kept as {number}"

    def _keep(self, told: Told, message: EmailMessage) -> int:
        number = self.count + 1
        path = self.folder / f"{number:06}.eml"
        with path.open("wb") as file:
            file.write(told.body)
            file.flush()
            os.fsync(file.fileno())
        detail = {
            "file": f"mail/{path.name}",
            "recipients": told.subject.split(","),
            "subject_sha256": sha256(str(message["Subject"]).encode()).hexdigest(),
            "in_reply_to": str(message["In-Reply-To"] or ""),
            "status": 250,
        }
        self.journal.write(replace(told, kind=APPLIED, detail=detail))
        self.count = number
        return number

    async def _fail(self, server: Any, rule: Rule, told: Told) -> str | None:
        """Misbehave; None means that the call goes on after all (it was only late)."""
        if rule.kind in BEFORE and rule.kind != "pause_before":
            self.journal.write(replace(told, detail={"fault": rule.kind, "rule": rule.id}))
        await self.script.pause(rule)
        if rule.kind == "slow":
            await self.script.hold(rule.seconds)
        if rule.kind.startswith("timeout"):
            await self.script.hold(HELD_SECONDS)
        if rule.kind.startswith(("timeout", "reset")):
            _cut(server)
            return "421 4.4.2 Connection lost"
        return REPLIES.get(rule.kind.split("_")[0])

    def _refuse(self, op: str, subject: str, reply: str) -> str:
        self.journal.write(Told(op=op, kind=REFUSED, subject=subject, detail={"reply": reply}))
        return reply


async def serve(
    folder: Path, journal: Journal, script: Script, listening: socket.socket
) -> Callable[[], Awaitable[None]]:
    """Speak SMTP on a listening socket, in the running loop; give back what stops it, open sessions included."""
    mailbox = Mailbox(folder, journal, script)
    loop = asyncio.get_running_loop()
    sessions: WeakSet[Any] = WeakSet()

    def session() -> Any:
        made = SMTP(
            mailbox,
            hostname="mail.standin.example",
            ident="stand-in",
            data_size_limit=LARGEST_MESSAGE,
            enable_SMTPUTF8=False,
            loop=loop,
        )
        sessions.add(made)
        return made

    server = await loop.create_server(session, sock=listening)

    async def stop() -> None:
        server.close()
        tasks = [each._handler_coroutine for each in sessions if each._handler_coroutine is not None]
        for each in sessions:
            if each.transport is not None:
                each.transport.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        await server.wait_closed()

    return stop


def _message_error(content: bytes, message: EmailMessage) -> str | None:
    missing = [name for name in NEEDED if not message[name]]
    if missing:
        return f"550 5.6.0 Message lacks {', '.join(missing)}"
    if any(len(line) > 998 for line in content.split(b"\r\n")):
        return "550 5.6.0 Line longer than 998 octets (RFC 5322 section 2.1.1)"
    return None


def _address_ok(address: str) -> bool:
    return len(address) <= 254 and ADDRESS.fullmatch(address) is not None


def _cut(server: Any) -> None:
    """End the connection with a TCP reset."""
    transport = server.transport
    if transport is None or transport.is_closing():
        return
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
