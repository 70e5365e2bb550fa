"""What does a case remember? One value that survives a long history, a reopening and a replay."""

from dataclasses import dataclass, field
from datetime import datetime

from escalations.clocks import Clock
from escalations.enforcement import Manifest, SweepOrder, Swept
from escalations.messages import Appeal, Delegate, Receipt
from escalations.model import Finding, Intake, RootCause, Stage, Task
from escalations.notices import Notice, Sent
from escalations.plans import Plan
from escalations.record import GateCard


@dataclass(slots=True, kw_only=True)
class CaseFile:
    """Everything a case knows. The workflow is its only writer; a run hands it to the next one whole.

    `again` asks for another round of the process (a new report came); `answered` counts the intakes and
    `answered_orders` the enforcements that were answered for. `notices` are those still owed, `numbered` how many were
    ever ordered; `orders` is every enforcement given, `undone` the numbers of those taken back, `undoing` why all are
    being taken back, `spared` listings never to touch again. `downgrades` maps a fact to the person and value of a
    lowering that waits for a second person; `rung` lists clock warnings already given; `answers` maps request ids to
    receipts over all runs (Temporal forgets update ids at each new run). `seq` is the number of the last entry.
    """

    case_id: str
    opened_at: datetime
    runs: int = 1
    seq: int = 0
    stage: Stage = Stage.INTAKE
    owner: str = ""
    intakes: list[Intake] = field(default_factory=list)
    merged: list[str] = field(default_factory=list)
    plan: Plan | None = None
    clocks: list[Clock] = field(default_factory=list)
    rung: list[str] = field(default_factory=list)
    gates: list[GateCard] = field(default_factory=list)
    delegations: list[Delegate] = field(default_factory=list)
    downgrades: dict[str, str] = field(default_factory=dict)
    tasks: list[Task] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    again: bool = False
    answered: int = 0
    answered_orders: int = 0
    investigated: bool = False
    manifest: Manifest | None = None
    ruling: str = ""
    orders: list[SweepOrder] = field(default_factory=list)
    sweeps: list[Swept] = field(default_factory=list)
    restricted: int = 0
    restores: int = 0
    spared: list[str] = field(default_factory=list)
    undone: list[int] = field(default_factory=list)
    undoing: str = ""
    contained_at: datetime | None = None
    emergency: bool = False
    ratified: bool = True
    appeals: list[Appeal] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    numbered: int = 0
    sent: list[Sent] = field(default_factory=list)
    root_cause: RootCause | None = None
    root_cause_approved: bool = False
    prevention_started: int = 0
    withdrawn: str = ""
    aborted: str = ""
    pages: int = 0
    closed_at: datetime | None = None
    answers: dict[str, Receipt] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What starts a run: the first intake, or the file of the run before (reopened, or its history grew long).

    `reopened_with` is the report that reopened the case, if it was one.
    """

    case_id: str
    intake: Intake
    file: CaseFile | None = None
    reopened_by: str = ""
    reopened_why: str = ""
    reopened_with: Intake | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """How a run ended. Everything else is answered by the query `file`, which works on closed cases too."""

    case_id: str
    ruling: str
    closed_at: datetime | None
    runs: int
