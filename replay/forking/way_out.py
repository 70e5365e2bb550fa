"""How is a process kept from reaching the world? Its interpreter refuses every connection, for good."""

import sys
from typing import Any

REACHING = frozenset({"socket.connect", "socket.sendto", "socket.sendmsg", "socket.getaddrinfo"})


class WayOut(PermissionError):
    """Something in a fork tried to reach the world."""


def shut() -> None:
    """Refuse every connection that Python would open from now on; it cannot be undone."""

    def refuse(event: str, _: tuple[Any, ...]) -> None:
        if event in REACHING:
            raise WayOut("a fork has no way out")

    sys.addaudithook(refuse)
