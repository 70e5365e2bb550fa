"""What does it cost to read the rules and to triage a case? Against a plain parse of the same files, in one run.

Limits: a full triage of one case takes at most 3 ms of CPU once the rules are read (issue 3 asks for 5); whom to ask is
found in 0.2 ms; judging the hours of a whole year takes at most a tenth of reading the rules.
The work of a triage is the same each time, so its cost is the least of many rounds: what else runs on the machine only
ever adds to it. The median beside it says by how much it did.

Each question that a case asks of policy is measured as its activity answers it, digest included, beside what it costs
only to write and read that question and its answer as JSON, as every activity does. The answer may cost so many times
that, at the median of the questions; the costliest ones are told beside it.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from statistics import median
from typing import Any

import yaml
from pydantic import TypeAdapter

import rulebook
from activities.policy import Policy
from escalations import gates, planning, rosters_asking, rosters_chain
from escalations.consensus import Gate, GateKind
from escalations.enforcement import Manifest
from escalations.model import AuthorityOrder, Domain, Event, Facts, Intake, IntakeKind, Product
from escalations.plans import DutyRequest, GateRequest, NoticesRequest, Plan, PlanRequest
from escalations.rulebook import OneRulebook
from rulebook import reading, roster_checks
from rulebook.calendars import Calendars

CASE = "ESC-0000-0000-0000"
NOW = datetime(2026, 12, 24, 14, 40, tzinfo=UTC)
MOST_MS = 3.0
MOST_MS_TO_ASK = 0.2
MOST_OF_LOAD = 0.1
YEAR = date(2026, 11, 1)
MOST_TIMES_JSON = {"plan_case": 18.0, "draft_gate": 5.0, "who_is_on_duty": 18.0, "draft_notices": 10.0}


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
    policy = Policy(OneRulebook(book), calendars)
    answered = [one for name, requests in questions(policy).items() for one in _asked(policy, name, requests, rounds)]
    return (*figures, *answered, *_rosters(book, calendars, rounds, median(loads)))


def questions(policy: Policy) -> dict[str, list[Any]]:
    """Make what a case asks of policy in the course of its life, by the name of the activity that answers."""
    plans = [PlanRequest(case_id=CASE, intakes=intakes, now=NOW) for intakes in cases().values()]
    planned = [(request, _answered(policy.plan_case(request))) for request in plans]
    again = [replace(request, now=NOW + timedelta(days=1), clocks=plan.clocks) for request, plan in planned]
    found = Manifest(
        digest="0" * 64, count=40, sellers=9, markets=("DE", "US"), by_tier=(("listing_id", 1), ("gtin", 39))
    )
    return {
        "plan_case": [*plans, *again],
        "draft_gate": [
            GateRequest(case_id=CASE, number=1, kind=kind, plan=plan, digest="0" * 64, now=NOW, manifest=found)
            for _, plan in planned
            for kind in GateKind
        ],
        "who_is_on_duty": [
            DutyRequest(
                case_id=CASE,
                rulebook=plan.rulebook,
                role=plan.owner,
                domain=plan.domain,
                now=NOW + timedelta(hours=7 * step),
                places=("DE", "US"),
                level=step % 3,
            )
            for _, plan in planned
            for step in range(8)
        ],
        "draft_notices": [
            NoticesRequest(
                case_id=CASE,
                plan=plan,
                intakes=request.intakes,
                manifest=found,
                restricted=restricted,
                contained_at=NOW + timedelta(hours=1),
                now=NOW + timedelta(hours=1),
                clocks=plan.clocks,
            )
            for request, plan in planned
            for restricted in (0, 40)
        ],
    }


def _asked(policy: Policy, name: str, requests: list[Any], rounds: int) -> tuple[Figure, ...]:
    """Measure one kind of question beside its transport."""
    ask = getattr(policy, name)
    costs, carried = [], []
    for request in requests:
        answer = _answered(ask(request))
        costs.append(min(_cpu(lambda: _answered(ask(request))) for _ in range(rounds)))  # noqa: B023
        carried.append(min(_cpu(lambda: _written_and_read(request, answer)) for _ in range(rounds)))  # noqa: B023
    half, most = median(costs), sorted(costs)[round(0.95 * (len(costs) - 1))]
    return (
        Figure(name=f"{name}, {len(requests)} questions, the median, ms", value=half),
        Figure(name="the 95th percentile of the same", value=most),
        Figure(name="to write and read question and answer as JSON, ms", value=median(carried)),
        Figure(name=f"{name}, times its JSON", value=half / median(carried), limit=MOST_TIMES_JSON[name]),
    )


def _written_and_read(*values: Any) -> None:
    for value in values:
        shape = _shape(value.__class__)
        shape.validate_json(shape.dump_json(value))


@lru_cache(maxsize=16)
def _shape(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _answered(asking: Coroutine[Any, Any, Any]) -> Any:
    """Run what waits for nothing."""
    try:
        asking.send(None)
    except StopIteration as done:
        return done.value
    raise RuntimeError("policy waits for something; it must be pure")


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
