"""Which rulebook does this installation follow? The shipped one, with the company's own and an overlay laid over it."""

from pathlib import Path

import rulebook
from escalations.rulebook import Rulebook
from rulebook import archive
from starter.errors import MISCONFIGURED, Problem
from starter.settings import Settings

KEPT = "rulebooks"


def today(told: Settings | None = None) -> Rulebook:
    """Load the rulebook of today. Raises Problem `misconfigured` for one with a fault."""
    try:
        return rulebook.load(overlay=told.overlay or None if told else None, company=company(told))
    except rulebook.RulebookInvalid as invalid:
        raise Problem("misconfigured", str(invalid), exit_code=MISCONFIGURED) from None


def all_of(told: Settings) -> archive.Rulebooks:
    """Load the rulebook of today and keep it beside those of before. Raises Problem `misconfigured`."""
    try:
        return archive.opened(told.home / KEPT, overlay=told.overlay or None, company=company(told))
    except rulebook.RulebookInvalid as invalid:
        raise Problem("misconfigured", str(invalid), exit_code=MISCONFIGURED) from None


def company(told: Settings | None = None) -> Path | None:
    """Find the company's own folder: the setting SEAWALL_RULEBOOK."""
    named = (told or Settings()).rulebook
    return None if named == Path() else named.expanduser()
