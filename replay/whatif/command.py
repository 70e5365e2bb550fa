"""What would another rulebook have done? `seawall replay what-if`."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import rulebook
from escalations.rulebook import Rulebook
from replay import histories, reading
from replay.histories import Recorded
from replay.simulation.traces import Trace, Unreadable, Untouched
from replay.simulation.traces_reading import chains, traced
from replay.whatif import page, report, terminal, trial
from replay.whatif.trial import Bench, Tried
from rulebook import archive
from rulebook.calendars import Calendars
from starter import connect, rules, settings
from starter.errors import BAD_INPUT, CANNOT_WRITE, CHECK_FAILED, Problem
from starter.settings import Settings

CASE = "Escalation"
EVERY = 2.0  # seconds between two lines of progress
SLOWEST, QUICKEST = 100.0, 0.0


def build(app: typer.Typer) -> None:
    """Add the command to `seawall replay`."""
    app.command("what-if")(what_if)


def what_if(
    folder: Annotated[Path, typer.Option("--rulebook", help="The candidate: files laid over the shipped rulebook.")],
    whole: Annotated[bool, typer.Option("--whole", help="The folder is a whole rulebook, laid over nothing.")] = False,
    cases: Annotated[
        list[str] | None, typer.Option("--cases", help="History files, folders of them, or a query of Temporal.")
    ] = None,
    human_delay: Annotated[
        str, typer.Option("--human-delay", help="Factors on how long people took to answer, such as 0.5,1,2.")
    ] = "1",
    kept: Annotated[Path | None, typer.Option("--kept", help="Where the rulebooks of the cases are kept.")] = None,
    ring: Annotated[Path | None, typer.Option("--keyring", help="The key ring the files were recorded with.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write one self-contained page with plots.")] = None,
    second: Annotated[
        int, typer.Option("--second-opinion", min=0, help="Let the real server live so many cases too, and compare.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> int:
    """Live recorded cases again under another rulebook: the same facts, people and outside answers.

    A case counts only if the simulation first tells it exactly as recorded under its own rulebook. What is shown is the
    mechanical effect, not how people would have reacted. Exit 0; 1 when no case could be told again; 2 for bad input.
    """
    delays = _delays(human_delay)
    candidate = _candidate(folder, whole=whole)
    told = settings.load()
    files = _files(cases or [])
    found = asyncio.run(_tried(told, candidate, delays, files, " ".join(cases or []), kept, ring, second))
    if html is not None:
        _written(html, page.page(found))
    if as_json:
        typer.echo(json.dumps(report.plain(found)))
    else:
        terminal.shown(found, Console())
    return 0 if found.same else CHECK_FAILED


def _delays(text: str) -> tuple[float, ...]:
    try:
        delays = tuple(float(part) for part in text.split(","))
    except ValueError:
        delays = ()
    if not delays or not all(QUICKEST <= delay <= SLOWEST for delay in delays):
        raise Problem(
            "bad_input",
            f"A delay is a number from {QUICKEST:g} to {SLOWEST:g}.",
            next_step="Write `--human-delay 0.5,1,2`.",
            exit_code=BAD_INPUT,
        )
    return tuple(dict.fromkeys(delays))


def _candidate(folder: Path, *, whole: bool) -> Rulebook:
    place = folder.expanduser()
    if not place.is_dir():
        raise Problem("no_folder", "The rulebook's folder does not exist.", next_step="Give the path of a folder.")
    found = rulebook.faults(place) if whole else rulebook.faults(company=place)
    if found:
        where, text = found[0]
        more = f" ({len(found) - 1} faults more)" if len(found) > 1 else ""
        raise Problem(
            "policy_invalid",
            f"{where}: {text}{more}.",
            next_step=f"See `seawall rulebook check {folder}{' --whole' if whole else ''}`.",
            exit_code=BAD_INPUT,
        )
    return rulebook.load(place) if whole else rulebook.load(company=place)


def _files(cases: Sequence[str]) -> list[Path]:
    """Take what is named for files if all of it exists; else it is one query, which says something of an attribute."""
    paths = [Path(one).expanduser() for one in cases]
    there = [path.exists() for path in paths]
    if any(there) or (cases and not any(sign in " ".join(cases) for sign in "=<>") and "STARTS_WITH" not in cases[0]):
        return paths
    return []


async def _tried(
    told: Settings,
    candidate: Rulebook,
    delays: tuple[float, ...],
    files: Sequence[Path],
    query: str,
    kept: Path | None,
    ring: Path | None,
    second: int,
) -> report.Report:
    today = rules.today(told)
    books = archive.Rulebooks(today, kept or told.home / rules.KEPT)
    converter_for = reading.keys(told, ring)
    tries: list[Tried] = []
    sample: list[Trace] = []
    unread: list[tuple[str, str]] = []
    progress = _Progress()
    space = connect.namespace()
    converter = converter_for(space)
    on = trial.bench(converter.payload_converter, books.of, reading.workflows(), Calendars())
    source = _of_files(files) if files else _of_server(told, query)
    async for runs in source:
        try:
            trace = await traced(runs, converter, space)
        except Untouched as fresh:
            unread.append((runs[0].workflow_id, str(fresh)))
            continue
        except Unreadable as wrong:
            raise _unreadable(runs[0], wrong) from None
        tries.append(trial.tried(trace, on, candidate, delays))
        if len(sample) < second and tries[-1].left_out is None:
            sample.append(trace)
        progress(len(tries))
    if not tries and not unread:
        raise Problem(
            "no_cases",
            "There is no case among these histories.",
            next_step="Export some with `seawall replay export --all`.",
            exit_code=BAD_INPUT,
        )
    found = report.report(candidate.version, tries, delays, unread)
    return replace(found, second=await _second(sample, on, candidate, delays[0])) if sample else found


async def _second(
    sample: Sequence[Trace], on: Bench, candidate: Rulebook, delay: float
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Ask the real server about some cases."""
    from replay.whatif import second_opinion

    typer.echo(f"asking the real server about {len(sample)} cases", err=True)
    async with second_opinion.server() as env:
        found = await second_opinion.opinions(env, sample, on, candidate, delay)
        await asyncio.sleep(0.3)  # the SDK can abort at exit when it is left in a hurry
    return tuple((one.case_id, one.differences) for one in found)


async def _of_files(files: Sequence[Path]) -> AsyncIterator[list[Recorded]]:
    runs = [histories.of_file(path) for path in histories.files(files)]
    for chain in chains(run for run in runs if run.workflow_type == CASE):
        yield chain


async def _of_server(told: Settings, query: str) -> AsyncIterator[list[Recorded]]:
    client = await connect.connect(told)
    with connect.answering(client):
        for case_id in await histories.cases(client, query):
            runs = await histories.chain(client, case_id)
            if runs and runs[0].workflow_type == CASE:
                yield runs


def _unreadable(run: Recorded, wrong: Unreadable) -> Problem:
    return Problem(
        "unreadable",
        f"{run.origin}: {wrong}.",
        next_step="Name the ring that it was recorded with: --keyring FILE.",
        exit_code=BAD_INPUT,
    )


def _written(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise Problem(
            "cannot_write",
            f"{path} cannot be written ({error.strerror}).",
            next_step="Name another file with --html.",
            exit_code=CANNOT_WRITE,
        ) from None


class _Progress:
    """Tells on stderr how far it is, every other second."""

    def __init__(self) -> None:
        self._last = time.monotonic()

    def __call__(self, done: int) -> None:
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            typer.echo(f"{done} cases tried", err=True)
