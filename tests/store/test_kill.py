"""Is an acknowledged row still there after the writer was killed?"""

import asyncio
import os
import signal
import sys

import pytest

from store import queries
from store.engine import open_engine
from store.ledger import append, verify
from tests.store.examples import CASE, batch

WRITER = """
import asyncio, sys
from store.engine import open_engine
from store.ledger import append
from tests.store.examples import batch
async def main():
    engine = open_engine(sys.argv[1])
    seq = int(sys.argv[2])
    while True:
        seq = await append(engine, batch(seq + 1, seq + 3))
        print(seq, flush=True)
asyncio.run(main())
"""


async def killed_writer(url: str, start: int, *, after: int) -> int:
    """Let a process write, kill it somewhere behind its `after`-th acknowledgement; return the last one it gave."""
    writer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WRITER, url, str(start), stdout=asyncio.subprocess.PIPE
    )
    assert writer.stdout is not None
    for _ in range(after):
        await writer.stdout.readline()
    os.kill(writer.pid, signal.SIGKILL)
    rest = await writer.stdout.read()
    await writer.wait()
    return int(rest.split()[-1]) if rest.split() and rest.endswith(b"\n") else 0


@pytest.mark.slow
async def test_a_killed_writer_loses_no_acknowledged_row(url: str) -> None:
    engine = open_engine(url)
    last = 0

    for after in (1, 2, 5, 9):
        acknowledged = await killed_writer(url, last, after=after)
        written = [entry.seq for entry in await queries.entries(engine, CASE, limit=100_000)]

        assert written == list(range(1, len(written) + 1))
        assert len(written) >= max(acknowledged, last + 3 * after)
        assert len(written) % 3 == 0
        last = len(written)

    verdict = await verify(engine)
    shown = await queries.card(engine, CASE)
    assert (verdict.whole, verdict.entries) == (True, last)
    assert shown is not None
    assert shown.seq == last
    assert await append(engine, batch(1, 3)) == last
    await engine.dispose()
