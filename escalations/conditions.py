"""Does a condition of the rulebook hold for a case? Conditions are CEL expressions over a fixed vocabulary.

The loader compiles them and checks every name; here they are values that answer yes or no. A number that is not known
is `null` in an expression, so a rule that asks for it says what it means: `units_sold != null && units_sold >= 1000`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

Value = int | bool | str | tuple[str, ...] | None


class Kind(StrEnum):
    """What sort of value a subject has. A number may be unknown, a count never is."""

    NUMBER = "number"
    COUNT = "count"
    FLAG = "flag"
    WORD = "word"
    WORDS = "words"


SUBJECTS: Mapping[str, Kind] = {
    "domain": Kind.WORD,
    "kinds": Kind.WORDS,
    "roles": Kind.WORDS,
    "jurisdictions": Kind.WORDS,
    "product_categories": Kind.WORDS,
    "order_countries": Kind.WORDS,
    "legal_bases": Kind.WORDS,
    "events": Kind.WORDS,
    "subjects": Kind.WORDS,
    "order": Kind.FLAG,
    "order_in_eu": Kind.FLAG,
    "order_at_home": Kind.FLAG,
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
    "platform_small": Kind.FLAG,
    "deaths": Kind.COUNT,
    "serious_injuries": Kind.COUNT,
    "minor_injuries": Kind.COUNT,
    "sellers_wronged": Kind.COUNT,
    "independent_reports": Kind.COUNT,
    "media": Kind.COUNT,
    "velocity": Kind.COUNT,
    "identifiers": Kind.COUNT,
    "listings": Kind.COUNT,
    "legal_orders": Kind.COUNT,
    "law_clocks": Kind.COUNT,
    "units_sold": Kind.NUMBER,
    "people_affected": Kind.NUMBER,
    "nearest_hours": Kind.NUMBER,
    "priority": Kind.NUMBER,
}
"""Everything a condition may ask about, beside the marks of `facts.MARKS` (flags) and the rulebook's own terms.

`kinds` are the sorts of reports, `roles` what the law takes the platform for, `legal_bases` what orders and notices
cite, `order_at_home` is an order of the state of establishment, `events` which dated events are known, `legal_orders`
counts legal systems (the EU is one), `law_clocks` the running clocks that law set, `nearest_hours` the whole hours to
the nearest binding due time, rounded up.
"""


class RuleFailed(ValueError):
    """A condition could not be judged. The message names the expression; mend it in the rulebook."""


Situation = dict[str, Any]
"""What conditions see of a case: values (`Value`) by subject."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One expression as it is written in the rulebook, and the compiled question.

    `holds` judges it; raises RuleFailed for an expression that the situation does not suit.
    """

    text: str
    holds: Callable[[Situation], bool] = field(compare=False, repr=False)


ALWAYS = Condition("true", lambda _situation: True)
NEVER = Condition("false", lambda _situation: False)
