"""What does a rulebook answer when a simulated case asks? Policy's own code, for real, with its calendars."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from temporalio import activity
from temporalio.bridge.proto.activity_result import ActivityResolution
from temporalio.converter import DefaultFailureConverter
from temporalio.exceptions import ApplicationError

from activities.policy import Policy
from escalations.readings import Calendars
from escalations.rulebook import Rulebook, Rulebooks
from replay.simulation.values import Values
from replay.simulation.world import Halted


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question of policy: the type that asks it, the type that answers it."""

    name: str
    ask: Callable[..., Any]
    asked: type
    answered: type


@dataclass(frozen=True, slots=True)
class Whichever:
    """One rulebook for every version that is asked for: the candidate, whatever a case was opened with."""

    current: Rulebook

    def of(self, _version: str) -> Rulebook:
        """Answer with the one there is."""
        return self.current


def questions() -> dict[str, Question]:
    """List what policy can be asked, by the name of the activity."""
    found = {}
    for ask in vars(Policy).values():
        if not callable(ask) or (told := activity._Definition.from_callable(ask)) is None or not told.name:
            continue
        asked = (told.arg_types or [object])[-1]
        found[told.name] = Question(name=told.name, ask=ask, asked=asked, answered=told.ret_type or object)
    return found


class Rules:
    """Answers the questions of simulated cases under one rulebook after another."""

    def __init__(self, calendars: Calendars) -> None:
        self.calendars = calendars
        self._policies: dict[int, tuple[Rulebook, Policy]] = {}
        self.questions = questions()

    def answer(self, name: str, request: Any, books: Rulebooks, values: Values) -> ActivityResolution:
        """Ask. What the rulebook cannot answer is answered as the activity would: by its failure.

        Raises Halted where policy itself breaks: the activity would be tried again and again.
        """
        book = books.current
        if id(book) not in self._policies:
            self._policies[id(book)] = book, Policy(books, self.calendars)  # held, so that its id stays its own
        policy = self._policies[id(book)][1]
        answer = ActivityResolution()
        try:
            value = _at_once(self.questions[name].ask(policy, request))
        except ApplicationError as failure:
            DefaultFailureConverter().to_failure(failure, values, answer.failed.failure)
        except Exception as bug:
            raise Halted(f"{name} raised {type(bug).__name__}") from bug
        else:
            answer.completed.result.CopyFrom(values.payload(value))
        return answer


def _at_once(asking: Any) -> Any:
    """Run a coroutine that waits for nothing."""
    try:
        asking.send(None)
    except StopIteration as done:
        return done.value
    asking.close()
    raise RuntimeError("policy waits for something; it must be pure")
