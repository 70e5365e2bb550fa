"""May this be said to the case now? Judged over what the case already knows, so that a refusal has its reason."""

import re
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from typing import Any

from escalations import delegations, facts, ids, voting
from escalations.casefile import CaseFile
from escalations.clocks import OPEN, Clock, ClockStatus, too_early
from escalations.consensus import GateKind
from escalations.messages import (
    Abort,
    Appeal,
    Assign,
    Claim,
    Decide,
    Delegate,
    Exempt,
    Hold,
    Kill,
    Learn,
    Merge,
    Release,
    Reopen,
    Replan,
    Report,
    ReportFinding,
    Resume,
    Said,
    Split,
    TaskDone,
    Withdraw,
)
from escalations.model import Intake

Refusal = tuple[str, str]

MESSAGES: dict[str, type[Any]] = {
    "report": Report,
    "learn": Learn,
    "decide": Decide,
    "claim": Claim,
    "assign": Assign,
    "delegate": Delegate,
    "finding": ReportFinding,
    "task": TaskDone,
    "hold": Hold,
    "release": Release,
    "exempt": Exempt,
    "replan": Replan,
    "kill": Kill,
    "resume": Resume,
    "merge": Merge,
    "split": Split,
    "withdraw": Withdraw,
    "appeal": Appeal,
    "reopen": Reopen,
    "abort": Abort,
}
LONGEST_TEXT = 4000
LONGEST_MESSAGE = 100_000
LONGEST_TIME = timedelta(days=3660)
# C0 but for tab and line ends, DEL, C1, line and paragraph separators, lone surrogates: no casebook keeps them all.
CONTROL = re.compile("[\\x00-\\x08\\x0b\\x0c\\x0e-\\x1f\\x7f-\\x9f\\u2028\\u2029\\ud800-\\udfff]")
MOST_ITEMS = 200


def refusal(file: CaseFile, message: Any, now: datetime) -> Refusal | None:
    """Return `(code, reason)` when the case must not take the message, None when it may.

    A repeat of an answered request id is never refused: it gets the first answer, unless its content differs
    (`request_id_conflict`).
    """
    said: Said = message.said
    shape = _misshapen(said, message)
    if shape:
        return shape
    if file.closed_at is not None:
        return "already_closed", f"{file.case_id} closed on {file.closed_at:%Y-%m-%d %H:%M}Z; reopen it first"
    judge = _JUDGES.get(type(message))
    return judge(file, message, now) if judge else None


def _misshapen(said: Said, message: Any) -> Refusal | None:
    if not said.request_id or len(said.request_id) > 200:
        return "request_id_required", "send a request id of 1 to 200 characters; repeats of one delivery share it"
    if not said.person or len(said.person) > 100:
        return "person_required", "say who speaks: a person id of the roster"
    values = list(_values(message))
    if sum(len(value) for _, value in values if isinstance(value, str)) > LONGEST_MESSAGE:
        return "too_long", f"a message takes at most {LONGEST_MESSAGE} characters in all"
    return next((refused for name, value in values if (refused := _unfit(name, value))), None)


def _values(part: Any) -> Iterator[tuple[str, Any]]:
    """Walk through every value of a message, however deep, with the name of its field."""
    for field in fields(part):
        waiting = [getattr(part, field.name)]
        while waiting:
            value = waiting.pop()
            if is_dataclass(value):
                yield from _values(value)
                continue
            yield field.name, value
            waiting.extend(value[: MOST_ITEMS + 1] if isinstance(value, tuple) else ())


def _unfit(name: str, value: Any) -> Refusal | None:
    if isinstance(value, str) and len(value) > LONGEST_TEXT:
        return "too_long", f"{name} takes at most {LONGEST_TEXT} characters"
    if isinstance(value, str) and CONTROL.search(value):
        return "control_character", f"{name} holds a control character"
    if isinstance(value, tuple) and len(value) > MOST_ITEMS:
        return "too_many_items", f"{name} takes at most {MOST_ITEMS} items"
    return _unfit_time(name, value)


