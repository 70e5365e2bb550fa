"""Do the rules fit together? What no single row can show: quorums, roles, defaults, clocks, zones, calendars."""

from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from escalations.consensus import GateKind
from escalations.facts import EVENTS
from escalations.playbooks import APART, GateRule, Panel, Playbook
from escalations.rulebook import Roster, Rulebook
from escalations.rules import PLACES, ClockRule, Start, Unit
from escalations.telling import WORDINGS
from rulebook.calendars import Calendars
from rulebook.reading import Place

Fault = tuple[Place, str]
OPTIONS = {
    GateKind.LEGAL_REVIEW: {"hide", "no_action"},
    GateKind.CONTAINMENT: {"proceed", "stop"},
    GateKind.RATIFICATION: {"ratify", "revoke"},
    GateKind.RESPONSE: {"send", "hold_back"},
    GateKind.ROOT_CAUSE: {"approve", "rework"},
    GateKind.VERIFICATION: {"verified", "failed"},
}
TIERS = {0, 1, 2, 3}
FEWEST = 2


def clock_faults(rule: ClockRule, roster: Roster, number: int) -> Iterator[Fault]:
    """Judge one rule of a clock file; places are relative to the file."""
    here: Place = ("rules", number)
    for field, wrong, text in _period_faults(rule):
        if wrong:
            yield (*here, field), text
    if rule.effective_to and rule.effective_from and rule.effective_to < rule.effective_from:
        yield (*here, "effective"), "ends before it begins; correct the dates"
    if not roster.persons_in(rule.owner):
        yield (*here, "owner"), f"nobody holds the role {rule.owner}; name a role of rosters/persons.yaml"
    for at, one in enumerate(rule.counting):
        row: Place = (*here, "counting", "readings", at)
        yield from _zone_faults(row, one.zone, one.calendar)
        if one.number and (rule.unit is Unit.HOUR or rule.most):
            yield (*row, "n"), "a reading has another number only of days or months, and in no window; remove n"
        if one.working_days and rule.unit is not Unit.CALENDAR_DAY:
            yield (*row, "working_days"), "only a period in calendar days may be read in working days; remove it"


def version_faults(rule: ClockRule, before: list[ClockRule], number: int) -> Iterator[Fault]:
    """Judge a rule beside the versions of it that came before: each has its own number and its own dates."""
    here: Place = ("rules", number)
    for other in before:
        if other.version == rule.version:
            yield (*here, "id"), "this id and version is there twice; raise the version"
        elif _overlap(rule, other):
            yield (
                (*here, "effective"),
                f"overlaps version {other.version} of {rule.id}; end one before the other begins",
            )


def _overlap(one: ClockRule, other: ClockRule) -> bool:
    if one.effective_from is None or other.effective_from is None:
        return False
    ends_before = one.effective_to is not None and one.effective_to < other.effective_from
    begins_after = other.effective_to is not None and other.effective_to < one.effective_from
    return not (ends_before or begins_after)


def reference_faults(rule: ClockRule, book: Rulebook, number: int) -> Iterator[Fault]:
    """Judge what a rule refers to: other rules, the event that starts it, its margin."""
    here: Place = ("rules", number)
    unknown = sorted(set(rule.also_required) - {one.id for one in book.clocks})
    if unknown:
        yield (*here, "also_required"), f"no such clock: {', '.join(unknown)}; use ids of rulebook/clocks"
    if (rule.starts_at is Start.EVENT) is not (rule.event in EVENTS):
        yield (*here, "event"), f"starts_at: event needs one of {', '.join(EVENTS)}; nothing else has an event"
    if rule.unit is Unit.HOUR and rule.margin >= timedelta(hours=rule.number):
        yield (*here, "margin"), f"is not shorter than the {rule.number} h; the last call would come before the start"


