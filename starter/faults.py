"""What does a fault of the casebook's database mean to whoever stands at a door? The same at every door."""

from starter.errors import CANNOT_WRITE, MISCONFIGURED, UNAVAILABLE, Problem
from store.errors import StoreMisconfigured, StoreUnavailable

NOT_WRITABLE = frozenset({"read_only", "full"})


def of_store(fault: StoreUnavailable | StoreMisconfigured) -> Problem:
    """Say what is wrong with the casebook's database, with the same exit code at every door.

    78 a setting is wrong, 73 it takes no writing (read-only, full), 69 it does not answer, is locked or damaged.
    """
    code = CANNOT_WRITE if fault.code in NOT_WRITABLE else UNAVAILABLE
    code = MISCONFIGURED if isinstance(fault, StoreMisconfigured) else code
    return Problem(fault.code, fault.text, next_step=fault.next_step, exit_code=code)
