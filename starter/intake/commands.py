"""What can be taken in from a terminal? `seawall open FILE|-` and `seawall schema report`."""

import asyncio
import json
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import typer

from starter.errors import BAD_INPUT, Problem
from starter.intake import documents, strict
from starter.intake.feed import REASONS, Aside, Batch
from starter.intake.refusals import REFUSALS, BadInput
from starter.intake.words import SOURCE

schema = typer.Typer(help="Print the formats that Seawall reads.", no_args_is_help=True)


def build(app: typer.Typer) -> None:
    """Add this door's commands."""
    app.command("open")(open_)
    schema.command("report")(schema_report)
    app.add_typer(schema, name="schema")


def open_(
    file: Annotated[str, typer.Argument(help="A report, or a recall feed's JSON; '-' reads standard input.")],
    source: Annotated[str, typer.Option(help="Who reports, for a report that does not say it.")] = "cli",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> int:
    """Open or enrich cases from a file; the format is told by its content.

    Exit codes: 0 all taken (records kept aside included), 2 the file or a report was refused, 69 not stored,
    5 another report has the same reference.
    """
    if not SOURCE.fullmatch(source):
        raise Problem("bad_id", "The source is no lower-case name.", next_step="Use letters, digits, '-' and '_'.")
    try:
        batch = documents.read(_bytes(file), source=source, now=datetime.now(UTC))
    except BadInput as refused:
        raise refused.problem() from None
    return asyncio.run(_open(batch, as_json=as_json))


def schema_report() -> None:
    """Print the JSON Schema of our report format."""
    from starter.intake.schema import report_json_schema

    typer.echo(json.dumps(report_json_schema(), indent=2))


def _bytes(file: str) -> bytes:
    if file == "-":
        return _capped(sys.stdin.buffer)
    try:
        with Path(file).open("rb") as stream:
            return _capped(stream)
    except OSError as error:
        raise Problem(
            "file_unreadable",
            f"{file} cannot be read: {error.strerror}.",
            next_step="Give the path of a JSON file, or '-' for standard input.",
        ) from None


def _capped(stream: BinaryIO) -> bytes:
    raw = stream.read(strict.FEED.size + 1)
    if len(raw) > strict.FEED.size:
        raise Problem("body_too_large", "The file is larger than 64 MB.", next_step="Split it into several files.")
    return raw


async def _open(batch: Batch, *, as_json: bool) -> int:
    from starter import logs, settings
    from starter.intake import wiring

    told = settings.load()
    logs.configure(told.log_format, "error")  # what a person needs to know is printed below
    lines: list[dict[str, Any]] = []
    async with wiring.opened(told) as desk:
        for parsed in batch.reports:
            lines.append(await _taken(desk, parsed))
            _show(lines[-1], quiet=as_json)
        for aside in batch.asides:
            lines.append(await _kept(desk, aside))
            _show(lines[-1], quiet=as_json)
    counted = Counter(line["status"] for line in lines)
    if as_json:
        typer.echo(json.dumps({"format": batch.form, "counts": counted, "records": lines}, indent=2))
    elif batch.form != documents.REPORT:
        each = ", ".join(f"{number} {status}" for status, number in sorted(counted.items())) or "none"
        typer.echo(f"{len(lines)} records of format {batch.form}: {each}")
    return max((int(line.get("exit_code", 0)) for line in lines), default=0)


async def _taken(desk: Any, parsed: Any) -> dict[str, Any]:
    from starter.intake.desk import receive

    reference = parsed.intake.source_ref
    try:
        outcome = await receive(desk, parsed)
    except BadInput as refused:
        if refused.code in ("not_durable", "unavailable"):
            raise refused.problem() from None
        code = REFUSALS[refused.code].exit_code
        return {"status": "refused", "reference": reference, "code": refused.code, "exit_code": code or BAD_INPUT}
    line = {"status": outcome.status, "case_id": outcome.case_id, "reference": reference}
    return line if outcome.started else {**line, "waits_for": "temporal"}


async def _kept(desk: Any, aside: Aside) -> dict[str, Any]:
    from starter.intake.desk import keep_aside

    try:
        number = await keep_aside(desk, aside, now=datetime.now(UTC))
    except BadInput as refused:
        raise refused.problem() from None
    return {"status": "quarantined", "number": number, "record": aside.place, "reason": aside.reason}


def _show(line: dict[str, Any], *, quiet: bool) -> None:
    if quiet:
        return
    if line["status"] == "quarantined":
        text = f"record {line['record']} kept aside as number {line['number']}: {REASONS[line['reason']]}"
        typer.echo(text, err=True)
    elif line["status"] == "refused":
        refusal = REFUSALS[line["code"]]
        typer.echo(f"{line['reference']} refused: {refusal.text} {refusal.next_step}", err=True)
    else:
        waits = " (its workflow starts when Temporal answers)" if "waits_for" in line else ""
        typer.echo(f"{line['case_id']} {line['status']} {line['reference']}{waits}")