def _period_faults(rule: ClockRule) -> tuple[tuple[str, bool, str], ...]:
    """List what a period may lack: the field, whether it is wrong, and what to do."""
    unit = rule.unit
    open_ended = unit is Unit.QUALITATIVE
    counts = unit not in (Unit.QUALITATIVE, Unit.AS_ORDERED, Unit.STANDING)
    hours = unit is Unit.HOUR
    return (
        (
            "internal_target",
            open_ended and rule.internal_target is None,
            "is needed where the law has no number; add one such as PT24H",
        ),
        ("internal_target", not open_ended and rule.internal_target is not None, "the law has a number; remove it"),
        (
            "period",
            counts and rule.number == 0 and unit is not Unit.CALENDAR_DAY,
            f"in {unit.value} needs n of 1 or more; add n",
        ),
        ("period", not counts and rule.number + rule.most > 0, f"{unit.value} has no number; remove n and most"),
        ("period", 0 < rule.most <= rule.number, "a window ends after it opens; make most larger than n"),
        (
            "period",
            counts and not hours and not rule.counting,
            f"in {unit.value} needs `counting` with a zone and a calendar; add it",
        ),
        (
            "running_on",
            rule.working_time_only and not (hours and rule.counting),
            "only hours with a calendar can stand still on days off; use all_days",
        ),
        (
            "on_release",
            rule.restarts and not (hours and rule.suspends_on),
            "only hours that may be suspended start afresh; use continue",
        ),
    )


def playbook_faults(playbook: Playbook, roster: Roster, book: Rulebook) -> Iterator[Fault]:
    """Judge one playbook; places are relative to its file."""
    for role in ("owner", "stand_in"):
        if not roster.persons_in(getattr(playbook, role)):
            yield (role,), f"nobody holds the role {getattr(playbook, role)}; name a role of rosters/persons.yaml"
    missing = [kind.value for kind in GateKind if kind not in {rule.kind for rule in playbook.gates}]
    if missing:
        yield ("gates",), f"lacks {', '.join(missing)}; every question of the process needs its rule"
    for rule in playbook.gates:
        yield from _gate_faults(rule, roster)
    yield from _notice_faults(playbook, book)


def book_faults(book: Rulebook) -> Iterator[Fault]:
    """Judge rulebook.yaml."""
    if book.country(book.platform.establishment) is None:
        yield ("platform", "establishment"), "is not among `countries`; add the country"
    for country in book.countries:
        yield from _zone_faults(("countries", country.code), country.zone, country.calendar)


def severity_faults(book: Rulebook) -> Iterator[Fault]:
    """Judge severity.yaml."""
    total = sum(one.weight for one in book.severity.inputs)
    if total != 100:
        yield ("inputs",), f"the weights add up to {total}; make them 100"
    if list(book.severity.bands) != sorted(book.severity.bands, reverse=True):
        yield ("bands",), "the least scores must fall from P0 to P3; sort them"
    if list(book.severity.urgency) != sorted(book.severity.urgency):
        yield ("urgency",), "the times must grow from U0 to U3; sort them"
    for number, one in enumerate(book.severity.inputs):
        if one.name in {other.name for other in book.severity.inputs[:number]}:
            yield ("inputs", number, "name"), "is there twice; rename one"


def blast_faults(book: Rulebook) -> Iterator[Fault]:
    """Judge the blast tiers of ladder.yaml: each reaches further than the one before."""
    for at, (one, wider) in enumerate(pairwise(book.blast.tiers), 1):
        if wider.items <= one.items or wider.sellers <= one.sellers:
            yield ("blast", "tiers", at), f"B{at} must reach further than B{at - 1}; raise its items and sellers"


def _notice_faults(playbook: Playbook, book: Rulebook) -> Iterator[Fault]:
    rules = {rule.id for rule in book.clocks}
    wordings = {template.name for template in book.templates} & set(WORDINGS)
    for number, notice in enumerate(playbook.notices):
        if notice.template not in wordings:
            yield ("notices", number, "template"), f"no such wording; use one of {', '.join(sorted(wordings))}"
        if notice.template == "authority_reply" and not notice.per_order:
            yield ("notices", number, "template"), "answers one order; add per_order: true"
        unknown = [stop for stop in notice.stops if stop not in rules]
        if unknown:
            yield ("notices", number, "stops"), f"no such clock: {', '.join(unknown)}; use ids of rulebook/clocks"


