"""How does a what-if look on one page? Self-contained HTML: no script, nothing from elsewhere, light and dark."""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from html import escape

from replay.whatif import plots
from replay.whatif.report import Load, Report, Scenario, middle

STYLE = """
:root{color-scheme:light dark;--paper:#fdfdfb;--ink:#1d232a;--soft:#5a6570;--line:#d9dee3;--before:#8a97a5;
--after:#0b6e8f;--warn:#fff4d6;--edge:#b98900;--heat:11,110,143}
@media(prefers-color-scheme:dark){:root{--paper:#14181c;--ink:#e7ebee;--soft:#9fabb6;--line:#333c45;--before:#7d8a97;
--after:#4fb7da;--warn:#3a2f10;--edge:#d9ab2b;--heat:79,183,218}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:60rem;padding:1.5rem 1rem 4rem;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,sans-serif}
h1{font-size:1.6rem;margin:0 0 .3rem}h2{font-size:1.3rem;margin:2.5rem 0 .5rem;border-top:2px solid var(--line);
padding-top:1.2rem}h3{font-size:1.05rem;margin:1.8rem 0 .4rem}
p{margin:.4rem 0}.soft{color:var(--soft)}
.note{background:var(--warn);border-left:5px solid var(--edge);padding:.7rem 1rem;margin:1rem 0}
.key{display:inline-block;width:.8rem;height:.8rem;margin:0 .3rem 0 .8rem;vertical-align:-1px}
.key.before{background:var(--before)}.key.after{background:var(--after)}
.tiles{display:flex;flex-wrap:wrap;gap:.8rem;padding:0;margin:1rem 0;list-style:none}
.tiles li{border:1px solid var(--line);border-radius:.4rem;padding:.6rem .9rem;min-width:9rem}
.tiles b{display:block;font-size:1.5rem}
.plot{display:block;width:100%;height:auto;margin:.5rem 0}
.plot text{fill:var(--ink);font:12px system-ui,sans-serif}.plot .value{fill:var(--soft)}
.plot .cell{font-size:10px;text-anchor:middle}.plot .cell.on{fill:var(--paper)}
.plot rect.before{fill:var(--before)}.plot rect.after{fill:var(--after)}
.plot .grid{stroke:var(--line)}.plot .line{fill:none;stroke-width:2.5}
.plot .line.before{stroke:var(--before);stroke-dasharray:6 4}.plot .line.after{stroke:var(--after)}
.heat{fill:rgb(var(--heat))}.h0{fill-opacity:.05}.h1{fill-opacity:.16}.h2{fill-opacity:.26}.h3{fill-opacity:.36}
.h4{fill-opacity:.46}.h5{fill-opacity:.56}.h6{fill-opacity:.66}.h7{fill-opacity:.76}.h8{fill-opacity:.88}
.h9{fill-opacity:1}
table{border-collapse:collapse;width:100%;margin:.5rem 0;font-size:.9rem}
th,td{text-align:left;padding:.25rem .6rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
td.n,th.n{text-align:right}.wide{overflow-x:auto}
summary{cursor:pointer;color:var(--soft)}
"""
LONGEST = 200
Cell = str | int | float


def page(told: Report) -> str:
    """Draw the page."""
    digest = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    body = "".join([_head(told), *(_scenario(one, number) for number, one in enumerate(told.scenarios)), _left(told)])
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>What if: {escape(told.candidate)}</title><style>{STYLE}</style></head><body><main>{body}</main>"
        "</body></html>\n"
    )


def _head(told: Report) -> str:
    followed = ", ".join(told.followed) or "none"
    return (
        f"<h1>What if the rulebook had been {escape(told.candidate)}?</h1>"
        f'<p class="soft">{told.same} of {told.cases} recorded cases, lived again in a simulation. They followed '
        f"{escape(followed)}.</p>"
        f'<p class="note">{escape(told.note)}</p>'
        f"<p>Unchanged, the simulation told {told.same} of {told.cases} cases exactly as recorded: stages with their "
        "times, decisions, due times and outcome. The others are left out and listed at the end.</p>"
    )


def _scenario(one: Scenario, number: int) -> str:
    parts = [
        f"<h2>People {_delay(one.delay)}</h2>",
        _tiles(one),
        '<p>Colours: <span class="key before"></span>before <span class="key after"></span>after</p>',
        _clocks(one, number),
        _gates(one, number),
        _containment(one, number),
        _workload(one, number),
        _messages(one),
        _calls(one),
        _cases(one),
    ]
    return "".join(parts)


def _delay(delay: float) -> str:
    return "as quick as they were" if delay == 1 else f"taking {plots.number(delay)} times as long"


def _tiles(one: Scenario) -> str:
    tiles = (
        (one.changed, f"of {one.cases} cases changed"),
        (len(one.missed_now), "clocks missed that were not"),
        (len(one.met_now), "clocks met that were not"),
        (one.gates["opened"] - one.gates["removed"], "gates more, on balance"),
        (one.by_default[1] - one.by_default[0], "more decided by default"),
    )
    return '<ul class="tiles">' + "".join(f"<li><b>{n}</b>{text}</li>" for n, text in tiles) + "</ul>"


