"""How is the doctor called? `seawall doctor`: exit 0 when nothing is wrong, 1 when something is."""

import asyncio
import json
from dataclasses import asdict
from typing import Annotated

import typer

from starter.errors import CHECK_FAILED

MARKS = {"well": "ok", "warning": "warn", "wrong": "WRONG", "skipped": "-"}


def build(app: typer.Typer) -> None:
    """Add this door's command."""
    app.command("doctor")(doctor)


def doctor(
    everything: Annotated[bool, typer.Option("--all", help="Show what is well or was not looked at too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object with every finding.")] = False,
) -> int:
    """Say in one line each what is wrong with this installation and what to do. Changes nothing.

    Exit 0: nothing is wrong (warnings do not count). Exit 1: something is.
    """
    from starter import logs
    from starter.doctor import examination
    from starter.doctor.findings import Finding, worst

    def told(finding: Finding) -> None:
        if not as_json and (everything or finding.state in ("wrong", "warning")):
            typer.echo(f"{MARKS[finding.state]:<6}{finding.check:<12}{finding.line()}")

    logs.configure("auto", "error")
    findings = asyncio.run(examination.examine(told))
    state = worst([one for one in findings if one.state != "skipped"])
    counts = {name: sum(one.state == name for one in findings) for name in MARKS}
    if as_json:
        typer.echo(json.dumps({"state": state, "counts": counts, "findings": [asdict(one) for one in findings]}))
    else:
        typer.echo(
            f"{counts['wrong']} wrong, {counts['warning']} to know, {counts['well']} well, "
            f"{counts['skipped']} not looked at" + ("" if everything else " (--all shows them)")
        )
    return CHECK_FAILED if state == "wrong" else 0
