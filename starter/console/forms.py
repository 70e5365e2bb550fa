"""What did a person say with a form? Bytes become a message of the case, or a refusal that names the field."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request

from escalations import messages
from escalations.consensus import Stance
from escalations.messages import Said
from starter.errors import BAD_INPUT, Problem

MOST_BYTES = 64 * 1024
MOST_FIELDS = 40
MOST_TEXT = 4_000
FORM = "application/x-www-form-urlencoded"

Fields = Mapping[str, str]


async def fields(request: Request) -> dict[str, str]:
    """Read a urlencoded form of at most 64 KiB; a name that comes twice is refused. Raises Problem."""
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != FORM:
        raise Problem("content_type", "Only a form can be sent here.")
    raw = bytearray()
    async for chunk in request.stream():
        raw += chunk
        if len(raw) > MOST_BYTES:
            raise Problem("body_too_large", f"The form is larger than {MOST_BYTES // 1024} KiB.")
    return parsed(bytes(raw))


def parsed(raw: bytes) -> dict[str, str]:
    """Decode a form strictly: UTF-8, each name once, no control characters but line breaks and tabs."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
    except UnicodeDecodeError:
        raise Problem("not_utf8", "The form is not UTF-8.") from None
    except ValueError:
        raise Problem("too_many_items", "The form has too many fields.") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Problem("duplicate_key", "A field of the form came twice.")
    for name, value in found.items():
        if any((ord(sign) < 32 and sign not in "\r\n\t") or 127 <= ord(sign) < 160 for sign in value):
            raise Problem("control_character", f"'{_known(name)}' contains control characters.")
        if len(value) > MOST_TEXT:
            raise Problem("too_long", f"'{_known(name)}' is longer than {MOST_TEXT} characters.")
    return found


def message(name: str, form: Fields, *, request_id: str, person: str) -> Any:
    """Make the message `name` from a form. Raises Problem: unknown message, a field missing or wrong."""
    build = FORMS.get(name)
    if build is None:
        raise Problem("unknown_message", "The console has no form for that.", next_step="Use the command line.")
    return build(Said(request_id=request_id, person=person), form)


def _decide(said: Said, form: Fields) -> messages.Decide:
    stance = _choice(form, "stance", Stance)
    reason = form.get("reason", "").strip()
    if stance in (Stance.OBJECT, Stance.VETO, Stance.RECUSE) and not reason:
        raise Problem("reason_required", f"To {stance.value}, give the reason; others will read it.")
    return messages.Decide(
        said=said,
        gate=needed(form, "gate"),
        digest=needed(form, "digest"),
        option=needed(form, "option"),
        stance=stance,
        role=form.get("role", ""),
        reason=reason,
        conditions=_lines(form, "conditions"),
    )


def _learn(said: Said, form: Fields) -> messages.Learn:
    return messages.Learn(
        said=said,
        fact=needed(form, "fact"),
        value=needed(form, "value"),
        at=instant(form.get("at", "")),
        reason=form.get("reason", "").strip(),
    )


def _finding(said: Said, form: Fields) -> messages.ReportFinding:
    return messages.ReportFinding(said=said, kind=needed(form, "kind"), text=needed(form, "text"))


def _kill(said: Said, form: Fields) -> messages.Kill:
    return messages.Kill(said=said, sweep=number(form, "sweep"), reason=needed(form, "reason"))


def _resume(said: Said, form: Fields) -> messages.Resume:
    return messages.Resume(said=said, sweep=number(form, "sweep"), reason=form.get("reason", ""))


FORMS: dict[str, Callable[[Said, Fields], Any]] = {
    "decide": _decide,
    "learn": _learn,
    "finding": _finding,
    "kill": _kill,
    "resume": _resume,
    "claim": lambda said, form: messages.Claim(said=said),
    "assign": lambda said, form: messages.Assign(said=said, to=needed(form, "to"), reason=form.get("reason", "")),
    "task": lambda said, form: messages.TaskDone(said=said, task=needed(form, "task"), proof=form.get("proof", "")),
    "hold": lambda said, form: messages.Hold(said=said, clock=needed(form, "clock"), reason=needed(form, "reason")),
    "release": lambda said, form: messages.Release(
        said=said, clock=needed(form, "clock"), reason=form.get("reason", "")
    ),
    "exempt": lambda said, form: messages.Exempt(said=said, clock=needed(form, "clock"), reason=needed(form, "reason")),
    "replan": lambda said, form: messages.Replan(said=said, reason=needed(form, "reason")),
    "abort": lambda said, form: messages.Abort(said=said, reason=needed(form, "reason")),
    "withdraw": lambda said, form: messages.Withdraw(said=said, reason=needed(form, "reason")),
    "reopen": lambda said, form: messages.Reopen(said=said, reason=needed(form, "reason")),
}


def needed(form: Fields, name: str) -> str:
    """Return a field that must not be empty."""
    value = form.get(name, "").strip()
    if not value:
        raise Problem(f"{name}_required", f"'{_known(name)}' is missing.", next_step="Fill it in and send again.")
    return value


def number(form: Fields, name: str) -> int:
    """Return a field that counts from 1."""
    text = needed(form, name)
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 6 and int(text) >= 1):
        raise Problem("wrong_type", f"'{_known(name)}' must be a number from 1.")
    return int(text)


def instant(text: str) -> datetime | None:
    """Read an RFC 3339 time with its zone, or nothing. Raises Problem `bad_datetime` or `timezone_required`."""
    if not text.strip():
        return None
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Problem("bad_datetime", "The time is not readable.", next_step="Write 2026-11-22T03:00:00Z.") from None
    if at.tzinfo is None:
        raise Problem("timezone_required", "The time has no zone.", next_step="Write 2026-11-22T03:00:00Z.")
    try:
        return at.astimezone(UTC)
    except OverflowError:
        raise Problem("date_out_of_range", "The time is out of range.") from None


def _choice(form: Fields, name: str, kind: type[Stance]) -> Stance:
    try:
        return kind(form.get(name, ""))
    except ValueError:
        allowed = ", ".join(one.value for one in kind)
        raise Problem("unknown_value", f"'{_known(name)}' must be one of: {allowed}.", exit_code=BAD_INPUT) from None


def _lines(form: Fields, name: str) -> tuple[str, ...]:
    return tuple(line.strip() for line in form.get(name, "").splitlines() if line.strip())


def _known(name: str) -> str:
    """Name a field back to its sender only if it is one of ours."""
    ours = {"gate", "digest", "option", "stance", "role", "reason", "conditions", "fact", "value", "at", "kind", "text"}
    ours |= {"sweep", "to", "task", "proof", "clock", "request_id"}
    return name if name in ours else "a field"
