"""What happened, and which listings does it concern?"""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

from temporalio import workflow

from activities.chat import Chat, ChatPost
from activities.evidence import EvidenceRoom, Gather, Gathered
from activities.marketplace import Marketplace
from escalations.enforcement import Manifest, standing
from workflows import options
from workflows.case import Case
from workflows.people import attempted, insisted
from workflows.stages.triage import woken


async def searched(case: Case) -> Manifest:
    """Find the listings the case is about, as an immutable manifest (a dry run: nothing is touched)."""
    manifest = case.file.manifest
    if manifest is None:
        done = tuple(order.manifest.digest for order in standing(case.file.orders, case.file.undone))
        sought = replace(case.plan.sought, beyond=done, spare=tuple(case.file.spared))
        manifest = await insisted(
            case,
            "search",
            lambda: workflow.execute_activity_method(
                Marketplace.find_listings, sought, **options.why(options.SEARCH, "find matching listings")
            ),
            options.SEARCH["schedule_to_close_timeout"],
        )
        case.file.manifest = manifest
        tiers = ", ".join(f"{count} by {tier}" for tier, count in manifest.by_tier) or "none"
        case.journal.note(
            "listings.found",
            f"{manifest.count} listings of {manifest.sellers} sellers: {tiers}",
            manifest=manifest.digest,
        )
        woken(case)
    return manifest


async def investigated(case: Case) -> Manifest:
    """Gather the evidence the playbook asks for, find the listings, and tell the team."""
    if case.file.investigated:
        return await searched(case)
    alerts: list[Awaitable[None]] = []
    if case.plan.channel:
        known = case.plan.on_duty
        first = f", ask {known.ask[0][0]}" if known and known.ask else ""
        alerts.append(_announced(case, f"{case.id}: priority {case.plan.priority}, {case.plan.playbook}{first}"))
    await asyncio.gather(searched(case), _gathered(case), *alerts)
    case.file.investigated = True
    return await searched(case)


async def _gathered(case: Case) -> None:
    gather = Gather(case_id=case.id, intakes=tuple(case.file.intakes), kinds=case.plan.evidence)
    try:
        at_once = workflow.execute_local_activity_method(EvidenceRoom.gather, gather, **options.EVIDENCE_AT_ONCE)
        gathered: Gathered | None = await case.watch.busy(at_once)
    except options.NOT_AT_ONCE:
        later = options.why(options.EVIDENCE, "the evidence store was away; gather evidence")
        hands = workflow.execute_activity_method(EvidenceRoom.gather, gather, **later)
        gathered = await attempted(case, "evidence", hands)
    if gathered and gathered.digests:
        kept = gathered.digests
        case.journal.note("evidence.gathered", f"{len(kept)} pieces of evidence kept", digests=" ".join(kept))


async def _announced(case: Case, text: str) -> None:
    """Say it in the team's channel."""
    post = ChatPost(case_id=case.id, channel=case.plan.channel, text=text)
    hands = workflow.execute_activity_method(Chat.post, post, **options.why(options.CHAT, "announce in chat"))
    await attempted(case, "chat", hands)
