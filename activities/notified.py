"""Which offers is a notice about?"""

from activities import outside
from activities.evidence import Store
from escalations import manifests
from escalations.notices import NoticeOrder


async def targets(evidence: Store, order: NoticeOrder) -> tuple[manifests.Target, ...]:
    """Read the targets that a notice reports, in the manifest's order; none when it names no manifest."""
    if not order.manifest:
        return ()
    try:
        found = manifests.read(await evidence.get(order.manifest))
    except ValueError as error:
        raise outside.unfit(error) from None
    concerned = manifests.span(found, 0, len(found), order.restrict_to)
    return tuple(target for target in concerned if target.listing not in order.spare)
