"""What is done to which listings, and how far did it get?"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """An immutable list of targets, kept in the evidence store and named by its digest.

    `by_tier` counts targets per matching tier, exact tiers first, as `("gtin", 3)`; `sample` holds at most ten
    listing ids for people to look at.
    """

    digest: str
    count: int
    sellers: int
    markets: tuple[str, ...] = ()
    by_tier: tuple[tuple[str, int], ...] = ()
    sample: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sought:
    """What to look for: identifiers first, then words. `exact_only` for an order's identical content (GPSR 22(5)).

    Targets of the manifests in `beyond` and the listings in `spare` are left out: they were dealt with before.
    """

    case_id: str
    name: str
    brand: str = ""
    models: tuple[str, ...] = ()
    gtins: tuple[str, ...] = ()
    listings: tuple[str, ...] = ()
    exact_only: bool = False
    beyond: tuple[str, ...] = ()
    spare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SweepOrder:
    """Act on every target of a manifest. `number` is the n-th enforcement of the case, `decision` its version.

    `mode` is `apply`, `restore` (take back exactly, all or `restrict_to`) or `watch` (look again for what is `sought`
    at each of `resweeps`, offsets from the end of the sweep that starts it). Restoring keeps
    `number` and `decision` of what it undoes.
    """

    case_id: str
    number: int
    decision: int
    action: str
    reason_code: str
    mode: str = "apply"
    manifest: Manifest
    restrict_to: tuple[str, ...] = ()
    batch: int = 200
    resweeps: tuple[timedelta, ...] = ()
    sought: Sought | None = None
    spare: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A contiguous range of manifest positions, `start` inclusive, `stop` exclusive."""

    order: SweepOrder
    start: int
    stop: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How many targets of a span ended how. `failed` lists at most twenty `listing: reason`."""

    done: int = 0
    already: int = 0
    gone: int = 0
    wrong: int = 0
    failed: tuple[str, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Swept:
    """The result of a sweep or of its reversal."""

    order: int
    applied: Tally = Tally()
    verified: Tally = Tally()
    reversed: Tally = Tally()
    killed: bool = False


def standing(orders: Sequence[SweepOrder], undone: Sequence[int]) -> tuple[SweepOrder, ...]:
    """List the orders that were not taken back in full; what was taken back may be ordered anew."""
    return tuple(order for order in orders if order.number not in undone)


def combined(*tallies: Tally) -> Tally:
    """Add tallies up; at most twenty failures are named."""
    return Tally(
        done=sum(tally.done for tally in tallies),
        already=sum(tally.already for tally in tallies),
        gone=sum(tally.gone for tally in tallies),
        wrong=sum(tally.wrong for tally in tallies),
        failed=tuple(line for tally in tallies for line in tally.failed)[:20],
        at=max((tally.at for tally in tallies if tally.at), default=None),
    )


def spans(order: SweepOrder) -> tuple[Span, ...]:
    """Cut a manifest into contiguous ranges of at most `order.batch` targets."""
    count = order.manifest.count
    return tuple(Span(order=order, start=at, stop=min(at + order.batch, count)) for at in range(0, count, order.batch))
