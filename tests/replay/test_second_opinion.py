"""Does the real server, in virtual time, live a case under the candidate as the simulation does?"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import rulebook
from replay import reading
from replay.simulation.instance import alone
from replay.whatif import second_opinion, trial
from replay.whatif.effect import GateSeen, Seen
from replay.whatif.rules import Rules
from rulebook.calendars import Calendars
from tests.replay.generated import generated

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
CLASSES = {one.__name__: one for one in reading.workflows()}


async def test_the_server_agrees_with_the_simulation_on_generated_cases_under_another_rulebook() -> None:
    book, rules = rulebook.load(), Rules(Calendars())
    shorter = tuple(
        replace(one, gates=tuple(replace(gate, time_box=tuple(box / 3 for box in gate.time_box)) for gate in one.gates))
        for one in book.playbooks
    )
    candidate = replace(book, version="2026.11-candidate", playbooks=shorter)
    found = []
    async with second_opinion.server() as env:
        for number in (1, 2, 4, 6):
            with alone():
                trace, _, values = generated(number, rules, book, CLASSES)
            on = trial.Bench(recorded=values, find=lambda _version: book, classes=CLASSES, rules=rules)
            found += await second_opinion.opinions(env, [trace], on, candidate)

    assert len(found) == 4
    assert {one.case_id: one.differences for one in found if one.differences} == {}


def lived(**changes: object) -> Seen:
    gate = GateSeen(
        name="legal_review 1", opened_at=NOON, due_at=NOON, decided_at=NOON, option="hide", how="quorum", roles=()
    )
    whole = Seen(
        priority=2,
        domain="PSAFE",
        rulebook="",
        outcome="hide",
        opened_at=NOON,
        ended_at=NOON,
        closed_at=NOON,
        contained_at=None,
        stages=(("triage", NOON),),
        clocks=(),
        gates=(gate,),
        owed=(),
        calls=(),
    )
    return replace(whole, **changes)  # type: ignore[arg-type]


def test_what_differs_is_named_and_what_is_near_is_the_same() -> None:
    a_while = timedelta(hours=1)
    other = lived(
        outcome="no_action",
        stages=(("triage", NOON + a_while),),
        gates=(replace(lived().gates[0], how="default"),),
    )

    assert list(second_opinion.differences(lived(), lived(stages=(("triage", NOON + timedelta(seconds=5)),)))) == []
    assert [one.split()[0] for one in second_opinion.differences(lived(), other)] == ["outcome", "stage", "gate"]
