"""How does a door say something to a case?

Rule: every message ends in the case's receipt or in a `Problem` with the next step. A message for a closed case goes to
the reopen flow (when it can change what was decided) or is refused with the outcome; it never vanishes. Repeating a
message with its request id is always safe: the case gives the first answer again, over all its runs.
"""

import asyncio
import re
from datetime import timedelta
from weakref import WeakValueDictionary

from temporalio.client import Client

from escalations.messages import Receipt
from starter.errors import REFUSED, UNKNOWN_CASE, Problem, unknown_case
from starter.reopening import said_to_closed
from starter.saying import CaseClosedError, Message, Saying, updated
from starter.seeing import counters, tracing

IN_FLIGHT = 8  # Temporal refuses the 11th update in flight of a workflow; two places stay free for other processes
CASE_ID = re.compile(r"ESC(-[0-9A-HJKMNP-TV-Z]{4}){3}(/prevention/[1-9][0-9]{0,3})?")

_places: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()


async def say(
    client: Client,
    case_id: str,
    name: str,
    message: Message,
    *,
    timeout: timedelta = timedelta(seconds=10),  # noqa: ASYNC109 (one attempt's bound, not the call's)
) -> Receipt:
    """Send the update `name` and return the case's receipt.

    At most 8 messages of one case are in flight from this process; `timeout` bounds one attempt, being busy is
    retried for 20 s more. Raises `Problem`: `unknown_case`, `already_closed`, `busy`, `not_answered`, `server_away`,
    or the refusal code of the case itself.
    """
    if not CASE_ID.fullmatch(case_id):
        raise unknown_case()
    saying = Saying(client=client, case_id=case_id, name=name, message=message, timeout=timeout)
    place = _places.setdefault(case_id, asyncio.Semaphore(IN_FLIGHT))
    async with place:
        try:
            with tracing.span(f"say {name}", case_id, door=message.said.door):
                receipt = await _answer(saying)
        except Problem as refused:
            counters.counted(counters.REFUSALS, "case", refused.code)
            raise
    counters.counted(counters.MESSAGES, name)
    return receipt


async def tell(client: Client, case_id: str, name: str, message: Message) -> Receipt:
    """Say something on behalf of an activity, to which a refusal is a PermissionError: nobody repeats it."""
    try:
        return await say(client, case_id, name, message)
    except Problem as problem:
        if problem.exit_code in (REFUSED, UNKNOWN_CASE):
            raise PermissionError(f"{problem.code}: {problem.text}") from None
        raise


async def _answer(saying: Saying) -> Receipt:
    try:
        return await updated(saying)
    except CaseClosedError:
        return await said_to_closed(saying)
