"""Who else sees a call to an outside system? Nobody, unless the process says so; then it costs nothing.

What is seen is the system, the method, how the call ended and its status: no address, no body, nothing personal.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass

from temporalio.exceptions import ApplicationError

from activities import outside

OUTCOMES = {
    outside.BUSY: "busy",
    outside.DOWN: "down",
    outside.BROKEN: "broken",
    outside.REFUSED: "refused",
    outside.FORBIDDEN: "forbidden",
    outside.OUTCOME_UNKNOWN: "unknown",
    outside.NOTICE_UNFIT: "unfit",
}


@dataclass(slots=True, kw_only=True)
class Call:
    """One attempt at an outside system. `outcome` is `ok`, a value of `OUTCOMES`, or `failed`; it stands at the end."""

    system: str
    method: str
    outcome: str = "ok"
    status: int = 0


Eye = Callable[[Call], AbstractContextManager[None]]
_eyes: list[Eye] = []


def watch(eye: Eye) -> None:
    """Let an eye see every call of this process from now on. It enters before the call and leaves after it."""
    if eye not in _eyes:
        _eyes.append(eye)


def unwatch(eye: Eye) -> None:
    """Let it see no more."""
    _eyes.remove(eye)


@contextmanager
def calling(system: str, method: str) -> Iterator[Call]:
    """Show one call to all eyes. What it raises passes through unchanged."""
    call = Call(system=system, method=method)
    with ExitStack() as stack:
        for eye in _eyes:
            stack.enter_context(eye(call))
        try:
            yield call
        except ApplicationError as error:
            call.outcome = OUTCOMES.get(error.type or "", "failed")
            call.status = _status(error)
            raise
        except BaseException:
            call.outcome = "failed"
            raise


def _status(error: ApplicationError) -> int:
    detail = error.details[0] if error.details else None
    status = detail.get("status", 0) if isinstance(detail, dict) else 0
    return status if isinstance(status, int) else 0
