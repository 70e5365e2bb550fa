"""Every path of the process, on the real server, with time skipped."""

from escalations.consensus import GateKind
from tests.workflows.world import World, recall


async def test_an_ordinary_recall_runs_from_intake_to_closed(world: World) -> None:
    handle = await world.opened(recall())

    await world.agree(handle, GateKind.LEGAL_REVIEW, "hide")
    file = await world.finish(handle)

    assert file.ruling == "hide"
    assert file.restricted > 0
    assert file.closed_at is not None


async def test_print(world: World) -> None:
    handle = await world.opened(recall())
    await world.agree(handle, GateKind.LEGAL_REVIEW, "hide")
    file = await world.finish(handle)
    from store import queries

    for e in await queries.entries(world.engine, handle.id):
        print(e.seq, e.at.time(), e.kind, "|", e.text[:150], "|", e.actor)
    d = await handle.describe()
    info = d.raw_description.workflow_execution_info
    from collections import Counter

    hist = await handle.fetch_history()
    c = Counter()
    b = Counter()
    from temporalio.api.enums.v1 import EventType

    for ev in hist.events:
        n = EventType.Name(ev.event_type)[11:]
        c[n] += 1
        b[n] += ev.ByteSize()
    print(info.history_length, info.history_size_bytes)
    for n, k in c.most_common():
        print(f"{n:45} {k:3} {b[n]:6} {b[n] / k:.0f}")
    seen = set()
    for ev in hist.events:
        n = EventType.Name(ev.event_type)[11:]
        if n in (
            "MARKER_RECORDED",
            "ACTIVITY_TASK_SCHEDULED",
            "WORKFLOW_TASK_STARTED",
            "WORKFLOW_TASK_COMPLETED",
            "ACTIVITY_TASK_COMPLETED",
            "UPSERT_WORKFLOW_SEARCH_ATTRIBUTES",
            "WORKFLOW_EXECUTION_UPDATE_COMPLETED",
        ):
            print(
                n,
                ev.ByteSize(),
                str(ev)[:60].replace(chr(10), " "),
                [
                    (k, sum(p.ByteSize() for p in v.payloads))
                    for k, v in getattr(ev.marker_recorded_event_attributes, "details", {}).items()
                ]
                if n == "MARKER_RECORDED"
                else "",
            )
            if n not in seen:
                print(str(ev)[:2500])
                seen.add(n)
    from starter.stack.bill import bill

    print(await bill(world.env.client, handle.id))
    for cl in file.clocks:
        print(cl.rule, cl.status, cl.due_operational, cl.internal_target)
    assert 0
