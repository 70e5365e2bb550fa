"""How is the far side run as a process of its own? `python -m standins --folder FOLDER`, until SIGTERM or Ctrl-C."""

import argparse
import asyncio
import json
import os
import signal
import sys
from pathlib import Path

from standins import serve
from starter.errors import Problem


def main(arguments: list[str] | None = None) -> int:
    """Serve until told to stop; print one JSON line when ready. Exit 0, or the code of the problem at start."""
    given = _parser().parse_args(arguments)
    ports = {system: getattr(given, f"{system}_port") for system in serve.SYSTEMS}
    token = _token(given.token_file)
    try:
        asyncio.run(_serve(given.folder, ports, token))
    except Problem as problem:
        print(problem.line(), file=sys.stderr)  # noqa: T201  # this is the program's output
        return problem.exit_code
    return 0


async def _serve(folder: Path, ports: dict[str, int], token: str) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    running = await serve.start(folder, ports=ports, token=token)
    try:
        ready = {"ready": True, "pid": os.getpid(), "urls": running.urls}
        print(json.dumps(ready), flush=True)  # noqa: T201  # this is the program's output
        await stopped.wait()
    finally:
        await running.stop()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m standins", description="Run the local outside systems.")
    parser.add_argument("--folder", type=Path, required=True, help="where state and journals are kept")
    parser.add_argument("--token-file", type=Path, help="file with the token that callers must send")
    for system, port in serve.DEFAULT_PORTS.items():
        names = ["--smtp-port", "--mail-port"] if system == serve.MAIL else [f"--{system}-port"]
        help_text = f"default {port}; 0 takes a free one"
        parser.add_argument(*names, dest=f"{system}_port", type=int, default=port, help=help_text)
    return parser


def _token(file: Path | None) -> str:
    return file.read_text(encoding="utf-8").strip() if file else serve.DEFAULT_TOKEN


if __name__ == "__main__":
    sys.exit(main())
