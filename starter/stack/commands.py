"""How is Seawall started and shown? `seawall up`, `seawall demo`, `seawall standins load`."""

import asyncio
import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from starter.errors import BAD_INPUT, Problem
from starter.stack.parts import Stack
from starter.stack.ports import Ports
from starter.stack.screen import Screen

HOME = Path("./.seawall")
standins = typer.Typer(help="The local marketplace, regulator, pager, chat and mail server.", no_args_is_help=True)
Home = Annotated[Path, typer.Option(envvar="SEAWALL_HOME", help="The folder that keeps all state.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object at the end, nothing else.")]


def build(app: typer.Typer) -> None:
    """Add this door's commands."""
    app.command("demo")(demo)
    app.command("up")(up_)
    standins.command("load")(load_)
    app.add_typer(standins, name="standins")


def demo(
    given: Annotated[
        Path | None, typer.Option("--from", help="Recall notices in the US CPSC API's JSON shape.")
    ] = None,
    catalogue: Annotated[
        Path | None, typer.Option(help="Listings for the stand-in marketplace (CSV or JSON lines).")
    ] = None,
    home: Home = HOME,
    as_json: AsJson = False,
) -> int:
    """Run cases from intake to closed in front of you, with people's decisions played through the doors.

    Everything runs for real on this machine: Temporal, a worker, the stand-ins, the console. The demo's rulebook has
    short time-boxes (minutes become seconds); nothing else differs. Ends by itself.
    """
    from starter.stack import demo, report

    for file in (given, catalogue):
        if file is not None and not file.is_file():
            raise Problem("file_unreadable", f"{file} is not a file.", next_step="Give the path of a file.")
    screen = Screen(Console(), quiet=as_json)
    screen.title("Seawall demo: short time-boxes from rulebook/demo, everything else as in production")
    summary = asyncio.run(demo.run(home, screen, given=given, catalogue=catalogue))
    if as_json:
        typer.echo(json.dumps(report.as_data(summary)))
    else:
        report.show(screen, summary, given, home)
    return 0


def up_(
    home: Home = HOME,
    port: Annotated[list[str] | None, typer.Option(help="Move a port, like console=9000. May be repeated.")] = None,
    overlay: Annotated[str, typer.Option(help="Rulebook overlay; 'demo' has short time-boxes.")] = "",
    as_json: AsJson = False,
) -> int:
    """Keep Temporal, the stand-ins, a worker and the console running until Ctrl-C. State lives in one folder."""
    from starter.stack import up

    screen = Screen(Console(), quiet=as_json)
    stack = Stack(home=home.absolute(), ports=moved(Ports(), port or []), overlay=overlay)

    def told(name: str, text: str) -> None:
        screen.part(name, text)
        if as_json:
            typer.echo(json.dumps({"part": name, "text": text}))

    return asyncio.run(up.run(stack, told))


def load_(
    file: Annotated[Path, typer.Argument(help="Listings: CSV or CSV.gz of a known shape, or JSON lines.")],
    home: Home = HOME,
    as_json: AsJson = False,
) -> int:
    """Put listings into the stand-in marketplace, in place of its own catalogue; a running one takes them over."""
    from standins.loading import load

    if not file.is_file():
        raise Problem(
            "file_unreadable", f"{file} is not a file.", next_step="Give the path of a CSV or JSON lines file."
        )
    loaded = load(home.absolute() / "standins", file)
    if as_json:
        typer.echo(json.dumps(asdict(loaded)))
    else:
        typer.echo(f"{loaded.listings} listings of {loaded.sellers} sellers loaded, {loaded.refused} rows refused")
    return 0


def moved(ports: Ports, changes: list[str]) -> Ports:
    """Apply `name=number` changes. Raises Problem for a name or number that cannot be."""
    known = asdict(ports)
    for change in changes:
        name, _, number = change.partition("=")
        if name not in known or not number.isdecimal() or not 0 < int(number) < 65536:
            raise Problem(
                "bad_port",
                "a port is moved like console=9000.",
                next_step=f"Names: {', '.join(known)}.",
                exit_code=BAD_INPUT,
            )
        ports = replace(ports, **{name: int(number)})
    if len(set(asdict(ports).values())) < len(known):
        raise Problem("bad_port", "two parts cannot share a port.", next_step="Give each its own.", exit_code=BAD_INPUT)
    return ports
