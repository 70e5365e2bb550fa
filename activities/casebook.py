"""How does what happened in a case reach the people who read?

| type               | meaning                                                    | retried                       |
| ------------------ | ---------------------------------------------------------- | ----------------------------- |
| `CasebookAway`     | the database is locked, full, restarting or wrongly set up | yes; with Temporal's back-off |
| `CasebookConflict` | entries before it are missing, or its card does not fit    | no; a person compares the two |
"""

from dataclasses import dataclass
from typing import Final, Protocol

from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities import asked
from escalations.record import Batch

AWAY: Final = "CasebookAway"
CONFLICT: Final = "CasebookConflict"


class Ledger(Protocol):
    """What the casebook is written with.

    `append` returns the number under which the batch's last entry stands. It raises `conflict` when a batch does not
    fit what is written and one of `away` when the database does not take it now; both leave everything as it was.
    """

    conflict: type[Exception]
    away: tuple[type[Exception], ...]

    async def append(self, batch: Batch) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The number under which a batch's last entry stands. `asked` is the digest of the batch, for replay."""

    seq: int
    asked: str = ""


class Casebook:
    """The hand that writes the casebook."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    @activity.defn
    async def record(self, batch: Batch) -> Written:
        """Write entries and the card they lead to; return the number under which the last of them stands.

        Idempotent by `(case_id, seq)`: a batch that is written already, wholly or in part, is compared and left as it
        is, so a lost answer and a retry are harmless. A workflow task that died, or was reset, may tell under the same
        numbers otherwise: that is written behind what is there, and the case goes on from the number returned. Durable
        on return. Meant as a local activity: a few milliseconds. Retried while the database is away (`CasebookAway`),
        for as long as its options allow; not retried when entries before the batch are missing (`CasebookConflict`).
        """
        try:
            seq = await self._ledger.append(batch)
        except self._ledger.conflict as error:
            raise ApplicationError(str(error), type=CONFLICT, non_retryable=True) from None
        except self._ledger.away as error:
            raise ApplicationError(f"{batch.case_id}: {error}", type=AWAY) from None
        return Written(seq=seq, asked=asked.digest(batch))
