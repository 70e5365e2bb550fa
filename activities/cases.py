"""How does something that outlives a case speak to it, even after it closed?"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from temporalio import activity
from temporalio.exceptions import ApplicationError

from escalations.messages import Receipt, ReportFinding

Tell = Callable[[str, str, ReportFinding], Awaitable[Receipt]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """A finding for a case, open or closed."""

    case_id: str
    finding: ReportFinding


class Cases:
    """The way back to a case. `tell` is the doors' own way of saying something, which reopens a closed case."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell

    @activity.defn
    async def tell_case(self, telling: Telling) -> str:
        """Tell a case a finding and return the receipt's text.

        Idempotent: the case answers a repeated request id with the first receipt. Not retried when the case
        refuses: type `Refused`.
        """
        try:
            receipt = await self._tell(telling.case_id, "finding", telling.finding)
        except PermissionError as refused:
            raise ApplicationError(str(refused), type="Refused", non_retryable=True) from None
        return receipt.text
