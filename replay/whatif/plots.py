"""How is a number drawn without any library? As inline SVG, styled by class, with words for whoever cannot see it.

Every plot has a title and a description in words, and its numbers stand in a table beside it (`whatif_page.py`).
"""

from collections.abc import Sequence
from html import escape
from math import log10

WIDTH = 640
ROW = 26
LEFT = 150
RIGHT = 60
BEFORE, AFTER = "before", "after"
EARLIEST_HOURS = 0.001


def figure(plot_id: str, title: str, told: str, height: int, drawn: str) -> str:
    """Frame a drawing with its text alternatives."""
    return (
        f'<svg class="plot" role="img" viewBox="0 0 {WIDTH} {height}" aria-labelledby="{plot_id}-t {plot_id}-d">'
        f'<title id="{plot_id}-t">{escape(title)}</title><desc id="{plot_id}-d">{escape(told)}</desc>{drawn}</svg>'
    )


def bars(plot_id: str, title: str, rows: Sequence[tuple[str, float, float]]) -> str:
    """Draw two bars a row, before over after, with their numbers at the end."""
    most = max((value for _, *pair in rows for value in pair), default=0) or 1
    drawn = []
    for place, (name, before, after) in enumerate(rows):
        top = 8 + place * ROW * 1.4
        drawn.append(f'<text class="name" x="{LEFT - 8}" y="{top + 18:.1f}" text-anchor="end">{escape(name)}</text>')
        for offset, kind, value in ((0, BEFORE, before), (14, AFTER, after)):
            wide = (WIDTH - LEFT - RIGHT) * value / most
            drawn.append(f'<rect class="{kind}" x="{LEFT}" y="{top + offset:.1f}" width="{wide:.1f}" height="12"/>')
            drawn.append(
                f'<text class="value" x="{LEFT + wide + 5:.1f}" y="{top + offset + 10:.1f}">{number(value)}</text>'
            )
    told = "; ".join(f"{name}: {number(before)} before, {number(after)} after" for name, before, after in rows)
    return figure(plot_id, title, told, round(16 + len(rows) * ROW * 1.4), "".join(drawn))


def single_bars(plot_id: str, title: str, rows: Sequence[tuple[str, float]]) -> str:
    """Draw one bar a row."""
    most = max((value for _, value in rows), default=0) or 1
    drawn = []
    for place, (name, value) in enumerate(rows):
        top, wide = 8 + place * ROW, (WIDTH - LEFT - RIGHT) * value / most
        drawn.append(f'<text class="name" x="{LEFT - 8}" y="{top + 13}" text-anchor="end">{escape(name)}</text>')
        drawn.append(f'<rect class="{AFTER}" x="{LEFT}" y="{top}" width="{wide:.1f}" height="16"/>')
        drawn.append(f'<text class="value" x="{LEFT + wide + 5:.1f}" y="{top + 13}">{number(value)}</text>')
    told = "; ".join(f"{name}: {number(value)}" for name, value in rows)
    return figure(plot_id, title, told, 16 + len(rows) * ROW, "".join(drawn))


def steps(plot_id: str, title: str, before: Sequence[float], after: Sequence[float], told: str) -> str:
    """Draw two rising staircases over hours on a logarithmic scale: what share was done within so many hours."""
    height, floor = 250, 210
    everything = [max(value, EARLIEST_HOURS) for value in (*before, *after)]
    low, high = min(everything, default=0.1), max(everything, default=10.0)
    first, last = _decade(low, up=False), max(_decade(high, up=True), _decade(low, up=False) + 1)
    drawn = []
    for decade in range(first, last + 1):
        x = _x(10**decade, first, last)
        drawn.append(f'<line class="grid" x1="{x:.1f}" y1="10" x2="{x:.1f}" y2="{floor}"/>')
        drawn.append(
            f'<text class="value" x="{x:.1f}" y="{floor + 16}" text-anchor="middle">{span(10.0**decade)}</text>'
        )
    for share in (0, 25, 50, 75, 100):
        y = floor - 2 * share
        drawn.append(f'<line class="grid" x1="60" y1="{y}" x2="{WIDTH - 20}" y2="{y}"/>')
        drawn.append(f'<text class="value" x="54" y="{y + 4}" text-anchor="end">{share} %</text>')
    for kind, values in ((BEFORE, before), (AFTER, after)):
        if values:
            drawn.append(f'<path class="line {kind}" d="{_staircase(values, first, last, floor)}"/>')
    drawn.append(f'<text class="value" x="{WIDTH - 20}" y="{floor + 34}" text-anchor="end">time to contain</text>')
    return figure(plot_id, title, told, height, "".join(drawn))


def _staircase(values: Sequence[float], first: int, last: int, floor: int) -> str:
    points = [f"M{_x(max(values[0], EARLIEST_HOURS), first, last):.1f} {floor}"]
    for place, value in enumerate(sorted(values), 1):
        x, y = _x(max(value, EARLIEST_HOURS), first, last), floor - 200 * place / len(values)
        points.append(f"H{x:.1f}V{y:.1f}")
    return "".join(points) + f"H{WIDTH - 20}"


def _decade(value: float, *, up: bool) -> int:
    exponent = log10(value)
    return int(-(-exponent // 1)) if up else int(exponent // 1)


def _x(hours: float, first: int, last: int) -> float:
    return 60 + (WIDTH - 80) * (log10(hours) - first) / (last - first)


def grid(plot_id: str, title: str, rows: Sequence[tuple[str, Sequence[int]]], told: str) -> str:
    """Draw what came to each team by hour of the day: the more, the darker, the number in the cell."""
    most = max((value for _, hours in rows for value in hours), default=0) or 1
    wide = (WIDTH - LEFT - 10) / 24
    drawn = [
        f'<text class="value" x="{LEFT + hour * wide + wide / 2:.1f}" y="12" text-anchor="middle">{hour}</text>'
        for hour in range(0, 24, 3)
    ]
    for place, (name, hours) in enumerate(rows):
        top = 18 + place * 22
        drawn.append(f'<text class="name" x="{LEFT - 8}" y="{top + 15}" text-anchor="end">{escape(name)}</text>')
        for hour, value in enumerate(hours):
            x, level = LEFT + hour * wide, min(9, -(-9 * value // most))
            drawn.append(f'<rect class="heat h{level}" x="{x:.1f}" y="{top}" width="{wide - 2:.1f}" height="20"/>')
            if value:
                middle = x + wide / 2 - 1
                ink = "on" if level > 4 else "off"
                drawn.append(f'<text class="cell {ink}" x="{middle:.1f}" y="{top + 14}">{value}</text>')
    return figure(plot_id, title, told, 26 + len(rows) * 22, "".join(drawn))


def number(value: float) -> str:
    """Write a number for people: whole if it is, else one digit after the point."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def span(hours: float | None) -> str:
    """Write a span for people: hours, minutes or seconds, whichever is one or more; "none" for None."""
    if hours is None:
        return "none"
    for unit, length in (("h", 1.0), ("min", 60.0)):
        if hours * length >= 1:
            return f"{number(round(hours * length, 1))} {unit}"
    return f"{number(round(hours * 3600, 1))} s"
