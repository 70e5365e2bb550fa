"""Who is to be asked now, and who is on duty over the next days? `seawall roster who ROLE --at T`, `roster show`."""

import difflib
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from starter import rules
from starter.errors import Problem
from starter.explain import roster_strip
from starter.explain.duties import instant
from starter.people import showing
from starter.people.here import Json

if TYPE_CHECKING:
    from escalations.model import Domain
    from escalations.rosters import Asked
    from escalations.rulebook import Rulebook

group = typer.Typer(help="Who is on duty, and who is asked when nobody is.", no_args_is_help=True)
At = Annotated[str, typer.Option(help="When, with its offset: 2026-12-25T02:00Z; else now.")]
Place = Annotated[str, typer.Option(help="For a matter of this country or legal order, such as DE or EU.")]
LONGEST = 31
YEARS = range(1970, 2100)


@group.command("who")
def who(
    role: Annotated[str, typer.Argument(metavar="ROLE", help="A role, such as LEG or PSAF.")],
    at: At = "",
    domain: Annotated[str, typer.Option(help="In a case of this domain, such as PSAFE.")] = "",
    jurisdiction: Place = "",
    without: Annotated[list[str] | None, typer.Option(help="Somebody who may not decide; repeat for more.")] = None,
    json: Json = False,
) -> None:
    """Say whom to ask for a role, first one first, with the reason for each place."""
    from escalations import rosters_chain
    from rulebook.calendars import Calendars

    book, when = rules.today(), _when(at)
    chain = _computed(
        lambda: rosters_chain.who(
            book,
            Calendars(),
            _role(book, role),
            when,
            domain=_domain(domain),
            jurisdictions=_places(book, jurisdiction),
            conflicted=tuple(_person(book, one) for one in without or ()),
        )
    )
    if json:
        told = [asdict(one) | {"name": _name(book, one.person)} for one in chain]
        showing.as_json({"role": role, "at": when, "rulebook": book.version, "ask": told}, dict[str, Any])
        return
    rows = [
        (str(place), one.person, _name(book, one.person), one.role, _reason(one)) for place, one in enumerate(chain, 1)
    ]
    showing.table(("NO", "PERSON", "NAME", "AS", "WHY"), rows, empty="Nobody is left to ask.", prose=("WHY",))


@group.command("show")
def show(
    at: At = "",
    days: Annotated[int, typer.Option(min=1, max=LONGEST, help="How many days from then.")] = 1,
    role: Annotated[str, typer.Option(help="Only this role.")] = "",
    jurisdiction: Place = "",
    json: Json = False,
) -> None:
    """Draw who is on duty, a strip for each role and hour: # on shift, + on call, a gap where nobody is."""
    from rulebook.calendars import Calendars

    book, when = rules.today(), _when(at)
    roles = [_role(book, role)] if role else sorted({one for each in book.roster.persons for one in each.roles})
    places = _places(book, jurisdiction)
    strips = _computed(lambda: roster_strip.strips(book, Calendars(), roles, places, when, days))
    if json:
        told = [asdict(one) for one in strips]
        showing.as_json({"rulebook": book.version, "hours": days * 24, "strips": told}, dict[str, Any])
        return
    roster_strip.draw(book.roster, strips)


def _when(text: str) -> datetime:
    at = instant(text) if text else datetime.now(UTC)
    if at.year not in YEARS:
        raise Problem(
            "bad_datetime",
            f"The time lies in {at.year}; calendars are known for {YEARS.start} to {YEARS.stop - 1}.",
            next_step="Give a time nearer to today.",
        )
    return at


def _computed(work: Any) -> Any:
    """Do what needs calendars. Raises Problem for a year whose holidays are not known."""
    from escalations.calendars import CalendarGap

    try:
        return work()
    except CalendarGap as gap:
        raise Problem("bad_datetime", f"{gap}.", next_step="Give a time in another year.") from None


def _role(book: "Rulebook", role: str) -> str:
    known = sorted({one for person in book.roster.persons for one in person.roles})
    if role in known:
        return role
    near = difflib.get_close_matches(role.upper(), known, 1)
    hint = f"Did you mean {near[0]}?" if near else f"Use one of {', '.join(known)}."
    raise Problem("unknown_role", "Nobody holds this role.", next_step=hint)


def _domain(name: str) -> "Domain | None":
    from escalations.model import Domain

    known = [one.value for one in Domain]
    if name and name.upper() not in known:
        raise Problem("unknown_value", "There is no such domain.", next_step=f"Use one of {', '.join(known)}.")
    return Domain(name.upper()) if name else None


def _places(book: "Rulebook", code: str) -> tuple[str, ...]:
    from escalations import rosters_chain

    known = rosters_chain.places(book, tuple(country.code for country in book.countries))
    if code and not rosters_chain.places(book, (code,)) & known:
        raise Problem("unknown_value", "There is no such market.", next_step=f"Use one of {', '.join(sorted(known))}.")
    return (code,) if code else ()


def _person(book: "Rulebook", person: str) -> str:
    from starter import signin

    return signin.person_on(book.roster, person)


def _name(book: "Rulebook", person: str) -> str:
    return next(one.name for one in book.roster.persons if one.id == person)


def _reason(one: "Asked") -> str:
    from escalations import rosters

    return rosters.in_words(one)
