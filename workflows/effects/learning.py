"""What does a message do that tells the case something: a report, a fact, a finding, another case?"""

from temporalio import workflow

from escalations import facts, ids
from escalations.clocks import joined, parted, withdraw
from escalations.messages import Learn, Merge, Report, ReportFinding, Split, Withdraw
from escalations.model import Finding, Intake, RootCause
from workflows.case import Case
from workflows.effects.agreement import second_person
from workflows.effects.undoing import withdrawn
from workflows.replanning import planned_anew


async def reported(case: Case, message: Report) -> str:
    """Take another report in, and look again."""
    case.take_in(message.intake, message.said.person)
    await planned_anew(case)
    return f"added to {case.id}; the case looks again"


async def learned(case: Case, message: Learn) -> str:
    """Take a fact in. One that makes the harm smaller needs a second person; a withdrawn order withdraws the case."""
    file = case.file
    value = facts.parsed(message.fact, message.value)
    person = message.said.person
    if message.fact == "order_withdrawn":
        return await withdrawn(case, Withdraw(said=message.said, reason=message.reason or "the order was withdrawn"))
    lowered = facts.lowers(file.intakes[0], message.fact, value)
    if lowered and not second_person(case, message.fact, message.value, person):
        return f"noted; lowering {message.fact} needs a second person to say the same"
    file.intakes[0] = facts.with_fact(file.intakes[0], message.fact, value, message.place)
    case.journal.note("fact.learned", f"{message.fact}: {message.value}", actor=person, reason=message.reason)
    await planned_anew(case)
    return f"learned; priority {file.plan.priority}" if file.plan else "learned before triage"


async def found(case: Case, message: ReportFinding) -> str:
    """Keep a finding, or the root cause for somebody else to approve. What came back calls for another round."""
    file, person = case.file, message.said.person
    if message.factors:
        if file.root_cause_approved:
            return "the root cause is approved already; this one is kept as a finding"
        digest = ids.digest(repr((message.text, message.factors, message.actions)).encode())
        file.root_cause = RootCause(
            summary=message.text, factors=message.factors, author=person, actions=message.actions, digest=digest
        )
        case.journal.note("root_cause.written", message.text, actor=person, digest=digest)
        return "root cause written; somebody else approves it"
    finding = Finding(kind=message.kind, text=message.text, by=person, at=workflow.now(), evidence=message.evidence)
    file.findings.append(finding)
    if message.kind == "resweep_found":
        file.again = True
    case.journal.note("finding.reported", message.text, actor=person, word=message.kind)
    return "finding kept"


async def merged(case: Case, message: Merge) -> str:
    """Take another case's report and clocks over."""
    case.file.merged.append(message.other)
    if message.intake is not None:
        case.take_in(message.intake, message.said.person)
    # What the other case had is taken as it stands: met, moved and suspended clocks keep their past.
    case.take_clocks(joined(tuple(case.file.clocks), message.clocks, message.other))
    case.journal.note("case.merged", f"{message.other} joined", actor=message.said.person, other=message.other)
    await planned_anew(case)
    return f"{message.other} is part of {case.id}; its intake keeps its own reply duty"


async def split(case: Case, message: Split) -> str:
    """Give up what came with another case, and the clocks that were only about that."""
    file = case.file
    file.merged.remove(message.other)
    left = [one for one in file.intakes if ids.case_id(one.source, one.source_ref) == message.other]
    file.answered -= len([one for one in file.intakes[: file.answered] if one in left])
    file.intakes[:] = [one for one in file.intakes if one not in left]
    file.clocks[:] = parted(tuple(file.clocks), message.other)[0]
    kept = [_subject(one).casefold() for one in file.intakes]
    for subject in map(_subject, left):
        if subject and subject.casefold() not in kept:
            file.clocks[:] = withdraw(tuple(file.clocks), f"{message.other} left the case", subject)
    case.journal.note("case.split", f"{message.other} left", actor=message.said.person, reason=message.reason)
    await planned_anew(case)
    return f"{message.other} is a case of its own again; open it from its report"


def _subject(intake: Intake) -> str:
    """Name what its clocks are about: the order, or the report."""
    return (intake.order.reference if intake.order else intake.source_ref).strip()
