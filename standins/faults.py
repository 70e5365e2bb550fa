"""How does an outside system misbehave? By script: the n-th matching call fails in a named way.

A fault that never fired is a failing test: `assert_all_fired` says which.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

from starter.errors import Problem

BEFORE = {"500_before", "timeout_before", "reset_before", "pause_before", "429", "503", "450", "451", "550"}
AFTER = {"500_after", "timeout_after", "reset_after", "pause_after", "slow", "bad_json", "wrong_ct", "half"}
MAIL_ONLY = {"450", "451", "550"}
HTTP_ONLY = {"429", "503", "bad_json", "wrong_ct", "half"}


class Rule(BaseModel):
    """One scripted fault.

    It hits the `nth` call (from 1) of `op` (`*` for any) whose facts equal `match`, and the `times - 1` matching calls
    after it. `retry_after` is the Retry-After of a 429 or 503 in seconds; `seconds` how long `slow` waits;
    `barrier` makes the call wait at its fault point until somebody releases that name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field(min_length=1, max_length=100)
    op: str = "*"
    match: dict[str, str] = {}
    nth: int = Field(default=1, ge=1)
    kind: str
    times: int = Field(default=1, ge=1)
    retry_after: int | None = Field(default=None, ge=0)
    seconds: float = Field(default=0.5, ge=0, le=300)
    barrier: str = ""
    system: str = ""

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind not in BEFORE | AFTER:
            raise ValueError(f"expected one of {', '.join(sorted(BEFORE | AFTER))}")
        return kind


RULES = TypeAdapter(list[Rule])


@dataclass(slots=True)
class Planned:
    """A rule with what became of it so far."""

    rule: Rule
    seen: int = 0
    hits: int = 0


class Barrier:
    """A place where calls wait for a test, so that races are built without sleeping."""

    def __init__(self) -> None:
        self.waiting = 0
        self._arrived = asyncio.Event()
        self._released = asyncio.Event()

    async def wait(self) -> None:
        """Stand here until released."""
        self.waiting += 1
        self._arrived.set()
        try:
            await self._released.wait()
        finally:
            self.waiting -= 1

    async def arrived(self) -> None:
        """Wait until at least one call stands here."""
        await self._arrived.wait()

    def release(self) -> None:
        """Let everybody pass, now and later."""
        self._released.set()


class Script:
    """The faults planned for one system; `unfit` are the kinds that its protocol cannot show."""

    def __init__(self, unfit: set[str] = MAIL_ONLY) -> None:
        self._unfit = unfit
        self._planned: dict[str, Planned] = {}
        self._barriers: dict[str, Barrier] = {}
        self.closing = asyncio.Event()

    def add(self, rules: Iterable[Rule]) -> None:
        """Plan faults; a rule with the id of an earlier one replaces it."""
        for rule in rules:
            if rule.kind in self._unfit:
                raise Problem("bad_script", f"This system cannot show {rule.kind}.", next_step="Choose another kind.")
            self._planned[rule.id] = Planned(rule)

    def take(self, op: str, facts: Mapping[str, str]) -> Rule | None:
        """Count a call and say which fault it gets, if any. Every matching rule counts the call; the first due wins."""
        due = None
        for planned in self._planned.values():
            rule = planned.rule
            if rule.op not in ("*", op) or any(facts.get(name) != value for name, value in rule.match.items()):
                continue
            planned.seen += 1
            if due is None and rule.nth <= planned.seen and planned.hits < rule.times:
                planned.hits += 1
                due = rule
        return due

    def barrier(self, name: str) -> Barrier:
        """Find the barrier of a name, making it at first use."""
        return self._barriers.setdefault(name, Barrier())

    async def pause(self, rule: Rule) -> None:
        """Wait at the rule's barrier, if it has one."""
        if rule.barrier:
            await self._until_closing(self.barrier(rule.barrier).wait())

    async def hold(self, seconds: float) -> None:
        """Keep a caller waiting, but never longer than the server lives."""
        await self._until_closing(asyncio.sleep(seconds))

    def close(self) -> None:
        """End every wait: the server is stopping."""
        self.closing.set()

    def report(self) -> list[dict[str, Any]]:
        """Tell each rule with the calls it saw and hit."""
        return [
            {**planned.rule.model_dump(), "seen": planned.seen, "hits": planned.hits}
            for planned in self._planned.values()
        ]

    def unfired(self) -> list[str]:
        """Name the rules that did not fire as often as planned."""
        return [
            f"{planned.rule.id} ({planned.rule.kind} on {planned.rule.op}: "
            f"{planned.hits} of {planned.rule.times} hits, {planned.seen} matching calls)"
            for planned in self._planned.values()
            if planned.hits < planned.rule.times
        ]

    async def _until_closing(self, wait: Any) -> None:
        tasks = [asyncio.ensure_future(wait), asyncio.ensure_future(self.closing.wait())]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


class Scripted(Protocol):
    """Anything with faults planned."""

    def unfired(self) -> list[str]: ...


def rules(raw: Any) -> list[Rule]:
    """Parse scripted faults strictly; a rule that cannot be understood is refused, never skipped."""
    try:
        return RULES.validate_python(raw)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        place = "/".join(str(part) for part in first["loc"])
        raise Problem(
            "bad_script", f"Fault script refused at {place}: {first['msg']}.", next_step="Correct the rule."
        ) from error


def assert_all_fired(scripted: Scripted) -> None:
    """Fail a test whose planned faults did not all happen."""
    left = scripted.unfired()
    assert not left, f"scripted faults that never fired: {'; '.join(left)}"
