"""Are the claims of the engineers' door kept? `python -m benchmarks.replay`; exit 1 when one is not.

A part is a module with `async def measured(here, rounds)`; add it to PARTS.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import Awaitable, Callable

from benchmarks.replay import check, server, travel
from benchmarks.replay.figures import Figure, as_json, table
from benchmarks.replay.recorded import Bench, bench
from replay import reading

PARTS: dict[str, Callable[[Bench, int], Awaitable[list[Figure]]]] = {
    "check": check.measured,
    "travel": travel.measured,
    "server": server.measured,
}


async def measured(names: list[str], rounds: int) -> list[Figure]:
    """Measure the named parts, one after the other."""
    found: list[Figure] = []
    with reading.quiet() as runtime:
        here = bench(runtime)
        for name in names:
            print(f"{name}: {len(here.runs)} histories, {here.events} events, {rounds} rounds", file=sys.stderr)
            found += await PARTS[name](here, rounds)
    return found


def main() -> int:
    """Measure, print, and say 1 when a claim is broken."""
    parser = argparse.ArgumentParser(prog="benchmarks.replay", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each kind (5)")
    parser.add_argument("parts", nargs="*", help=f"which parts (all): {', '.join(PARTS)}")
    told = parser.parse_args()
    if unknown := [name for name in told.parts if name not in PARTS]:
        parser.error(f"no part is called {', '.join(unknown)}; there are: {', '.join(PARTS)}")
    figures = asyncio.run(measured(told.parts or list(PARTS), told.rounds))
    print(json.dumps(as_json(figures)) if told.json else table(figures))
    return 0 if all(one.kept for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
