"""Which clocks run for a case, and since when?

Every rule in force whose conditions hold starts once, or once per order or report. What runs already is kept, or moves.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

from escalations import situation, starting
from escalations.calendars import Calendar
from escalations.clocks import Clock
from escalations.conditions import Situation
from escalations.counting import Reading
from escalations.model import Domain, Intake
from escalations.rulebook import Country, Rulebook
from escalations.rules import ANYWHERE, ESTABLISHMENT, ORDER_COUNTRY, ClockRule, Counting, Start, Unit
from escalations.starting import Begin

LONGEST_DAY_OFF_RUN = timedelta(days=60)
PER_REPORT = (Start.RECEIPT, Start.DECISION)
AFTER_THE_ACT = (Start.DECISION, Start.CONTAINMENT)


class Calendars(Protocol):
    """Where frozen calendars come from. `versions` names the data they were frozen from."""

    @property
    def versions(self) -> str:
        """Name the versions of the holiday and zone data."""
        ...

    def frozen(self, calendar: str, first_year: int, last_year: int) -> Calendar:
        """Freeze a calendar such as `DE` or `AU-NSW` for whole years, both inclusive."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a case when its clocks are asked for. `acted_at` is set after the act, `markets` from it."""

    intakes: tuple[Intake, ...]
    domain: Domain
    now: datetime
    clocks: tuple[Clock, ...] = ()
    markets: tuple[str, ...] = ()
    contained: bool = False
    acted: bool = False
    contained_at: datetime | None = None
    restricted: bool = False
    voluntary: bool = False


def attached(book: Rulebook, calendars: Calendars, known: Known) -> tuple[Clock, ...]:
    """Return all clocks of the case: those it had, in their order, kept or moved, then the new ones."""
    clocks, sights = list(known.clocks), _Sights(book, known)
    for rule in book.clocks:
        for begin in _begins(book, known, rule, sights):
            if not rule.in_force(begin.t0.astimezone(_zone(book, rule)).date()):
                continue
            _take(clocks, rule, _with_readings(book, calendars, rule, begin, known), known.now)
    return tuple(clocks)


class _Sights:
    """What conditions see of the whole case and of each report, put together once for all rules."""

    def __init__(self, book: Rulebook, known: Known) -> None:
        self._book, self._known = book, known
        self._seen: dict[tuple[int, ...], Situation] = {}

    def of(self, intakes: tuple[Intake, ...], markets: tuple[str, ...]) -> Situation:
        """Describe some reports, with the markets of the act where the whole case is meant."""
        key = (*(id(intake) for intake in intakes), len(markets))
        if key not in self._seen:
            known = self._known
            self._seen[key] = situation.situation(
                self._book,
                intakes,
                known.domain,
                markets=markets,
                contained=known.contained,
                restricted=known.restricted,
                voluntary=known.voluntary,
            )
        return self._seen[key]


def base(name: str) -> str:
    """Name the rule of a clock, without the number of its instance."""
    return name.partition("#")[0]


def _take(clocks: list[Clock], rule: ClockRule, begin: Begin, now: datetime) -> None:
    same_rule = [clock for clock in clocks if base(clock.rule) == rule.id]
    fresh = starting.started(rule, begin)
    for clock in same_rule:
        if clock.subject == begin.subject:
            at = clocks.index(clock)
            clocks[at] = starting.merged(clock, fresh, now, order_moved=begin.ordered is not None)
            return
    clocks.append(replace(fresh, rule=f"{rule.id}#{len(same_rule) + 1}") if same_rule else fresh)


def _begins(book: Rulebook, known: Known, rule: ClockRule, sights: _Sights) -> Iterator[Begin]:
    if rule.starts_at in AFTER_THE_ACT and not known.acted:
        return
    if rule.starts_at in PER_REPORT:
        yield from _per_report(known, rule, sights)
        return
    if not _applies(rule, sights.of(known.intakes, known.markets)):
        return
    match rule.starts_at:
        case Start.CONTAINMENT:
            if known.contained_at:
                subject = f"{known.contained_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
                yield Begin(t0=known.contained_at, basis="containment", subject=subject)
        case Start.INTAKE:
            yield Begin(t0=min(intake.received_at for intake in known.intakes), basis="intake")
        case _:
            yield _awareness(book, known, rule)


