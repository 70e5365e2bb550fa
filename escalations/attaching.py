"""Which clocks run for a case, and since when?

Every rule in force whose conditions hold starts once, or once per order or report. What runs already is kept, or moves.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from escalations import readings, situation, starting
from escalations.clocks import Clock, ClockStatus
from escalations.conditions import Situation
from escalations.model import Domain, Intake, Milestone
from escalations.readings import Calendars
from escalations.rulebook import Country, Rulebook
from escalations.rules import ANYWHERE, ClockRule, Start, Unit
from escalations.starting import Begin

PER_REPORT = (Start.RECEIPT, Start.DECISION)
CLAIMED = "awareness_claimed"
AFTER_THE_ACT = (Start.DECISION, Start.CONTAINMENT)


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


def attached(book: Rulebook, calendars: Calendars, known: Known, told: Situation | None = None) -> tuple[Clock, ...]:
    """Return all clocks of the case: those it had, in their order, kept or moved, then the new ones.

    `told` is what the reports say (`situation.reported`), where that was put together before.
    """
    clocks, sights = list(known.clocks), _Sights(book, known, told)
    here = {ANYWHERE, *sights.whole["jurisdictions"]}
    places = _places(clocks)
    for rule in book.clocks:
        if rule.jurisdiction not in here or rule.unit is Unit.STANDING:
            continue
        for begin in _begins(book, known, rule, sights):
            if not rule.in_force(begin.t0.astimezone(readings.zone(book, rule)).date()):
                continue
            fresh = starting.started(rule, readings.frozen(book, calendars, rule, begin, _ordering(book, known, begin)))
            fresh = _done_before(fresh, begin, known)
            _take(clocks, places[rule.id], fresh, known.now, order_moved=begin.ordered is not None)
    return tuple(clocks)


class _Sights:
    """What conditions see of the whole case, with the markets of an act, and of each report without them."""

    def __init__(self, book: Rulebook, known: Known, told: Situation | None) -> None:
        self._book, self._known = book, known
        self._told = situation.reported(book, known.intakes) if told is None else told
        self.whole = self._described(self._told, known.markets)
        self._reports: dict[int, Situation] = {}

    def report(self, number: int) -> Situation:
        """Describe one report by its place among them; put together once for all rules, where one asks."""
        seen = self._reports.get(number)
        if seen is None:
            intakes = self._known.intakes
            alone = len(intakes) == 1
            told = self._told if alone else situation.reported(self._book, (intakes[number],))
            seen = self.whole if alone and not self._known.markets else self._described(told, ())
            self._reports[number] = seen
        return seen

    def _described(self, told: Situation, markets: tuple[str, ...]) -> Situation:
        known = self._known
        return situation.described(
            self._book,
            told,
            known.domain,
            markets=markets,
            contained=known.contained,
            restricted=known.restricted,
            voluntary=known.voluntary,
        )


def base(name: str) -> str:
    """Name the rule of a clock, without the number of its instance."""
    return name.partition("#")[0]


def _done_before(fresh: Clock, begin: Begin, known: Known) -> Clock:
    """Find a removal duty fulfilled when it starts: the offers a report names were contained before it came.

    Its replies are clocks of their own and still owed.
    """
    done_at = known.contained_at
    if fresh.meets is not Milestone.CONTAINED or done_at is None or done_at > fresh.t0 or not begin.covered:
        return fresh
    return replace(fresh, status=ClockStatus.MET, met_at=done_at, proof="contained before the duty began")


def _places(clocks: list[Clock]) -> dict[str, list[int]]:
    """Find where the clocks of each rule stand."""
    found: dict[str, list[int]] = defaultdict(list)
    for place, clock in enumerate(clocks):
        found[base(clock.rule)].append(place)
    return found


def _take(clocks: list[Clock], places: list[int], fresh: Clock, now: datetime, *, order_moved: bool) -> None:
    """Bring the clock of the same subject in line, or add a new one; `places` are those of the same rule."""
    for place in places:
        clock = clocks[place]
        if clock.subject == fresh.subject and not clock.origin:
            clocks[place] = starting.merged(clock, fresh, now, order_moved=order_moved)
            return
    clocks.append(replace(fresh, rule=f"{fresh.rule}#{len(places) + 1}") if places else fresh)
    places.append(len(clocks) - 1)


def _begins(book: Rulebook, known: Known, rule: ClockRule, sights: _Sights) -> Iterator[Begin]:
    if rule.starts_at in AFTER_THE_ACT and not known.acted:
        return
    if rule.starts_at in PER_REPORT:
        yield from _per_report(book, known, rule, sights)
        return
    if not rule.applies_if.holds(sights.whole):
        return
    match rule.starts_at:
        case Start.CONTAINMENT:
            if known.contained_at:
                subject = f"{known.contained_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
                yield Begin(t0=known.contained_at, basis="containment", subject=subject)
        case Start.EVENT:
            yield from _per_event(book, known, rule)
        case Start.INTAKE:
            yield Begin(t0=min(intake.received_at for intake in known.intakes), basis="intake")
        case _:
            yield (_knowledge if rule.starts_at is Start.KNOWLEDGE else _awareness)(book, known, rule)


def _per_event(book: Rulebook, known: Known, rule: ClockRule) -> Iterator[Begin]:
    """Start once for each dated event of the rule's kind that happened in its jurisdiction, or nobody said where."""
    seen: dict[str, Begin] = {}
    for intake in known.intakes:
        for event in intake.facts.events:
            here = not event.place or rule.jurisdiction in (ANYWHERE, *situation.jurisdictions(book, (event.place,)))
            if event.kind == rule.event and here:
                basis = event.kind.replace("_", " ")
                begin = Begin(t0=event.at, basis=basis, subject=event.subject)
                seen[event.subject] = _earlier(seen.get(event.subject, begin), begin)
    yield from seen.values()


