"""How does a playbook that was read become a frozen value, with a role on every seat?"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from escalations.blast import HOUSE, Limit, Limits
from escalations.conditions import ALWAYS
from escalations.consensus import GateKind, Option
from escalations.model import Part
from escalations.playbooks import (
    APART,
    Call,
    Confidentiality,
    Containment,
    GateRule,
    LadderStep,
    NoticeRule,
    Panel,
    Playbook,
    ResponseRule,
    SeatRule,
    Step,
)
from rulebook import playbook_rows as rows

EXEC, COMMANDER = "EXEC", "IC"


def playbook(row: rows.PlaybookFile) -> Playbook:
    """Build a playbook."""
    sign = row.sign_off
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
        containment=_containment(row.containment),
        gates=tuple(_gate(row, kind, one) for kind, one in row.gates.items()),
        notices=tuple(NoticeRule(**{**_plain(one), "stops": tuple(one.stops)}) for one in row.notices),
        resweeps=tuple(row.resweeps),
        root_cause_to=row.root_cause_to,
        sources=tuple(row.sources),
        subjects=tuple(row.subjects),
        approve=tuple(one.role for one in sign.approve),
        veto=tuple(one.role for one in sign.veto),
        consulted=tuple(one.role for one in sign.consulted),
        calls=_calls(sign),
        ladder=tuple(row.ladder),
        emergency=tuple(row.emergency),
        steps=tuple(Step(**_plain(one)) for one in row.steps),
        responses=tuple(_response(one) for one in row.responses),
        targets=_targets(row),
        rings=tuple(Confidentiality(ring=one.ring, viewers=tuple(one.viewers), when=one.when) for one in row.rings),
        takes_over_when=row.takes_over_when,
    )


def blast(row: rows.LadderFile) -> Limits:
    """Build the limits of the blast tiers."""
    if row.blast is None:
        return HOUSE
    tiers = tuple(Limit(items=one.items, sellers=one.sellers, either=one.either) for one in row.blast.tiers)
    return Limits(tiers=tiers, funds_usd=row.blast.funds_usd)


def ladder(row: rows.LadderFile) -> tuple[LadderStep, ...]:
    """Build the rungs of containment, mildest first."""
    return tuple(LadderStep(key=key, rung=rung, **_plain(one)) for rung, (key, one) in enumerate(row.ladder.items()))


def _plain(row: rows.Shape) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).model_fields if name != "by"}


def _containment(row: rows.ContainmentRow) -> Containment:
    statement = row.statement
    return Containment(
        action=row.action,
        reason_code=row.reason_code,
        restriction=statement.restriction,
        category=statement.category,
        keywords=tuple(statement.keywords),
        ground=statement.ground,
        basis=statement.basis,
        explanation=statement.explanation,
        batch=row.batch,
    )


def _response(row: rows.ResponseRow) -> ResponseRule:
    return ResponseRule(
        key=row.key,
        title=row.title,
        recipient=row.recipient,
        duty=row.duty,
        owner=row.owner,
        meets=row.meets,
        stops=tuple(row.stops),
        when=row.when,
    )


def _targets(row: rows.PlaybookFile) -> tuple[tuple[int, str, timedelta], ...]:
    return tuple((priority, name, span) for priority, own in sorted(row.targets.items()) for name, span in own.items())


def _calls(sign: rows.SignOffRow) -> tuple[Call, ...]:
    signing: tuple[rows.SignRow | rows.ConsultedRow, ...] = (*sign.approve, *sign.veto, *sign.consulted)
    return tuple(Call(role=one.role, when=one.when) for one in signing if one.when is not ALWAYS)


def _gate(book: rows.PlaybookFile, kind: GateKind, row: rows.GateRow) -> GateRule:
    def panel(one: rows.PanelRow) -> Panel:
        return _panel(book, kind, one)

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
        panel=panel(row.panel),
        tiers=tuple((tier, panel(one)) for tier, one in row.tiers.items()),
        emergency=tuple((tier, panel(one)) for tier, one in row.emergency.items()),
        ladder=tuple(panel(one) for one in row.ladder),
        time_box=tuple(row.time_box),
        minimum=row.minimum,
        before_clocks=row.before_clocks,
        apart_from=_apart(kind, row),
    )


def _apart(kind: GateKind, row: rows.GateRow) -> tuple[Part, ...]:
    """Rulebooks from before this was data leave it out, and mean what the law of the house was then."""
    if row.apart_from is None:
        return (APART[kind],) if kind in APART else ()
    return tuple(row.apart_from)


def _panel(book: rows.PlaybookFile, kind: GateKind, row: rows.PanelRow) -> Panel:
    """Put roles on the seats. Two seats of one role become one, with the stricter of both."""
    found: dict[tuple[str, bool], SeatRule] = {}
    for chair, seat in row.seats.items():
        for role, if_called in _roles(book, kind, chair):
            known = found.get((role, if_called))
            found[role, if_called] = SeatRule(
                role=role,
                required=seat.required or bool(known and known.required),
                may_veto=seat.may_veto or bool(known and known.may_veto),
                if_called=if_called,
            )
    needed = sum(seat.required and not seat.if_called for seat in found.values())
    return Panel(seats=tuple(found.values()), quorum=row.quorum or max(row.least, needed + row.beyond))


def _roles(book: rows.PlaybookFile, kind: GateKind, chair: str) -> Iterator[tuple[str, bool]]:
    """Name the roles of a chair, and whether each sits only when it is called."""
    sign = book.sign_off
    parts: dict[str, list[rows.SignRow | rows.ConsultedRow]] = {
        "@approvers": [*sign.approve],
        "@veto": [*sign.veto],
        "@consulted": [one for one in sign.consulted if kind in one.at],
        "@owner": [rows.SignRow(role=book.owner)],
    }
    if chair in parts:
        yield from ((one.role, one.when is not ALWAYS) for one in parts[chair])
    elif sign.closed and chair == COMMANDER:
        yield book.owner, False
    elif not sign.closed or chair == EXEC or chair in {one.role for one in (*sign.approve, *sign.veto)}:
        yield chair, False
