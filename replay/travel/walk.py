"""How does one walk through a case by hand? A frame a screen, and a key for the next."""

import sys

import typer
from rich.console import Console

from replay.travel import journey, printing, steps
from replay.travel.journey import Journey
from replay.travel.moment import moment
from starter.errors import BAD_INPUT, Problem

# A key as a terminal sends it, and how far it goes; arrows come in two dialects.
FORWARD = frozenset({"n", " ", "\r", "\x1b[C", "\x1b[B", "\x1bOC", "\x1bOB"})
BACK = frozenset({"p", "\x7f", "\x1b[D", "\x1b[A", "\x1bOD", "\x1bOA"})
FIRST = frozenset({"0", "\x1b[H", "\x1bOH"})
LAST = frozenset({"$", "\x1b[F", "\x1bOF"})
END = frozenset({"q", "\x03", "\x04", "\x1b"})
KEYS = "n/→ next   p/← previous   g go to an event   0/$ first/last   q end"


def refuse_without_a_terminal() -> None:
    """Raise Problem `not_a_terminal` where nobody could press a key."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise Problem(
            "not_a_terminal",
            "Walking needs a terminal.",
            next_step="Use `seawall replay timeline` in a pipe.",
            exit_code=BAD_INPUT,
        )


def walk(way: Journey) -> None:
    """Show one task after the other until `q`. Raises Problem `nothing_happened` for a case without a task."""
    screen = Console()
    stops, told = way.stops(), steps.steps(way)
    if not stops:
        raise Problem("nothing_happened", "No task of this case has been done yet.", exit_code=BAD_INPUT)
    place = 0
    while True:
        screen.clear()
        for line in printing.step_lines(told[place], runs=len(way.films)):
            screen.print(line, soft_wrap=True, markup=False)
        screen.print()
        for line in printing.moment_lines(moment(way, stops[place])):
            screen.print(line, soft_wrap=True, markup=False)
        screen.print(f"\n{place + 1} of {len(stops)}   {KEYS}", style="reverse", markup=False)
        pressed = typer.getchar()
        if pressed in END:
            return
        place = _went(way, place, pressed, screen)


def _went(way: Journey, place: int, pressed: str, screen: Console) -> int:
    last = len(way.stops()) - 1
    if pressed == "g":
        return _named(way, place, screen)
    if pressed in FIRST | LAST:
        return 0 if pressed in FIRST else last
    return max(0, min(last, place + (pressed in FORWARD) - (pressed in BACK)))


def _named(way: Journey, place: int, screen: Console) -> int:
    """Ask for an event and find its task; what is no event leaves the place."""
    try:
        stop = journey.at_event(way, screen.input("event (57, or 2/57): ").strip())
    except (Problem, EOFError):
        return place
    places = [number for number, one in enumerate(way.stops()) if one.run == stop.run and one.frame is stop.frame]
    return places[0] if places else place
