"""What does a learned fact change? Facts are told as text, judged once, and only ever replace a value."""

from dataclasses import fields, replace
from datetime import datetime
from typing import Any

from escalations.model import Facts, Intake

TIMES = ("aware_at", "order_due_at")
FLAGS = ("order_withdrawn",)
LEVELS = ("media", "velocity")
COUNTS = ("deaths", "serious_injuries", "minor_injuries", "units_sold", "independent_reports", "media", "velocity")
NAMES = tuple(field.name for field in fields(Facts)) + TIMES + FLAGS
MOST = 10_000_000_000
HIGHEST_LEVEL = 4
YEARS = range(2000, 2101)


class BadFact(ValueError):
    """A fact that is not known, or a value that cannot be one. The message says what is allowed."""


def parsed(fact: str, value: str) -> int | bool | datetime:
    """Read a fact's value: a whole number from 0 to 10^10 (levels: to 4), `true`/`false`, or a time with its offset.

    An order is withdrawn or it is not known to be: `order_withdrawn` takes `true` only. Raises BadFact.
    """
    if fact not in NAMES:
        raise BadFact(f"unknown fact; use one of {', '.join(NAMES)}")
    if fact in TIMES:
        return _time(value)
    if fact in COUNTS:
        most = HIGHEST_LEVEL if fact in LEVELS else MOST
        if not (value.isascii() and value.isdigit()) or len(value) > len(str(MOST)) or int(value) > most:
            raise BadFact(f"{fact} takes a whole number from 0 to {most}")
        return int(value)
    if fact in FLAGS and value != "true":
        raise BadFact(f"{fact} takes true; an order that holds after all is reported again")
    if value not in ("true", "false"):
        raise BadFact(f"{fact} takes true or false")
    return value == "true"


def _time(value: str) -> datetime:
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        raise BadFact("a time is written like 2026-12-24T15:40:00+01:00") from None
    if at.tzinfo is None:
        raise BadFact("a time needs its offset, like 2026-12-24T15:40:00+01:00")
    if at.year not in YEARS:
        raise BadFact(f"a time lies in the years {YEARS.start} to {YEARS.stop - 1}")
    return at


def lowers(intake: Intake, fact: str, value: int | bool | datetime) -> bool:
    """Would this make the case look less bad? Lowering needs a second person (domain part 2.2)."""
    if fact in TIMES or fact in FLAGS:
        return False
    before = getattr(intake.facts, fact)
    return before is not None and isinstance(value, int) and value < before


def with_fact(intake: Intake, fact: str, value: int | bool | datetime) -> Intake:
    """Return the intake with one fact replaced. An order's date on an intake without an order changes nothing."""
    if fact == "aware_at" and isinstance(value, datetime):
        return replace(intake, aware_at=value)
    if fact == "order_due_at" and isinstance(value, datetime):
        return replace(intake, order=replace(intake.order, due_at=value)) if intake.order else intake
    if fact in FLAGS:
        return intake
    changed: dict[str, Any] = {fact: value}
    return replace(intake, facts=replace(intake.facts, **changed))
