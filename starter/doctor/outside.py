"""Do the outside systems answer where the settings say? A connection is opened and closed; nothing is said."""

import asyncio
import contextlib
from urllib.parse import urlsplit

from starter.doctor.findings import Finding, skipped, well, wrong
from starter.settings import Settings

SYSTEMS = ("marketplace", "regulator", "pager", "chat")
PATIENCE = 3.0  # seconds


async def reached(told: Settings) -> list[Finding]:
    """Look at each system that is set up; one finding each."""
    places = [(name, *_place(getattr(told, f"{name}_url"))) for name in SYSTEMS]
    places.append(("mail", told.smtp_host, told.smtp_port))
    return list(await asyncio.gather(*(_reached(*place) for place in places)))


async def _reached(name: str, host: str, port: int) -> Finding:
    if not host:
        return skipped(name, "is not set up")
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        setting = "SEAWALL_SMTP_HOST" if name == "mail" else f"SEAWALL_{name.upper()}_URL"
        what = f"The {name} does not answer; what it should do waits and is tried again."
        return wrong(name, what, f"Start it, or check {setting}.")
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return well(name, "answers")


def _place(url: str) -> tuple[str, int]:
    parsed = urlsplit(url)
    return parsed.hostname or "", parsed.port or (443 if parsed.scheme == "https" else 80)
