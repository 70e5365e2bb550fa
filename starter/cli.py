"""What can be done from a terminal? `seawall …`, one group a kind of person."""

import contextlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer
from typer._click.exceptions import ClickException, NoArgsIsHelpError  # what typer raises for a misused command

from starter.errors import BAD_INPUT, Problem
from starter.faults import of_store
from starter.seeing import tracing
from starter.stack import address
from store.errors import StoreMisconfigured, StoreUnavailable

STOPPED = 130  # 128 and the number of SIGINT, as in a shell
SDK_CORE = "temporalio.bridge.temporal_sdk_bridge"
app = typer.Typer(
    name="seawall",
    help="Run a marketplace's trust and safety escalations as durable Temporal workflows.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


def compose() -> typer.Typer:
    """Gather the commands of every door."""
    from replay import commands as engineers
    from starter import explain, people, rulebook_commands, stewards
    from starter.doctor import commands as doctor
    from starter.intake import commands as intake
    from starter.stack import commands as stack

    for door in (stack, intake, people, explain, rulebook_commands, stewards, doctor, engineers):
        door.build(app)
    return app


def main() -> None:
    """Run `seawall` and exit; at once where the SDK's core is loaded, which may abort an interpreter that ends.

    (Seen as exit code 134 in 2 of 15 clean runs, SDK 1.35.)
    """
    code = run()
    if SDK_CORE not in sys.modules:
        sys.exit(code)
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run() -> int:
    """Run `seawall`. A refusal is one line on stderr and its documented exit code, never a traceback."""
    if refused := guarded(lambda: address.adopt(Path(os.environ.get("SEAWALL_HOME", "./.seawall")))):
        return refused
    tracing.begin()
    code = guarded(lambda: compose()(standalone_mode=False, prog_name="seawall"))
    tracing.end()
    return code


def _path(misused: ClickException) -> str:
    """Name the command that was misused, as far as it was found."""
    context = getattr(misused, "ctx", None)
    return f"seawall {context.command_path.partition(' ')[2]}".strip() if context else "seawall"


def guarded(run: Callable[[], Any]) -> int:
    """Run a command and translate how it ended into an exit code."""
    try:
        code = run()
        if code == STOPPED:  # typer makes this of Ctrl-C
            raise KeyboardInterrupt
    except (Problem, StoreMisconfigured, StoreUnavailable) as refused:
        problem = refused if isinstance(refused, Problem) else of_store(refused)
        typer.echo(f"seawall: {problem.line()}", err=True)
        return problem.exit_code
    except NoArgsIsHelpError as asked:
        typer.echo(asked.format_message(), err=True)
        return BAD_INPUT
    except ClickException as misused:
        typer.echo(f"seawall: {misused.format_message()} Try '{_path(misused)} --help'.", err=True)
        return BAD_INPUT
    except (typer.Abort, KeyboardInterrupt):
        typer.echo("seawall: stopped.", err=True)
        return STOPPED
    except BrokenPipeError:
        return 141
    return code if isinstance(code, int) else 0
