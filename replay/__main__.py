"""How does a checking process begin? `python -m replay` loads the code to be judged, and says so when it cannot be."""

import json
import sys
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Become a judge (`replay.judge`), or say with one line which line of ours cannot be loaded."""
    try:
        from replay import judge
    except Exception as broken:
        sys.stdout.write(json.dumps({"unloadable": unloadable(broken)}) + "\n")
        sys.exit(1)
    judge.main()


def unloadable(broken: Exception) -> str:
    """Name what cannot be loaded: the error's type and the line of ours."""
    kind = type(broken).__name__
    if isinstance(broken, SyntaxError) and broken.filename:
        return f"{kind} at {_ours(broken.filename)}:{broken.lineno}"
    ours = [frame for frame in traceback.extract_tb(broken.__traceback__) if frame.filename.startswith(str(ROOT))]
    return f"{kind} at {_ours(ours[-1].filename)}:{ours[-1].lineno}" if ours else kind


def _ours(file: str) -> str:
    path = Path(file)
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else file


if __name__ == "__main__":
    main()
