"""What does Seawall do by the clock, without anybody asking? Schedules in Temporal, made when a worker starts."""

from datetime import timedelta

from temporalio.client import (
    Client,
    Schedule,
    ScheduleActionStartWorkflow,
    ScheduleAlreadyRunningError,
    ScheduleIntervalSpec,
    ScheduleOverlapPolicy,
    SchedulePolicy,
    ScheduleSpec,
)

from workflows import options
from workflows.archive import Archive

ARCHIVE = "seawall-archive"
EVERY = timedelta(hours=1)
# Temporal appends a time to it; what comes before the "/" is what its payloads are sealed for.
ARCHIVE_RUN = "archive/closed"


async def ensure(client: Client) -> None:
    """Make the schedules that are missing; several workers may do so at once, and what people changed stays."""
    action = ScheduleActionStartWorkflow(Archive.run, id=ARCHIVE_RUN, task_queue=options.TASK_QUEUE)
    schedule = Schedule(
        action=action,
        spec=ScheduleSpec(intervals=[ScheduleIntervalSpec(every=EVERY)]),
        # A time that was missed is not made up for: the next one keeps whatever closed meanwhile.
        policy=SchedulePolicy(overlap=ScheduleOverlapPolicy.SKIP, catchup_window=timedelta(minutes=10)),
    )
    try:
        await client.create_schedule(ARCHIVE, schedule)
    except ScheduleAlreadyRunningError:
        return
