"""The command as a user starts it: a process of its own, in an empty folder."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-c", "from starter.cli import main; main()")
Seawall = Callable[..., "subprocess.CompletedProcess[str]"]


def environment(**more: str) -> dict[str, str]:
    """A clean environment: nothing of the developer's own settings."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SEAWALL_", "TEMPORAL_"))}
    return {**kept, "PYTHONPATH": str(ROOT), **more}


@pytest.fixture
def seawall(tmp_path: Path) -> Seawall:
    """Run `seawall …` to its end."""

    def run(*arguments: str, **more: Any) -> "subprocess.CompletedProcess[str]":
        env = environment(**more.pop("env", {}))
        return subprocess.run(
            [*COMMAND, *arguments],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
            **more,
        )

    return run
