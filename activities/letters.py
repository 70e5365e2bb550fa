"""Who gets a letter about a notice, and what does it say?

Addresses are asked for when a letter is written and never leave the activity: no address enters history, the ledger or
a log.
"""

import re
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol

from escalations import ids, notices
from escalations.manifests import Target
from escalations.notices import NoticeOrder, NoticeUnfit, Recipient, Template

LONGEST_ADDRESS: Final = 254
ADDRESS: Final = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message to one address. `message_id` is the same for every retry of (case, notice, recipient)."""

    to: str
    subject: str
    body: str
    message_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """Who sells, as the marketplace knows them today."""

    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyers:
    """Who bought a listing; `unreachable` counts those without an address."""

    addresses: tuple[str, ...]
    unreachable: int = 0


class AddressBook(Protocol):
    """What letters need to know about people."""

    async def seller(self, seller: str) -> Seller | None:
        """Look a seller up; None when the marketplace does not know them."""

    async def buyers(self, listing: str, since: datetime | None) -> Buyers:
        """Look up who bought a listing since then, or ever."""


@dataclass(slots=True, kw_only=True)
class About:
    """What one letter is about: the offers, and who sold them."""

    offers: dict[str, None] = field(default_factory=dict)
    traders: dict[str, None] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Addressed:
    """To whom letters go, by address; `missing` counts people without an address, `unusable` holds bad addresses."""

    to: dict[str, About] = field(default_factory=dict)
    missing: int = 0
    unusable: set[str] = field(default_factory=set)

    def add(self, address: str, offer: str = "", trader: str = "") -> None:
        """Put one offer into the letter to an address; no address that mail cannot be sent to."""
        if len(address) > LONGEST_ADDRESS or not ADDRESS.fullmatch(address):
            self.unusable.add(address)
            return
        about = self.to.setdefault(address, About())
        about.offers |= {offer: None} if offer else {}
        about.traders |= {trader: None} if trader else {}


async def addressed(
    order: NoticeOrder, template: Template, targets: tuple[Target, ...], book: AddressBook
) -> Addressed:
    """Find everybody a notice is for; raises `NoticeUnfit` for a recipient that gets no letters."""
    match order.notice.recipient:
        case Recipient.AUTHORITY | Recipient.OPERATOR:
            found = Addressed()
            found.add(order.notice.reply_to)
            return found
        case Recipient.SELLERS:
            return await _sellers(targets, book)
        case Recipient.BUYERS:
            return await _buyers(order, template, targets, book)
        case other:
            raise NoticeUnfit(f"no letter is written to '{other}'; submit_statements tells the Transparency Database")


def letter(order: NoticeOrder, template: Template, address: str, about: About, *, domain: str) -> Letter:
    """Write the letter to one address; raises `NoticeUnfit`."""
    senders: dict[str, str | tuple[str, ...]] = {
        "case_id": order.case_id,
        "listings": tuple(about.offers),
        "trader": "; ".join(about.traders),
    }
    subject, body = notices.letter(template, order.notice, senders)
    key = ids.digest(ids.canonical([order.case_id, order.number, template.name, address.lower()]))[:24]
    message_id = f"<{order.case_id}.notice.{order.number}.{key}@{domain}>"
    return Letter(to=address, subject=subject, body=body, message_id=message_id)


async def _sellers(targets: tuple[Target, ...], book: AddressBook) -> Addressed:
    """Find each seller's address and the offers of theirs that were restricted."""
    found = Addressed()
    for seller in dict.fromkeys(target.seller for target in targets):
        known = await book.seller(seller)
        if known is None:
            found.missing += 1
            continue
        for target in targets:
            if target.seller == seller:
                found.add(known.email, target.listing, known.name)
    return found


async def _buyers(order: NoticeOrder, template: Template, targets: tuple[Target, ...], book: AddressBook) -> Addressed:
    """Find who bought any of the offers; somebody who bought several gets one letter about all."""
    found = Addressed()
    since = months_before(order.aware_at or order.at, template.months) if template.months else None
    names: dict[str, str] = {}
    for target in targets:
        if "trader" in template.placeholders and target.seller not in names:
            known = await book.seller(target.seller)
            names[target.seller] = known.name if known else "not known to us any more"
        bought = await book.buyers(target.listing, since)
        found.missing += bought.unreachable
        for address in bought.addresses:
            found.add(address, target.listing, names.get(target.seller, ""))
    return found


def months_before(at: datetime, months: int) -> datetime:
    """Go back whole calendar months, to the last day of a shorter month."""
    year, month = divmod(at.year * 12 + at.month - 1 - months, 12)
    for day in (at.day, 30, 29):
        try:
            return at.replace(year=year, month=month + 1, day=day)
        except ValueError:
            continue
    return at.replace(year=year, month=month + 1, day=28)
