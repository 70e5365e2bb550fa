"""Which ports does the stack listen on, and are they free?"""

import contextlib
import random
import socket
from dataclasses import dataclass, fields

from starter.errors import UNAVAILABLE, Problem

LOOPBACK = "127.0.0.1"
BELOW_EPHEMERAL = range(20_000, 32_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Every listening port of the stack, all on loopback."""

    temporal: int = 7233
    temporal_ui: int = 8233
    temporal_metrics: int = 9233
    console: int = 8787
    codec: int = 8788
    marketplace: int = 8901
    regulator: int = 8902
    pager: int = 8903
    chat: int = 8904
    smtp: int = 8925
    worker_metrics: int = 8791
    console_metrics: int = 8792


def check_free(ports: Ports) -> None:
    """Refuse to start on a port that somebody else listens on. Raises Problem naming it."""
    for field in fields(ports):
        port = getattr(ports, field.name)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                raise Problem(
                    "port_in_use",
                    f"port {port} ({field.name}) is in use.",
                    next_step=f"Stop what listens there, or say: seawall up --port {field.name}=PORT",
                    exit_code=UNAVAILABLE,
                ) from None


def free() -> Ports:
    """Pick free ports, for a stack that nobody needs to find at a fixed place.

    They lie below the range from which the kernel takes ports for outgoing connections (32768 up on Linux): one from
    that range could be taken again between our looking and the part's listening.
    """
    names = [field.name for field in fields(Ports)]
    numbers: list[int] = []
    for number in random.sample(BELOW_EPHEMERAL, len(BELOW_EPHEMERAL)):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((LOOPBACK, number))
            numbers.append(number)
        if len(numbers) == len(names):
            return Ports(**dict(zip(names, numbers, strict=True)))
    raise Problem("no_ports", "there are no free ports.", next_step="Stop other programs.", exit_code=UNAVAILABLE)
