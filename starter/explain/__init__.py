"""What would the rules say? Due times, clock rules and triage, explained without starting or writing anything."""

import typer

from starter.explain import duties, triage


def build(app: typer.Typer) -> None:
    """Add this door's commands."""
    app.add_typer(duties.group, name="clocks")
    app.command("triage")(triage.triage)
