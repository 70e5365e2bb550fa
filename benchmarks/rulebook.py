"""What does it cost to read the rules and to triage a case? Against a plain parse of the same files, in one run.

Limits (issue 3): a full triage of one case takes at most 5 ms of CPU once the rules are read; whom to ask is found in
0.2 ms; judging the hours of a whole year takes at most a tenth of reading the rules.
The work of a triage is the same each time, so its cost is the least of many rounds: what else runs on the machine only
ever adds to it. The median beside it says by how much it did.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import yaml

import rulebook
from escalations import gates, planning, rosters_asking, rosters_chain
from escalations.consensus import Gate, GateKind
from escalations.model import AuthorityOrder, Domain, Event, Facts, Intake, IntakeKind, Product
from escalations.plans import GateRequest, Plan, PlanRequest
from rulebook import reading, roster_checks
from rulebook.calendars import Calendars

CASE = "ESC-0000-0000-0000"
NOW = datetime(2026, 12, 24, 14, 40, tzinfo=UTC)
MOST_MS = 5.0
MOST_MS_TO_ASK = 0.2
MOST_OF_LOAD = 0.1
YEAR = date(2026, 11, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure in milliseconds of CPU, or a ratio; `limit` is the most it may be, None where nothing is claimed."""

    name: str
    value: float
    limit: float | None = None

    @property
    def kept(self) -> bool:
        """Say whether the claim holds."""
        return self.limit is None or self.value <= self.limit


def cases() -> dict[str, tuple[Intake, ...]]:
    """Make the reports of three cases: one recall; an injury, an order and a return in three continents; a breach."""
    bank = Product(name="Power bank", brand="Ohmberry", models=("OB-PK20",), gtins=("9521100200110",))
    recall = Intake(
        source="cpsc", source_ref="R-1", kind=IntakeKind.RECALL_NOTICE, title="Recall", received_at=NOW,
        jurisdictions=("US",), product=bank, facts=Facts(units_sold=5000),
    )  # fmt: skip
    burned = replace(
        recall, source_ref="R-2", kind=IntakeKind.INCIDENT_REPORT, jurisdictions=("AU",),
        facts=Facts(serious_injuries=1, child_injured=True, units_sold=11_714),
    )  # fmt: skip
    order = AuthorityOrder(
        authority="Landesamt", reference="MSA-1", legal_basis="GPSR art. 22(4)", country="DE", reply_to="a@b.example",
        listings=("L-771",), identical_content=True,
    )  # fmt: skip
    ordered = replace(recall, source_ref="R-3", kind=IntakeKind.AUTHORITY_ORDER, jurisdictions=("DE",), order=order)
    leaked = replace(
        recall, source_ref="R-4", kind=IntakeKind.ALERT, domain=Domain.PRIV, product=None,
        jurisdictions=("IE", "DE", "GB", "BR", "SG", "KR", "IN"),
        facts=Facts(
            marks=("high_risk_breach", "personal_data_breach", "sensitive_data"), people_affected=18_204,
            events=(Event(kind="breach_assessed", at=NOW, place="SG"),),
        ),
    )  # fmt: skip
    return {"a recall": (recall,), "injury, order and return": (burned, ordered, recall), "a data breach": (leaked,)}


def measured(rounds: int) -> tuple[Figure, ...]:
    """Measure everything once, alternating the two ways to read."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(Path(rulebook.__file__).parent.rglob("*.yaml"))]
    loads, parses = [], []
    for _ in range(rounds):
        parses.append(_cpu(lambda: [yaml.load(text, Loader=reading.LOADER) for text in texts]))
        loads.append(_cpu(rulebook.load))
    figures = [
        Figure(name="plain YAML parse of the same files, ms", value=median(parses)),
        Figure(name="load and validate all rules, ms", value=median(loads)),
        Figure(name="load, times the plain parse", value=median(loads) / median(parses)),
    ]
    book, calendars = rulebook.load(), Calendars()
    for name, intakes in cases().items():
        request = PlanRequest(case_id=CASE, intakes=intakes, now=NOW)
        plan = _triaged(book, calendars, request)
        costs = [_cpu(lambda: _triaged(book, calendars, request)) for _ in range(20 * rounds)]  # noqa: B023
        what = f"triage of {name} ({len(plan.clocks)} clocks), ms"
        figures.append(Figure(name=what, value=min(costs), limit=MOST_MS))
        figures.append(Figure(name="the median of the same", value=median(costs)))
        ask = GateRequest(case_id=CASE, number=1, kind=GateKind.LEGAL_REVIEW, plan=plan, digest="0" * 64, now=NOW)
        asked = median(_cpu(lambda: _drafted(book, calendars, ask)) for _ in range(20 * rounds))  # noqa: B023
        figures.append(Figure(name=f"one question of {name}, ms", value=asked))
    return (*figures, *_rosters(book, calendars, rounds, median(loads)))


def _triaged(book: rulebook.Rulebook, calendars: Calendars, request: PlanRequest) -> Plan:
    """Answer as policy does, the people to ask included."""
    plan = planning.planned(book, calendars, request)
    return rosters_asking.named_in_plan(book, calendars, plan, request)


def _drafted(book: rulebook.Rulebook, calendars: Calendars, request: GateRequest) -> Gate:
    return rosters_asking.named_in_gate(book, calendars, gates.drafted(book, request), request)


def _rosters(book: rulebook.Rulebook, calendars: Calendars, rounds: int, load: float) -> tuple[Figure, ...]:
    """Ask for people at a hundred hours spread over a year, and judge the hours of the year."""
    hours = [NOW + timedelta(hours=89 * number) for number in range(100)]

    def ask() -> None:
        for at in hours:
            rosters_chain.who(book, calendars, "PSAF", at, domain=Domain.PSAFE, jurisdictions=("DE",))

    def judge() -> None:
        assert not [*roster_checks.overlap_faults(book, calendars, YEAR)]
        assert not [*roster_checks.cover_faults(book, calendars, YEAR)]

    ask()
    asked = min(_cpu(ask) for _ in range(rounds)) / len(hours)
    judged = median(_cpu(judge) for _ in range(rounds))
    return (
        Figure(name="whom to ask, the whole chain, ms", value=asked, limit=MOST_MS_TO_ASK),
        Figure(name="judge the hours of a whole year, ms", value=judged),
        Figure(name="judge the hours, as part of reading the rules", value=judged / load, limit=MOST_OF_LOAD),
    )


def _cpu(work: Callable[[], object]) -> float:
    before = time.process_time()
    work()
    return (time.process_time() - before) * 1000


def main() -> int:
    """Measure, print, and say 1 when a limit is passed."""
    parser = argparse.ArgumentParser(prog="benchmarks.rulebook", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON value")
    parser.add_argument("--rounds", type=int, default=9, help="rounds (9)")
    told = parser.parse_args()
    figures = measured(told.rounds)
    if told.json:
        print(json.dumps([asdict(one) | {"kept": one.kept} for one in figures], indent=2))
    else:
        for one in figures:
            limit = "-" if one.limit is None else f"{one.limit:.2f}"
            print(f"{one.name:58}{one.value:10.2f}{limit:>8}{'' if one.kept else '  TOO MUCH'}")
    return 0 if all(one.kept for one in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
