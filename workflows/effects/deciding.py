"""What does a message do that says who decides, who owns or what is done?"""

from dataclasses import replace

from temporalio import workflow

from escalations import consensus, voting
from escalations.messages import Assign, Claim, Decide, Delegate, TaskDone
from workflows.case import Case
from workflows.gates import card_of, conclude, put


async def voted(case: Case, message: Decide) -> str:
    """Count a vote at a gate; the one that completes an answer ends it."""
    now = workflow.now()
    card = card_of(case, message.gate)
    vote = voting.vote(card.gate, message, now, tuple(case.file.delegations))
    card = replace(card, votes=(*card.votes, vote))
    put(case, card)
    text = f"{vote.role} {vote.stance.value}: {vote.option}"
    case.journal.note("vote.cast", text, actor=vote.person, gate=card.gate.id, reason=vote.reason, door=vote.door)
    outcome = consensus.outcome(card.gate, card.votes)
    if outcome is None:
        return f"recorded; {card.gate.kind.value} is not decided yet"
    conclude(case, card.gate.id, replace(outcome, at=now))
    return f"recorded; {card.gate.kind.value} decided: {outcome.option}"


async def claimed(case: Case, message: Claim) -> str:
    """Make the speaker the owner."""
    return _own(case, message.said.person, message.said.person, "claimed")


async def assigned(case: Case, message: Assign) -> str:
    """Make somebody else the owner."""
    return _own(case, message.to, message.said.person, message.reason)


def _own(case: Case, owner: str, actor: str, why: str) -> str:
    case.file.owner = owner
    case.journal.note("case.assigned", f"owner: {owner}", actor=actor, reason=why)
    return f"{owner} owns {case.id}"


async def delegated(case: Case, message: Delegate) -> str:
    """Let somebody speak for the speaker in a role, until a time."""
    case.file.delegations.append(message)
    text = f"{message.to} speaks for {message.said.person} as {message.role} until {message.until:%Y-%m-%d %H:%M}Z"
    case.journal.note("vote.delegated", text, actor=message.said.person)
    return text


async def done(case: Case, message: TaskDone) -> str:
    """Tick a task off; one that stands for a clock stops it."""
    file = case.file
    index = next(i for i, task in enumerate(file.tasks) if task.id == message.task)
    file.tasks[index] = replace(file.tasks[index], done_at=workflow.now(), done_by=message.said.person)
    case.journal.note("task.done", file.tasks[index].title, actor=message.said.person, task=message.task)
    clock = next((clock for clock in file.clocks if clock.rule == message.task), None)
    if clock is not None:
        case.reached(clock.meets, message.proof or message.said.person, (clock.rule,))
    return f"{message.task} is done"
