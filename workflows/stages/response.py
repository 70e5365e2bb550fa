"""Who is told, in which words, and who has agreed to that?"""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace

from temporalio import workflow

from activities.mail import Mail
from activities.policy import Policy
from activities.regulators import Regulators
from escalations import closing, ids, waking
from escalations.clocks import ClockStatus, wanted_at
from escalations.consensus import SUPERSEDED, GateKind
from escalations.model import Milestone, Stage
from escalations.notices import Notice, NoticeOrder, Recipient
from escalations.plans import NoticePlan, NoticesRequest
from workflows import options
from workflows.case import Case
from workflows.gates import decided
from workflows.people import attempted, insisted

SEND = "send"


async def responded(case: Case) -> None:
    """Tell authorities, sellers, buyers and the Transparency Database what was done; two people agree first."""
    await _drafted(case)
    while case.file.notices:
        case.enter(Stage.RESPONSE)
        digest = ids.digest(repr(case.file.notices).encode())
        level = waking.unanswered(case.file, digest)
        outcome = await decided(case, GateKind.RESPONSE, digest, manifest=case.file.manifest, escalated=level)
        if outcome.how == SUPERSEDED:
            case.file.notices.clear()  # drafted anew in the next round, for other people
            return
        if outcome.option == SEND or level >= waking.LAST_LEVEL:
            await _sent(case)
            return
        if outcome.how != "default":
            _held_back(case, f"held back by {outcome.how}")
            return


async def _drafted(case: Case) -> None:
    file = case.file
    new = file.intakes[file.answered :]
    if file.manifest is None or not (new or len(file.orders) > file.answered_orders):
        return
    manifest = file.manifest

    def drafted() -> Awaitable[NoticePlan]:
        request = NoticesRequest(
            case_id=case.id,
            plan=replace(case.plan, clocks=()),
            intakes=tuple(new or file.intakes[:1]),
            manifest=manifest,
            restricted=file.restricted,
            contained_at=file.contained_at,
            now=workflow.now(),
            clocks=tuple(file.clocks),
        )
        answer = workflow.execute_local_activity_method(Policy.draft_notices, request, **options.POLICY)
        return case.journal.after(answer)

    answer = await insisted(case, "the notices", drafted)
    case.take_clocks(answer.clocks)
    file.notices.extend(answer.notices)
    file.answered, file.answered_orders = len(file.intakes), len(file.orders)
    given_to_people(case)
    known = {task.id for task in file.tasks}
    for step in answer.by_people:
        if f"tell-{step.key}" not in known and closing.concerns_us(file):
            case.owe(f"tell-{step.key}", step.title, step.owner)


def given_to_people(case: Case) -> None:
    """Make a task of every duty that no hand of ours fulfils, such as a filing in an authority's own portal."""
    ours = {notice.meets for notice in case.file.notices if not notice.clocks}
    ours |= {Milestone.CONTAINED, Milestone.INTAKE_ACKNOWLEDGED}
    named = {rule for notice in case.file.notices for rule in notice.clocks}
    for clock in case.file.clocks:
        if clock.meets not in ours and clock.rule not in named and clock.status is ClockStatus.RUNNING:
            case.owe(clock.rule, clock.duty, clock.owner, wanted_at(clock))


async def _sent(case: Case) -> None:
    await asyncio.gather(*(_send(case, notice) for notice in list(case.file.notices)))


async def _send(case: Case, notice: Notice) -> None:
    file = case.file
    file.numbered += 1
    order = NoticeOrder(
        case_id=case.id,
        number=file.numbered,
        notice=notice,
        manifest=file.manifest.digest if file.manifest else "",
        decision=max(len(file.orders), 1),
        at=workflow.now(),
        aware_at=file.intakes[0].aware_at or file.intakes[0].received_at,
        spare=tuple(file.spared),
    )
    summary = f"tell {notice.recipient.value}"
    if notice.recipient is Recipient.TRANSPARENCY_DATABASE:
        hands = workflow.execute_activity_method(
            Regulators.submit_statements, order, **options.why(options.REGULATOR, summary)
        )
    else:
        hands = workflow.execute_activity_method(Mail.send_notice, order, **options.why(options.MAIL, summary))
    sent = await attempted(case, notice.recipient.value, hands)
    file.notices.remove(notice)
    if sent is None:
        _by_hand(case, notice, "it could not be sent")
        return
    file.sent.append(sent)
    text = f"{notice.recipient.value}: {sent.count} sent" + (f", {sent.problem}" if sent.problem else "")
    case.journal.note("notice.sent", text, recipient=notice.recipient.value, proof=sent.proof)
    if sent.count:
        case.reached(notice.meets, sent.proof, notice.clocks)
    elif not sent.problem:
        case.not_owed(notice.meets, "there was nobody to tell", notice.clocks)
    if sent.problem:
        _by_hand(case, notice, sent.problem)


def _by_hand(case: Case, notice: Notice, why: str) -> None:
    """Whoever could not be told is told by a person; a clock stops only when somebody was."""
    waiting = [
        clock
        for clock in case.file.clocks
        if clock.status is ClockStatus.RUNNING and clock.meets is notice.meets
        if not notice.clocks or clock.rule in notice.clocks
    ]
    title = f"tell {notice.recipient.value}: {why}"
    for clock in waiting:
        case.owe(clock.rule, title, clock.owner, wanted_at(clock))
    if not waiting:
        case.owe(f"reach-{notice.recipient.value}-{case.file.numbered}", title, case.plan.owner)


def _held_back(case: Case, why: str) -> None:
    """Keep what must be told as a task with an owner; drop what people decided not to say."""
    for notice in case.file.notices:
        if notice.mandatory:
            _by_hand(case, notice, why)
        else:
            case.not_owed(notice.meets, why)
    case.file.notices.clear()