def _unfit_time(name: str, value: Any) -> Refusal | None:
    if isinstance(value, datetime) and value.tzinfo is None:
        return "timezone_required", f"{name} needs its offset, like 2026-12-24T15:40:00+01:00"
    if isinstance(value, datetime) and value.year not in facts.YEARS:
        return "date_out_of_range", f"{name} lies in the years {facts.YEARS.start} to {facts.YEARS.stop - 1}"
    if isinstance(value, timedelta) and not timedelta(0) <= value <= LONGEST_TIME:
        return "out_of_range", f"{name} takes 0 to {LONGEST_TIME.days} days"
    return None


def _report(file: CaseFile, message: Report, _now: datetime) -> Refusal | None:
    return ("already_reported", "this report is part of the case already") if _known(file, message.intake) else None


def _known(file: CaseFile, intake: Intake) -> bool:
    return any((one.source, one.source_ref) == (intake.source, intake.source_ref) for one in file.intakes)


def _learn(file: CaseFile, message: Learn, now: datetime) -> Refusal | None:
    try:
        value = facts.parsed(message.fact, message.value)
    except facts.BadFact as problem:
        return "bad_fact", str(problem)
    if message.fact.startswith("order_") and file.intakes[0].order is None:
        return "bad_fact", "the first report of this case is no order; tell the case of the order's own report"
    if message.fact == "aware_at" and isinstance(value, datetime) and value > now:
        return "bad_fact", "the company cannot have become aware in the future"
    if message.fact == "order_withdrawn" and file.withdrawn:
        return "already_withdrawn", "the matter was taken back already"
    return None


def _decide(file: CaseFile, message: Decide, now: datetime) -> Refusal | None:
    for card in file.gates:
        if card.gate.id == message.gate:
            return voting.refusal(card.gate, card.votes, card.outcome, message, now, tuple(file.delegations))
    return "unknown_gate", f"{file.case_id} asks no such question; see `seawall show {file.case_id}`"


def _claim(file: CaseFile, message: Claim, _now: datetime) -> Refusal | None:
    if file.owner == message.said.person:
        return "already_owner", "you own this case already"
    return None


def _assign(_file: CaseFile, message: Assign, _now: datetime) -> Refusal | None:
    return None if message.to else ("person_required", "say who shall own the case")


def _delegate(file: CaseFile, message: Delegate, now: datetime) -> Refusal | None:
    if not message.to or message.to == message.said.person:
        return "bad_delegate", "delegate to somebody else"
    if message.until <= now:
        return "delegation_expired", "the delegation would end before it begins"
    return delegations.refusal(message, tuple(file.delegations), now)


def _finding(file: CaseFile, message: ReportFinding, _now: datetime) -> Refusal | None:
    if not message.kind or not message.text.strip():
        return "reason_required", "a finding needs a kind and a text"
    judged = any(card.gate.kind is GateKind.ROOT_CAUSE and not card.outcome for card in file.gates)
    if message.factors and judged:
        return "gate_open", "an analysis is being judged; say what is missing at its gate"
    if message.factors and any(not action.owner or not action.title for action in message.actions):
        return "bad_action", "each corrective action needs a title and an owner"
    return None


def _task(file: CaseFile, message: TaskDone, now: datetime) -> Refusal | None:
    clock = _clock(file, message.task)
    if clock is not None and too_early(clock, now):
        return "too_early", f"{clock.rule} may be fulfilled from {clock.not_before:%Y-%m-%d %H:%M}Z on, not sooner"
    for task in file.tasks:
        if task.id == message.task:
            return ("already_done", f"done at {task.done_at:%H:%M}Z") if task.done_at else None
    return "unknown_task", f"open tasks: {', '.join(t.id for t in file.tasks if not t.done_at) or 'none'}"


def _clock(file: CaseFile, rule: str) -> Clock | None:
    return next((clock for clock in file.clocks if clock.rule == rule), None)


def _hold(file: CaseFile, message: Hold, _now: datetime) -> Refusal | None:
    clock = _clock(file, message.clock)
    if clock is None:
        return "unknown_clock", f"clocks: {', '.join(c.rule for c in file.clocks) or 'none'}"
    if not clock.may_suspend:
        return "not_suspendable", f"{clock.rule} ({clock.instrument}) does not allow suspension"
    if clock.status is not ClockStatus.RUNNING:
        return "not_running", f"{clock.rule} is {clock.status.value}"
    return None if message.reason.strip() else ("reason_required", "say why the rule allows the suspension")


