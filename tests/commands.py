"""How does a test run a command? In its own process, in a home where nothing was ever started."""

from collections.abc import Callable

Run = Callable[..., tuple[int, str, str]]  # the words of a command; its exit code, what it printed, and its complaints
