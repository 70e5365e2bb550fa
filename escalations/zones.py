"""Which zone has a name? Zones are kept: the standard library keeps eight of them and reads the others anew."""

from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=600)  # about as many as there are
def zone(name: str) -> ZoneInfo:
    """Find a zone such as `Europe/Dublin`. Raises ZoneInfoNotFoundError, and ValueError for what can be no name."""
    return ZoneInfo(name)
