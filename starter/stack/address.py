"""Where does the stack of this folder listen, for commands that were not told?"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from starter.errors import UNAVAILABLE, Problem

FILE = "stack.json"
FORK = "fork.json"  # a folder with it belongs to a fork (`replay.forking`): nobody speaks to the house from there
FORKS = "seawall-fork-"  # how such folders are named
OF_THE_HOUSE = ("SEAWALL_", "TEMPORAL_", "OTEL_", "AWS_")
MINE = ("SEAWALL_PERSON",)
NAMES = (
    "TEMPORAL_ADDRESS",
    "TEMPORAL_NAMESPACE",
    "SEAWALL_CONSOLE_PORT",
    "SEAWALL_OVERLAY",
    "SEAWALL_MARKETPLACE_URL",
    "SEAWALL_REGULATOR_URL",
    "SEAWALL_PAGER_URL",
    "SEAWALL_CHAT_URL",
    "SEAWALL_SMTP_HOST",
    "SEAWALL_SMTP_PORT",
)


def leave(home: Path, env: Mapping[str, str]) -> None:
    """Write down where a stack is, so that moved ports need not be repeated at every command."""
    (home / FILE).write_text(json.dumps({name: env[name] for name in NAMES}))


def withdraw(home: Path) -> None:
    """Forget it, when the stack stops."""
    (home / FILE).unlink(missing_ok=True)


def adopt(home: Path) -> None:
    """Let this process speak to the stack that runs in `home`, unless its environment says otherwise.

    In the folder of a fork the environment has nothing to say: a vote of a rehearsal must not reach the real case.
    Raises Problem `fork_ended` (69) where there was one: whoever still has its name set would speak to the house.
    """
    if (home / FORK).is_file():
        _isolate(_read(home / FORK).get("env"))
        return
    if home.name.startswith(FORKS):
        raise Problem(
            "fork_ended",
            f"The fork in {home} has ended.",
            next_step="Unset SEAWALL_HOME, or fork again and paste what it prints.",
            exit_code=UNAVAILABLE,
        )
    told = _read(home / FILE)
    for name in NAMES:
        if isinstance(told.get(name), str):
            os.environ.setdefault(name, told[name])


def _isolate(env: Any) -> None:
    """Forget the house, then learn the fork. What is not said there is nowhere, never the house's."""
    for name in [name for name in os.environ if name.startswith(OF_THE_HOUSE) and name not in MINE]:
        del os.environ[name]
    os.environ.update(env if isinstance(env, dict) else {"SEAWALL_HOME": os.devnull})


def _read(file: Path) -> dict[str, Any]:
    try:
        told = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}
