"""What do we count, and under which few names? `escalation_*`, told once at the place where the fact happens.

Labels hold words of ours only, never an id, and only so many of them: what is new beyond that is counted as `other`.
A fact is counted when the casebook takes it for the first time, so neither a replay nor a repeated step counts twice.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics
from prometheus_client.metrics import MetricWrapperBase

from activities import outside
from activities.watching import OUTCOMES, Call
from escalations.record import Card, Entry

REGISTRY = CollectorRegistry()
MOST_WORDS = 300  # the shipped rulebook has 163 clock rules
MINUTE, HOUR = 60.0, 3600.0
SPANS = (5 * MINUTE, 15 * MINUTE, 30 * MINUTE, *(hours * HOUR for hours in (1, 2, 4, 8, 12, 24, 48, 72, 168, 336, 720)))

INTAKES = Counter(
    "escalation_intakes", "Reports that a door took, by what became of them.", ("outcome",), registry=REGISTRY
)
REFUSALS = Counter(
    "escalation_refusals",
    "What a door or a case refused, by the code of the reason.",
    ("door", "code"),
    registry=REGISTRY,
)
MESSAGES = Counter("escalation_messages", "Messages that cases took, by their name.", ("message",), registry=REGISTRY)
BREACHES = Counter("escalation_deadline_breaches", "Clocks that were missed, by rule.", ("clock",), registry=REGISTRY)
WARNINGS = Counter(
    "escalation_deadline_warnings", "Warnings of clocks, by how much time was gone.", ("at",), registry=REGISTRY
)
STAGES = Counter("escalation_stages_entered", "Stages that cases reached.", ("stage",), registry=REGISTRY)
GATES = Counter("escalation_gates_decided", "Gates that ended, by how.", ("how",), registry=REGISTRY)
HANDS = Counter("escalation_hands_failed", "Steps that failed for good and went to a person.", registry=REGISTRY)
CONTAINED = Histogram(
    "escalation_time_to_contain_seconds",
    "From the opening of a case to its first containment.",
    buckets=SPANS,
    registry=REGISTRY,
)
REQUESTS = Counter(
    "escalation_external_requests",
    "Attempts at outside systems, by how they ended.",
    ("system", "outcome"),
    registry=REGISTRY,
)
# Else a second series for each, which says when a process began.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library types its classes only
_words: dict[MetricWrapperBase, set[tuple[str, ...]]] = {}


def begin() -> None:
    """Show at nought what is alerted on: a series that first appears at one has not increased."""
    for system in outside.ADDRESSES:
        for outcome in ("ok", "failed", *OUTCOMES.values()):
            REQUESTS.labels(system, outcome)


def counted(metric: Counter, *words: str) -> None:
    """Count one under its words; beyond the bound they are `other`."""
    known = _words.setdefault(metric, set())
    if words not in known and len(known) >= MOST_WORDS:
        words = ("other",) * len(words)
    known.add(words)
    metric.labels(*words).inc()


@contextmanager
def request(call: Call) -> Iterator[None]:
    """Count a call to an outside system when it has ended."""
    try:
        yield
    finally:
        counted(REQUESTS, call.system, call.outcome)


def facts(card: Card, entries: Sequence[Entry]) -> None:
    """Count what the casebook was told for the first time."""
    for entry in entries:
        _fact(card, entry, dict(entry.data))


def _fact(card: Card, entry: Entry, data: dict[str, str]) -> None:
    match entry.kind:
        case "clock.missed":
            counted(BREACHES, data.get("rule", "other").partition("#")[0])
        case "clock.warned":
            counted(WARNINGS, data.get("at", "other"))
        case "stage.entered":
            counted(STAGES, data.get("stage", "other"))
        case "gate.decided":
            counted(GATES, data.get("how", "other"))
        case "hand.failed":
            HANDS.inc()
        case "listings.hidden" if data.get("sweep") == "1":
            CONTAINED.observe(max(0.0, (entry.at - card.opened_at).total_seconds()))
