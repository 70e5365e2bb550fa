"""May this code go live? `seawall replay check`: every open case of a server, and every recorded history.

| exit code | meaning                                                                                   |
| --------- | ----------------------------------------------------------------------------------------- |
| 0         | every run lives on the same way; what differs is meant                                    |
| 1         | a run differs or breaks, or the code cannot be loaded                                     |
| 2         | something could not be judged: no history, another key, another workflow, newer code      |
"""

import asyncio
import json
import os
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from replay import histories, judges, meant, reading
from replay.check import FAILS, PASSES, Checked
from replay.judge import Brief, Job
from replay.judges import Answer, Unfit
from replay.meant import Meanings
from replay.meant_file import load
from starter import connect, settings
from starter.errors import BAD_INPUT, CHECK_FAILED, Problem

MEANT: Final = Path(__file__).with_name("meant.yaml")
EVERY: Final = 2.0  # seconds between two words about how far it came


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is to be checked, and how."""

    files: tuple[Path, ...]
    server: bool
    query: str
    ring: Path | None
    jobs: int
    values: bool
    meanings: Meanings
    meant: Path


@dataclass(slots=True, kw_only=True)
class Tally:
    """What came of the runs so far."""

    verdicts: Counter[str] = field(default_factory=Counter)
    events: int = 0
    used: set[int] = field(default_factory=set)

    def count(self, answer: Answer) -> None:
        """Count one answer."""
        if isinstance(answer, Unfit):
            self.verdicts["unfit"] += 1
            return
        self.verdicts[answer.verdict.value] += 1
        self.events += answer.events
        self.used.update(answer.meant)

    @property
    def runs(self) -> int:
        """Say how many there were."""
        return self.verdicts.total()

    @property
    def failed(self) -> int:
        """Say how many differ or break."""
        return sum(self.verdicts[verdict.value] for verdict in FAILS)

    @property
    def unjudged(self) -> int:
        """Say how many could not be judged."""
        return self.runs - self.failed - sum(self.verdicts[verdict.value] for verdict in PASSES)

    @property
    def exit_code(self) -> int:
        """Say how the gate stands: what differs counts before what could not be judged."""
        if self.failed:
            return CHECK_FAILED
        return BAD_INPUT if self.unjudged else 0


def check_histories(
    files: Annotated[list[Path] | None, typer.Argument(help="History files, or folders of them.")] = None,
    server: Annotated[bool, typer.Option("--server", help="The runs that Temporal has.")] = False,
    only_open: Annotated[bool, typer.Option("--open", help="With --server: only cases that still run.")] = False,
    ring: Annotated[Path | None, typer.Option("--keyring", help="The key ring the files were recorded with.")] = None,
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="Processes; as many as cores by default.")] = None,
    values: Annotated[bool, typer.Option("--values", help="Show numbers, times, ids, digests; never texts.")] = False,
    meant_file: Annotated[Path, typer.Option("--meant", help="The reviewed file of meant differences.")] = MEANT,
    as_json: Annotated[bool, typer.Option("--json", help="Print one line of JSON a run, then a summary.")] = False,
) -> int:
    """Live histories again with this code: exit 0 if each is the same, 1 if one differs or breaks, 2 if unjudged."""
    if not (files or server) or (only_open and not server):
        raise Problem(
            "bad_input",
            "Name history files, or give --server (with --open for running cases only), or both.",
            next_step="Try `seawall replay check --server --open`.",
            exit_code=BAD_INPUT,
        )
    asked = Asked(
        files=tuple(histories.files(files or [])),
        server=server,
        query=reading.OPEN if only_open else "",
        ring=ring,
        jobs=jobs or _cores(),
        values=values,
        meanings=load(meant_file, datetime.now(UTC).date()),
        meant=meant_file,
    )
    if files and not asked.files:
        raise Problem("no_file", "The folder holds no history.", next_step="Write some with `seawall replay export`.")
    return asyncio.run(_checked(asked, as_json=as_json))


def _cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


async def _checked(asked: Asked, *, as_json: bool) -> int:
    told = settings.load()
    if asked.files:
        reading.keys(told, asked.ring)
    total = len(asked.files) + await _listed(asked)
    tally, began, said_at = Tally(), time.monotonic(), time.monotonic()
    brief = Brief(
        types=tuple(f"{each.__module__}:{each.__qualname__}" for each in reading.workflows()),
        ring=str(asked.ring or ""),
        values=asked.values,
        meant=str(asked.meant) if asked.meanings.entries else "",
        today=asked.meanings.today.isoformat(),
    )
    processes = max(1, min(asked.jobs, total))
    async with aclosing(judges.judged(_jobs(asked), brief, processes=processes)) as answers:
        async for answer in answers:
            tally.count(answer)
            typer.echo(_json(answer) if as_json else "\n".join(_lines(answer)))
            if time.monotonic() - said_at >= EVERY:
                said_at = time.monotonic()
                _say(f"{tally.runs} of {max(total, tally.runs)} checked, {tally.failed} differ or break")
    _end(asked, tally, processes, time.monotonic() - began, as_json=as_json)
    return tally.exit_code


async def _listed(asked: Asked) -> int:
    """Ask the server how many runs there are, which also shows that it answers."""
    if not asked.server:
        return 0
    client = await connect.connect(settings.load())
    with connect.answering(client):
        return (await client.count_workflows(asked.query)).count


async def _jobs(asked: Asked) -> AsyncIterator[Job]:
    for file in asked.files:
        yield Job(file=str(file.resolve()))
    if asked.server:
        client = await connect.connect(settings.load())
        with connect.answering(client):
            async for execution in client.list_workflows(asked.query):
                yield Job(workflow_id=execution.id, run_id=execution.run_id)


def _json(answer: Answer) -> str:
    if isinstance(answer, Unfit):
        return json.dumps({"verdict": "unfit", "code": answer.code, "detail": answer.line})
    return json.dumps({"passes": answer.passes} | asdict(answer))


def _lines(answer: Answer) -> Sequence[str]:
    if isinstance(answer, Unfit):
        return [f"unfit  {answer.line}"]
    if answer.verdict not in PASSES | FAILS:
        return [f"{_head(answer)}: {answer.detail}"]
    return [_head(answer), *(f"  {line}" for line in _reasons(answer))]


def _head(checked: Checked) -> str:
    head = f"{checked.verdict.value}  {checked.workflow_id}"
    return f"{head}  run {checked.run_id[:8]}  {checked.events} events" if checked.run_id else head


def _reasons(checked: Checked) -> list[str]:
    lines = [difference.line() for difference in checked.differences]
    lines += [checked.detail] if checked.detail else []
    lines += [f"only in words of Temporal's UI: {difference.line()}" for difference in checked.words]
    lines += [checked.stranded.line()] if checked.stranded else []
    return lines


def _end(asked: Asked, tally: Tally, processes: int, seconds: float, *, as_json: bool) -> None:
    idle = meant.unused(asked.meanings, tuple(tally.used))
    if as_json:
        summary: dict[str, Any] = {
            "runs": tally.runs,
            "verdicts": dict(sorted(tally.verdicts.items())),
            "failed": tally.failed,
            "unjudged": tally.unjudged,
            "events": tally.events,
            "unused_meant": idle,
            "exit_code": tally.exit_code,
        }
        typer.echo(json.dumps({"summary": summary}))
        return
    for line in idle:
        _say(line)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in sorted(tally.verdicts.items()))
    typer.echo(f"{tally.runs} runs, {tally.failed} differ from this code ({counts or 'nothing to check'}).")
    _say(f"{tally.events} events in {seconds:.0f} s by {processes} processes")


def _say(line: str) -> None:
    typer.echo(f"seawall: {line}", err=True)
