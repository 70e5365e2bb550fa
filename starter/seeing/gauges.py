"""How does the casebook stand just now? Gauges that are read from its projection when somebody scrapes.

No Temporal query is made for them. A label that has nothing to count any more is gone at the next look.
"""

import asyncio
from datetime import UTC, datetime, timedelta

import structlog
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncEngine

from starter.seeing.counters import REGISTRY
from store.errors import StoreMisconfigured, StoreUnavailable
from store.figures import Figures, figures

FRESH = 5.0  # seconds for which a look is good enough
NEAR = timedelta(minutes=30)

OPEN = Gauge("escalation_open", "Open cases and follow-ups.", ("severity", "stage"), registry=REGISTRY)
APPROVALS = Gauge("escalation_approvals_pending", "Open gates with a seat for a role.", ("role",), registry=REGISTRY)
GATES_NEAR = Gauge(
    "escalation_gates_near_due", "Open gates whose default is taken within 30 minutes.", registry=REGISTRY
)
SOON = Gauge(
    "escalation_clocks_due_soon", "Running clocks within their margin, or a day, of the due time.", registry=REGISTRY
)
OVERDUE = Gauge(
    "escalation_clocks_overdue", "Running clocks past their due time: their case is stuck.", registry=REGISTRY
)
QUARANTINED = Gauge("escalation_quarantine_size", "Records in quarantine that nobody dealt with.", registry=REGISTRY)
WAITING = Gauge("escalation_intakes_waiting", "Reports kept whose case has not been started.", registry=REGISTRY)
WAITING_SINCE = Gauge(
    "escalation_intakes_oldest_waiting_seconds", "Age of the oldest report that waits for its case.", registry=REGISTRY
)
ENTRIES = Gauge("escalation_casebook_entries", "Entries in the casebook.", registry=REGISTRY)
HEAD_AGE = Gauge(
    "escalation_casebook_head_age_seconds", "Time since the newest entry; 0 when empty.", registry=REGISTRY
)
UP = Gauge("escalation_casebook_up", "Whether the casebook could be read at the last look.", registry=REGISTRY)

log = structlog.get_logger(__name__)


class Gauges:
    """The gauges over one casebook."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._alone = asyncio.Lock()
        self._looked_at = float("-inf")

    async def look(self) -> None:
        """Bring the gauges up to date, at most every five seconds. Never raises: `escalation_casebook_up` tells."""
        async with self._alone:
            clock = asyncio.get_running_loop().time
            if clock() - self._looked_at < FRESH:
                return
            now = datetime.now(UTC)
            try:
                shown(await figures(self._engine, now=now, near=now + NEAR), now)
                UP.set(1)
            except (StoreUnavailable, StoreMisconfigured) as away:
                log.warning("gauges.not_read", code=away.code)
                UP.set(0)
            self._looked_at = clock()


def shown(found: Figures, now: datetime) -> None:
    """Set the gauges from figures."""
    OPEN.clear()
    for (severity, stage), count in found.open.items():
        OPEN.labels("untriaged" if severity is None else f"P{severity}", stage).set(count)
    APPROVALS.clear()
    for role, count in found.approvals.items():
        APPROVALS.labels(role).set(count)
    for gauge, value in (
        (GATES_NEAR, found.approvals_near_due),
        (SOON, found.due_soon),
        (OVERDUE, found.overdue),
        (QUARANTINED, found.quarantined),
        (WAITING, found.waiting_intakes),
        (WAITING_SINCE, _age(found.oldest_waiting_at, now)),
        (ENTRIES, found.entries),
        (HEAD_AGE, _age(found.newest_entry_at, now)),
    ):
        gauge.set(value)


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
