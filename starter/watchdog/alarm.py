"""Who is woken when cases cannot go on, and stood down when they can? One page a spell, however many cases it has.

A deploy that breaks five hundred cases is one reason to get up, not five hundred. What was told is kept in a file, so
that a watchdog that is started again neither pages twice nor forgets to stand somebody down.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Protocol

from activities.paging import Page
from starter.watchdog.troubles import Trouble

NAME = "watchdog"
NAMED = 3  # troubles that a page names; it counts the others
HELP = "see docs/deploying.md, When cases cannot go on"


class Pages(Protocol):
    """What an alarm needs: `activities.paging.Paging` has it."""

    async def page(self, page: Page) -> str:
        """Wake somebody."""

    async def resolve(self, page: Page) -> str:
        """Stand them down."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spell:
    """The present or the last spell of trouble. `told` names what the page was about; empty when it is over."""

    number: int = 0
    told: tuple[str, ...] = ()


class Alarm:
    """Keeps one spell of trouble in `file` and one alert at the pager."""

    def __init__(self, pages: Pages, file: Path) -> None:
        self._pages = pages
        self._file = file
        self.spell = _read(file)

    async def tell(self, troubles: Sequence[Trouble]) -> None:
        """Page when something is new, stand down when all is over. Raises what the pager raises: tell it again then."""
        keys = tuple(sorted(trouble.key for trouble in troubles))
        if not troubles:
            if self.spell.told:
                await self._pages.resolve(self._page(self.spell, "all cases go on again"))
                self._keep(replace(self.spell, told=()))
            return
        if set(keys) <= set(self.spell.told):
            return
        spell = self.spell if self.spell.told else Spell(number=self.spell.number + 1)
        await self._pages.page(self._page(spell, _summary(troubles)))
        self._keep(replace(spell, told=tuple(sorted({*spell.told, *keys}))))

    def _page(self, spell: Spell, summary: str) -> Page:
        return Page(case_id=NAME, number=spell.number, summary=summary, component="workflows")

    def _keep(self, spell: Spell) -> None:
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(asdict(spell)), encoding="utf-8")
        draft.replace(self._file)
        self.spell = spell


def _summary(troubles: Sequence[Trouble]) -> str:
    named = "; ".join(trouble.text for trouble in troubles[:NAMED])
    more = f"; and {len(troubles) - NAMED} more" if len(troubles) > NAMED else ""
    return f"{named}{more}. {HELP}"


def _read(file: Path) -> Spell:
    """Read what was told last; a file that cannot be read is as good as none, and costs at most one page too many."""
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
        return Spell(number=int(kept["number"]), told=tuple(str(one) for one in kept["told"]))
    except (OSError, ValueError, KeyError, TypeError):
        return Spell()
