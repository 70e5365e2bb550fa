"""Is a candidate that answers alike really spared the second life, and is nothing lost by it?

Each trial is made twice: with one life where the answers are alike, and with two lives always. What comes out of both
must be equal, in every field of every effect.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import pytest

from escalations.consensus import GateKind
from escalations.model import Domain
from escalations.plans import Plan
from escalations.playbooks import GateRule, Playbook
from escalations.rulebook import Rulebook, UnknownRulebook
from replay import histories
from replay.simulation.instance import alone
from replay.simulation.traces import Trace
from replay.simulation.traces_reading import traced
from replay.whatif import trial
from replay.whatif.alike import loose, same
from replay.whatif.people import Saying, sayings
from replay.whatif.retold import Telling, retold
from replay.whatif.trial import Bench
from tests.replay import test_whatif as recorded
from tests.replay import test_whatif_generated as made
from tests.replay.generated import generated
from tests.replay.known_changes import BOOK, shortened

GENERATED = 6
STEP = 40  # events between two ends of a record that is cut short


def _for_each(book: Rulebook, change: Callable[[Playbook], Playbook]) -> Rulebook:
    return replace(book, playbooks=tuple(change(one) for one in book.playbooks))


def unchanged(book: Rulebook) -> Rulebook:
    return book


def reworded(book: Rulebook) -> Rulebook:
    """Say nothing else, in another edition of every playbook."""
    return _for_each(book, lambda one: replace(one, version=one.version + 1))


def for_privacy(book: Rulebook) -> Rulebook:
    """Touch the cases of one domain only."""
    return _for_each(book, lambda one: replace(one, owner="NOBODY") if one.domain is Domain.PRIV else one)


def hurried(book: Rulebook) -> Rulebook:
    """Leave a third of the time for every question."""

    def change(gate: GateRule) -> GateRule:
        return replace(gate, time_box=tuple(box / 3 for box in gate.time_box))

    return _for_each(book, lambda one: replace(one, gates=tuple(change(gate) for gate in one.gates)))


def speechless(book: Rulebook) -> Rulebook:
    """Know nothing of product safety: the candidate cannot answer."""
    return replace(book, playbooks=tuple(one for one in book.playbooks if one.domain is not Domain.PSAFE))


def impossible(book: Rulebook) -> Rulebook:
    """Break policy itself where legal review is asked: no playbook has a rule for it."""
    return _for_each(
        book,
        lambda one: replace(one, gates=tuple(gate for gate in one.gates if gate.kind is not GateKind.LEGAL_REVIEW)),
    )


OF_GENERATED = (unchanged, for_privacy, shortened, hurried)
OF_RECORDED = (unchanged, reworded, hurried, speechless, impossible)


@dataclass
class Counted:
    """Counts the second lives."""

    lives: int = 0


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    count, lived = Counted(), trial.otherwise

    def counting(*told: object) -> object:
        count.lives += 1
        return lived(*told)  # type: ignore[arg-type]

    monkeypatch.setattr(trial, "otherwise", counting)
    return count


def lived_twice_only_where_needed(
    cases: Iterator[tuple[Trace, Bench]], candidate: Rulebook, counted: Counted
) -> tuple[int, int]:
    """Try once and twice; return the number of cases and of second lives that were needed."""
    number = needed = 0
    for trace, on in cases:
        number, before = number + 1, counted.lives
        once = trial.tried(trace, on, candidate)
        needed += counted.lives - before
        assert once == trial.tried(trace, on, candidate, twice=True), trace.case_id
    return number, needed


def generated_cases() -> Iterator[tuple[Trace, Bench]]:
    for number in range(GENERATED):
        with alone():
            trace, _, values = generated(number, made.RULES, BOOK, made.CLASSES)
        yield trace, Bench(recorded=values, find=lambda _version: BOOK, classes=made.CLASSES, rules=made.RULES)


@pytest.mark.parametrize("change", OF_GENERATED)
def test_one_life_tells_of_generated_cases_what_two_lives_tell(
    change: Callable[[Rulebook], Rulebook], counted: Counted
) -> None:
    candidate = replace(change(BOOK), version="2026.11-candidate")

    cases, needed = lived_twice_only_where_needed(generated_cases(), candidate, counted)

    assert cases == GENERATED
    assert needed in {unchanged: range(1), for_privacy: range(1, cases)}.get(change, range(1, cases + 1))


async def recorded_cases(*, cut: int = 0) -> list[tuple[Trace, Bench]]:
    """Read every recorded case; with `cut`, also as it was open, after every so many events."""
    found = []
    for path in recorded.CASES:
        run = histories.of_file(path)
        ends = list(range(4, len(run.events), cut)) if cut else []
        for end in (*ends, len(run.events)):
            whole = replace(run, events=run.events[:end])
            if whole.events[-1].HasField("workflow_task_completed_event_attributes"):
                continue  # no server shows a task without what it led to
            found.append((await traced([whole], recorded.CONVERTER), recorded.ON))
    return found


@pytest.mark.parametrize("change", OF_RECORDED)
async def test_one_life_tells_of_recorded_cases_what_two_lives_tell(
    change: Callable[[Rulebook], Rulebook], counted: Counted
) -> None:
    cases, needed = lived_twice_only_where_needed(iter(await recorded_cases()), recorded.changed(change), counted)

    assert cases == len(recorded.CASES)
    expected = {unchanged: range(1), reworded: range(cases, cases + 1)}
    assert needed in expected.get(change, range(1, cases + 1))


async def test_one_life_tells_of_open_cases_what_two_lives_tell(counted: Counted) -> None:
    cases, needed = lived_twice_only_where_needed(
        iter(await recorded_cases(cut=STEP)), recorded.changed(unchanged), counted
    )

    assert cases > 2 * len(recorded.CASES)
    assert 0 < needed < cases // 2  # some end while something is under way


async def test_people_who_take_half_or_twice_as_long_need_lives_of_their_own(counted: Counted) -> None:
    trace = await recorded.trace("ordinary")

    told = trial.tried(trace, recorded.ON, recorded.changed(unchanged), (0.5, 1.0, 2.0))

    assert counted.lives == 2
    assert told == trial.tried(trace, recorded.ON, recorded.changed(unchanged), (0.5, 1.0, 2.0), twice=True)


# What makes a record loose


@dataclass(frozen=True)
class Told:
    trace: Trace
    telling: Telling
    said: list[Saying]

    def why(self) -> str:
        return loose(self.trace, self.telling.life, self.said, self.telling.unheard)


async def story(name: str) -> Told:
    trace = await recorded.trace(name)
    with alone():
        on = recorded.ON
        telling = retold(trace, on.rules, on.find, on.recorded, on.classes, beside=recorded.changed(unchanged))
    return Told(trace, telling, sayings(trace, telling.watcher, telling.values))


@pytest.fixture
async def ordinary() -> Told:
    return await story("ordinary")


def test_a_whole_record_of_one_run_is_not_loose(ordinary: Told) -> None:
    assert ordinary.telling.alike
    assert ordinary.why() == ""


def test_a_chain_of_runs_is_loose_even_if_only_its_first_run_is_here(ordinary: Told) -> None:
    ordinary.telling.life.runs[0].ended = "continued"
    assert "chain of runs" in ordinary.why()

    ordinary.telling.life.runs[0].ended = "completed"
    ordinary.trace.runs.append(ordinary.trace.runs[0])
    assert "chain of runs" in ordinary.why()


def test_a_case_that_was_terminated_is_loose(ordinary: Told) -> None:
    ordinary.telling.life.runs[0].ended = ""

    assert "ended from outside" in ordinary.why()


def test_an_answer_to_a_question_that_was_not_asked_yet_is_loose(ordinary: Told) -> None:
    place = next(place for place, one in enumerate(ordinary.said) if one.anchor is not None)
    ordinary.said[place] = replace(ordinary.said[place], after=-1)

    assert "before the question" in ordinary.why()


def test_a_call_that_was_tried_again_is_loose(ordinary: Told) -> None:
    answer = next(one for one in ordinary.trace.answers if one.type == "plan_case")
    assert answer.resolution is not None
    answer.resolution.backoff.attempt = 2

    assert ordinary.why() == "plan_case was tried again"


def test_a_call_without_an_answer_and_a_child_that_never_began_are_loose(ordinary: Told) -> None:
    answer = next(one for one in ordinary.trace.answers if one.kind == "activity")
    answer.seen = None
    assert ordinary.why() == f"{answer.type} was not answered"

    answer.seen = ordinary.trace.ends
    child = next(one for one in ordinary.trace.answers if one.kind == "child")
    child.begun = None
    assert ordinary.why() == f"{child.type} never began"


async def test_a_timer_that_rang_early_or_was_not_seen_to_ring_is_loose() -> None:
    told = await story("default")
    run, living = told.trace.runs[0], told.telling.life.runs[0]
    set_at = {deed.key: deed.at for deed in living.deeds if deed.kind == "timer"}
    rang = next(timer for timer in run.timers.values() if timer.seen is not None)
    run.timers[rang.key] = replace(rang, seen=set_at[rang.key] + rang.lasts - 1)
    assert told.why() == "a timer ended early"

    run.timers[rang.key] = replace(rang, seen=None)
    assert told.why() == "the end of a timer was not seen"


# What makes answers alike


async def test_the_name_of_the_rulebook_makes_no_other_answer_and_every_other_word_does(ordinary: Told) -> None:
    values = ordinary.telling.values
    answers = [values.value(now.completed.result) for _, now in ordinary.telling.ruled]
    plan = next(one for one in answers if isinstance(one, Plan))

    assert same(plan, replace(plan, rulebook="another"))
    assert not same(plan, replace(plan, playbook="another"))
    assert not same(plan, replace(plan, owner="another"))
    assert not same(plan, answers[-1])


async def test_a_case_that_followed_two_rulebooks_is_lived_twice(counted: Counted) -> None:
    trace = await recorded.trace("ordinary")
    found = []

    def one_after_the_other(version: str) -> Rulebook:
        found.append(version)
        return replace(recorded.BOOK, version=f"{version}-{len(found)}")

    on = replace(recorded.ON, find=one_after_the_other)
    trial.tried(trace, on, recorded.changed(unchanged))

    assert len(found) > 1
    assert counted.lives == 1


async def test_a_case_whose_rulebook_is_lost_is_left_out_with_one_life_too(counted: Counted) -> None:
    def lost(version: str) -> Rulebook:
        raise UnknownRulebook(f"rulebook {version} is not kept here; put it back")

    told = trial.tried(await recorded.trace("ordinary"), replace(recorded.ON, find=lost), recorded.BOOK)

    assert told.left_out is not None
    assert counted.lives == 0
