"""How do checked rows become frozen values of the domain? One function a file; nothing is judged here."""

from datetime import timedelta

from escalations.rulebook import Country, Platform, Term
from escalations.rules import ClockRule, Counting
from rulebook import expressions, schema

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def clock(row: schema.ClockRow) -> ClockRule:
    """Build a rule with a deadline."""
    return ClockRule(
        id=row.id,
        version=row.version,
        effective_from=row.effective.from_,
        effective_to=row.effective.to,
        jurisdiction=row.jurisdiction,
        instrument=row.instrument,
        duty=row.duty,
        meets=row.meets,
        owner=row.owner,
        recipient=row.recipient,
        applies_if=row.applies_if,
        starts_at=row.starts_at,
        number=row.period.n,
        unit=row.period.unit,
        counting=tuple(_counting(one) for one in row.counting.readings) if row.counting else (),
        exclude_day_zero=row.counting.exclude_day_zero if row.counting else True,
        working_time_only=row.running_on == "working_days_only",
        internal_target=row.internal_target,
        margin=row.margin or timedelta(),
        suspends_on=tuple(row.suspends_on),
        restarts=row.on_release == "restart",
        force=row.force,
        confidence=row.confidence,
        source=row.source,
        checked=row.checked,
        note=row.note,
        event=row.event,
        most=row.period.most,
        also_required=tuple(row.also_required),
        unsettled=row.unsettled,
    )


def _counting(row: schema.ReadingRow) -> Counting:
    return Counting(
        zone=row.zone,
        calendar=row.calendar,
        weekend=tuple(WEEKDAYS.index(day) for day in row.weekend),
        roll_forward=row.roll_forward,
        min_working_days=row.min_working_days,
        number=row.n or 0,
        working_days=row.working_days,
    )


def terms(row: schema.TermFile) -> tuple[Term, ...]:
    """Compile the rulebook's own names, each of which may use those before it. Raises ValueError."""
    found: list[Term] = []
    for name, one in row.terms.items():
        means = expressions.condition(one.means, tuple(term.name for term in found))
        found.append(Term(name=name, means=means, source=one.source))
    return tuple(found)


def platform(row: schema.PlatformRow) -> Platform:
    """Build the company."""
    return Platform(
        name=row.name,
        establishment=row.establishment,
        roles=tuple(row.roles),
        contact=row.contact,
        redress=row.redress,
        size=row.size,
    )


def countries(rows: dict[str, schema.CountryRow]) -> tuple[Country, ...]:
    """Build the markets."""
    return tuple(
        Country(code=code, zone=one.zone, calendar=one.calendar, legal_order=one.legal_order)
        for code, one in rows.items()
    )
