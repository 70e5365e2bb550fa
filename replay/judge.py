"""What does one of the checking processes do? It fetches one history after the other, judges it, and says so.

`python -m replay` reads lines of JSON: first what to judge with (`Brief`), then one `Job` a line. It answers each
job with a line, in order, and says in between how far it came. It ends when its input does.
"""

import asyncio
import importlib
import json
import os
import signal
import sys
from collections import deque
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO, Final

from temporalio.client import Client
from temporalio.runtime import Runtime

from replay import histories, meant, reading, states
from replay.__main__ import unloadable
from replay.check import Wanted, check
from replay.histories import Recorded
from replay.tape import Tape
from starter import connect, settings
from starter.errors import Problem

PULSE: Final = 5.0  # seconds
LINE_MAX: Final = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What every job of a process is judged with. `types` are `module:name`; `ring` "" is the installation's own.

    `meant` is the file of meant differences, "" for none, read as of `today` (ISO 8601).
    """

    types: tuple[str, ...]
    ring: str = ""
    values: bool = False
    meant: str = ""
    today: str = "0001-01-01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One history to judge: a file, or a run of the server."""

    file: str = ""
    workflow_id: str = ""
    run_id: str = ""

    @property
    def name(self) -> str:
        """Name it for people."""
        return self.file or f"{self.workflow_id} run {self.run_id[:8]}"


def main() -> None:
    """Judge until the input ends. Ctrl-C is for who started this process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    said = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the code under test prints is no verdict
    asyncio.run(_judged(said))
    os._exit(0)  # the SDK's core may abort an interpreter that exits on its own


async def _judged(said: BinaryIO) -> None:
    jobs = await _input()
    brief = Brief(**json.loads(await jobs.readline()))
    try:
        types = tuple(_type(name) for name in brief.types)
    except Exception as broken:
        _say(said, {"unloadable": unloadable(broken)})
        return
    try:
        with reading.quiet() as runtime:
            await _Court(brief, types, runtime, said).sit(jobs)
    except Problem as problem:
        _say(said, {"problem": [problem.code, problem.text, problem.next_step, problem.exit_code]})


class _Court:
    """Judges the jobs of one process. Files and runs come with other keys, so each kind has its own replayer."""

    def __init__(self, brief: Brief, types: Sequence[type], runtime: Runtime, said: BinaryIO) -> None:
        self._brief = brief
        self._types = types
        self._runtime = runtime
        self._said = said
        self._tape = Tape()
        self._told = settings.load()
        self._client: Client | None = None
        self._wanted = Wanted(values=brief.values, meanings=_meanings(brief))

    async def sit(self, jobs: asyncio.StreamReader) -> None:
        """Judge files first, then runs: that is the order they are handed out in."""
        pulse = asyncio.create_task(self._pulse())
        waiting: deque[Job] = deque()
        try:
            while first := waiting.popleft() if waiting else await _next(jobs):
                await self._some(first, jobs, waiting)
        finally:
            pulse.cancel()

    async def _some(self, first: Job, jobs: asyncio.StreamReader, waiting: deque[Job]) -> None:
        """Judge jobs for as long as they are of the kind of the first."""
        ring = Path(self._brief.ring) if first.file and self._brief.ring else None
        namespace = connect.namespace()

        async def runs() -> AsyncIterator[Recorded]:
            job: Job | None = first
            while job is not None:
                if bool(job.file) is not bool(first.file):
                    waiting.append(job)
                    return
                if (run := await self._fetched(job)) is not None:
                    yield run
                job = await _next(jobs)

        checking = check(
            runs(),
            workflows=self._types,
            converter=reading.keys(self._told, ring)(namespace),
            namespace=namespace,
            runtime=self._runtime,
            wanted=self._wanted,
            watched=self._watch,
        )
        async for checked in checking:
            _say(self._said, {"checked": asdict(checked)})

    async def _fetched(self, job: Job) -> Recorded | None:
        try:
            if job.file:
                return states.with_states(histories.of_file(path := Path(job.file)), path)
            self._client = self._client or await connect.connect(self._told)
            with connect.answering(self._client):
                return await histories.of_run(self._client, job.workflow_id, job.run_id)
        except Problem as problem:
            if problem.code not in ("not_a_history", "unknown_case"):
                raise
            _say(self._said, {"unfit": [problem.code, problem.line()]})
            return None

    def _watch(self, tape: Tape) -> None:
        self._tape = tape

    async def _pulse(self) -> None:
        """Say how far the run has come that is lived now, so that one that does not come to rest is noticed."""
        while True:
            await asyncio.sleep(PULSE)
            _say(self._said, {"reached": [id(self._tape), self._tape.reached]})


def _meanings(brief: Brief) -> meant.Meanings:
    if not brief.meant:
        return meant.NONE
    from replay import meant_file  # it brings the rulebook's reader along

    return meant_file.load(Path(brief.meant), date.fromisoformat(brief.today))


async def _next(jobs: asyncio.StreamReader) -> Job | None:
    line = await jobs.readline()
    return Job(**json.loads(line)) if line else None


async def _input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader(limit=LINE_MAX)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    return reader


def _say(said: BinaryIO, line: dict[str, Any]) -> None:
    said.write(json.dumps(line).encode() + b"\n")
    said.flush()


def _type(name: str) -> type:
    module, _, attribute = name.partition(":")
    found: type = getattr(importlib.import_module(module), attribute)
    return found
