"""How does a what-if look at a terminal? Tables, before and after, with the caveat first and last."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table

from replay.whatif.plots import number, span
from replay.whatif.report import Report, Scenario, middle

LISTED = 20


def shown(told: Report, console: Console) -> None:
    """Print a report."""
    console.print(f"What if the rulebook had been {told.candidate}?", style="bold", markup=False)
    console.print(told.note, markup=False, style="yellow")
    console.print(f"{told.same} of {told.cases} cases were told again exactly as recorded.", markup=False)
    for one in told.scenarios:
        _scenario(one, console)
    if told.second is not None:
        console.print(_table("Second opinion of the real server", ("case", "otherwise than simulated"), _second(told)))
    if told.left_out:
        console.print(_table("Left out", ("case", "first deviation"), told.left_out))
    console.print(told.note, markup=False, style="yellow")


def _second(told: Report) -> Iterable[tuple[str, str]]:
    for case, found in told.second or ():
        yield case, "; ".join(found) or "nothing"


def _scenario(one: Scenario, console: Console) -> None:
    console.rule(f"people take {number(one.delay)} × as long")
    console.print(f"{one.changed} of {one.cases} cases changed", markup=False)
    console.print(_table("Before and after", ("", "before", "after"), _pairs(one)))
    gates = [(name, str(count)) for name, count in one.gates.items()]
    console.print(_table("Gates", ("compared with before", "gates"), gates))
    loads = [
        (team, str(was.items), str(now.items), number(was.waited_hours), number(now.waited_hours), str(now.busiest))
        for team, (was, now) in one.workload.items()
    ]
    names = ("team", "came", "after", "waited h", "after", "busiest hour after")
    console.print(_table("Work of each team", names, loads))
    for title, rows in _lists(one):
        if rows:
            console.print(_table(title, ("what", "times"), rows))
    for title, found in (("Clocks missed now", one.missed_now), ("Clocks met now", one.met_now)):
        if found:
            console.print(_table(title, ("case", "clock"), found))
    if one.halted:
        console.print(_table("Halted", ("case", "why"), one.halted))


def _pairs(one: Scenario) -> Iterable[tuple[str, str, str]]:
    for name, (was, now) in one.clocks.items():
        if was or now:
            yield f"clocks {name.replace('_', ' ')}", str(was), str(now)
    yield "decided by default", str(one.by_default[0]), str(one.by_default[1])
    yield "half contained within", span(middle(one.contained[0])), span(middle(one.contained[1]))
    yield "never contained", str(one.never_contained[0]), str(one.never_contained[1])


def _lists(one: Scenario) -> Iterable[tuple[str, list[tuple[str, str]]]]:
    for title, counts in (
        ("Priority", one.priorities),
        ("Outcome", one.outcomes),
        ("Said too late", one.too_late),
        ("Never needed", one.never_needed),
        ("Refused", one.refused),
        ("Calls without a recorded answer (assumed that they worked)", one.misses),
        ("Recorded calls that were never made", one.unused),
    ):
        yield title, [(name, str(count)) for name, count in counts.items()]


def _table(title: str, names: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    table = Table(title=title, title_justify="left")
    for name in names:
        table.add_column(name, overflow="fold")
    held = list(rows)
    for row in held[:LISTED]:
        table.add_row(*row)
    if len(held) > LISTED:
        table.add_row(f"and {len(held) - LISTED} more, see --json", *("" for _ in names[1:]))
    return table
