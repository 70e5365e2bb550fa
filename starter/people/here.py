"""What does a command of a person work with? Settings, the casebook, the roster, and Temporal when it must speak."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from escalations.messages import Receipt, Said
from starter.errors import Problem, unknown_case
from starter.faults import of_store

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

    from escalations.record import Card
    from escalations.rulebook import Roster
    from starter.settings import Settings

T = TypeVar("T")

SHORT_ID = re.compile(r"[0-9A-Z]{4}(-[0-9A-Z]{4}){2}")
LOOKALIKE = str.maketrans("OIL", "011")  # letters that Crockford's base32 does not have, as people write them


def written(case_id: str) -> str:
    """Read a case id as people write it: in small letters, with O for 0 and I or L for 1, or without `ESC-`."""
    head, *rest = case_id.strip().split("/", 1)
    short = head.upper().removeprefix("ESC-")
    head = f"ESC-{short.translate(LOOKALIKE)}" if SHORT_ID.fullmatch(short) else head
    return "/".join((head, *rest))


CaseId = Annotated[
    str, typer.Argument(metavar="CASE", callback=written, help="The case id, ESC-XXXX-XXXX-XXXX.", show_default=False)
]
As = Annotated[str, typer.Option("--as", metavar="PERSON", help="Who you are; else SEAWALL_PERSON.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]
Id = Annotated[str, typer.Option("--request-id", help="Repeat an earlier message; the case answers as before.")]
Reason = Annotated[str, typer.Option(help="Why; others will read it.")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Here:
    """This installation, as one command sees it."""

    settings: "Settings"
    engine: "AsyncEngine"
    now: datetime

    def roster(self) -> "Roster":
        """Read who works here. Raises Problem `misconfigured` for a rulebook with a fault."""
        from starter import rules

        return rules.today(self.settings).roster

    def person(self, named: str) -> str:
        """Say who acts: `--as`, else SEAWALL_PERSON. Raises Problem `who` or `not_on_roster` (77)."""
        from starter import signin

        return signin.person_on(self.roster(), named or self.settings.person)

    async def card(self, case_id: str) -> "Card":
        """Read a case. Raises Problem `unknown_case` (4)."""
        from store import queries

        card = await queries.card(self.engine, case_id)
        if card is None:
            raise unknown_case()
        return card


def run(work: Callable[[Here], Awaitable[T]]) -> T:
    """Do a command's work with this installation. Raises Problem for whatever cannot be used."""
    return asyncio.run(_run(work))


async def _run(work: Callable[[Here], Awaitable[T]]) -> T:
    async with _here() as here:
        return await work(here)


@asynccontextmanager
async def _here() -> AsyncIterator[Here]:
    from starter import logs, settings
    from store.engine import open_engine
    from store.errors import StoreMisconfigured, StoreUnavailable

    told = settings.load()
    logs.configure(told.log_format, "error")  # what a person needs to know is printed by the command
    try:
        engine = open_engine(told.database_url)
        try:
            yield Here(settings=told, engine=engine, now=datetime.now(UTC))
        finally:
            await engine.dispose()
    except (StoreUnavailable, StoreMisconfigured) as wrong:
        raise of_store(wrong) from None


async def tell(here: Here, case_id: str, name: str, message: Any) -> Receipt:
    """Attest and say a message as the terminal's door; return the receipt."""
    from starter import connect, signin, witness

    attested = signin.attested(message, case_id, door="cli", home=here.settings.home)
    client = await connect.connect(here.settings)
    return await witness.said(here.engine, client, case_id, name, attested, at=here.now)


def said(person: str, request_id: str) -> Said:
    """Name the speaker and the delivery: the given request id, or a new one that the receipt shows."""
    if len(request_id) > 200 or not request_id.isprintable():
        raise Problem("bad_id", "A request id has 1 to 200 printable characters.")
    from starter import signin

    return Said(request_id=request_id or signin.new_request_id(), person=person)
