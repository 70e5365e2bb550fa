"""What do the tests of the hands at a marketplace share? Its goods, an order, and one attempt after the other."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.clients.evidence import EvidenceStore
from activities.marketplace import Marketplace
from escalations import manifests
from escalations.enforcement import Span, SweepOrder, Tally, spans
from escalations.manifests import Target
from standins import catalogue, serve

CASE = "ESC-TEST-0000-0001"
COUNT = 16


def goods() -> list[catalogue.Listing]:
    """Make sixteen listings of four sellers, with ranks and strikes that a reversal must bring back."""
    return [
        catalogue.Listing(
            id=f"L-{number:03}",
            seller=f"seller-{number % 4}",
            title=f"Ohmberry Peak 20K power bank number {number}",
            brand="Ohmberry",
            model="OB-PK20",
            price_minor=1000 + number,
            markets=("DE", "AT") if number % 2 else ("US",),
            visibility="hidden" if number % 10 == 0 else "visible",
            rank=10 + number,
            strikes=number % 3,
        )
        for number in range(COUNT)
    ]


@dataclass(slots=True)
class World:
    """A marketplace, an evidence store and the hands between them."""

    far: serve.Running
    evidence: EvidenceStore
    hands: Marketplace
    beats: list[dict[str, Any]] = field(default_factory=list)

    async def do(self, hand: Callable[[Any], Any], given: Any, *, attempt: int = 1, carried: Any = None) -> Any:
        """Run one attempt of an activity, with the heartbeat details of the attempt before."""
        environment = ActivityEnvironment()
        details = [carried] if carried is not None else []
        environment.info = replace(ActivityEnvironment.default_info(), attempt=attempt, heartbeat_details=details)
        self.beats.clear()
        environment.on_heartbeat = lambda *beat: self.beats.extend(beat)
        return await environment.run(hand, given)

    async def retried(self, hand: Callable[[Any], Any], given: Any) -> tuple[Any, int]:
        """Run an activity as Temporal would, until it ends; return its result and how many attempts it took."""
        carried = None
        for attempt in range(1, 20):
            try:
                return await self.do(hand, given, attempt=attempt, carried=carried), attempt
            except ApplicationError as error:
                if error.non_retryable:
                    raise
                carried = self.beats[-1] if self.beats else carried
        raise AssertionError("it never ended")

    async def ordered(self, *listings: str, action: str = "hide") -> SweepOrder:
        """Order what the case decided about these listings."""
        targets = [
            Target(listing=one, seller=f"seller-{int(one[2:]) % 4}", tier="listing_id", matched_on=one, markets=("DE",))
            for one in listings
        ]
        manifest = manifests.summary(targets)
        assert await self.evidence.put(manifests.written(targets)) == manifest.digest
        return SweepOrder(
            case_id=CASE, number=1, decision=1, action=action, reason_code="unsafe_product", manifest=manifest
        )

    def effects(self, op: str) -> Counter[str]:
        """Count, for each listing, how often the marketplace really changed it."""
        told = self.far.journal("marketplace")
        return Counter(line["subject"] for line in told if line["op"] == op and line["kind"] == "applied")

    def calls(self, op: str) -> int:
        return sum(line["op"] == op for line in self.far.journal("marketplace"))

    async def state(self, listing: str) -> dict[str, Any]:
        found = await self.hands.client.read(listing)
        assert found is not None
        return found


def whole(order: SweepOrder) -> Span:
    (span,) = spans(order)
    return span


def names(count: int = COUNT) -> tuple[str, ...]:
    return tuple(f"L-{number:03}" for number in range(count))


def without_time(tally: Tally) -> Tally:
    assert tally.at is not None
    return replace(tally, at=None)


def code(error: pytest.ExceptionInfo[ApplicationError]) -> str | None:
    return error.value.type
