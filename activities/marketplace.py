"""Which listings are concerned, and how are they hidden, checked, and put back exactly as they were?

A span is worked by position of its manifest. The prior state of every target is written down, once, before anything
is done to it; each act has an id made of case, enforcement, action, target and decision, so that no retry, crash or
reset acts twice.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import past
from activities.evidence import Store, snapshots_of
from activities.spans import Mark, Progress, Walk, kept_alive, resumed
from escalations import ids, manifests, matching
from escalations.enforcement import Manifest, Sought, Span, SweepOrder, Tally
from escalations.manifests import Target

ACTOR: Final = "seawall"
IDS_AT_ONCE: Final = 100
MOST_PAGES: Final = 20
MANIFESTS_REMEMBERED: Final = 4
Item = dict[str, Any]
Put = Literal["new", "same", "gone", "differs", "lifted before"]
Lifted = Literal["lifted", "never put", "gone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some listings as the marketplace describes them; `next` is empty on the last page."""

    items: tuple[Item, ...]
    next: str


class Client(Protocol):
    """What this hand needs of a marketplace; every method is one attempt or an error of `activities.outside`."""

    async def page(self, query: Mapping[str, str], cursor: str = "") -> Page:
        """Fetch one page of listings by `q` (any of these words, best first), `gtin`, `brand` or `ids`."""

    async def read(self, listing: str) -> Item | None:
        """Read a listing as it stands now; None when there is none."""

    async def restrict(self, listing: str, restriction: str, body: Mapping[str, Any]) -> Put:
        """Put a restriction under our id."""

    async def lift(self, listing: str, restriction: str) -> Lifted:
        """Take a restriction away, now or once more."""


