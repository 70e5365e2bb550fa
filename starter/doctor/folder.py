"""Is the state folder closed to others, are its keys safe, and are the settings fit for where we run?"""

import ipaddress
import os
from pathlib import Path
from urllib.parse import urlsplit

from standins.serve import DEFAULT_TOKEN
from starter import connect, keyring, rules
from starter.doctor.findings import Finding, of_problem, skipped, warning, well, wrong
from starter.errors import Problem
from starter.seeing.server import place
from starter.settings import Settings

FOLDERS = ("", "keys")
FILES = ("keys/keyring.json", "keys/codec.token", "casebook.db", "temporal.db", "intake-secrets.json")
OUTSIDE = ("marketplace", "regulator", "pager", "chat")


def modes(told: Settings) -> Finding:
    """Look for what other users of this machine could read."""
    places = [told.home / name for name in (*FOLDERS, *FILES)]
    closed = _open_to_others(told.home) == 0
    exposed = [place for place in places if place.exists() and _open_to_others(place)]
    if closed:  # what lies in a closed folder is reached by nobody, except what the programs refuse themselves
        exposed = [place for place in exposed if place.parent.name == "keys" or place.name == "keys"]
    if exposed:
        names = " ".join(str(place) for place in exposed)
        return wrong("modes", f"Others can read {len(exposed)} of our places.", f"Run: chmod go= {names}")
    return well("modes", "closed to others")


def keys(told: Settings) -> Finding:
    """Look at the key ring and at its copy."""
    ring = told.keyring_file
    if not ring.exists():
        if (told.home / "temporal.db").exists() or (told.home / "casebook.db").exists():
            return wrong(
                "keys",
                "The key ring is gone; no history can be read without it.",
                f"Stop everything and restore {ring} from its copy before anything is started.",
            )
        return skipped("keys", "there is no key ring yet; the first start makes one")
    try:
        keyring.open_ring(ring)
    except Problem as problem:
        return of_problem("keys", problem)
    if keyring.copied(ring):
        return well("keys", "the key ring is whole and its copy is up to date")
    say = warning if only_here() else wrong
    return say(
        "keys",
        "The key ring has changed since it was last copied, or never was copied.",
        "Run: seawall keys copy FILE, and keep the file elsewhere; without it no history can be read.",
    )


def rulebook(told: Settings) -> Finding:
    """Load the rulebook that cases are opened with."""
    try:
        book = rules.today(told)
    except Problem as problem:
        return wrong("rulebook", problem.text.splitlines()[0], "Run: seawall rulebook check")
    return well("rulebook", f"version {book.version}")


def safe(told: Settings) -> Finding:
    """Look for settings that are only right on one's own machine."""
    for look in (_sent_in_the_clear, _without_token, _of_the_demo, _reached_by_others):
        found = look(told)
        if found:
            return found
    return well("settings", "fit for where this runs")


def _sent_in_the_clear(told: Settings) -> Finding | None:
    for name, scheme in _elsewhere(told):
        if scheme != "https":
            setting = f"SEAWALL_{name.upper()}_URL"
            return wrong("settings", f"{setting} is not https.", "Give its https address: tokens cross the network.")
    return None


def _without_token(told: Settings) -> Finding | None:
    for name, _ in _elsewhere(told):
        token = told.pager_routing_key if name == "pager" else getattr(told, f"{name}_token")
        if token.get_secret_value() in ("", DEFAULT_TOKEN):
            setting = "SEAWALL_PAGER_ROUTING_KEY" if name == "pager" else f"SEAWALL_{name.upper()}_TOKEN"
            return wrong("settings", f"{setting} is not set, or is that of the stand-ins.", f"Set the {name}'s own.")
    return None


def _of_the_demo(told: Settings) -> Finding | None:
    if only_here():
        return None
    if told.overlay == "demo":
        return wrong("settings", "The rulebook of the demo is in force.", "Unset SEAWALL_OVERLAY.")
    if told.log_level == "debug":
        return warning("settings", "SEAWALL_LOG_LEVEL is debug.", "Set it to info.")
    return None


def _reached_by_others(told: Settings) -> Finding | None:
    places = {"SEAWALL_CONSOLE_HOST": told.console_host}
    if told.metrics_address:
        places["SEAWALL_METRICS_ADDRESS"] = place(told.metrics_address)[0]
    for setting, host in places.items():
        if not _loopback(host):
            step = "Let only a proxy with TLS, or the monitoring, get there."
            return warning("settings", f"{setting} is reached from other machines.", step)
    return None


def _elsewhere(told: Settings) -> list[tuple[str, str]]:
    """Name the outside systems that are not on this machine, with the scheme of their address."""
    urls = [(name, urlsplit(getattr(told, f"{name}_url"))) for name in OUTSIDE]
    return [(name, url.scheme) for name, url in urls if url.hostname and not _loopback(url.hostname)]


def only_here() -> bool:
    """Say whether Temporal is this machine's own: an installation for trying things out."""
    return _loopback(connect.address().rpartition(":")[0])


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _open_to_others(place: Path) -> int:
    return os.stat(place).st_mode & 0o077
