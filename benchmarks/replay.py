"""What do the engineers' tools cost? Every claim of `seawall replay`, each against a control in the same run."""

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

from benchmarks import replay_check
from benchmarks.replay_check import Claim


async def measured(told: argparse.Namespace) -> list[Claim]:
    """Measure what was asked for."""
    claims = await replay_check.speed(told.rounds)
    if told.open:
        claims += await replay_check.opened(told.open, told.jobs)
    return claims


def _table(claims: Sequence[Claim]) -> str:
    return "\n".join(
        f"{one.name:48}{one.value:12.2f}{_limit(one):>14}{'' if one.kept else '  NOT KEPT'}" for one in claims
    )


def _limit(claim: Claim) -> str:
    if claim.limit is None:
        return "-"
    return f"{'at least' if claim.at_least else 'at most'} {claim.limit:.2f}"


def main() -> int:
    """Measure, print, and say 1 when a claim is not kept."""
    parser = argparse.ArgumentParser(prog="benchmarks.replay", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each kind (5)")
    parser.add_argument("--open", type=int, default=1000, help="open cases to check (1000); 0 leaves it out")
    parser.add_argument("--jobs", type=int, default=2, help="processes that check them (2)")
    claims = asyncio.run(measured(parser.parse_args()))
    kept = all(one.kept for one in claims)
    rows = [asdict(one) | {"kept": one.kept} for one in claims]
    print(json.dumps({"kept": kept, "claims": rows}) if "--json" in sys.argv else _table(claims))
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
