"""Where does the stack of this folder listen, for commands that were not told?"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

FILE = "stack.json"
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
    """Let this process speak to the stack that runs in `home`, unless its environment says otherwise."""
    try:
        told = json.loads((home / FILE).read_text())
    except (OSError, ValueError):
        return
    for name in NAMES:
        if isinstance(told, dict) and isinstance(told.get(name), str):
            os.environ.setdefault(name, told[name])
