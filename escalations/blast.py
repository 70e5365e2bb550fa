"""How wide does an act reach, and so how many people must agree to it?"""

from decimal import Decimal

B0, B1, B2, B3 = range(4)


def tier(
    count: int,
    sellers: int,
    countries: int,
    whole_country: bool = False,
    *,
    category_gate: bool = False,
    funds_usd: Decimal = Decimal(0),
) -> int:
    """Rank the blast radius of an act: 0 (B0) to 3 (B3), by the house limits (domain part 6.4), all inclusive.

    B0: at most 10 items, or one seller however many items; B1: at most 500 items and 20 sellers; B2: at most 10,000
    items and 500 sellers, or one whole country; B3: anything wider, a closed category, several whole countries, or
    more than one million USD of funds. `countries` counts the markets touched; it widens the tier only when they are
    closed whole. Raise ValueError for a negative count.
    """
    if min(count, sellers, countries) < 0 or funds_usd < 0:
        raise ValueError(
            f"a blast radius counts from zero; got {count} items, {sellers} sellers, {countries} countries"
        )
    return max(_by_size(count, sellers), _by_scope(countries, whole_country, category_gate, funds_usd))


def _by_size(count: int, sellers: int) -> int:
    if count <= 10 or sellers <= 1:
        return B0
    if count <= 500 and sellers <= 20:
        return B1
    if count <= 10_000 and sellers <= 500:
        return B2
    return B3


def _by_scope(countries: int, whole_country: bool, category_gate: bool, funds_usd: Decimal) -> int:
    if category_gate or funds_usd > 1_000_000 or (whole_country and countries > 1):
        return B3
    return B2 if whole_country else B0