class Marketplace:
    """Finds, hides, checks and restores listings. Failed targets are counted and named, never left out silently."""

    def __init__(self, client: Client, evidence: Store) -> None:
        self.client = client
        self.evidence = evidence
        self._manifests: dict[str, tuple[Target, ...]] = {}

    @activity.defn
    async def find_listings(self, sought: Sought) -> Manifest:
        """Search by ids, GTINs, models and words, keep what matches as a manifest, and say what it holds.

        The listings as they stood are kept beside the manifest. Idempotent in effect: nothing is changed outside, and
        a repeat that finds the same targets writes the same bytes. Raises UnknownManifest, not retried, when a
        manifest in `beyond` is not one.
        """
        return await kept_alive(self._found(sought))

    @activity.defn
    async def capture_prior(self, span: Span) -> str:
        """Write down the state of every target before it is acted on, and return the digest of that record.

        Write-once: the name is made of case, enforcement, manifest and span, and a repeat returns the record that is
        there. It never looks again: after an act whose acknowledgement was lost, what it would see is not the past.
        A listing that cannot be read in eight attempts is recorded as unread, and `enforce` leaves it alone.
        """
        kept = await self.evidence.find(past.name(span))
        if kept:
            return kept.decode()
        targets = await kept_alive(self._targets(span))
        seen: dict[str, past.Prior] = {}

        async def look(position: int) -> Mark:
            target = targets[position]
            seen[target.listing] = past.taken(await self.client.read(target.listing), _key(span.order, target))
            return Mark(ending="done")

        await Walk(_names(targets), look, Progress()).to_the_end()
        digest = await self.evidence.put(past.written(_names(targets), seen))
        return (await self.evidence.put_once(past.name(span), digest.encode())).decode()

    @activity.defn
    async def enforce(self, span: Span) -> Tally:
        """Restrict every target of a span: `done` now, `already` by an earlier attempt, `gone`, or `failed`.

        Idempotent by the restriction id that we choose. Heartbeats the contiguous watermark and resumes from it.
        Raises PriorNotCaptured, not retried, when `capture_prior` was not done for the span.
        """
        targets, prior = await kept_alive(self._targets(span)), await self._priors(span)
        if prior is None:
            raise ApplicationError(
                f"no prior state is kept for {_named(span)}; run capture_prior first",
                type="PriorNotCaptured",
                non_retryable=True,
            )

        async def hide(position: int) -> Mark:
            target = targets[position]
            before = prior.get(target.listing, past.UNREAD)
            if before.seen == "gone":
                return Mark(ending="gone")
            if before.seen == "unread":
                return Mark(ending="failed", why="its state before could not be read, so it was left alone")
            order = span.order
            return _PUT[await self.client.restrict(target.listing, _key(order, target), _body(order))]

        return await Walk(_names(targets), hide, resumed()).to_the_end()

    @activity.defn
    async def verify(self, span: Span) -> Tally:
        """Read every target back: `done` when our restriction holds and it is out of sight, else `gone` or `wrong`.

        Idempotent, since it only reads: the listing itself, not a search index that may be behind. Resumes like
        `enforce`.
        """
        targets = await kept_alive(self._targets(span))

        async def check(position: int) -> Mark:
            target = targets[position]
            state = await self.client.read(target.listing)
            if state is None:
                return Mark(ending="gone")
            if state["visibility"] == "visible":
                return Mark(ending="wrong", why="still visible")
            if _key(span.order, target) not in past.restrictions(state):
                return Mark(ending="wrong", why="out of sight, but not by our restriction")
            return Mark(ending="done")

        return await Walk(_names(targets), check, resumed()).to_the_end()

    @activity.defn
    async def reverse(self, span: Span) -> Tally:
        """Lift our restriction from every target of a span and compare it with its state before.

        `done` is exactly as before in visibility, rank, strikes and restrictions; `wrong` is lifted but different,
        with what differs; `already` was never restricted by this order; `gone` no longer exists. Honours
        `restrict_to`; the span must be cut as it was for `enforce`. Idempotent: lifting again changes nothing.
        """
        targets, prior = await kept_alive(self._targets(span)), await self._priors(span) or {}

        async def lift(position: int) -> Mark:
            target = targets[position]
            lifted = await self.client.lift(target.listing, _key(span.order, target))
            if lifted == "never put":
                return Mark(ending="already")
            state = await self.client.read(target.listing) if lifted == "lifted" else None
            if state is None:
                return Mark(ending="gone")
            return past.compared(prior.get(target.listing, past.UNREAD), state)

        return await Walk(_names(targets), lift, resumed()).to_the_end()

    async def _found(self, sought: Sought) -> Manifest:
        left_out = set(sought.spare)
        for digest in sought.beyond:
            left_out |= {target.listing for target in await self._manifest(digest)}
        items: dict[str, Item] = {}
        judged: dict[str, Target | None] = {}
        for query in _queries(sought):
            async for item in self._search(query, sought, judged):
                items[item["id"]] = item
        targets = {key: target for key, target in judged.items() if target and key not in left_out}
        found, content, states = await asyncio.to_thread(_summed_up, tuple(targets.values()), items)
        await self.evidence.put(content)
        await self.evidence.put_once(snapshots_of(found.digest), (await self.evidence.put(states)).encode())
        return found

    async def _search(
        self, query: Mapping[str, str], sought: Sought, judged: dict[str, Target | None]
    ) -> AsyncIterator[Item]:
        """Give what matches, judging each listing once; a search for words ends at a page where nothing matches.

        Such a search gives the best first, so later pages would be worse still.
        """
        cursor = ""
        for _ in range(MOST_PAGES):
            page = await self.client.page(query, cursor)
            fresh = [item for item in page.items if item["id"] not in judged]
            judged |= {item["id"]: _target(sought, item) for item in fresh}
            for item in fresh:
                if judged[item["id"]]:
                    yield item
            fruitless = "q" in query and not any(judged[item["id"]] for item in page.items)
            cursor = page.next
            if not cursor or fruitless:
                return
        activity.logger.warning("search.cut_short", extra={"case_id": sought.case_id, "pages": MOST_PAGES})

    async def _targets(self, span: Span) -> tuple[Target, ...]:
        whole = await self._manifest(span.order.manifest.digest)
        concerned = manifests.span(whole, span.start, span.stop, span.order.restrict_to)
        return tuple(target for target in concerned if target.listing not in span.order.spare)

    async def _manifest(self, digest: str) -> tuple[Target, ...]:
        if digest not in self._manifests:
            try:
                read = await asyncio.to_thread(manifests.read, await self.evidence.get(digest))
            except ValueError as problem:
                raise ApplicationError(str(problem), type="UnknownManifest", non_retryable=True) from None
            while len(self._manifests) >= MANIFESTS_REMEMBERED:
                del self._manifests[next(iter(self._manifests))]
            self._manifests[digest] = read
        return self._manifests[digest]

    async def _priors(self, span: Span) -> dict[str, past.Prior] | None:
        digest = await self.evidence.find(past.name(span))
        if digest is None:
            return None
        return past.read(await self.evidence.get(digest.decode()))