def _clocks(one: Scenario, number: int) -> str:
    rows = [(name.replace("_", " "), *pair) for name, pair in one.clocks.items() if any(pair)]
    lost = _table(("case", "clock missed now"), one.missed_now)
    won = _table(("case", "clock met now"), one.met_now)
    return (
        f"<h3>Clocks</h3>{plots.bars(f'clocks{number}', 'Clocks by how they ended', rows)}"
        f"{_numbers(('how it ended', 'before', 'after'), rows)}{lost}{won}"
    )


def _gates(one: Scenario, number: int) -> str:
    names = {
        "opened": "asked only now",
        "removed": "no longer asked",
        "earlier": "decided earlier",
        "later": "decided later",
        "otherwise": "decided otherwise",
    }
    rows = [(text, one.gates[name]) for name, text in names.items()]
    default = (
        f"<p>By default, because nobody decided in time: {one.by_default[0]} before, {one.by_default[1]} after.</p>"
    )
    return f"<h3>Gates</h3>{plots.single_bars(f'gates{number}', 'Questions to people', rows)}{default}"


def _containment(one: Scenario, number: int) -> str:
    before, after = one.contained
    told = (
        f"Half of the contained cases were contained within {plots.span(middle(before))} before and"
        f" {plots.span(middle(after))} after. Never contained: {one.never_contained[0]} before,"
        f" {one.never_contained[1]} after."
    )
    drawn = plots.steps(f"contained{number}", "Share of contained cases by time to contain", before, after, told)
    return f"<h3>Time to contain</h3><p>{told}</p>{drawn}"


def _workload(one: Scenario, number: int) -> str:
    waited = [(team, was.waited_hours, now.waited_hours) for team, (was, now) in one.workload.items()]
    rows = [(team, *_load(was), *_load(now)) for team, (was, now) in one.workload.items()]
    names = ("team", "came", "waited h", "busiest hour", "came after", "waited h after", "busiest hour after")
    grids = "".join(
        plots.grid(
            f"hours{number}{place}",
            f"What came to each team by hour of the day (UTC), {word}",
            [(team, pair[place].hours) for team, pair in one.workload.items()],
            "; ".join(f"{team}: {pair[place].items}" for team, pair in one.workload.items()),
        )
        for place, word in enumerate(("before", "after"))
    )
    return (
        "<h3>Work of each team</h3><p>Questions, tasks and pages: hours they waited for somebody.</p>"
        f"{plots.bars(f'load{number}', 'Hours that work waited, by team', waited)}"
        f"<p>What came, by hour of the day (UTC): before, then after.</p>{grids}{_numbers(names, rows)}"
    )


def _load(load: Load) -> tuple[int, float, int]:
    return load.items, round(load.waited_hours, 1), load.busiest


def _messages(one: Scenario) -> str:
    rows = [("came too late", name, count) for name, count in one.too_late.items()]
    rows += [("never needed", name, count) for name, count in one.never_needed.items()]
    rows += [("refused", name, count) for name, count in one.refused.items()]
    told = _table(("what became of it", "message", "times"), rows) if rows else "<p>Everything said was taken.</p>"
    return f"<h3>What people said in vain</h3>{told}"


def _calls(one: Scenario) -> str:
    rows = [("no recorded answer: assumed that it worked", name, count) for name, count in one.misses.items()]
    rows += [("recorded, and never made", name, count) for name, count in one.unused.items()]
    told = _table(("what", "call", "times"), rows) if rows else "<p>Every call had its recorded answer.</p>"
    return f"<h3>Calls to the world outside</h3>{told}"


def _cases(one: Scenario) -> str:
    rows = [(each.case_id, ", ".join(each.changes), each.halted) for each in one.effects if each.changes or each.halted]
    table = _table(("case", "what changed", "halted"), rows)
    moved = [("priority", name, count) for name, count in one.priorities.items()]
    moved += [("outcome", name, count) for name, count in one.outcomes.items()]
    return f"<h3>Cases</h3>{_table(('what', 'before → after', 'cases'), moved)}{table}"


def _left(told: Report) -> str:
    rows = _table(("case", "first deviation"), told.left_out) if told.left_out else "<p>None.</p>"
    second = ""
    if told.second is not None:
        opinions = [(case, "; ".join(found) or "nothing") for case, found in told.second]
        second = f"<h2>Second opinion of the real server</h2>{_table(('case', 'otherwise than simulated'), opinions)}"
    return f'{second}<h2>Left out</h2>{rows}<p class="note">{escape(told.note)}</p>'


def _numbers(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    return f"<details><summary>The numbers</summary>{_table(names, rows)}</details>"


def _table(names: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    held = list(rows)
    if not held:
        return ""
    sides = [_side(cell) for cell in held[0]]
    head = "".join(f'<th scope="col"{side}>{escape(name)}</th>' for name, side in zip(names, sides, strict=True))
    body = "".join(
        "<tr>" + "".join(f"<td{_side(cell)}>{escape(_cell(cell))}</td>" for cell in row) + "</tr>"
        for row in held[:LONGEST]
    )
    more = f'<p class="soft">and {len(held) - LONGEST} more; `--json` lists all</p>' if len(held) > LONGEST else ""
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>{more}'


def _side(cell: Cell) -> str:
    return "" if isinstance(cell, str) else ' class="n"'


def _cell(cell: Cell) -> str:
    return cell if isinstance(cell, str) else plots.number(cell)
