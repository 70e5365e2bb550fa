"""Which edits must the gate see, and which must it let pass? Forty rows, applied to a copy of the code.

Each replacement must match its file exactly once, so that a row whose code has moved fails instead of testing nothing.
"""

from dataclasses import dataclass

from replay.check import Verdict

BREAKS, DIFFERS, SAME = Verdict.BREAKS, Verdict.DIFFERS, Verdict.SAME


@dataclass(frozen=True, kw_only=True)
class Swap:
    """One exact replacement in one file."""

    file: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One edit: the histories that can show it, and what the gate must say and name."""

    name: str
    swaps: tuple[Swap, ...]
    histories: tuple[str, ...]
    verdict: Verdict = SAME
    about: str = ""


def edit(name: str, file: str, before: str, after: str, history: str, verdict: Verdict = SAME, about: str = "") -> Edit:
    """Write a row of one replacement and one history."""
    return Edit(
        name=name,
        swaps=(Swap(file=file, before=before, after=after),),
        histories=(history,),
        verdict=verdict,
        about=about,
    )


_WOKEN = "    woken(case)\n    return plan\n"
_VERIFIED = '            verified.append(await self._hand(Marketplace.verify, span, "read back"))\n'
_PATCH = '            if not workflow.patched("2026-12 trust what was enforced"):\n    ' + _VERIFIED
_PATCHED = Swap(file="workflows/sweep.py", before=_VERIFIED, after=_PATCH)

SEEN: tuple[Edit, ...] = (
    edit(
        "a timer of 1 h becomes one of 2 h",
        "workflows/resweep.py",
        "until=began + offset,",
        "until=began + 2 * offset,",
        "default-sweep-1-watch",
        BREAKS,
        "timer 1, duration: recorded 1:00:00, now 2:00:00 at workflows/",
    ),
    edit(
        "an activity argument",
        "workflows/stages/response.py",
        "        number=file.numbered,",
        "        number=file.numbered + 100,",
        "ordinary",
        DIFFERS,
        ", input.number: recorded one value, now another at workflows/",
    ),
    edit(
        "a retry policy",
        "workflows/options.py",
        "initial_interval=timedelta(seconds=1), backoff_coefficient=2.0,",
        "initial_interval=timedelta(seconds=1), backoff_coefficient=3.0,",
        "ordinary-sweep-1",
        DIFFERS,
        "activity capture_prior, retry policy: recorded `first 0:00:01, x2.0",
    ),
    edit(
        "an activity time-out",
        "workflows/options.py",
        "SEARCH = ActivityConfig(\n    start_to_close_timeout=timedelta(minutes=5),",
        "SEARCH = ActivityConfig(\n    start_to_close_timeout=timedelta(minutes=9),",
        "rejected",
        DIFFERS,
        "activity find_listings, start-to-close timeout: recorded 0:05:00, now 0:09:00",
    ),
    edit(
        "a heartbeat that is no longer asked for",
        "workflows/options.py",
        "    heartbeat_timeout=timedelta(seconds=10),\n",
        "",
        "rejected",
        DIFFERS,
        "activity find_listings, heartbeat timeout: recorded 0:00:10, now nothing",
    ),
    edit(
        "a quorum, where the votes came before anybody waited",
        "escalations/consensus.py",
        "enough = len(favour) >= max(gate.quorum, 1)",
        "enough = len(favour) >= max(gate.quorum + 1, 1)",
        "ordinary",
        BREAKS,
        "update answer decide, answer.text",
    ),
    edit(
        "a reordered call",
        "workflows/sweep.py",
        '            await self._hand(Marketplace.capture_prior, span, "record the prior state")\n'
        "            applied.append(await self._hand(Marketplace.enforce, span, "
        'f"hide listings {span.start}-{span.stop - 1}"))\n',
        "            applied.append(await self._hand(Marketplace.enforce, span, "
        'f"hide listings {span.start}-{span.stop - 1}"))\n'
        '            await self._hand(Marketplace.capture_prior, span, "record the prior state")\n',
        "ordinary-sweep-1",
        BREAKS,
        "workflows/sweep.py:",
    ),
    Edit(
        name="a removed patch: its old branch is gone, and the case began before it",
        swaps=(_PATCHED, Swap(file="workflows/sweep.py", before=_PATCH, after="")),
        histories=("ordinary-sweep-1",),
        verdict=BREAKS,
        about="activity verify",
    ),
    edit(
        "a renamed enum value",
        "escalations/model.py",
        '    LEGAL_REVIEW = "legal_review"',
        '    LEGAL_REVIEW = "legal-review"',
        "rejected",
        DIFFERS,
        'SeawallStage: recorded `"legal_review"`, now `"legal-review"`',
    ),
    edit(
        "a new required field in an answer of a hand",
        "escalations/enforcement.py",
        "    count: int\n    sellers: int\n",
        "    count: int\n    held: int\n    sellers: int\n",
        "ordinary",
        BREAKS,
        "raised",
    ),
    edit(
        "a clock warning moved",
        "escalations/clocks.py",
        '("50 %", 50)',
        '("50 %", 55)',
        "default",
        DIFFERS,
        "timer",
    ),
    edit(
        "the body of a handler",
        "workflows/effects/deciding.py",
        "    conclude(case, card.gate.id, replace(outcome, at=now))\n",
        "",
        "ordinary",
        BREAKS,
        "",
    ),
    edit(
        "the receipt of a handler",
        "workflows/effects/deciding.py",
        'decided: {outcome.option}"\n',
        'decides: {outcome.option}"\n',
        "ordinary",
        DIFFERS,
        "update answer decide, answer.text: recorded one value, now another",
    ),
    edit(
        "an activity that is no longer done",
        "workflows/stages/investigation.py",
        "    if case.plan.channel:\n",
        "    if not case.plan.channel:\n",
        "ordinary",
        BREAKS,
        "activity post",
    ),
    edit(
        "an activity done twice",
        "workflows/stages/triage.py",
        _WOKEN,
        "    woken(case)\n    case.beside(page(case, case.id))\n    return plan\n",
        "rejected",
        BREAKS,
        "activity find_listings",
    ),
    edit(
        "a search attribute",
        "workflows/attributes.py",
        '        "owner": owner or None,',
        '        "owner": None,',
        "rejected",
        DIFFERS,
        "search attributes, SeawallOwner",
    ),
    edit(
        "a question to policy",
        "workflows/stages/triage.py",
        "        contained=file.contained_at is not None,\n",
        "        contained=True,\n",
        "rejected",
        DIFFERS,
        "local activity plan_case, question",
    ),
    edit(
        "an entry of the casebook",
        "workflows/stages/triage.py",
        '"case.opened", first.title',
        '"case.opened", first.title.upper()',
        "rejected",
        DIFFERS,
        "local activity record, question",
    ),
    edit(
        "the card that people see",
        "escalations/cards.py",
        "        owner=file.owner,\n",
        '        owner="",\n',
        "rejected",
        DIFFERS,
        "local activity record, question",
    ),
    edit(
        "what a child is started with",
        "workflows/stages/root_cause.py",
        "plan=_brief(case.plan)",
        "plan=case.plan",
        "prevention",
        DIFFERS,
        "child workflow Prevention, input.plan",
    ),
)

# What a handler or a step keeps, where nothing that it does or says shows it: only the states kept beside a history do.
KEPT_OTHERWISE: tuple[Edit, ...] = (
    edit(
        "what a repeated message is known by is no longer kept",
        "workflows/reception.py",
        "at=workflow.now(), data={SAID: fingerprint(message)})",
        "at=workflow.now())",
        "ordinary",
        DIFFERS,
        "state file, answers.",
    ),
    edit(
        "the investigation is no longer known to be done",
        "workflows/stages/investigation.py",
        "    case.file.investigated = True\n",
        "",
        "ordinary",
        DIFFERS,
        "state file, investigated: recorded one value, now another at workflows/",
    ),
    edit(
        "a follow-up that was started is no longer known to be",
        "workflows/stages/root_cause.py",
        "        file.prevention_started = number\n",
        "        file.prevention_started = 0\n",
        "prevention",
        DIFFERS,
        "state file, prevention_started: recorded one value, now another at workflows/",
    ),
)

HARMLESS: tuple[Edit, ...] = (
    edit(
        "a comment",
        "workflows/sweep.py", "        applied, verified = [], []\n",
        "        # one list for each kind of answer\n        applied, verified = [], []\n", "ordinary-sweep-1",
    ),
    edit(
        "a docstring",
        "workflows/sweep.py", '"""Carry an order out. Everything', '"""Carry an order out, once. Everything',
        "ordinary-sweep-1",
    ),
    edit(
        "a log line",
        "workflows/sweep.py", "        applied, verified = [], []\n",
        '        applied, verified = [], []\n        workflow.logger.info("sweep.begun")\n', "ordinary-sweep-1",
    ),
    edit(
        "a new query",
        "workflows/sweep.py", "    @workflow.signal\n    def kill(self) -> None:\n",
        '    @workflow.query\n    def batches(self) -> int:\n        """Count."""\n        return 1\n\n'
        "    @workflow.signal\n    def kill(self) -> None:\n",
        "ordinary-sweep-1",
    ),
    edit(
        "a new signal",
        "workflows/sweep.py", "    @workflow.signal\n    def kill(self) -> None:\n",
        '    @workflow.signal\n    def hurry(self) -> None:\n        """Go faster."""\n\n'
        "    @workflow.signal\n    def kill(self) -> None:\n",
        "ordinary-sweep-1",
    ),
    Edit(name="a dated patch", swaps=(_PATCHED,), histories=("ordinary-sweep-1", "order-sweep-1")),
    edit(
        "a new optional field in an answer of a hand",
        "escalations/enforcement.py", "    done: int = 0\n    already: int = 0\n",
        "    left: int = 0\n    done: int = 0\n    already: int = 0\n", "ordinary",
    ),
    edit(
        "a new optional field in what a hand is told",
        "escalations/notices.py", "    aware_at: datetime | None = None\n    spare: tuple[str, ...] = ()\n",
        '    aware_at: datetime | None = None\n    spare: tuple[str, ...] = ()\n    note: str = ""\n', "ordinary",
    ),
    edit(
        "another order of fields",
        "escalations/plans.py", "    contained: bool = False\n    rulebook: str = \"\"\n",
        "    rulebook: str = \"\"\n    contained: bool = False\n", "rejected",
    ),
    edit(
        "a new optional field in a question to policy",
        "escalations/plans.py", "    contained: bool = False\n",
        "    contained: bool = False\n    markets: tuple[str, ...] = ()\n", "rejected",
    ),
    edit(
        "a new optional field of the card",
        "escalations/record.py", "    next_due_at: datetime | None = None\n",
        "    next_due_at: datetime | None = None\n    held_at: datetime | None = None\n", "rejected",
    ),
    edit(
        "a new optional field of the file",
        "escalations/casefile.py", '    withdrawn: str = ""\n', '    withdrawn: str = ""\n    held: str = ""\n',
        "ordinary",
    ),
    edit(
        "a new word of an enum",
        "escalations/model.py", '    CLOSED = "closed"\n', '    CLOSED = "closed"\n    ARCHIVED = "archived"\n',
        "rejected",
    ),
    Edit(
        name="a renamed local variable",
        swaps=(
            Swap(
                file="workflows/sweep.py",
                before="        killed = self.killed or self.stopped\n",
                after="        ended = self.killed or self.stopped\n",
            ),
            Swap(file="workflows/sweep.py", before="verified=combined(*verified), killed=killed)",
                 after="verified=combined(*verified), killed=ended)"),
        ),
        histories=("ordinary-sweep-1",),
    ),
    edit(
        "the summary that Temporal's UI shows",
        "workflows/sweep.py", '"read back")', '"read back what is shown")', "ordinary-sweep-1",
    ),
    edit(
        "the options of a local activity, which leave no trace",
        "workflows/options.py", "    maximum_attempts=8,\n", "    maximum_attempts=9,\n", "rejected",
    ),
    Edit(
        name="a turn of the loop, which commands nothing",
        swaps=(
            Swap(
                file="workflows/effects/deciding.py",
                before="from dataclasses import replace\n",
                after="import asyncio\nfrom dataclasses import replace\n",
            ),
            Swap(
                file="workflows/effects/deciding.py",
                before='    put(case, card)\n    text = f"{vote.role}',
                after='    put(case, card)\n    await asyncio.sleep(0)\n    text = f"{vote.role}',
            ),
        ),
        histories=("ordinary",),
    ),
    edit(
        "words of a refusal that nobody was told",
        "workflows/reception.py", '"this request id was used for another message"', '"this request id is taken"',
        "ordinary",
    ),
    edit(
        "a new function",
        "workflows/stages/triage.py", "\ndef woken(case: Case) -> None:\n",
        "\ndef _unused(case: Case) -> str:\n    return case.id\n\n\ndef woken(case: Case) -> None:\n", "rejected",
    ),
    edit(
        "a constant with a name",
        "workflows/stages/triage.py", '    case.reached(Milestone.INTAKE_ACKNOWLEDGED, "opened")\n',
        '    proof = "opened"\n    case.reached(Milestone.INTAKE_ACKNOWLEDGED, proof)\n', "rejected",
    ),
)  # fmt: skip
