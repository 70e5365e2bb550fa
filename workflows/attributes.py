"""Which few facts of a case can be searched in Temporal? Plain text for every operator, so never personal data."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from temporalio.common import SearchAttributeKey, SearchAttributeUpdate

from escalations.model import Domain, Stage

STAGE = SearchAttributeKey.for_keyword("SeawallStage")
DOMAIN = SearchAttributeKey.for_keyword("SeawallDomain")
OWNER = SearchAttributeKey.for_keyword("SeawallOwner")
PRIORITY = SearchAttributeKey.for_int("SeawallPriority")
NEXT_DUE = SearchAttributeKey.for_datetime("SeawallNextDue")
WAITING_FOR = SearchAttributeKey.for_keyword_list("SeawallWaitingFor")
KEYS: tuple[SearchAttributeKey[Any], ...] = (STAGE, DOMAIN, OWNER, PRIORITY, NEXT_DUE, WAITING_FOR)


def updates(
    *,
    stage: Stage,
    domain: Domain | None,
    owner: str,
    priority: int | None,
    due: datetime | None,
    waiting_for: Sequence[str],
) -> list[SearchAttributeUpdate[Any]]:
    """Make the one write that shows a case as it stands; what is not known is unset. `owner` is a role, not a person."""
    return [
        STAGE.value_set(stage.value),
        DOMAIN.value_set(domain.value) if domain else DOMAIN.value_unset(),
        OWNER.value_set(owner) if owner else OWNER.value_unset(),
        PRIORITY.value_set(priority) if priority is not None else PRIORITY.value_unset(),
        NEXT_DUE.value_set(due) if due else NEXT_DUE.value_unset(),
        WAITING_FOR.value_set(list(waiting_for)) if waiting_for else WAITING_FOR.value_unset(),
    ]
