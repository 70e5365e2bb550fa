"""What do we tell about ourselves? One line per fact, the same JSON from workflows, activities and doors.

Only fields in `FIELDS` are written as they are; any other is named in `dropped`, so that personal data does not slip in
with a new field. What looks like an e-mail address, a token or a key is blanked even inside allowed fields. Workflow
lines come through `workflow.logger`, which is silent on replay; structlog called in a workflow is silent there too.
"""

import functools
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any, TextIO

import structlog
from structlog.typing import Processor
from temporalio import activity, workflow

from starter.seeing import tracing

SERVICE = "seawall"

# Ids, counts, names of our own things. Never free text from outside, never a person's words.
# fmt: off
FIELDS = frozenset({
    "timestamp", "level", "event", "logger", "service", "version", "case_id", "workflow_id", "workflow_type",
    "run_id", "namespace", "task_queue", "activity", "activity_id", "attempt", "local", "update_id", "update",
    "query", "signal", "child_id", "schedule", "stage", "domain", "severity", "urgency", "priority", "gate",
    "gate_id", "option", "stance", "code", "exit_code", "reason_code", "clock", "rule", "rulebook", "playbook",
    "sweep", "batch", "window", "manifest", "action", "actions", "tier", "digest", "seq", "entries", "count",
    "size", "total", "succeeded", "failed", "skipped", "remaining", "items", "listings", "sellers", "markets",
    "listing_id", "seller_id", "source", "source_ref", "request_id", "delivery_id", "notice", "template", "system",
    "host", "port", "url_path", "method", "status", "status_code", "duration_ms", "delay_s", "retry_after_s",
    "due_at", "until", "waited_s", "role", "door", "owner", "error_type", "traceback", "pid", "identity", "address",
    "home", "file", "line", "key_id", "keys", "dropped", "trace_id", "span_id",
})
# fmt: on

# Allowed while they hold one word of ours, dropped when they hold a sentence.
WORDS = frozenset(
    {"message", "by_message", "reason", "error", "kind", "name", "what", "part", "command", "plan", "feed"}
)
_WORD = re.compile(r"[A-Za-z][A-Za-z0-9_.:/-]{0,59}")

# Python's and Temporal's own loggers speak in sentences with values in them; their text is kept, scrubbed and short.
MESSAGE_MAX = 500
_PATTERNS = (
    (re.compile(r"[\w.+%-]+@[\w-]+(?:\.[\w-]+)+", re.UNICODE), "<e-mail>"),
    (re.compile(r"(?i)\b(?:bearer|basic)\s+[\w.~+/=-]{6,}"), "<token>"),
    (re.compile(r"\beyJ[\w-]{6,}\.[\w-]+\.[\w-]*"), "<token>"),
    (re.compile(r"\b(?:xox[abeoprs]-|whsec_|sk_|pk_|ghp_|AKIA)[\w/+=-]{8,}"), "<token>"),
    (
        re.compile(r"(?i)\b(token|secret|password|passwd|signature|api[_-]?key|routing[_-]?key)(\s*[=:]\s*)[^\s&]+"),
        r"\1\2<secret>",
    ),
    (re.compile(r"(?<=://)[^/\s:@]+:[^/\s@]+(?=@)"), "<secret>"),
    (re.compile(r"(?<![\w.-])\+\d[\d ()./-]{7,}\d"), "<telephone>"),
)


def configure(format: str = "auto", level: str = "info", *, stream: TextIO | None = None) -> None:
    """Send every log line of the process to one stream (stderr): JSON, or columns on a terminal when `auto`.

    Calling it again replaces what an earlier call set up.
    """
    out = stream or sys.stderr
    as_json = format == "json" or (format == "auto" and not out.isatty())
    handler = logging.StreamHandler(out)
    handler.setFormatter(formatter(as_json=as_json))
    root = logging.getLogger()
    for old in [held for held in root.handlers if getattr(held, "of_seawall", False)]:
        root.removeHandler(old)
    handler.of_seawall = True  # type: ignore[attr-defined]  # a mark for the next call
    root.addHandler(handler)
    root.setLevel(level.upper())
    for chatty in ("httpx2", "httpcore2"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    workflow.logger.workflow_info_on_message = False
    activity.logger.activity_info_on_message = False
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            _silent_on_replay,
            *_shared(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def formatter(*, as_json: bool) -> logging.Formatter:
    """Make the one rendering for records of structlog and of the standard library."""
    renderer: Processor = (
        structlog.processors.JSONRenderer(sort_keys=False, ensure_ascii=False)
        if as_json
        else structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_shared(), _own_words],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _exception,
            redact,
            renderer,
        ],
    )


def redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Keep the allowed fields, blank what looks personal or secret in them, name the rest in `dropped`."""
    dropped = sorted(name for name, value in event.items() if not _allowed(name, value))
    for name in dropped:
        del event[name]
    for name, value in event.items():
        event[name] = _scrubbed(value)
    if dropped:
        event["dropped"] = dropped
    return event


def _allowed(name: str, value: Any) -> bool:
    return name in FIELDS or (name in WORDS and isinstance(value, str) and _WORD.fullmatch(value) is not None)


def scrub(text: str) -> str:
    """Blank e-mail addresses, telephone numbers, tokens and passwords in a text."""
    for pattern, stands_in in _PATTERNS:
        text = pattern.sub(stands_in, text)
    return text


def _scrubbed(value: Any) -> Any:
    if isinstance(value, bool | int | float) or value is None:
        return value
    if isinstance(value, Mapping):
        return {scrub(str(key)): _scrubbed(held) for key, held in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_scrubbed(held) for held in value]
    return scrub(str(value))


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _from_extra,
        _where,
        _who,
        _traced,
    ]


def _who(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    event["service"] = SERVICE
    event["version"] = _version()
    return event


def _traced(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Name the trace that the line belongs to, while traces are drawn."""
    if tracing.on():
        event.update(tracing.here(str(event.get("case_id", ""))))
    return event


@functools.cache
def _version() -> str:
    try:
        return version(SERVICE)
    except PackageNotFoundError:
        return "source"


def _from_extra(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take the fields that `workflow.logger` and `activity.logger` put beside a record, and those of `extra=`."""
    record = event.get("_record")
    if not isinstance(record, logging.LogRecord):
        return event
    held = record.__dict__
    _flatten(event, held.get("temporal_workflow") or {})
    _flatten(event, held.get("temporal_activity") or {})
    for name, value in held.items():
        if name in FIELDS and name not in _RECORD and name not in event:
            event[name] = value
    return event


_RECORD = frozenset(logging.makeLogRecord({}).__dict__)
_NAMES = {"activity_type": "activity", "is_local": "local", "workflow_run_id": "run_id"}


def _flatten(event: MutableMapping[str, Any], details: Mapping[str, Any]) -> None:
    for told, value in details.items():
        name = _NAMES.get(told, told)
        if name in FIELDS and value is not None:
            event.setdefault(name, value)
    _case_of(event)


def _silent_on_replay(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Tell a fact of a workflow once, not at every replay."""
    if workflow.in_workflow() and workflow.unsafe.is_replaying():
        raise structlog.DropEvent
    return event


def _where(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Say in which run or activity a line was written."""
    if workflow.in_workflow():
        running = workflow.info()
        event.setdefault("workflow_id", running.workflow_id)
        event.setdefault("run_id", running.run_id)
        event.setdefault("workflow_type", running.workflow_type)
    elif activity.in_activity():
        info = activity.info()
        found = {"workflow_id": info.workflow_id, "run_id": info.workflow_run_id, "activity": info.activity_type}
        for name, value in {**found, "attempt": info.attempt}.items():
            event.setdefault(name, value)
    _case_of(event)
    return event


def _case_of(event: MutableMapping[str, Any]) -> None:
    workflow_id = event.get("workflow_id")
    if isinstance(workflow_id, str) and workflow_id.startswith("ESC-"):
        event.setdefault("case_id", workflow_id.split("/", 1)[0])


def _own_words(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Shorten the sentences of foreign loggers; they may quote what they were given."""
    text = str(event.get("event", ""))
    event["event"] = text if len(text) <= MESSAGE_MAX else text[:MESSAGE_MAX] + "…"
    return event


def _exception(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Write an exception as its types and code places. Its message stays out: it may quote a person's words."""
    found = event.pop("exc_info", None)
    if found is True:
        found = sys.exc_info()
    if isinstance(found, tuple):
        found = found[1]
    if not isinstance(found, BaseException):
        return event
    event["error_type"] = _types(found)
    event["traceback"] = _places(found)
    return event


def _types(error: BaseException) -> str:
    names: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(names) < 8:
        kind = getattr(seen, "type", None) or getattr(seen, "code", None)
        names.append(f"{type(seen).__name__}({kind})" if isinstance(kind, str) else type(seen).__name__)
        seen = seen.__cause__ or seen.__context__
    return " < ".join(names)


def _places(error: BaseException) -> list[str]:
    places, trace = [], error.__traceback__
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-12:]