def _per_report(known: Known, rule: ClockRule, sights: _Sights) -> Iterator[Begin]:
    """Start once for each order or report; the same order received twice starts once, at its earliest receipt."""
    seen: dict[str, Begin] = {}
    for intake in known.intakes:
        if not _applies(rule, sights.of((intake,), ())):
            continue
        order = intake.order
        subject = (order.reference if order else intake.source_ref).strip()
        after = rule.starts_at is Start.DECISION
        begin = Begin(
            t0=(known.contained_at or known.now) if after else intake.received_at,
            basis="decision" if after else "receipt of the order" if order else "receipt",
            ordered=order.due_at if order else None,
            subject=subject,
            recipient=order.authority if order else "",
        )
        before = seen.get(subject.casefold())
        seen[subject.casefold()] = _earlier(before, begin) if before else begin
    yield from seen.values()


def _earlier(one: Begin, other: Begin) -> Begin:
    dates = [begin.ordered for begin in (one, other) if begin.ordered]
    return replace(one, t0=min(one.t0, other.t0), ordered=min(dates, default=None))


def _awareness(book: Rulebook, known: Known, rule: ClockRule) -> Begin:
    """Find when the company knew: at the earliest report anywhere, or of the rule's own jurisdiction.

    Knowledge of anybody in the company counts, so the report that reached a ticket first does not matter.
    """
    own = [intake for intake in known.intakes if rule.jurisdiction in (ANYWHERE, *situation.places(book, intake))]
    own_t0 = min(_aware(intake) for intake in own or known.intakes)
    if rule.starts_at is Start.OWN_AWARENESS:
        return Begin(t0=own_t0, basis="awareness")
    t0 = min(_aware(intake) for intake in known.intakes)
    imputed = "awareness, imputed from a report elsewhere" if t0 < own_t0 else "awareness"
    return Begin(t0=t0, basis=imputed, latest=own_t0)


def _aware(intake: Intake) -> datetime:
    return intake.aware_at or intake.received_at


def _applies(rule: ClockRule, seen: Situation) -> bool:
    where = seen["jurisdictions"]
    return rule.jurisdiction in (ANYWHERE, *where) and rule.applies_if.holds(seen)


def _with_readings(book: Rulebook, calendars: Calendars, rule: ClockRule, begin: Begin, known: Known) -> Begin:
    if rule.unit in (Unit.QUALITATIVE, Unit.AS_ORDERED) or not rule.counting:
        return begin
    orders = [intake.order for intake in known.intakes if intake.order]
    order = next((order for order in orders if order.reference.strip() == begin.subject), None)
    ordering = book.country(situation.ALIASES.get(order.country, order.country)) if order else None
    last = begin.latest or begin.t0
    span = timedelta(days=31 * rule.number) if rule.unit is Unit.MONTH else timedelta(days=2 * rule.number)
    years = begin.t0.year - 1, (last + span + LONGEST_DAY_OFF_RUN).year
    readings: list[Reading] = []
    for counting in rule.counting:
        reading = _reading(book, calendars, counting, ordering, years)
        if reading is not None:
            reading = replace(reading, exclude_day_zero=rule.exclude_day_zero)
        if reading is not None and reading not in readings:
            readings.append(reading)
    ids = ", ".join(dict.fromkeys(reading.calendar.id for reading in readings))
    return replace(begin, readings=tuple(readings), pinned=f"{calendars.versions} ({ids})")


def _reading(
    book: Rulebook, calendars: Calendars, counting: Counting, ordering: Country | None, years: tuple[int, int]
) -> Reading | None:
    """Freeze one way to count; None where it needs the country of an order that is not in the book."""
    places = {ESTABLISHMENT: book.country(book.platform.establishment), ORDER_COUNTRY: ordering}
    country = places.get(counting.calendar)
    if country is None and counting.calendar in places:
        return None
    calendar = calendars.frozen(country.calendar if country else counting.calendar, *years)
    return Reading(
        zone=country.zone if country else counting.zone,
        calendar=replace(calendar, weekend=counting.weekend) if counting.weekend else calendar,
        roll_forward=counting.roll_forward,
        min_working_days=counting.min_working_days,
    )


def _zone(book: Rulebook, rule: ClockRule) -> ZoneInfo:
    home = book.country(book.platform.establishment)
    zone = rule.counting[0].zone if rule.counting else ESTABLISHMENT
    return ZoneInfo(home.zone if home and zone in (ESTABLISHMENT, ORDER_COUNTRY) else zone)
