"""What can an engineer ask of history? `seawall replay export`, `check` and `what-if`."""

import typer

from replay import deploying, export_commands, gate
from replay.forking import commands as forking
from replay.travel import commands as travel
from replay.whatif import command

app = typer.Typer(name="replay", help="Export histories, and check today's code against them.", no_args_is_help=True)
export_commands.build(app)
travel.build(app)
command.build(app)
forking.build(app)


def build(parent: typer.Typer) -> None:
    """Add the engineers' commands to `seawall`."""
    app.command("check")(gate.check_histories)
    deploying.build(parent, app)
    parent.add_typer(app, name="replay")
