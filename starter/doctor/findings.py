"""How does a check say what it found? Well, a warning, wrong, or not looked at, with the next step."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from starter.errors import Problem

State = Literal["well", "warning", "wrong", "skipped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one check found. `text` says what, `next_step` what to do; neither holds a secret or anything personal."""

    check: str
    state: State
    text: str
    next_step: str = ""

    def line(self) -> str:
        """Write it on one line."""
        return f"{self.text} {self.next_step}".strip()


Check = Callable[[], Awaitable[Finding]]


def well(check: str, text: str) -> Finding:
    """All is as it should be."""
    return Finding(check=check, state="well", text=text)


def warning(check: str, text: str, next_step: str) -> Finding:
    """It works, and somebody should know."""
    return Finding(check=check, state="warning", text=text, next_step=next_step)


def wrong(check: str, text: str, next_step: str) -> Finding:
    """It must be put right."""
    return Finding(check=check, state="wrong", text=text, next_step=next_step)


def skipped(check: str, why: str) -> Finding:
    """It could not be looked at, for a reason that has a finding of its own or is none of ours."""
    return Finding(check=check, state="skipped", text=why)


def of_problem(check: str, problem: Problem) -> Finding:
    """Turn a refusal into a finding."""
    return wrong(check, problem.text, problem.next_step)


def worst(findings: Sequence[Finding]) -> State:
    """Name the worst state; `well` for none."""
    order: tuple[State, ...] = ("wrong", "warning", "skipped", "well")
    return next((state for state in order if any(one.state == state for one in findings)), "well")
