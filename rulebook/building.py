"""How do checked rows become frozen values of the domain? One function a file; nothing is judged here."""

from decimal import Decimal

from escalations.consensus import GateKind, Option
from escalations.model import Targets
from escalations.playbooks import Containment, GateRule, NoticeRule, Panel, Playbook, SeatRule
from escalations.rulebook import Country, Person, Platform, Roster, Term
from escalations.rules import ClockRule, Counting
from escalations.severity import Floor, Input, Level, SeverityRules
from rulebook import expressions, schema

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def clock(row: schema.ClockRow) -> ClockRule:
    """Build a rule with a deadline."""
    readings = row.counting.readings if row.counting else []
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
        counting=tuple(
            Counting(
                zone=one.zone,
                calendar=one.calendar,
                weekend=tuple(WEEKDAYS.index(day) for day in one.weekend),
                roll_forward=one.roll_forward,
                min_working_days=one.min_working_days,
            )
            for one in readings
        ),
        exclude_day_zero=row.counting.exclude_day_zero if row.counting else True,
        working_time_only=row.running_on == "working_days_only",
        internal_target=row.internal_target,
        margin=row.margin,
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


def severity(row: schema.SeverityFile) -> SeverityRules:
    """Build the scale."""
    return SeverityRules(
        inputs=tuple(
            Input(
                name=one.name,
                weight=one.weight,
                levels=tuple(Level(level=level.level, why=level.why, when=level.when) for level in one.levels),
                otherwise=one.otherwise.level,
                otherwise_why=one.otherwise.why,
            )
            for one in row.inputs
        ),
        bands=tuple(Decimal(band) for band in row.bands),
        floors=tuple(Floor(band=one.band, why=one.why, when=one.when) for one in row.floors),
        urgency=tuple(row.urgency),
        targets=tuple(Targets(**one.model_dump()) for one in row.targets),
    )


def playbook(row: schema.PlaybookFile) -> Playbook:
    """Build a playbook."""
    statement = row.containment.statement
    return Playbook(
        id=row.id,
        version=row.version,
        domain=row.domain,
        title=row.title,
        owner=row.owner,
        stand_in=row.stand_in,
        channel=row.channel,
        page=row.page,
        contain_first=row.contain_first,
        evidence=tuple(row.evidence),
        containment=Containment(
            action=row.containment.action,
            reason_code=row.containment.reason_code,
            restriction=statement.restriction,
            category=statement.category,
            keywords=tuple(statement.keywords),
            ground=statement.ground,
            basis=statement.basis,
            explanation=statement.explanation,
            batch=row.containment.batch,
        ),
        gates=tuple(_gate(kind, one) for kind, one in row.gates.items()),
        notices=tuple(_notice(one) for one in row.notices),
        resweeps=tuple(row.resweeps),
        root_cause_to=row.root_cause_to,
    )


def terms(row: schema.TermFile) -> tuple[Term, ...]:
    """Compile the rulebook's own names, each of which may use those before it. Raises ValueError."""
    found: list[Term] = []
    for name, one in row.terms.items():
        means = expressions.condition(one.means, tuple(term.name for term in found))
        found.append(Term(name=name, means=means, source=one.source))
    return tuple(found)


def roster(row: schema.RosterFile) -> Roster:
    """Build the roster."""
    return Roster(
        persons=tuple(Person(id=id_, name=one.name, roles=tuple(one.roles)) for id_, one in row.persons.items())
    )


def platform(row: schema.PlatformRow) -> Platform:
    """Build the company."""
    return Platform(
        name=row.name,
        establishment=row.establishment,
        roles=tuple(row.roles),
        contact=row.contact,
        redress=row.redress,
    )


def countries(rows: dict[str, schema.CountryRow]) -> tuple[Country, ...]:
    """Build the markets."""
    return tuple(
        Country(code=code, zone=one.zone, calendar=one.calendar, legal_order=one.legal_order)
        for code, one in rows.items()
    )


def _gate(kind: GateKind, row: schema.GateRow) -> GateRule:
    return GateRule(
        kind=kind,
        question=row.question,
        options=tuple(
            Option(key=key, label=one.label, reversible=one.reversible, external=one.external)
            for key, one in row.options.items()
        ),
        recommended=row.recommended,
        default=row.default,
        if_binding=row.if_binding,
        if_floor=row.if_floor,
        if_escalated=row.if_escalated,
        panel=_panel(row.panel),
        tiers=tuple((tier, _panel(one)) for tier, one in row.tiers.items()),
        emergency=tuple((tier, _panel(one)) for tier, one in row.emergency.items()),
        ladder=tuple(_panel(one) for one in row.ladder),
        time_box=tuple(row.time_box),
        minimum=row.minimum,
        before_clocks=row.before_clocks,
    )


def _panel(row: schema.PanelRow) -> Panel:
    seats = tuple(SeatRule(role=role, required=one.required, may_veto=one.may_veto) for role, one in row.seats.items())
    return Panel(seats=seats, quorum=row.quorum)


def _notice(row: schema.NoticeRow) -> NoticeRule:
    return NoticeRule(
        template=row.template,
        recipient=row.recipient,
        meets=row.meets,
        duty=row.duty,
        stops=tuple(row.stops),
        when=row.when,
        per_order=row.per_order,
        mandatory=row.mandatory,
    )