def _release(file: CaseFile, message: Release, _now: datetime) -> Refusal | None:
    clock = _clock(file, message.clock)
    if clock is None:
        return "unknown_clock", f"clocks: {', '.join(c.rule for c in file.clocks) or 'none'}"
    return None if clock.status is ClockStatus.SUSPENDED else ("not_suspended", f"{clock.rule} is {clock.status.value}")


def _exempt(file: CaseFile, message: Exempt, _now: datetime) -> Refusal | None:
    clock = _clock(file, message.clock)
    if clock is None:
        return "unknown_clock", f"clocks: {', '.join(c.rule for c in file.clocks) or 'none'}"
    if clock.status not in OPEN:
        return "not_running", f"{clock.rule} is {clock.status.value}"
    return None if message.reason.strip() else ("reason_required", "say why the duty does not apply; it is a record")


def _replan(file: CaseFile, message: Replan, _now: datetime) -> Refusal | None:
    if file.plan is None:
        return "not_triaged", f"{file.case_id} has no plan yet; it will be made with the rulebook of today"
    return None if message.reason.strip() else ("reason_required", "say why the case shall follow today's rulebook")


def _sweep(file: CaseFile, message: Kill | Resume, _now: datetime) -> Refusal | None:
    if not 1 <= message.sweep <= len(file.orders):
        return "unknown_sweep", f"{file.case_id} has {len(file.orders)} sweeps, counted from 1"
    return None


def _merge(file: CaseFile, message: Merge, _now: datetime) -> Refusal | None:
    if message.other == file.case_id:
        return "inconsistent", "a case cannot be merged with itself"
    if message.other in file.merged:
        return "already_merged", "that case is merged already"
    if message.intake is None:
        return "intake_required", "send the intake of the other case with the merge"
    if ids.case_id(message.intake.source, message.intake.source_ref) != message.other:
        return "inconsistent", "that report did not open the other case"
    return ("already_reported", "this report is part of the case already") if _known(file, message.intake) else None


def _split(file: CaseFile, message: Split, _now: datetime) -> Refusal | None:
    return None if message.other in file.merged else ("not_merged", "that case was not merged into this one")


def _withdraw(file: CaseFile, message: Withdraw, _now: datetime) -> Refusal | None:
    if file.withdrawn:
        return "already_withdrawn", "the matter was taken back already"
    return None if message.reason.strip() else ("reason_required", "say why the matter is taken back")


def _appeal(file: CaseFile, message: Appeal, _now: datetime) -> Refusal | None:
    if not message.listings:
        return "listings_required", "name the listings"
    if not file.restricted:
        return "nothing_restricted", f"{file.case_id} has restricted no listings"
    deciders = {who for card in file.gates for vote in card.votes for who in (vote.person, vote.on_behalf_of)}
    if (message.grant or message.deny) and message.said.person in deciders:
        return "separation_of_duties", "an appeal is granted by somebody who did not decide the act (DSA art. 20)"
    return None if message.reason.strip() else ("reason_required", "say why the listings were hidden wrongly")


def _reopen(file: CaseFile, _message: Reopen, _now: datetime) -> Refusal | None:
    return "already_open", f"{file.case_id} is open"


def _abort(file: CaseFile, message: Abort, _now: datetime) -> Refusal | None:
    if file.aborted:
        return "already_aborted", "the takedown was stopped already"
    return None if message.reason.strip() else ("reason_required", "say why the takedown is stopped")


_JUDGES: dict[type[Any], Callable[[CaseFile, Any, datetime], Refusal | None]] = {
    Report: _report,
    Learn: _learn,
    Decide: _decide,
    Claim: _claim,
    Assign: _assign,
    Delegate: _delegate,
    ReportFinding: _finding,
    TaskDone: _task,
    Hold: _hold,
    Release: _release,
    Exempt: _exempt,
    Replan: _replan,
    Kill: _sweep,
    Resume: _sweep,
    Merge: _merge,
    Split: _split,
    Withdraw: _withdraw,
    Appeal: _appeal,
    Reopen: _reopen,
    Abort: _abort,
}