def _covered(known: Known, intake: Intake) -> bool:
    """Ask whether a report names offers, and only such as reports before it named."""
    before = known.intakes[: known.intakes.index(intake)]
    named = _names(intake)
    return bool(named) and named <= {name for one in before for name in _names(one)}


def _names(intake: Intake) -> set[str]:
    product, order = intake.product, intake.order
    return {*intake.listings, *(order.listings if order else ()), *(product.gtins if product else ())}


def _per_report(book: Rulebook, known: Known, rule: ClockRule, sights: _Sights) -> Iterator[Begin]:
    """Start once for each order or report; the same order received twice starts once, at its earliest receipt."""
    seen: dict[str, Begin] = {}
    for number, intake in enumerate(known.intakes):
        if not _applies(rule, sights.report(number)):
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
            covered=_covered(known, intake),
            countries=situation.places(book, intake),
        )
        before = seen.get(subject.casefold())
        seen[subject.casefold()] = _earlier(before, begin) if before else begin
    yield from seen.values()


def _earlier(one: Begin, other: Begin) -> Begin:
    dates = [begin.ordered for begin in (one, other) if begin.ordered]
    return replace(one, t0=min(one.t0, other.t0), ordered=min(dates, default=None))


def _awareness(book: Rulebook, known: Known, rule: ClockRule) -> Begin:
    """Find when the company knew: at the earliest report anywhere, or of the rule's own jurisdiction.

    Knowledge of anybody in the company counts, so the report that reached a ticket first does not matter. An earlier
    awareness that is claimed and not accepted is kept beside it (the event `awareness_claimed`).
    """
    own = [intake for intake in known.intakes if rule.jurisdiction in (ANYWHERE, *situation.places(book, intake))]
    own_t0 = min(_aware(intake) for intake in own or known.intakes)
    claims = [event.at for intake in known.intakes for event in intake.facts.events if event.kind == CLAIMED]
    claimed = min(claims, default=None)
    if rule.starts_at in (Start.OWN_AWARENESS, Start.KNOWLEDGE):
        return Begin(t0=own_t0, basis="awareness", claimed=claimed)
    t0 = min(_aware(intake) for intake in known.intakes)
    imputed = "awareness, imputed from a report elsewhere" if t0 < own_t0 else "awareness"
    return Begin(t0=t0, basis=imputed, latest=own_t0, claimed=claimed)


def _knowledge(book: Rulebook, known: Known, rule: ClockRule) -> Begin:
    """Start when it was learned what the rule asks for: with the first reports, or now, when the case runs already.

    A clock that was started keeps its start.
    """
    aware = _awareness(book, known, rule)
    ran = [clock for clock in known.clocks if base(clock.rule) == rule.id and not clock.origin]
    if ran:
        return replace(aware, t0=ran[0].t0, basis=ran[0].t0_basis)
    return replace(aware, t0=known.now, basis="knowledge") if known.clocks and known.now > aware.t0 else aware


def _aware(intake: Intake) -> datetime:
    return intake.aware_at or intake.received_at


def _applies(rule: ClockRule, seen: Situation) -> bool:
    here = rule.jurisdiction == ANYWHERE or rule.jurisdiction in seen["jurisdictions"]
    return here and rule.applies_if.holds(seen)


def _ordering(book: Rulebook, known: Known, begin: Begin) -> Country | None:
    """Find the country of the order that a clock is about."""
    orders = [intake.order for intake in known.intakes if intake.order]
    order = next((order for order in orders if order.reference.strip() == begin.subject), None)
    return book.country(situation.ALIASES.get(order.country, order.country)) if order else None
