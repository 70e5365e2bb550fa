"""Which build is this code? The commit it was made of, in few bytes: it is stored with every workflow task."""

import shutil
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHORT = 8  # characters of a commit
CHANGED = "+"


@cache
def build_id() -> str:
    """Name the checked-out commit, with `+` when files differ from it; outside a checkout, the installed release."""
    return _commit(ROOT) or _release()


def _commit(root: Path) -> str:
    """Ask git, if this is the top of a checkout: a package installed inside somebody's repository is not of it."""
    git = shutil.which("git")
    if git is None or not (root / ".git").exists():
        return ""
    asked = [git, "-C", str(root), "describe", "--always", "--exclude=*", f"--abbrev={SHORT}", f"--dirty={CHANGED}"]
    try:
        answer = subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def _release() -> str:
    try:
        return metadata.version("seawall")
    except metadata.PackageNotFoundError:  # run from its source, without being installed
        return "source"
