"""Does a declared condition of the rulebook hold for a case? A small vocabulary instead of code in data files."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

Value = int | bool | tuple[str, ...] | None


class Test(StrEnum):
    """How a subject is compared. The last two are about words: whole values, or a part of one (letter case ignored)."""

    IS = "is"
    AT_LEAST = "at_least"
    AT_MOST = "at_most"
    ANY_OF = "any_of"
    NONE_OF = "none_of"
    CONTAINS = "contains"


NUMBER_TESTS = frozenset({Test.IS, Test.AT_LEAST, Test.AT_MOST})
FLAG_TESTS = frozenset({Test.IS})
WORD_TESTS = frozenset({Test.ANY_OF, Test.NONE_OF, Test.CONTAINS})


class Kind(StrEnum):
    """What sort of value a subject has."""

    NUMBER = "number"
    FLAG = "flag"
    WORDS = "words"


SUBJECTS: Mapping[str, Kind] = {
    "kind": Kind.WORDS,
    "domain": Kind.WORDS,
    "role": Kind.WORDS,
    "jurisdiction": Kind.WORDS,
    "product_category": Kind.WORDS,
    "order_country": Kind.WORDS,
    "legal_basis": Kind.WORDS,
    "order": Kind.FLAG,
    "order_in_eu": Kind.FLAG,
    "order_dated": Kind.FLAG,
    "identical_content": Kind.FLAG,
    "product": Kind.FLAG,
    "contained": Kind.FLAG,
    "restricted": Kind.FLAG,
    "voluntary": Kind.FLAG,
    "child_injured": Kind.FLAG,
    "serious_hazard": Kind.FLAG,
    "confirmed": Kind.FLAG,
    "vulnerable_users": Kind.FLAG,
    "evading": Kind.FLAG,
    "deaths": Kind.NUMBER,
    "serious_injuries": Kind.NUMBER,
    "minor_injuries": Kind.NUMBER,
    "units_sold": Kind.NUMBER,
    "independent_reports": Kind.NUMBER,
    "media": Kind.NUMBER,
    "velocity": Kind.NUMBER,
    "identifiers": Kind.NUMBER,
    "listings": Kind.NUMBER,
    "legal_orders": Kind.NUMBER,
    "law_clocks": Kind.NUMBER,
    "nearest_hours": Kind.NUMBER,
    "priority": Kind.NUMBER,
}
"""Everything a condition may ask about. `legal_orders` counts legal systems (the EU is one), `law_clocks` the running
clocks that law set, `nearest_hours` the whole hours to the nearest binding due time, rounded up."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One comparison. An unknown number satisfies none."""

    subject: str
    test: Test
    number: int = 0
    words: tuple[str, ...] = ()


Groups = tuple[tuple[Condition, ...], ...]
"""Alternatives, each a group of conditions of which all must hold."""


def holds(condition: Condition, situation: Mapping[str, Value]) -> bool:
    """Judge one condition. Raises KeyError for a subject the situation does not know: the loader lets none pass."""
    value = situation[condition.subject]
    if isinstance(value, tuple):
        return _words_hold(condition, value)
    if value is None:
        return False
    if condition.test is Test.AT_LEAST:
        return value >= condition.number
    if condition.test is Test.AT_MOST:
        return value <= condition.number
    return value == condition.number


def all_hold(conditions: tuple[Condition, ...], situation: Mapping[str, Value]) -> bool:
    """Judge conditions of which every one must hold; no condition at all holds."""
    return all(holds(condition, situation) for condition in conditions)


def any_hold(groups: Groups, situation: Mapping[str, Value]) -> bool:
    """Judge alternatives: one group of which every condition holds is enough. No group at all holds nothing."""
    return any(all_hold(group, situation) for group in groups)


def _words_hold(condition: Condition, found: tuple[str, ...]) -> bool:
    if condition.test is Test.CONTAINS:
        return any(word.casefold() in text.casefold() for word in condition.words for text in found)
    common = set(condition.words) & set(found)
    return not common if condition.test is Test.NONE_OF else bool(common)