def _gate_faults(rule: GateRule, roster: Roster) -> Iterator[Fault]:
    here: Place = ("gates", rule.kind.value)
    for field, text in _option_faults(rule):
        yield (*here, field), text
    for field, wrong, text in _shape_faults(rule):
        if wrong:
            yield (*here, field), text
    yield from _panel_faults((*here, "panel"), rule.panel, roster)
    for level, panel in enumerate(rule.ladder):
        yield from _panel_faults((*here, "ladder", level), panel, roster)
    for field, panels in (("tiers", dict(rule.tiers)), ("emergency", dict(rule.emergency))):
        if panels and set(panels) != TIERS:
            yield (*here, field), "needs a panel for each of the blast tiers 0, 1, 2 and 3; add the missing ones"
        for tier, panel in panels.items():
            yield from _panel_faults((*here, field, tier), panel, roster)


def _shape_faults(rule: GateRule) -> Iterator[tuple[str, bool, str]]:
    needed = APART.get(rule.kind)
    yield (
        "apart_from",
        needed is not None and needed not in rule.apart_from,
        f"who took part must not decide (separation of duties); add {needed.value if needed else ''}",
    )
    yield "if_escalated", bool(rule.if_escalated and not rule.ladder), "needs a ladder to go up; add `ladder`"
    boxes = list(rule.time_box)
    yield "time_box", boxes != sorted(boxes), "must not be shorter at a lesser priority; sort the five times"


def _option_faults(rule: GateRule) -> Iterator[tuple[str, str]]:
    """Judge what may be answered. Only a question that went up in vain may end with what cannot be undone."""
    keys = {option.key for option in rule.options}
    if keys != OPTIONS[rule.kind]:
        yield "options", f"the process knows exactly {', '.join(sorted(OPTIONS[rule.kind]))}; use these"
    final = {option.key for option in rule.options if not option.reversible}
    for field in ("recommended", "default", "if_binding", "if_floor", "if_escalated"):
        named = getattr(rule, field)
        if named and named not in keys:
            yield field, f"is not an option; use one of {', '.join(sorted(keys))}"
        if named in final and field in ("default", "if_binding", "if_floor"):
            yield field, "cannot be undone; a default must be a reversible option"


def _panel_faults(here: Place, panel: Panel, roster: Roster) -> Iterator[Fault]:
    for seat in panel.seats:
        held = len(roster.persons_in(seat.role))
        if held == 0:
            yield (*here, "seats", seat.role), f"nobody holds the role {seat.role}; add people to rosters/persons.yaml"
        elif held < FEWEST:
            yield (
                (*here, "seats", seat.role),
                f"only one person holds {seat.role}; add a second to rosters/persons.yaml",
            )
    able = {person for seat in panel.seats for person in roster.persons_in(seat.role)}
    required = [seat.role for seat in panel.seats if seat.required and not seat.if_called]
    everybody = tuple(dict.fromkeys(seat.role for seat in panel.seats if seat.required))
    if panel.quorum > len(able):
        yield (*here, "quorum"), f"{panel.quorum} can never be reached by {len(able)} people; lower it or add seats"
    if panel.quorum < len(required):
        yield (*here, "quorum"), f"is less than the {len(required)} required seats; raise it to {len(required)}"
    elif not _distinct([*everybody], roster, frozenset()):
        yield (*here, "seats"), "too few people for the required seats, one person for each; add people"


def _distinct(roles: list[str], roster: Roster, taken: frozenset[str]) -> bool:
    """Ask whether each role can be filled by a person of its own."""
    if not roles:
        return True
    free = [person for person in roster.persons_in(roles[0]) if person not in taken]
    return any(_distinct(roles[1:], roster, taken | {person}) for person in free)


def _zone_faults(here: Place, zone: str, calendar: str) -> Iterator[Fault]:
    if (zone in PLACES or calendar in PLACES) and zone != calendar:
        yield here, f"zone and calendar belong together; give both the same of {', '.join(PLACES)}, or name both"
        return
    if zone in PLACES:
        return
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        yield (*here, "zone"), "is no time zone; use a name such as Europe/Dublin"
    if not Calendars.known(calendar):
        yield (*here, "calendar"), "is no known calendar; use a code such as DE or AU-NSW"
