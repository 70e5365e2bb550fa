"""What is kept so that a decision can be looked at again years later?"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any, Final, Protocol

from temporalio import activity

from activities import asked
from escalations import ids
from escalations.enforcement import Manifest
from escalations.model import Intake, IntakeKind

Document = dict[str, Any]


class Store(Protocol):
    """What the hands need of an evidence store: content under its digest, names that are given once."""

    async def put(self, content: bytes) -> str:
        """Keep content and return its digest."""

    async def get(self, digest: str) -> bytes:
        """Fetch content by its digest."""

    async def put_once(self, name: str, content: bytes) -> bytes:
        """Give a name to content unless it has one; return what the name stands for."""

    async def find(self, name: str) -> bytes | None:
        """Fetch what a name stands for, None when it was never given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gather:
    """Keep the evidence of these kinds (words of the playbook) that the reports themselves hold.

    With a `manifest`, `listing_snapshots` are the listings as they stood when they were found.
    """

    case_id: str
    intakes: tuple[Intake, ...]
    kinds: tuple[str, ...] = ()
    manifest: Manifest | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """The digests of what was kept, each once. `asked` is the digest of the request, for replay."""

    digests: tuple[str, ...]
    asked: str = ""


class EvidenceRoom:
    """Keeps what was reported and found, each piece under its own digest."""

    def __init__(self, store: Store) -> None:
        self.store = store

    @activity.defn
    async def gather(self, wanted: Gather) -> Gathered:
        """Keep one document for each kind that a report holds something of; return their digests.

        The untouched bytes of the reports are named too, where a door kept them. A kind that no report can answer
        (sales by country, a laboratory's report) is for people to bring as findings. Idempotent: a document is made
        of its case, kind and content only, so a repeat keeps the same bytes under the same digest.
        """
        kept = [intake.raw_digest for intake in wanted.intakes if intake.raw_digest]
        for kind in dict.fromkeys(wanted.kinds):
            content = [found for found in map(_DOCUMENTS.get(kind, _nothing), wanted.intakes) if found]
            if content:
                document = {"case": wanted.case_id, "kind": kind, "content": content}
                kept.append(await self.store.put(ids.canonical(_plain(document))))
            if kind == "listing_snapshots" and wanted.manifest:
                kept += await self._snapshots(wanted.manifest)
        return Gathered(digests=tuple(dict.fromkeys(kept)), asked=asked.digest(wanted))

    async def _snapshots(self, manifest: Manifest) -> list[str]:
        digest = await self.store.find(snapshots_of(manifest.digest))
        return [digest.decode()] if digest else []


def snapshots_of(manifest: str) -> str:
    """Name the listings of a manifest, as they stood when it was made."""
    return f"listings/{manifest}"


def _original_report(intake: Intake) -> Document:
    return asdict(intake)


def _product_identifiers(intake: Intake) -> Document:
    return {
        "source": intake.source,
        "source_ref": intake.source_ref,
        "product": asdict(intake.product) if intake.product else None,
        "listings": intake.listings,
    }


def _recall_notice(intake: Intake) -> Document | None:
    if intake.kind is not IntakeKind.RECALL_NOTICE:
        return None
    product = asdict(intake.product) if intake.product else None
    words = {
        name: getattr(intake, name) for name in ("source", "source_ref", "title", "summary", "hazard", "remedy", "url")
    }
    return words | {"product": product, "markets": intake.markets, "raw": intake.raw_digest}


def _order_document(intake: Intake) -> Document | None:
    return {"source_ref": intake.source_ref, **asdict(intake.order)} if intake.order else None


def _injury_reports(intake: Intake) -> Document:
    return {"source": intake.source, "source_ref": intake.source_ref, "facts": asdict(intake.facts)}


def _nothing(_intake: Intake) -> None:
    return None


_DOCUMENTS: Final[Mapping[str, Callable[[Intake], Document | None]]] = {
    "original_report": _original_report,
    "product_identifiers": _product_identifiers,
    "recall_notice": _recall_notice,
    "order_document": _order_document,
    "injury_reports": _injury_reports,
}


def _plain(value: Any) -> Any:
    """Turn a value into what JSON knows: times as ISO 8601, spans as seconds."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, date):
        return value.isoformat()
    return value.total_seconds() if isinstance(value, timedelta) else value
