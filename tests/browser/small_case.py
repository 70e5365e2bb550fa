"""What is the least that keeps the contract of a case? A workflow for tests of the doors that speak to cases."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from temporalio import workflow
from temporalio.common import RawValue
from temporalio.exceptions import ApplicationError

from escalations.admission import MESSAGES
from escalations.casefile import CaseFile, Opening
from escalations.messages import Decide, Learn, Receipt, Said
from workflows.reception import SAID, fingerprint

AT = datetime(2026, 11, 22, 3, 0, tzinfo=UTC)


@workflow.defn(name="Escalation")
class SmallCase:
    """The smallest workflow that keeps the contract of a case: judge, answer once, close with its file."""

    @workflow.init
    def __init__(self, opening: Opening) -> None:
        self.file = opening.file or CaseFile(case_id=opening.case_id, opened_at=AT, intakes=[opening.intake])
        if opening.file is not None:
            self.file = replace(opening.file, runs=opening.file.runs + 1, closed_at=None, owner=opening.reopened_by)
        self.busy = 0
        self.busiest = 0
        self.done = False
        self.words: list[str] = []

    @workflow.run
    async def run(self, opening: Opening) -> None:
        await workflow.wait_condition(lambda: self.done)
        await workflow.wait_condition(workflow.all_handlers_finished)
        self.file.closed_at = AT
        self.file.ruling = "hide"

    @workflow.update(dynamic=True)
    async def other(self, name: str, args: Sequence[RawValue]) -> Receipt:
        message = workflow.payload_converter().from_payload(args[0].payload, MESSAGES[name])
        return self._answered(message, name)

    @workflow.query
    def heard(self) -> list[str]:
        return self.words

    @workflow.signal
    def finish(self) -> None:
        self.done = True

    @workflow.query(name="file")
    def file_now(self) -> CaseFile:
        return self.file

    @workflow.query
    def most_at_once(self) -> int:
        return self.busiest

    @workflow.update
    async def learn(self, message: Learn) -> Receipt:
        return self._answered(message, f"learned in run {self.file.runs} for {self.file.owner or 'nobody'}")

    @workflow.update
    async def decide(self, message: Decide) -> Receipt:
        self.busy += 1
        self.busiest = max(self.busiest, self.busy)
        await workflow.sleep(0.2)
        self.busy -= 1
        return self._answered(message, "taken")

    @decide.validator
    def _check(self, message: Decide) -> None:
        if message.digest == "old":
            raise ApplicationError("the evidence has changed", type="stale_digest", non_retryable=True)

    def _answered(self, message: Any, text: str) -> Receipt:
        said: Said = message.said
        self.words.append(repr(message))
        first = Receipt(request_id=said.request_id, code="taken", text=text, at=AT, data={SAID: fingerprint(message)})
        return replace(self.file.answers.setdefault(said.request_id, first), data={})
