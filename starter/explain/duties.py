"""When would a duty be due, and which duties are there? `seawall clocks due RULE --at T`, `seawall clocks list`."""

import difflib
from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from typer._click import Command, Context
from typer.core import TyperGroup

from starter import rules
from starter.errors import Problem
from starter.people import reading, showing
from starter.people.here import Json

if TYPE_CHECKING:
    from escalations.clocks import Clock
    from escalations.rulebook import Rulebook
    from escalations.rules import ClockRule


class _OfACase(TyperGroup):
    """`seawall clocks CASE` shows a case: what is no command of ours is taken for a case id."""

    def resolve_command(self, ctx: Context, args: list[str]) -> tuple[str | None, Command | None, list[str]]:
        if args and args[0] not in self.commands and not args[0].startswith("-"):
            args = ["case", *args]
        return super().resolve_command(ctx, args)


group = typer.Typer(cls=_OfACase, help="The clocks of a case, and the rules they come from.", no_args_is_help=True)
group.command("case", help="Show the clocks of a case, nearest first (`seawall clocks CASE`).")(reading.clocks)


@group.command("due")
def due(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The id of a clock rule, such as EU-GPSR-22-4.")],
    at: Annotated[str, typer.Option(help="When it starts, with its offset: 2026-10-25T00:30Z.")],
    calendar: Annotated[str, typer.Option(help="The country that counts, where the rule leaves it open.")] = "",
    version: Annotated[int, typer.Option(help="A version of the rule; else the one in force then.")] = 0,
    json: Json = False,
) -> None:
    """Say when a duty would be due, and how that is counted."""
    from escalations import readings
    from rulebook.calendars import Calendars

    start = instant(at)
    book = rules.today()
    chosen = _rule(book, rule, version, start.date())
    try:
        clock = readings.alone(book, Calendars(), chosen, start, country=calendar)
    except readings.BadClockInput as wrong:
        raise Problem(f"bad_{wrong.field}", f"The {wrong.field} cannot be used: {wrong}.") from None
    if json:
        showing.as_json(_answer(chosen, clock), dict[str, Any])
        return
    _show(chosen, clock)


@group.command("list")
def listed(
    jurisdiction: Annotated[str, typer.Option(help="Only rules of this jurisdiction, such as EU.")] = "",
    json: Json = False,
) -> None:
    """List the rules that clocks come from."""
    book = rules.today()
    known = sorted({rule.jurisdiction for rule in book.clocks})
    if jurisdiction and jurisdiction not in known:
        raise Problem("unknown_value", f"No rule is of {jurisdiction}.", next_step=f"Use one of {', '.join(known)}.")
    chosen = [rule for rule in book.clocks if jurisdiction in ("", rule.jurisdiction)]
    if json:
        showing.as_json([_row(rule) for rule in chosen], list[dict[str, Any]])
        return
    rows = [
        (row["rule"], str(row["version"]), row["in_force"], row["period"], row["duty"], row["law"], row["confidence"])
        for row in map(_row, chosen)
    ]
    showing.table(
        ("RULE", "V", "IN FORCE", "PERIOD", "DUTY", "LAW", "CONF"), rows, empty="No rule.", prose=("DUTY", "LAW")
    )


def instant(text: str) -> datetime:
    from starter.console import forms

    at = forms.instant(text)
    if at is None:
        raise Problem("bad_datetime", "The time is missing.", next_step="Write 2026-10-25T00:30Z.")
    return at


def _rule(book: "Rulebook", name: str, version: int, day: date) -> "ClockRule":
    versions = [rule for rule in book.clocks if rule.id == name]
    if not versions:
        near = difflib.get_close_matches(name.upper(), [rule.id for rule in book.clocks], 1)
        hint = f"Did you mean {near[0]}?" if near else "See `seawall clocks list`."
        raise Problem("unknown_rule", "There is no such rule.", next_step=hint)
    found = [rule for rule in versions if rule.version == version or (not version and rule.in_force(day))]
    if found:
        return found[-1]
    if version or versions[-1].effective_from is None:
        held = ", ".join(str(rule.version) for rule in versions)
        text = "The rule has no such version." if version else "The rule is enacted and not in force."
        raise Problem("not_in_force", text, next_step=f"Give --version; there is {held}.")
    held = "; ".join(f"version {rule.version} {in_force(rule)}" for rule in versions)
    raise Problem("not_in_force", f"The rule is not in force then ({held}).", next_step="Give --version to see it.")


def in_force(rule: "ClockRule") -> str:
    """Say from when to when a rule holds."""
    if rule.effective_from is None:
        return "not in force yet"
    return f"{rule.effective_from} – {rule.effective_to or 'open'}"


def period(rule: "ClockRule") -> str:
    """Say a period in words."""
    from escalations.rules import Unit

    if rule.unit is Unit.QUALITATIVE:
        return "no number"
    if rule.unit in (Unit.AS_ORDERED, Unit.STANDING):
        return rule.unit.value.replace("_", " ")
    number = f"{rule.number}–{rule.most}" if rule.most else str(rule.number)
    plural = "" if number == "1" else "s"
    paused = ", on working days only" if rule.working_time_only else ""
    return f"{number} {rule.unit.value.replace('_', ' ')}{plural}{paused}"


def _row(rule: "ClockRule") -> dict[str, Any]:
    return {
        "rule": rule.id,
        "version": rule.version,
        "jurisdiction": rule.jurisdiction,
        "in_force": in_force(rule),
        "period": period(rule),
        "starts_at": rule.event or rule.starts_at.value,
        "applies_if": rule.applies_if.text,
        "duty": rule.duty,
        "meets": rule.meets.value,
        "owner": rule.owner,
        "recipient": rule.recipient,
        "law": rule.instrument,
        "force": rule.force.value,
        "confidence": rule.confidence,
        "unsettled": rule.unsettled,
        "source": rule.source,
        "checked": rule.checked.isoformat(),
    }


def _answer(rule: "ClockRule", clock: "Clock") -> dict[str, Any]:
    computed = asdict(clock)
    times = {name: computed[name] for name in ("due_operational", "due_legal_latest", "internal_target", "not_before")}
    written = {name: at.astimezone(UTC).isoformat() if at else None for name, at in times.items()}
    return _row(rule) | written | {"derivation": list(clock.derivation), "pinned": clock.pinned}


def _show(rule: "ClockRule", clock: "Clock") -> None:
    named = (
        ("due (worked to)", clock.due_operational),
        ("internal target, not law", clock.internal_target),
        ("latest reading, shown only", clock.due_legal_latest),
        ("not before", clock.not_before),
    )
    showing.lines(f"{rule.id} version {rule.version}: {rule.duty}", f"{rule.instrument} ({in_force(rule)})")
    for words, at in named:
        if at is not None:
            showing.lines(f"  {words}: {at:%Y-%m-%dT%H:%M:%SZ}{_locally(rule, at)}")
    showing.lines(*(f"    {step}" for step in clock.derivation))
    showing.lines(f"  confidence {rule.confidence}; source: {rule.source}; checked {rule.checked}")
    if rule.unsettled:
        showing.lines(f"  not settled: {rule.unsettled}")
    if clock.pinned:
        showing.lines(f"  counted with {clock.pinned}")


def _locally(rule: "ClockRule", at: datetime) -> str:
    zones = dict.fromkeys(one.zone for one in rule.counting if "/" in one.zone)
    local = [f"{at.astimezone(ZoneInfo(zone)):%a %d %b %H:%M} {zone}" for zone in zones]
    return f" ({', '.join(local)})" if local else ""
