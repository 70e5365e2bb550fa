"""What can people do from a terminal? See what waits for them, look at a case, answer, and tell it things."""

import typer

from starter.people import deciding, kept, reading, speaking


def build(app: typer.Typer) -> None:
    """Add this door's commands, named like their functions."""
    for command in (*reading.COMMANDS, *deciding.COMMANDS, *speaking.COMMANDS):
        negative = {"ignore_unknown_options": command.__name__ == "learn"}  # -1 is a value there
        app.command(command.__name__.strip("_"), context_settings=negative)(command)
    app.add_typer(kept.group, name="quarantine")
