"""What do the tests of the outward hands share? The stand-ins, a store, and the orders they send."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx2
from temporalio.testing import ActivityEnvironment

from activities.clients import http
from escalations import ids, manifests
from escalations.manifests import Target
from escalations.model import Milestone
from escalations.notices import Notice, NoticeOrder, Reasons, Recipient, reason_fields
from standins import faults, serve

CASE = "ESC-7Q2M-0ABC-XYZ1"
AT = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
REASONS = Reasons(
    product="Ohmberry Peak 20K power bank",
    restriction="CONTENT_DISABLED",
    territory=("DE", "FR"),
    restricted_on=date(2026, 11, 22),
    facts="The power bank can overheat and catch fire.",
    source="TYPE_OTHER_NOTIFICATION",
    ground="ILLEGAL_CONTENT",
    basis="Regulation (EU) 2023/988, Article 5",
    explanation="A product that can catch fire in normal use is not safe.",
    redress="Object within six months at https://shop.example/complaints.",
    category="UNSAFE_AND_PROHIBITED_PRODUCTS",
    keywords=("UNSAFE_PRODUCTS",),
)
TARGETS = (
    Target(listing="L-00001", seller="volt-corner", tier="gtin", matched_on="9521100200110", markets=("DE",)),
    Target(listing="L-00002", seller="volt-corner", tier="gtin", matched_on="9521100200226", markets=("DE",)),
    Target(listing="L-00003", seller="maple-outlet", tier="model", matched_on="OB-PK20", markets=("FR",)),
)


class Room:
    """An evidence store in memory, filled without waiting."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    async def get(self, digest: str) -> bytes:
        return self.kept[digest]

    async def put(self, content: bytes) -> str:
        digest = ids.digest(content)
        self.kept[digest] = content
        return digest

    async def put_once(self, name: str, content: bytes) -> bytes:
        return self.kept.setdefault(name, content)

    async def find(self, name: str) -> bytes | None:
        return self.kept.get(name)

    def manifest(self, targets: tuple[Target, ...] = TARGETS) -> str:
        content = manifests.written(targets)
        self.kept[ids.digest(content)] = content
        return ids.digest(content)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[serve.Running]:
    """Start the stand-ins; a planned fault that did not happen fails the test."""
    far = await serve.start(folder / "far")
    try:
        yield far
        faults.assert_all_fired(far)
    finally:
        await far.stop()


@asynccontextmanager
async def client(far: serve.Running, system: str, token: str | None = None) -> AsyncIterator[httpx2.AsyncClient]:
    """Open our own client to one stand-in."""
    opened = http.client(far.urls[system], far.token if token is None else token)
    try:
        yield opened
    finally:
        await opened.aclose()


def mail_port(far: serve.Running) -> int:
    port = urlsplit(far.urls["mail"]).port
    assert port is not None
    return port


def applied(far: serve.Running, system: str) -> list[dict[str, Any]]:
    """Read what really changed on the far side."""
    return [entry for entry in far.journal(system) if entry["kind"] == "applied"]


def attempt(number: int, heartbeat: tuple[object, ...] = ()) -> ActivityEnvironment:
    """Run an activity as the n-th attempt, with the heartbeat the one before left."""
    environment = ActivityEnvironment()
    environment.info = replace(environment.info, attempt=number, heartbeat_details=heartbeat)
    return environment


def order(recipient: Recipient, template: str, given: Mapping[str, str] | None = None, **more: Any) -> NoticeOrder:
    """Order one notice; without fields, the statement of reasons."""
    fields = reason_fields(REASONS) if given is None else tuple(given.items())
    notice = Notice(
        recipient=recipient,
        template=template,
        meets=Milestone.SELLERS_INFORMED,
        duty="tell them",
        fields=fields,
        reply_to=more.pop("reply_to", ""),
    )
    given_too: dict[str, Any] = {"case_id": CASE, "number": 1, "notice": notice, "at": AT} | more
    return NoticeOrder(**given_too)


def bodies(folder: Path) -> Iterator[bytes]:
    """Read every letter that the mail stand-in kept."""
    for path in sorted((folder / "far" / "mail").glob("*.eml")):
        yield path.read_bytes()
