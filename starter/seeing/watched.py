"""What is a worker watched by? The counters always, spans while traces are drawn."""

from collections.abc import Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncEngine
from temporalio.worker import Interceptor

from activities import watching
from escalations.record import Card, Entry
from starter.seeing import counters, tracing

Told = Callable[[Card, Sequence[Entry]], None]


def facts(engine: AsyncEngine) -> Told:
    """Make the listener of the casebook: it hears each fact once, when it is written."""
    if not tracing.on():
        return counters.facts
    from starter.seeing import spans

    drawn = spans.facts(engine)

    def both(card: Card, new: Sequence[Entry]) -> None:
        counters.facts(card, new)
        drawn(card, new)

    return both


def interceptors() -> list[Interceptor]:
    """Make what stands before the activities; nothing while no trace is drawn."""
    if not tracing.on():
        return []
    from starter.seeing import spans

    watching.watch(spans.outside)
    return [spans.Traced()]
