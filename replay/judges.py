"""How are thousands of histories judged at once? By as many processes as there are cores, each at one history.

A process that ends in the middle of a history, or does not come to rest in it, is a verdict on that history: the
process is replaced and the others go on. Nothing is kept but what is being judged, so memory stays flat.
"""

import asyncio
import json
import os
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any, Final

from replay.check import Checked, Verdict
from replay.differences import Difference
from replay.judge import LINE_MAX, PULSE, Brief, Job
from replay.stranded import Stranded
from replay.tape import ROOT
from starter.errors import CHECK_FAILED, Problem

AHEAD: Final = 2  # the next history is fetched while one is judged
PATIENCE: Final = 60.0  # seconds in which a run must come one event further
TRIES: Final = 2
LEAVES_WITHIN: Final = 10.0  # seconds that a process has for ending once its output has


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """A job that is no history: the code of the refusal and its one line."""

    code: str
    line: str


@dataclass(slots=True, kw_only=True, eq=False)
class _Sent:
    job: Job
    tries: int = 0


Answer = Checked | Unfit


async def judged(
    jobs: AsyncIterator[Job], brief: Brief, *, processes: int, patience: float = PATIENCE
) -> AsyncGenerator[Answer]:
    """Give every answer as it comes. Raises Problem: `code_broken` when the code cannot be loaded, or what a door says.

    Closing this ends the processes.
    """
    answers: asyncio.Queue[Answer | BaseException | None] = asyncio.Queue(maxsize=4 * processes)
    source = _Source(jobs)
    seats = [asyncio.create_task(_Seat(source, brief, answers, patience).sit()) for _ in range(processes)]
    seated = len(seats)
    try:
        while seated:
            answer = await answers.get()
            if answer is None:
                seated -= 1
            elif isinstance(answer, BaseException):
                raise answer
            else:
                yield answer
    finally:
        for seat in seats:
            seat.cancel()
        await asyncio.gather(*seats, return_exceptions=True)


class _Source:
    """Hands jobs out, one at a time; those that come back are first."""

    def __init__(self, jobs: AsyncIterator[Job]) -> None:
        self._jobs = jobs
        self._turn = asyncio.Lock()
        self._over = False
        self.again: deque[_Sent] = deque()

    async def next(self) -> _Sent | None:
        """Give the next job, None when there is none."""
        async with self._turn:
            if self.again:
                return self.again.popleft()
            if not self._over:
                async for job in self._jobs:
                    return _Sent(job=job)
                self._over = True
            return None


class _Seat:
    """One process, and what it was handed and has not answered."""

    def __init__(
        self,
        source: _Source,
        brief: Brief,
        answers: "asyncio.Queue[Answer | BaseException | None]",
        patience: float,
    ) -> None:
        self._source = source
        self._brief = brief
        self._answers = answers
        self._patience = patience
        self._sent: deque[_Sent] = deque()
        self._process: Process | None = None

    async def sit(self) -> None:
        """Have jobs judged until there is none left."""
        try:
            while await self._handed_out():
                await self._heard()
        except Exception as wrong:
            await self._answers.put(wrong)
        finally:
            await self._ended(at_once=bool(self._sent))
        await self._answers.put(None)

    async def _handed_out(self) -> bool:
        """Keep the process busy. False when nothing is left to wait for."""
        while len(self._sent) < (1 if self._sent and self._sent[0].tries else AHEAD):
            sent = await self._source.next()
            if sent is None:
                break
            self._sent.append(sent)
            await self._write(asdict(sent.job))
        return bool(self._sent)

    async def _write(self, line: dict[str, Any]) -> None:
        if self._process is None:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "replay"),
                stdin=PIPE,
                stdout=PIPE,
                stderr=DEVNULL,
                limit=LINE_MAX,
                env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))},
            )
            await self._write(asdict(self._brief))
        assert self._process.stdin is not None
        with suppress(BrokenPipeError, ConnectionResetError):  # its end is noticed where it is heard
            self._process.stdin.write(json.dumps(line).encode() + b"\n")
            await self._process.stdin.drain()

    async def _heard(self) -> None:
        """Wait for one line of the process."""
        stood: list[int] = []
        since = asyncio.get_running_loop().time()
        while True:
            try:
                line = await asyncio.wait_for(self._line(), min(self._patience, 2 * PULSE))
            except TimeoutError:
                line = b'{"reached": []}'
            if not line:
                return await self._crashed()
            said = json.loads(line)
            if "reached" not in said:
                return await self._answered(said)
            now = asyncio.get_running_loop().time()
            if said["reached"] and said["reached"] != stood:
                stood, since = said["reached"], now
            elif now - since >= self._patience:
                return await self._stuck()

    async def _line(self) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        return await self._process.stdout.readline()

    async def _answered(self, said: dict[str, Any]) -> None:
        match said:
            case {"checked": plain}:
                self._sent.popleft()
                await self._answers.put(checked_of(plain))
            case {"unfit": [code, line]}:
                self._sent.popleft()
                await self._answers.put(Unfit(code=code, line=line))
            case {"problem": [code, text, next_step, exit_code]}:
                raise Problem(code, text, next_step=next_step, exit_code=exit_code)
            case {"unloadable": what}:
                raise Problem(
                    "code_broken",
                    f"This code cannot be loaded: {what}.",
                    next_step="Mend it, then check again.",
                    exit_code=CHECK_FAILED,
                )

    async def _crashed(self) -> None:
        """The process is gone. The run it was at is tried once more, alone, so that no other one is blamed."""
        code = await self._ended(at_once=False)
        first = self._sent.popleft()
        self._source.again.extend(self._sent)
        self._sent.clear()
        first.tries += 1
        if first.tries < TRIES:
            self._sent.append(first)
            await self._write(asdict(first.job))
            return
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        await self._answers.put(_broken(first.job, f"the process that lived it ended with {how}"))

    async def _stuck(self) -> None:
        await self._ended(at_once=True)
        first = self._sent.popleft()
        self._source.again.extend(self._sent)
        self._sent.clear()
        await self._answers.put(_broken(first.job, f"the code did not come to rest within {self._patience:.0f} s"))

    async def _ended(self, *, at_once: bool) -> int:
        """See the process end, by itself unless it is to end at once, and say how it ended.

        A signal to one that has ended and that asyncio has not noticed yet takes its exit code away
        (`Popen.send_signal` polls first, and asyncio then says 255): so no signal where the code matters.
        """
        process, self._process = self._process, None
        if process is None:
            return 0
        if process.stdin is not None:
            process.stdin.close()
        if not at_once:
            with suppress(TimeoutError):
                return await asyncio.wait_for(process.wait(), LEAVES_WITHIN)
        with suppress(ProcessLookupError):
            process.kill()
        return await process.wait()


def _broken(job: Job, detail: str) -> Checked:
    return Checked(
        workflow_id=job.workflow_id or job.name,
        run_id=job.run_id,
        workflow_type="",
        origin=job.file,
        events=0,
        verdict=Verdict.BREAKS,
        detail=detail,
    )


def checked_of(plain: dict[str, Any]) -> Checked:
    """Read a verdict that another process wrote."""
    stranded = plain["stranded"]
    return Checked(
        **plain
        | {
            "verdict": Verdict(plain["verdict"]),
            "differences": tuple(Difference(**each) for each in plain["differences"]),
            "meant": tuple(plain["meant"]),
            "words": tuple(Difference(**each) for each in plain["words"]),
            "stranded": Stranded(**{**stranded, "waits": tuple(stranded["waits"])}) if stranded else None,
        }
    )
