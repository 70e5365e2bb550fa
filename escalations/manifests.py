"""Which listings exactly does an act touch? An immutable list, the same bytes for the same targets, named by digest."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from escalations import ids
from escalations.enforcement import Manifest

TIERS = ("listing_id", "gtin", "model", "title")
EXACT = ("listing_id", "gtin")
SAMPLE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One listing to act on. `tier` is one of TIERS, `matched_on` the identifier or words that it was found by."""

    listing: str
    seller: str
    tier: str
    matched_on: str
    markets: tuple[str, ...] = ()


def arranged(targets: Iterable[Target]) -> tuple[Target, ...]:
    """Order targets the one way: surest tier first, then by listing id. A listing found twice keeps its surest tier."""
    best: dict[str, Target] = {}
    for target in sorted(targets, key=_place):
        best.setdefault(target.listing, target)
    return tuple(best.values())


def written(targets: Iterable[Target]) -> bytes:
    """Write a manifest: one canonical JSON object a line, UTF-8, in the order of `arranged`. No targets, no bytes."""
    return b"".join(ids.canonical(_plain(target)) + b"\n" for target in arranged(targets))


def read(content: bytes) -> tuple[Target, ...]:
    """Read what `written` wrote. Raises ValueError for anything else, down to a space or a changed order."""
    try:
        targets = tuple(_target(json.loads(line)) for line in content.splitlines())
    except (ValueError, TypeError, AttributeError, KeyError) as problem:
        raise ValueError(f"not a manifest: {type(problem).__name__}; build it again") from None
    if written(targets) != content:
        raise ValueError("not a manifest as Seawall writes it: order, spacing or a repeated listing; build it again")
    return targets


def summary(targets: Iterable[Target]) -> Manifest:
    """Sum a manifest up for people and for the size of its blast."""
    all_of_them = arranged(targets)
    return Manifest(
        digest=ids.digest(written(all_of_them)),
        count=len(all_of_them),
        sellers=len({target.seller for target in all_of_them}),
        markets=tuple(sorted({market for target in all_of_them for market in target.markets})),
        by_tier=tuple((tier, len(found)) for tier, found in _by_tier(all_of_them) if found),
        sample=_sample(all_of_them),
    )


def span(targets: tuple[Target, ...], start: int, stop: int, restrict_to: tuple[str, ...] = ()) -> tuple[Target, ...]:
    """Cut positions `start` (inclusive) to `stop` (exclusive) out of a manifest, keeping only `restrict_to` if given.

    Positions count the whole manifest, restricted or not, so that spans of both kinds line up. A `stop` past the end
    means the end; raises ValueError for a span that runs backwards or starts before 0.
    """
    if not 0 <= start <= stop:
        raise ValueError(f"a span runs forward from 0 or later; got {start} to {stop}")
    cut = targets[start:stop]
    wanted = frozenset(restrict_to)
    return tuple(target for target in cut if target.listing in wanted) if wanted else cut


def _place(target: Target) -> tuple[int, str]:
    rank = TIERS.index(target.tier) if target.tier in TIERS else len(TIERS)
    return rank, target.listing


def _plain(target: Target) -> dict[str, Any]:
    return {field.name: getattr(target, field.name) for field in fields(target)}


def _target(line: dict[str, Any]) -> Target:
    texts = {name: line[name] for name in ("listing", "seller", "tier", "matched_on")}
    if not all(isinstance(text, str) for text in (*texts.values(), *line["markets"])) or not texts["listing"]:
        raise ValueError("every part of a target is text, and a listing has an id")
    return Target(**texts, markets=tuple(line["markets"]))


def _by_tier(targets: tuple[Target, ...]) -> list[tuple[str, list[Target]]]:
    return [(tier, [target for target in targets if target.tier == tier]) for tier in TIERS]


def _sample(targets: tuple[Target, ...]) -> tuple[str, ...]:
    """Take listings from every tier in turn, so that each way of matching is looked at."""
    queues = [found for _, found in _by_tier(targets) if found]
    turns = [queue[turn].listing for turn in range(SAMPLE) for queue in queues if turn < len(queue)]
    return tuple(turns[:SAMPLE])
