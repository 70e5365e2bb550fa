"""What would the rules say? Due times, clock rules, triage and rosters, without starting or writing anything."""

import typer

from starter.explain import duties, roster, triage


def build(app: typer.Typer) -> None:
    """Add this door's commands."""
    app.add_typer(duties.group, name="clocks")
    app.add_typer(roster.group, name="roster")
    app.command("triage")(triage.triage)