_PUT: Final[Mapping[Put, Mark]] = {
    "new": Mark(ending="done"),
    "same": Mark(ending="already"),
    "gone": Mark(ending="gone"),
    "differs": Mark(ending="failed", why="another restriction has this id; a person must look at the listing"),
    "lifted before": Mark(ending="failed", why="restored under this decision; hiding it again needs a new decision"),
}


def _queries(sought: Sought) -> list[dict[str, str]]:
    """List the searches: exact identifiers first, then models and the words of the product's name."""
    queries = [
        {"ids": ",".join(sought.listings[at : at + IDS_AT_ONCE])} for at in range(0, len(sought.listings), IDS_AT_ONCE)
    ]
    numbers = dict.fromkeys(filter(None, map(matching.gtin14, sought.gtins)))
    queries += [{"gtin": number} for number in numbers]
    if sought.exact_only:
        return queries
    queries += [{"q": f"{sought.brand} {model}".strip()} for model in dict.fromkeys(sought.models) if model.strip()]
    named = " ".join(matching.search_words(sought))
    return [*queries, {"q": named}] if named else queries


def _summed_up(targets: tuple[Target, ...], items: Mapping[str, Item]) -> tuple[Manifest, bytes, bytes]:
    """Write the manifest and the listings as they stand. Off the event loop: 100,000 targets take a second or two."""
    ordered = manifests.arranged(targets)
    states = b"".join(ids.canonical(items[target.listing]) + b"\n" for target in ordered)
    return manifests.summary(ordered), manifests.written(ordered), states


def _target(sought: Sought, item: Item) -> Target | None:
    listing = matching.Listing(
        id=item["id"],
        seller=item["seller"],
        title=item["title"],
        brand=item.get("brand") or "",
        model=item.get("model") or "",
        gtin=item.get("gtin") or "",
        markets=tuple(item["markets"]),
    )
    found = matching.match(sought, listing)
    if found is None:
        return None
    tier, matched_on = found
    return Target(
        listing=listing.id,
        seller=listing.seller,
        tier=tier,
        matched_on=matched_on,
        markets=tuple(sorted(listing.markets)),
    )


def _key(order: SweepOrder, target: Target) -> str:
    return ids.enforcement_key(
        case=order.case_id, number=order.number, action=order.action, target=target.listing, decision=order.decision
    )


def _body(order: SweepOrder) -> Item:
    return {
        "type": order.action,
        "reason_code": order.reason_code,
        "case_ref": order.case_id,
        "markets": None,
        "actor": ACTOR,
    }


def _names(targets: tuple[Target, ...]) -> tuple[str, ...]:
    return tuple(target.listing for target in targets)


def _named(span: Span) -> str:
    return f"{span.order.case_id}, enforcement {span.order.number}, {span.start} to {span.stop}"
