"""How does changed code go live? By build, behind a gate; with a report of old branches, and of runs that grow full."""

import typer

from replay.deploying import budget_commands, commands, patch_commands


def build(parent: typer.Typer, engineers: typer.Typer) -> None:
    """Add `seawall deploy …` to the parent, and `patches` and `budget` to the engineers' group."""
    parent.add_typer(commands.app, name="deploy")
    engineers.command("patches")(patch_commands.patches_)
    engineers.command("budget")(budget_commands.budget)
