"""How does a case take a message? Judged first, done once, answered, never able to wedge the case.

A repeat of a request id gets the first receipt, over all runs. A refused update says why; a refused or unreadable
signal is noted in the case with its reason. An error of ours inside a handler fails that message only.
"""

import hashlib
import inspect
import json
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from escalations.admission import MESSAGES, refusal
from escalations.casefile import CaseFile
from escalations.messages import Receipt
from workflows.journal import Journal
from workflows.waiting import Watch

Effect = Callable[[Any], Awaitable[str]]
SAID = "said"


class Reception:
    """Where messages arrive. `effect` does what a taken message asks and returns the text of its receipt."""

    def __init__(
        self, file: CaseFile, watch: Watch, journal: Journal, effect: Effect, names: Collection[str] = MESSAGES
    ) -> None:
        """Make a reception; `names` are the messages that may come as signals, those that may come as updates."""
        self._file = file
        self._watch = watch
        self._journal = journal
        self._effect = effect
        self._names = names
        self._in_hand: dict[str, str] = {}

    def admit(self, message: Any) -> None:
        """Judge an update before it is accepted. Raises ApplicationError typed with the refusal code."""
        first = self._first(message.said.request_id)
        if first is not None:
            if first != fingerprint(message):
                raise _refused("request_id_conflict", "this request id was used for another message")
            return
        refused = refusal(self._file, message, workflow.now())
        if refused:
            raise _refused(*refused)

    async def take(self, message: Any) -> Receipt:
        """Do what an admitted message asks, once. Another message may have been taken since it was admitted."""
        request_id = message.said.request_id
        # A repeat that comes while the first is still being done waits for its answer.
        await self._watch.settled(lambda: request_id not in self._in_hand)
        self.admit(message)
        if request_id not in self._file.answers:
            self._watch.taken += 1
            self._in_hand[request_id] = fingerprint(message)
            try:
                text = await self._done(message)
            finally:
                del self._in_hand[request_id]
            self._answer(message, "taken", text)
            self._journal.show()
        return replace(self._file.answers[request_id], data={})

    def _first(self, request_id: str) -> str | None:
        """Find what was first said under a request id, done or still being done."""
        answered = self._file.answers.get(request_id)
        return answered.data.get(SAID) if answered else self._in_hand.get(request_id)

    async def _done(self, message: Any) -> str:
        try:
            return await self._effect(message)
        except ApplicationError:
            raise
        except Exception as bug:
            self._journal.note("message.failed", f"a {type(message).__name__} failed: {type(bug).__name__}")
            self._journal.show()
            workflow.logger.exception("message.failed")
            raise _refused("internal", "the case could not do this; an engineer finds why in the log") from None

    async def overhear(self, name: str, args: Sequence[RawValue]) -> None:
        """Take a signal: same meaning as the update of that name, its refusal noted instead of answered."""
        try:
            await self.take(self._decoded(name, args))
        except ApplicationError as refused:
            self._refused(f"a signal was refused: {refused.message}", refused.type or "refused")
        except Exception as bug:
            self._refused(f"a signal could not be read: {type(bug).__name__}", "unreadable")

    def _refused(self, text: str, code: str) -> None:
        self._journal.note("message.refused", text, code=code)
        self._journal.show()

    def _decoded(self, name: str, args: Sequence[RawValue]) -> Any:
        if name not in self._names:
            raise _refused("unknown_message", f"messages: {', '.join(self._names)}")
        if len(args) != 1:
            raise _refused("wrong_arity", f"one message at a time, {len(args)} values came")
        return workflow.payload_converter().from_payload(args[0].payload, MESSAGES[name])

    def _answer(self, message: Any, code: str, text: str) -> None:
        said = message.said.request_id
        receipt = Receipt(request_id=said, code=code, text=text, at=workflow.now(), data={SAID: fingerprint(message)})
        self._file.answers[said] = receipt


def judged(update: Callable[..., Any]) -> Any:
    """Make the validator of an update handler: its message is judged before it is accepted."""

    def admit(self: Any, message: Any) -> None:
        self.reception.admit(message)

    # The SDK wants a validator to be annotated exactly like its handler.
    admit.__annotations__ = {"message": inspect.get_annotations(update)["message"], "return": None}
    return admit


def fingerprint(message: Any) -> str:
    """Tell two contents apart; the door a delivery came by is not content."""
    message = replace(message, said=replace(message.said, door="", attestation=""))
    content = json.dumps([type(message).__name__, asdict(message)], default=_written)
    return hashlib.sha256(content.encode()).hexdigest()[:12]


def _written(value: Any) -> str:
    """Write a time the same way at a door and in a case, which name its zone differently."""
    if isinstance(value, datetime) and value.tzinfo is not None:
        return value.astimezone(UTC).isoformat()
    return str(value)


def _refused(code: str, text: str) -> ApplicationError:
    return ApplicationError(text, type=code, non_retryable=True)
