"""What is the one name of a thing? Ids and digests that every delivery, retry and run computes alike."""

import hashlib
import json
from typing import Any

CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def case_id(source: str, source_ref: str) -> str:
    """Name the case of a report: `ESC-XXXX-XXXX-XXXX`, 60 bits of SHA-256 in Crockford base32.

    The same report reaches the same case whoever delivers it and however often. The length prefix keeps
    `("a", "bc")` and `("ab", "c")` apart.
    """
    seed = f"{len(source)}:{source}{source_ref}".encode()
    number = int.from_bytes(hashlib.sha256(seed).digest()[:8]) >> 4
    digits = [CROCKFORD[(number >> (5 * place)) & 31] for place in reversed(range(12))]
    text = "".join(digits)
    return f"ESC-{text[:4]}-{text[4:8]}-{text[8:]}"


def canonical(value: Any) -> bytes:
    """Write JSON the one way a digest may be taken of: sorted keys, no spaces, UTF-8."""
    return CANONICAL.encode(value).encode()


def digest(content: bytes) -> str:
    """Name content by itself: 64 lower-case hex digits of SHA-256."""
    return hashlib.sha256(content).hexdigest()


def enforcement_key(*, case: str, number: int, action: str, target: str, decision: int) -> str:
    """Name one act on one target: 26 hex digits, equal for every retry, run and reset of the same decision.

    Never made of a run id, an attempt or a time (reliability part 3.3): a reset would enforce twice.
    """
    seed = canonical([case, number, action, target, decision])
    return "R" + hashlib.sha256(seed).hexdigest()[:25]


def gate_id(case: str, number: int) -> str:
    """Name the n-th question asked in a case."""
    return f"{case}/gate/{number}"


def sweep_id(case: str, number: int) -> str:
    """Name the n-th enforcement of a case; also its workflow id."""
    return f"{case}/sweep/{number}"


def prevention_id(case: str, number: int) -> str:
    """Name the n-th corrective action of a case; also its workflow id."""
    return f"{case}/prevention/{number}"
