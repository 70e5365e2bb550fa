"""How does a letter reach an authority, a seller, a buyer or an economic operator, and reach them once?

Mail has no idempotency: an accepted message cannot be called back and a lost reply tells nothing. So each delivery is
written down before it is tried and again when its end is known, both for good. A try whose end is not known is made
again only where a second copy does no harm; otherwise a person looks (`OutcomeUnknown`).
"""

import asyncio
from collections.abc import Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, Protocol

from temporalio import activity

from activities import letters, notified, outside, watching
from activities.evidence import Store
from activities.letters import AddressBook, Letter
from activities.spans import kept_alive
from escalations import ids
from escalations.notices import NoticeOrder, NoticeUnfit, Sent, Template

SYSTEM: Final = "mail"
DEFERRED: Final = timedelta(minutes=1)


class End(StrEnum):
    """How a try ended. Only `lost` leaves open whether the message was taken."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    DEFERRED = "deferred"
    LOST = "lost"


SEEN_AS: Final = {End.ACCEPTED: "ok", End.REFUSED: "refused", End.DEFERRED: "busy", End.LOST: "down"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the mail server said to one message; `code` is its reply code, 0 when it said nothing."""

    end: End
    code: int = 0


class Line(Protocol):
    """An open connection to a mail server, ready for one message."""

    async def deliver(self) -> Answer:
        """Hand the message over, once; never raises, since the end must be written down."""


class Post(Protocol):
    """What this hand needs of a mail server. `domain` is that of our own address."""

    domain: str

    def line(self, letter: Letter) -> AbstractAsyncContextManager[Line]:
        """Connect for one letter; raises an error of `activities.outside` while nothing has been handed over."""


@dataclass(slots=True, kw_only=True)
class Count:
    """What became of the letters of one notice, while they are sent."""

    accepted: list[str] = field(default_factory=list)
    twice: int = 0
    refused: int = 0
    codes: set[int] = field(default_factory=set)
    unreachable: int = 0
    deferred: int = 0
    uncertain: int = 0


class Mail:
    """Sends the letters of notices, one message for each recipient."""

    def __init__(
        self,
        post: Post,
        book: AddressBook,
        evidence: Store,
        templates: Mapping[str, Template],
    ) -> None:
        self.post = post
        self.book = book
        self.evidence = evidence
        self.templates = templates

    @activity.defn
    async def send_notice(self, order: NoticeOrder) -> Sent:
        """Send a notice to everybody it is for; heartbeats while that takes longer than a second.

        Idempotent by names in the evidence store, one for each try at (case, notice, recipient): a retry skips whom it
        has reached. Not retried: a field that breaks a rule, and a letter of which nobody knows whether it went out.
        One refused address does not keep the others from theirs.
        """
        template = self.templates.get(order.notice.template)
        if template is None:
            raise outside.unfit(NoticeUnfit(f"no notice template is called '{order.notice.template}'; add it"))
        return await kept_alive(self._send(order, template))

    async def _send(self, order: NoticeOrder, template: Template) -> Sent:
        count = Count()
        written = await self._written(order, template, count)
        for letter in written:
            await self._deliver(order, letter, template, count)
        return _sent(order, len(written), count)

    async def _written(self, order: NoticeOrder, template: Template, count: Count) -> list[Letter]:
        """Write every letter before the first is sent, so that a broken rule stops the step whole."""
        targets = await notified.targets(self.evidence, order)
        try:
            found = await letters.addressed(order, template, targets, self.book)
            count.unreachable = found.missing + len(found.unusable)
            return [
                letters.letter(order, template, address, about, domain=self.post.domain)
                for address, about in found.to.items()
            ]
        except NoticeUnfit as error:
            raise outside.unfit(error) from None

    async def _deliver(self, order: NoticeOrder, letter: Letter, template: Template, count: Count) -> None:
        """Try one letter unless an earlier attempt settled it, and write down how that ended."""
        name = f"sends/{order.case_id}/{order.number}/{ids.digest(letter.message_id.encode())}"
        number, lost, settled = await self._earlier(name)
        if settled:
            _tally(count, letter, settled, lost)
        elif lost and not template.repeatable:
            count.uncertain += 1
        else:
            answer = await _to_its_end(self._once(letter, f"{name}/{number}"))
            if answer.end is End.LOST and template.repeatable:
                raise outside.down(SYSTEM, "connection lost", outcome_unknown=True)
            _tally(count, letter, answer, lost)

    async def _once(self, letter: Letter, name: str) -> Answer:
        """Write down that a letter is tried, try it, and write down how that ended, if it is known."""
        with watching.calling(SYSTEM, "SEND") as seen:
            async with self.post.line(letter) as line:
                mine = _attempt()
                if await self.evidence.put_once(f"{name}.tried", mine) != mine:
                    raise outside.busy(SYSTEM, status=0, wait=DEFERRED)
                answer = await line.deliver()
            seen.outcome, seen.status = SEEN_AS[answer.end], answer.code
        if answer.end is not End.LOST:
            await self.evidence.put_once(f"{name}.{answer.end}", str(answer.code).encode())
        return answer

    async def _earlier(self, name: str) -> tuple[int, int, Answer | None]:
        """Read what earlier attempts left: the next number, how many ends are unknown, and the end if there is one."""
        number, lost = 1, 0
        while await self.evidence.find(f"{name}/{number}.tried") is not None:
            for end in (End.ACCEPTED, End.REFUSED):
                if (code := await self.evidence.find(f"{name}/{number}.{end}")) is not None:
                    return number, lost, Answer(end=end, code=int(code))
            lost += await self.evidence.find(f"{name}/{number}.{End.DEFERRED}") is None
            number += 1
        return number, lost, None


