"""How wide does an act reach, and so how many people must agree to it? The limits are data (`rulebook/ladder.yaml`)."""

from dataclasses import dataclass
from decimal import Decimal

B0, B1, B2, B3 = range(4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """The most that a tier may touch, inclusive; with `either`, keeping one of the two is enough."""

    items: int
    sellers: int
    either: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of B0, B1 and B2; what is wider is B3, and so is more money than `funds_usd` (domain part 6.4)."""

    tiers: tuple[Limit, ...] = (
        Limit(items=10, sellers=1, either=True),
        Limit(items=500, sellers=20),
        Limit(items=10_000, sellers=500),
    )
    funds_usd: int = 1_000_000


HOUSE = Limits()


def tier(
    count: int,
    sellers: int,
    countries: int,
    whole_country: bool = False,
    *,
    category_gate: bool = False,
    funds_usd: Decimal = Decimal(0),
    limits: Limits = HOUSE,
) -> int:
    """Rank the blast radius of an act: 0 (B0) to 3 (B3).

    A whole country is at least B2; a closed category, several whole countries, or too much money are B3. `countries`
    counts the markets touched; it widens the tier only when they are closed whole. Raise ValueError below zero.
    """
    if min(count, sellers, countries) < 0 or funds_usd < 0:
        raise ValueError(
            f"a blast radius counts from zero; got {count} items, {sellers} sellers, {countries} countries"
        )
    size = next((at for at, limit in enumerate(limits.tiers) if _within(limit, count, sellers)), B3)
    if category_gate or funds_usd > limits.funds_usd or (whole_country and countries > 1):
        return B3
    return max(size, B2) if whole_country else size


def _within(limit: Limit, count: int, sellers: int) -> bool:
    kept = (count <= limit.items, sellers <= limit.sellers)
    return any(kept) if limit.either else all(kept)
