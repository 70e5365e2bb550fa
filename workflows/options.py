"""How long and how often do we try each outside system?

Every attempt has an end (`start_to_close`), every effort has an end (`schedule_to_close`): at that end the activity
fails, the case says so and pages a person. Retries are Temporal's; the hands make one attempt each.
"""

from datetime import timedelta

from temporalio.common import RetryPolicy
from temporalio.exceptions import ActivityError, ApplicationError
from temporalio.workflow import ActivityConfig, LocalActivityConfig

TASK_QUEUE = "seawall"
AGAIN_AFTER = timedelta(hours=1)  # when an effort has ended and people know; sooner if they say anything
# These end on the build they began with; all others move to the build that is current (docs/deploying.md).
PINNED = frozenset({"Sweep"})

_PATIENT = RetryPolicy(
    initial_interval=timedelta(seconds=1), backoff_coefficient=2.0, maximum_interval=timedelta(minutes=1)
)
# Inside a workflow task: eight attempts in about seven seconds. Their number ends the effort, because the SDK does not
# look at schedule_to_close between two attempts of a local activity (measured, SDK 1.35).
_QUICK = RetryPolicy(
    initial_interval=timedelta(milliseconds=100),
    backoff_coefficient=2.0,
    maximum_interval=timedelta(seconds=2),
    maximum_attempts=8,
)
# How a local activity ends badly: its own error comes bare, a time-out as an ActivityError (measured, SDK 1.35).
NOT_AT_ONCE = (ActivityError, ApplicationError)

POLICY = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=5), schedule_to_close_timeout=timedelta(minutes=1), retry_policy=_QUICK
)
# The casebook is tried inside the workflow task first (one event instead of six); when the database stays away the
# entries wait in an ordinary activity, so that the case goes on and no task is held open.
CASEBOOK_AT_ONCE = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=5), schedule_to_close_timeout=timedelta(seconds=10), retry_policy=_QUICK
)
CASEBOOK_LATER = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=30), schedule_to_close_timeout=timedelta(days=30), retry_policy=_PATIENT
)
# Evidence goes the same way: what the reports hold is small and named by its content.
EVIDENCE_AT_ONCE = LocalActivityConfig(
    start_to_close_timeout=timedelta(seconds=5), schedule_to_close_timeout=timedelta(seconds=5), retry_policy=_QUICK
)
EVIDENCE = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=30), schedule_to_close_timeout=timedelta(hours=4), retry_policy=_PATIENT
)
SEARCH = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=5),
    schedule_to_close_timeout=timedelta(hours=4),
    heartbeat_timeout=timedelta(seconds=10),
    retry_policy=_PATIENT,
)
# Containment does not give up within a day: the owner is paged by the clocks long before.
ENFORCEMENT = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=15),
    schedule_to_close_timeout=timedelta(days=1),
    heartbeat_timeout=timedelta(seconds=5),
    retry_policy=_PATIENT,
)
REGULATOR = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=30),
    schedule_to_close_timeout=timedelta(days=3),
    heartbeat_timeout=timedelta(minutes=1),
    retry_policy=_PATIENT,
)
MAIL = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=30),
    schedule_to_close_timeout=timedelta(days=1),
    heartbeat_timeout=timedelta(minutes=1),
    retry_policy=_PATIENT,
)
PAGING = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=15), schedule_to_close_timeout=timedelta(hours=1), retry_policy=_PATIENT
)
CHAT = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=15), schedule_to_close_timeout=timedelta(hours=1), retry_policy=_PATIENT
)
TELL_CASE = ActivityConfig(
    start_to_close_timeout=timedelta(seconds=30), schedule_to_close_timeout=timedelta(days=7), retry_policy=_PATIENT
)


# One batch of closed histories. The schedule comes back within the hour, so an effort need not be long.
ARCHIVE = ActivityConfig(
    start_to_close_timeout=timedelta(minutes=10),
    schedule_to_close_timeout=timedelta(minutes=30),
    heartbeat_timeout=timedelta(seconds=30),
    retry_policy=_PATIENT,
)


def why(config: ActivityConfig, summary: str) -> ActivityConfig:
    """Add the words that the Temporal UI shows for an activity. No personal data."""
    return {**config, "summary": summary}
