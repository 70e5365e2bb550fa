"""How does a regulator's database learn what we restricted, and why?"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Protocol

from temporalio import activity

from activities import notified, outside
from activities.evidence import Store
from escalations import ids, manifests, notices, transparency
from escalations.notices import NoticeOrder, NoticeUnfit, Sent, Template

UUID_UNKNOWN: Final = "accepted, uuid unknown"
LOCKED: Final = timedelta(seconds=30)
MOST_PROBLEMS: Final = 20

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the database said to one batch; it stores all of it or nothing.

    `stored` maps puid to uuid; `not_unique` names puids that exist or are being written this moment; `invalid` maps
    positions in the batch to the names of the fields refused.
    """

    stored: Mapping[str, str] = field(default_factory=dict)
    not_unique: tuple[str, ...] = ()
    invalid: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


class Database(Protocol):
    """What this hand needs of the Transparency Database."""

    async def submit(self, statements: tuple[Record, ...]) -> Reply:
        """Offer 1 to 100 statements, once."""

    async def holds(self, puid: str) -> bool:
        """Say whether a statement with this puid is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a submission got; `receipts` is the digest of the last receipt, each of which names the one before."""

    position: int = 0
    accepted: int = 0
    unknown: int = 0
    refused: int = 0
    fields: tuple[str, ...] = ()
    receipts: str = ""
    uuid: str = ""


class Regulators:
    """Submits statements of reasons to the DSA Transparency Database (Art 24(5) DSA, checked 2026-11-22)."""

    def __init__(self, database: Database, evidence: Store, templates: Mapping[str, Template]) -> None:
        self.database = database
        self.evidence = evidence
        self.templates = templates

    @activity.defn
    async def submit_statements(self, order: NoticeOrder) -> Sent:
        """Submit one statement for each target of the manifest; heartbeats after each batch of 100.

        Idempotent by puid: a retry sends the same puids, and one that is refused as not unique counts as stored only
        after the database has confirmed that it exists. Not retried: credentials refused, a field that breaks a rule.
        """
        records = await self._records(order)
        progress = _resumed()
        while progress.position < len(records):
            progress = await self._store(records[progress.position : progress.position + transparency.BATCH], progress)
            if progress.position < len(records):
                activity.heartbeat(progress)
        return _sent(order, progress)

    async def _records(self, order: NoticeOrder) -> list[Record]:
        """Write every statement before the first is sent, so that a broken rule stops the step whole."""
        targets = await notified.targets(self.evidence, order)
        try:
            return list(_statements(order, self.templates, targets))
        except NoticeUnfit as error:
            raise outside.unfit(error) from None

    async def _store(self, batch: list[Record], progress: Progress) -> Progress:
        """Get one batch stored, statement by statement where the database objects to some of them."""
        left = {str(record["puid"]): record for record in batch}
        stored: dict[str, str] = {}
        refused: dict[str, tuple[str, ...]] = {}
        while left:
            reply = await self.database.submit(tuple(left.values()))
            names = list(left)
            stored |= reply.stored
            stored |= await self._confirmed(tuple(puid for puid in reply.not_unique if puid in left))
            refused |= {names[index]: fields for index, fields in reply.invalid.items()}
            before = len(left)
            left = {puid: record for puid, record in left.items() if puid not in stored and puid not in refused}
            if len(left) == before:
                raise outside.busy("regulator", status=422, wait=LOCKED)
        return await self._receipt(progress, len(batch), stored, refused)

    async def _confirmed(self, puids: tuple[str, ...]) -> dict[str, str]:
        """Keep those that are stored: the database also calls not unique what it is writing, for up to 30 s."""
        return {puid: UUID_UNKNOWN for puid in puids if await self.database.holds(puid)}

    async def _receipt(
        self, progress: Progress, count: int, stored: dict[str, str], refused: dict[str, tuple[str, ...]]
    ) -> Progress:
        """Keep what the database answered to a batch, chained to the batch before."""
        content = ids.canonical({"before": progress.receipts, "stored": stored, "refused": refused})
        known = [uuid for uuid in stored.values() if uuid != UUID_UNKNOWN]
        names = {name for fields in refused.values() for name in fields}
        return Progress(
            position=progress.position + count,
            accepted=progress.accepted + len(stored),
            unknown=progress.unknown + len(stored) - len(known),
            refused=progress.refused + len(refused),
            fields=tuple(sorted(names.union(progress.fields)))[:MOST_PROBLEMS],
            receipts=await self.evidence.put(content),
            uuid=known[0] if known else progress.uuid,
        )


def _statements(
    order: NoticeOrder, templates: Mapping[str, Template], targets: tuple[manifests.Target, ...]
) -> Iterator[Record]:
    template = templates.get(order.notice.template)
    if template is None:
        raise NoticeUnfit(f"no notice template is called '{order.notice.template}'; add it to rulebook/notices")
    reasons = notices.reasons(order.notice.fields)
    _, facts = notices.letter(template, order.notice, {"case_id": order.case_id})
    for target in targets:
        puid = transparency.puid(order.case_id, target.listing, order.decision)
        gtin = target.matched_on if target.tier == "gtin" else ""
        yield transparency.statement(reasons, puid=puid, facts=facts.strip(), gtin=gtin)


def _resumed() -> Progress:
    """Read the last heartbeat; a fresh attempt starts at 0."""
    details: Any = activity.info().heartbeat_details
    if not details:
        return Progress()
    kept = details[0]
    return kept if isinstance(kept, Progress) else Progress(**(kept | {"fields": tuple(kept["fields"])}))


def _sent(order: NoticeOrder, progress: Progress) -> Sent:
    proof = f"{progress.accepted} statements accepted, uuid of {progress.unknown} unknown; receipts {progress.receipts}"
    if progress.accepted == 1:
        proof = f"{progress.uuid or UUID_UNKNOWN}; receipts {progress.receipts}"
    if progress.position == 0:
        proof = "no offer is restricted, so there is nothing to report"
    problem = ""
    if progress.refused:
        problem = (
            f"the database refused {progress.refused} statements (fields: {', '.join(progress.fields)}); "
            "correct the fields in the rulebook and send them again"
        )
    return Sent(
        recipient=order.notice.recipient, proof=proof, at=datetime.now(UTC), count=progress.accepted, problem=problem
    )
