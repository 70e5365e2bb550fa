"""How does a history leave the house without anybody's data, and still replay? Replaced at the source, then relived.

What came from outside (inputs, messages, answers) is replaced text by text as `escalations.personal` says. What our
code made of it is not guessed: the replaced history is lived again, and what the code commands now is written in its
place, wherever the code had commanded exactly what was recorded. So a case that replayed still does, and one that did
not fails where it failed before; both are checked before anything is written.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from temporalio.api.common.v1 import Payload
from temporalio.api.history.v1 import HistoryEvent
from temporalio.converter import DataConverter
from temporalio.runtime import Runtime

from replay import clear_text, reliving, replacement
from replay.check import Checked, Verdict, check
from replay.histories import Recorded
from replay.payload_types import Slot, Types
from replay.substitutes import Substitutes
from starter.errors import CHECK_FAILED, Problem
from starter.keyring import KeyRing
from starter.sealing import data_converter


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What a redaction works with: the code that relives, the key that opens, and the throw-away ring that seals."""

    workflows: Sequence[type]
    types: Types
    converter: DataConverter
    ring: KeyRing
    namespace: str = "default"
    runtime: Runtime | None = None
    substitutes: Substitutes = field(default_factory=Substitutes)

    @property
    def sealer(self) -> DataConverter:
        """What seals and opens the redacted histories."""
        return data_converter(self.ring, self.namespace)

    @property
    def living(self) -> reliving.Bench:
        """What the replaced history is lived again with."""
        return reliving.Bench(
            workflows=self.workflows,
            types=self.types,
            opener=self.converter,
            sealer=self.sealer,
            namespace=self.namespace,
            runtime=self.runtime,
        )


async def redact(run: Recorded, bench: Bench, *, given: Sequence[Payload] = ()) -> Recorded:
    """Replace what is personal in one run. `given` is what the run before it, redacted, handed over.

    Texts are stable over all runs of a bench, so call `learn` for all of them first. Raises Problem: `unreadable` for a
    run that the key does not open or whose type is not ours, `redaction_differs` when it would not replay as before.
    """
    before = await _verdict(run, bench, bench.converter)
    if before.verdict in (Verdict.UNREADABLE, Verdict.UNKNOWN_TYPE):
        raise Problem(
            "unreadable",
            f"{run.workflow_id} cannot be redacted: {before.detail}.",
            next_step="Redact with the code and the key ring it was recorded with, or export it as stored.",
            exit_code=CHECK_FAILED,
        )
    made = await reliving.told_otherwise(run, _Unnamed(bench.substitutes), bench.living, given=given)
    after = await _verdict(made, bench, bench.sealer)
    if (after.verdict, len(after.differences)) != (before.verdict, len(before.differences)):
        raise Problem(
            "redaction_differs",
            f"{run.workflow_id} would replay as `{after.verdict}` when redacted, and is `{before.verdict}` now.",
            next_step="Report it with both verdicts; export the case as stored meanwhile.",
            exit_code=CHECK_FAILED,
        )
    return made


async def learn(run: Recorded, bench: Bench) -> None:
    """Take note of every personal text of a run, so that it is found where a sentence of ours quotes it."""
    bench.substitutes.listening = True
    try:
        await reliving.changed(run, _Unnamed(bench.substitutes), bench.living)
    finally:
        bench.substitutes.listening = False


async def _verdict(run: Recorded, bench: Bench, converter: DataConverter) -> Checked:
    checking = check(
        [run], workflows=bench.workflows, converter=converter, namespace=bench.namespace, runtime=bench.runtime
    )
    [found] = [each async for each in checking]
    return found


@dataclass(frozen=True, slots=True)
class _Unnamed:
    """The change (`reliving.Change`) that leaves nobody's data."""

    substitutes: Substitutes

    def clear(self, event: HistoryEvent) -> None:
        """See `clear_text.unnamed`."""
        clear_text.unnamed(event, self.substitutes.of)

    def payload(self, opened: Payload, slot: Slot) -> Payload:
        """See `replacement.payload`."""
        return replacement.payload(opened, slot, self.substitutes)

    def alias(self, text: str, other: str) -> None:
        """See `Substitutes.alias`."""
        self.substitutes.alias(text, other)

    def known(self, text: str) -> str:
        """See `Substitutes.known`."""
        return self.substitutes.known(text)
