"""What would another rulebook have done? `seawall replay what-if`."""

import asyncio
import json
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

import rulebook
from replay.whatif import cases as cases_of
from replay.whatif import crew, page, report, terminal, trying
from replay.whatif.cases import Case
from replay.whatif.crew import Lost
from replay.whatif.trial import Tried
from replay.whatif.trying import Brief, Unread
from rulebook import sources
from starter import settings
from starter.errors import BAD_INPUT, CANNOT_WRITE, CHECK_FAILED, Problem

EVERY = 2.0  # seconds between two lines of progress
SLOWEST, QUICKEST = 100.0, 0.0
WORTH = 50  # cases that cost as much as it costs to start one more process


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
    jobs: Annotated[int | None, typer.Option("--jobs", min=1, help="Processes; as many as cores by default.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
) -> int:
    """Live recorded cases again under another rulebook: the same facts, people and outside answers.

    A case counts only if the simulation first tells it exactly as recorded under its own rulebook. What is shown is the
    mechanical effect, not how people would have reacted. Exit 0; 1 when no case could be told again; 2 for bad input.
    """
    delays = _delays(human_delay)
    _judged(folder.expanduser(), whole=whole)
    brief = Brief(
        folder=str(folder.expanduser()), whole=whole, delays=delays, kept=str(kept or ""), ring=str(ring or "")
    )
    found = _tried(brief, _files(cases or []), " ".join(cases or []), jobs, second)
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


def _judged(place: Path, *, whole: bool) -> None:
    """See that the candidate can be loaded. Raises Problem."""
    if not place.is_dir():
        raise Problem("no_folder", "The rulebook's folder does not exist.", next_step="Give the path of a folder.")
    found = rulebook.faults(place) if whole else rulebook.faults(company=place)
    if found:
        where, text = found[0]
        more = f" ({len(found) - 1} faults more)" if len(found) > 1 else ""
        every = not whole and sources.is_whole(place)
        also = ", or add --whole: it holds every file of a rulebook itself" if every else ""
        raise Problem(
            "policy_invalid",
            f"{where}: {text}{more}.",
            next_step=f"See `seawall rulebook check {place}{' --whole' if whole else ''}`{also}.",
            exit_code=BAD_INPUT,
        )


def _files(cases: Sequence[str]) -> list[Path]:
    """Take what is named for files if all of it exists; else it is one query, which says something of an attribute."""
    paths = [Path(one).expanduser() for one in cases]
    there = [path.exists() for path in paths]
    if any(there) or (cases and not any(sign in " ".join(cases) for sign in "=<>") and "STARTS_WITH" not in cases[0]):
        return paths
    return []


def _tried(brief: Brief, files: Sequence[Path], query: str, jobs: int | None, second: int) -> report.Report:
    found = cases_of.of_files(files) if files else asyncio.run(cases_of.of_server(settings.load(), query))
    tries: list[Tried] = []
    unread: list[tuple[str, str]] = []
    sample: list[Case] = []
    progress = _Progress(len(found))
    processes = jobs or min(crew.cores(), 1 + len(found) // WORTH)
    with closing(crew.answers(trying.trying, brief, found, processes=processes)) as answers:
        for case, answer in zip(found, answers, strict=True):
            if isinstance(answer, Tried):
                tries.append(answer)
                if len(sample) < second and answer.left_out is None:
                    sample.append(case)
            elif isinstance(answer, Unread):
                unread.append((answer.case_id, answer.why))
            elif isinstance(answer, Lost):
                unread.append((case.id, f"the process that lived it ended with {answer.how}"))
            progress(len(tries) + len(unread))
    if not tries and not unread:
        raise _nothing(files)
    told = report.report(trying.candidate(brief).version, tries, brief.delays, unread)
    return replace(told, second=asyncio.run(_second(sample, brief))) if sample else told


def _nothing(files: Sequence[Path]) -> Problem:
    if not files:
        return Problem(
            "no_cases",
            "The query finds no case on the server.",
            next_step="Try it with `temporal workflow list --query`, or name history files.",
            exit_code=BAD_INPUT,
        )
    return Problem(
        "no_cases",
        "There is no case among these histories.",
        next_step="Export some with `seawall replay export --all`.",
        exit_code=BAD_INPUT,
    )


async def _second(sample: Sequence[Case], brief: Brief) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Ask the real server about some cases."""
    from replay.whatif import second_opinion

    typer.echo(f"asking the real server about {len(sample)} cases", err=True)
    shelf = trying.Shelf(brief)
    traces = [trace for case in sample if (trace := await shelf.trace(case)) is not None]
    async with second_opinion.server() as env:
        found = await second_opinion.opinions(env, traces, shelf.bench, trying.candidate(brief), brief.delays[0])
        await asyncio.sleep(0.3)  # the SDK can abort at exit when it is left in a hurry
    return tuple((one.case_id, one.differences) for one in found)


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

    def __init__(self, total: int) -> None:
        self._total = total
        self._last = time.monotonic()

    def __call__(self, done: int) -> None:
        if time.monotonic() - self._last >= EVERY:
            self._last = time.monotonic()
            typer.echo(f"{done} of {self._total} cases tried", err=True)
