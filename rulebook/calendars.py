"""Which public holidays were frozen, and from which data? The only place that reads the `holidays` package."""

import warnings
import zoneinfo
from datetime import date
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path

import holidays

from escalations.calendars import Calendar, CalendarGap

SPOKEN = "en_US"


class Calendars:
    """Freezes calendars such as `DE` or `AU-NSW`; the same years always give the same value."""

    @property
    def versions(self) -> str:
        """Name the data that calendars and zones come from."""
        return _versions()

    def frozen(self, calendar: str, first_year: int, last_year: int) -> Calendar:
        """Freeze whole years, both inclusive. Raises ValueError for an unknown code, CalendarGap for a year."""
        if not self.known(calendar):
            raise ValueError(f"no calendar {calendar}; use a code such as DE or AU-NSW")
        return _frozen(calendar, first_year, last_year)

    @staticmethod
    def known(calendar: str) -> bool:
        """Ask whether a code names a country, or a country and a part of it."""
        country, _, part = calendar.partition("-")
        parts = _countries().get(country)
        return parts is not None and (not part or part in parts)


@lru_cache(maxsize=1024)
def _frozen(calendar: str, first_year: int, last_year: int) -> Calendar:
    country, _, part = calendar.partition("-")
    years = range(first_year, last_year + 1)
    found = tuple(day for year in years for day in _year(country, part, year))
    return Calendar(id=calendar, first_year=first_year, last_year=last_year, holidays=found)


@lru_cache(maxsize=1)
def _countries() -> dict[str, list[str]]:
    return holidays.list_supported_countries()


@lru_cache(maxsize=4096)
def _year(country: str, part: str, year: int) -> tuple[tuple[date, str], ...]:
    parts = getattr(holidays, country)
    gap = CalendarGap(f"the holidays of {country} are not known for {year}; give a time in another year")
    if not parts.start_year <= year <= parts.end_year:
        raise gap  # outside these the package knows no holiday and says so of no country
    language = SPOKEN if SPOKEN in parts.supported_languages else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # the package only warns of years that it knows no holidays of
            found = holidays.country_holidays(country, subdiv=part or None, years=year, language=language)
    except UserWarning:
        raise gap from None
    return tuple(sorted((day, name) for day, name in found.items() if day.year == year))


@lru_cache(maxsize=1)
def _versions() -> str:
    return f"holidays {version('holidays')}; tzdata {_tzdata()}"


def _tzdata() -> str:
    """Name the zone data in use: the system's where it has any, else the package's."""
    for folder in zoneinfo.TZPATH:
        source = Path(folder) / "tzdata.zi"
        if source.is_file():
            with source.open(encoding="utf-8") as lines:
                return lines.readline().removeprefix("# version ").strip()
    return version("tzdata")