async def _to_its_end(trying: Coroutine[object, object, Answer]) -> Answer:
    """Let a letter that is under way arrive, and its end be written down, even when the activity is cancelled."""
    task = asyncio.ensure_future(trying)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        task.exception()
        raise


def _attempt() -> bytes:
    """Name this attempt, so that two attempts at once do not both believe that they were first."""
    info = activity.info()
    return f"{info.workflow_run_id}/{info.activity_id}/{info.attempt}".encode()


def _tally(count: Count, letter: Letter, answer: Answer, lost: int) -> None:
    match answer.end:
        case End.ACCEPTED:
            count.accepted.append(letter.message_id)
            count.twice += bool(lost)
        case End.REFUSED:
            count.refused += 1
            count.codes |= {answer.code} - {0}
        case End.DEFERRED:
            count.deferred += 1
        case End.LOST:
            count.uncertain += 1


def _sent(order: NoticeOrder, letters: int, count: Count) -> Sent:
    """Judge the whole: what is unknown goes to a person, what was put off is tried again, the rest is the result."""
    if count.uncertain:
        raise outside.unknown(
            SYSTEM,
            f"{count.uncertain} of {letters} letters of notice {order.number} of {order.case_id} may have gone out",
        )
    if count.deferred:
        raise outside.busy(SYSTEM, status=450, wait=DEFERRED)
    digest = ids.digest("\n".join(sorted(count.accepted)).encode())
    proof = f"{len(count.accepted)} of {letters} letters accepted; message ids sha256:{digest}"
    if count.twice:
        proof += f"; duplicate possible for {count.twice}"
    if not letters and not count.unreachable:
        proof = "nobody to tell"
    return Sent(
        recipient=order.notice.recipient,
        proof=proof,
        at=datetime.now(UTC),
        count=len(count.accepted),
        problem=_problem(count),
    )


def _problem(count: Count) -> str:
    problems = []
    if count.refused:
        codes = ", ".join(str(code) for code in sorted(count.codes))
        problems.append(f"the mail server refused {count.refused} recipients ({codes})")
    if count.unreachable:
        problems.append(f"{count.unreachable} recipients have no usable address")
    return "; ".join(problems) + "; reach them another way and record it" if problems else ""
