"""How does a test send letters? One mail hand against the stand-in, with an address book in memory."""

from collections.abc import Mapping
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any

from activities.clients.evidence import open_evidence
from activities.clients.mail import Smtp
from activities.letters import Buyers, Seller
from activities.mail import Mail
from escalations.notices import NoticeOrder, Recipient, Sent
from rulebook import notices
from standins.serve import Running
from tests.activities.far_side import (
    Room,
    attempt,
    bodies,
    mail_port,
    order,
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
