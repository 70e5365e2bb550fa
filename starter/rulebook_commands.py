"""Is a rulebook in order, and what would another one change? `seawall rulebook check|diff`."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from escalations.rulebook import Rulebook
from starter import rules
from starter.errors import BAD_INPUT, Problem
from starter.people import showing
from starter.people.here import Json
from starter.settings import Settings

group = typer.Typer(help="Check and compare rulebooks.", no_args_is_help=True)
VERSION = re.compile(r"20\d\d\.\d\d-[0-9a-f]{12}")
EITHER = "`shipped`, a kept version, a whole rulebook's folder, or a company's, laid over the shipped rulebook."
COMPANY = "A company's folder that is laid over the shipped rulebook; else SEAWALL_RULEBOOK."


def build(app: typer.Typer) -> None:
    """Add this door's commands."""
    app.add_typer(group, name="rulebook")


@group.command("check")
def check(
    folder: Annotated[str, typer.Argument(metavar="[DIR]", help=COMPANY)] = "",
    whole: Annotated[bool, typer.Option("--whole", help="DIR is a whole rulebook, laid over nothing.")] = False,
    json: Json = False,
) -> int:
    """Look for every fault of a rulebook. Exit codes: 0 in order, 2 with faults."""
    import rulebook
    from rulebook import sources

    today = datetime.now(UTC).date()
    if whole:
        found = rulebook.faults(_folder(folder), today=today)
    else:
        found = rulebook.faults(company=_folder(folder) if folder else rules.company(), today=today)
    if json:
        told = [{"where": where, "fault": text} for where, text in found]
        showing.as_json({"in_order": not found, "faults": told}, dict[str, Any])
    else:
        showing.lines(*(f"{where}: {text}" for where, text in found))
        showing.lines(f"{len(found)} fault{'s' * (len(found) > 1)}" if found else "in order")
    if found and folder and not whole and sources.is_whole(_folder(folder)):
        typer.echo(
            f"{folder} was laid over the shipped rules and holds every file itself; see it alone with --whole.",
            err=True,
        )
    return BAD_INPUT if found else 0


@group.command("diff")
def diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help=EITHER)],
    new: Annotated[str, typer.Argument(metavar="NEW", help=EITHER)],
    json: Json = False,
) -> None:
    """Say in words which rules differ, and which cases would change: sample cases are triaged under both."""
    from rulebook.differences import differences

    found = differences(_book(old), _book(new))
    if json:
        showing.as_json(found, tuple[str, ...])
        return
    showing.lines(*(found or ("nothing differs",)))


def _book(name: str) -> Rulebook:
    import rulebook
    from rulebook import sources

    kept = Settings().home / rules.KEPT / name
    try:
        if VERSION.fullmatch(name) and kept.is_dir():
            return rulebook.load(kept)
        if name == "shipped":
            return rulebook.load()
        folder = _folder(name)
        return rulebook.load(folder) if sources.is_whole(folder) else rulebook.load(company=folder)
    except rulebook.RulebookInvalid as wrong:
        raise Problem("policy_invalid", f"{wrong}.", next_step="See `seawall rulebook check`.") from None


def _folder(name: str) -> Path:
    path = Path(name).expanduser()
    if not path.is_dir():
        raise Problem("no_folder", "The rulebook's folder does not exist.", next_step="Give the path of a folder.")
    return path
