"""How does a build go live, and how is it taken back? `seawall deploy status|current|ramp`."""

import asyncio
import contextlib
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Annotated, TypeVar

import typer
from temporalio.client import Client

from replay.deploying import deployment
from starter import connect, settings
from starter.build_id import build_id
from starter.errors import BAD_INPUT, CHECK_FAILED, Problem
from starter.settings import Settings

app = typer.Typer(name="deploy", help="Let a build take the cases, and take it back.", no_args_is_help=True)
T = TypeVar("T")
Build = Annotated[str, typer.Argument(metavar="[BUILD]", help="A build id; this checkout's if it is left out.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON value.")]


@app.command("status")
def status(as_json: AsJson = False) -> int:
    """Show this checkout's build, and the builds that Temporal knows: current, ramping, draining, drained."""
    told = settings.load()
    seen = _asked(told, deployment.described)
    if as_json:
        typer.echo(json.dumps({"here": _here(told), **asdict(seen)}, default=str))
        return 0
    typer.echo(f"this checkout: {_here(told)}")
    typer.echo(f"takes the cases: {seen.current or 'workers without versioning'}")
    for each in seen.versions:
        ramp = f" {each.ramp:.0f} %" if each.ramp else ""
        since = f" since {each.since:%Y-%m-%d %H:%M}Z" if each.since else ""
        typer.echo(f"  {each.build_id}  {each.status}{ramp}{since}")
    return 0


@app.command("current")
def current(
    build: Build = "",
    unchecked: Annotated[str, typer.Option("--unchecked", metavar="REASON", help="Skip the gate, and say why.")] = "",
    as_json: AsJson = False,
) -> int:
    """Let a build take all cases, once every open case was replayed with its code.

    The gate is `seawall replay check --server --open`, run here: so BUILD must be this checkout, unless --unchecked
    says why not. Exit codes: 0 done, 1 the gate found a difference and nothing was changed, 69 no worker of that build.
    """
    told = settings.load()
    wanted = build or _here(told)
    _gated(told, wanted, unchecked)
    before = _asked(told, lambda client: deployment.set_current(client, wanted))
    if as_json:
        typer.echo(json.dumps({"current": wanted, "before": before, "unchecked": unchecked}))
        return 0
    typer.echo(f"{wanted} takes the cases now; before: {before or 'workers without versioning'}.")
    if before:
        typer.echo(f"Taken back with: seawall deploy current {before} --unchecked 'roll back'")
    return 0


@app.command("ramp")
def ramp(
    percent: Annotated[float, typer.Argument(min=0, max=100, help="Percent of the cases; 0 takes it out again.")],
    build: Build = "",
    unchecked: Annotated[str, typer.Option("--unchecked", metavar="REASON", help="Skip the gate, and say why.")] = "",
) -> int:
    """Let a build take some of the cases first. The same gate as `current`."""
    told = settings.load()
    wanted = build or _here(told)
    if percent:
        _gated(told, wanted, unchecked)
    _asked(told, lambda client: deployment.set_ramping(client, wanted, percent))
    typer.echo(f"{wanted} takes {percent:.0f} % of the cases.")
    return 0


def _here(told: Settings) -> str:
    return told.build_id or build_id()


def _gated(told: Settings, wanted: str, unchecked: str) -> None:
    """Replay every open case with the code here, unless somebody says why not. Raises Problem `gate_closed`."""
    if unchecked.strip():
        return
    if wanted != _here(told):
        raise Problem(
            "another_build",
            f"The code here is build {_here(told)}, so it cannot speak for build {wanted}.",
            next_step="Run this in a checkout of that build, or say why not with --unchecked REASON.",
            exit_code=BAD_INPUT,
        )
    from replay.gate import check_histories  # the gate is a command of its own

    with contextlib.redirect_stdout(sys.stderr):
        closed = check_histories([], server=True, only_open=True) != 0
    if closed:
        raise Problem(
            "gate_closed",
            "The gate is closed: open cases would not live on with this code. Nothing was changed.",
            next_step="Give the change a dated patch, see docs/deploying.md; or say why not with --unchecked REASON.",
            exit_code=CHECK_FAILED,
        )


def _asked(told: Settings, ask: Callable[[Client], Awaitable[T]]) -> T:
    async def asked() -> T:
        client = await connect.connect(told)
        with connect.answering(client):
            return await ask(client)

    return asyncio.run(asked())
