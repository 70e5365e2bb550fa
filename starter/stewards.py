"""What do the keepers of an installation do? Verify the casebook, rotate the payload key."""

import asyncio
import json
from pathlib import Path
from typing import Annotated

import typer

from starter.errors import CHECK_FAILED, Problem, unknown_case

casebook = typer.Typer(help="The casebook's chain of hashes.", no_args_is_help=True)
keys = typer.Typer(help="The keys that payloads are sealed with.", no_args_is_help=True)


def build(app: typer.Typer) -> None:
    """Add this door's commands."""
    casebook.command("verify")(verify)
    keys.command("rotate")(rotate)
    keys.command("copy")(copy_)
    app.add_typer(casebook, name="casebook")
    app.add_typer(keys, name="keys")


def verify(
    case_id: Annotated[str | None, typer.Argument(help="One case; all of them when left out.")] = None,
    anchor: Annotated[Path | None, typer.Option(help="A file of heads kept elsewhere.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Check that no entry was changed, removed or added behind the chain. Exit 1 names the first broken one."""
    if anchor is not None and not anchor.is_file():
        raise Problem("file_unreadable", f"{anchor} is no file.", next_step="Give the file of heads.")
    return asyncio.run(_verify(case_id, anchor, as_json=as_json))


async def _verify(case_id: str | None, anchor: Path | None, *, as_json: bool) -> int:
    from starter import settings
    from starter.intake import wiring
    from store import verification
    from store.anchors import AnchorBroken

    async with wiring.opened(settings.load()) as desk:
        try:
            verdict = await verification.verify(desk.engine, case_id, anchor=anchor)
        except (AnchorBroken, ValueError, OSError) as wrong:
            raise Problem("anchor_broken", f"{anchor} cannot be trusted: {wrong}", exit_code=CHECK_FAILED) from None
    if case_id and not verdict.entries:
        raise unknown_case()
    broken = verdict.broken
    if as_json:
        found = {"case_id": broken.case_id, "seq": broken.seq, "reason": broken.reason} if broken else None
        typer.echo(json.dumps({"cases": verdict.cases, "entries": verdict.entries, "broken": found}))
    elif broken:
        typer.echo(f"broken: {broken.case_id} entry {broken.seq}: {broken.reason}")
    else:
        typer.echo(f"whole: {verdict.entries} entries of {verdict.cases} cases")
    return CHECK_FAILED if broken else 0


def copy_(file: Annotated[Path, typer.Argument(help="A new file; take it to another place afterwards.")]) -> int:
    """Copy the key ring. Whoever has the copy can read every case; without ring and copy nobody can."""
    from starter import keyring, settings

    keyring.copy(settings.load().keyring_file, file)
    typer.echo(f"copied to {file}; take it to another place, and copy again after every rotation")
    return 0


def rotate() -> int:
    """Make a new key and seal with it from now on; older keys stay, so every history stays readable."""
    from starter import keyring, settings

    key_id = keyring.rotate(settings.load().keyring_file)
    typer.echo(f"sealing with key {key_id}; restart the worker and the console")
    return 0
