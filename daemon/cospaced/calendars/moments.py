"""Dates, times and durations of iCalendar (RFC 5545, sections 3.3.4 to 3.3.9), with their zone."""

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from cospaced.calendars.properties import Property
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.zones import UTC_ZONE, Zone, ZoneBook


_MOMENT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T(\d{2})(\d{2})(\d{2})(Z?))?", re.IGNORECASE)
_DURATION = re.compile(
    r"([+-]?)P(?=[\dT])(?:(\d{1,4})W)?(?:(\d{1,5})D)?"
    r"(?:T(?=\d)(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})S)?)?",
    re.IGNORECASE,
)
YEARS = range(1900, 2201)
"""Those in which times are read."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A wall time in its zone; `is_date` where the calendar gives a day (wall is its midnight).

    `floating` where it names no zone: `zone` is then what such times are in. Beside times that name
    one (an EXDATE of a series, DTEND) it means theirs, whatever RFC 5545 says of such a mixture.
    """

    wall: datetime
    zone: Zone
    is_date: bool = False
    floating: bool = False

    @property
    def utc(self) -> datetime:
        """The moment it is."""
        return self.zone.to_utc(self.wall)

    def in_zone(self, zone: Zone) -> datetime:
        """Return the wall time at the same moment elsewhere; one without zone stays what it is."""
        loose = self.is_date or self.floating
        return self.wall if loose or zone is self.zone else zone.to_wall(self.utc)


@dataclass(frozen=True, slots=True)
class Length:
    """A duration: days count by the calendar, the rest exactly (RFC 5545, section 3.3.6)."""

    days: int = 0
    exact: timedelta = timedelta(0)

    @property
    def total(self) -> timedelta:
        """Both together, a day being 24 hours."""
        return timedelta(days=self.days) + self.exact


def moment(prop: Property, zones: ZoneBook) -> Moment:
    """Read a property that holds one date or time; raises Unusable."""
    return _moment(prop.value, prop, zones)


def moments(prop: Property, zones: ZoneBook) -> tuple[Moment, ...]:
    """Read a property that holds a list of them (EXDATE); raises Unusable."""
    return tuple(_moment(value, prop, zones) for value in prop.value.split(",") if value.strip())


def periods(prop: Property, zones: ZoneBook) -> tuple[tuple[Moment, timedelta | None], ...]:
    """Read RDATE: starts, and their own length where they are periods; raises Unusable."""
    found: list[tuple[Moment, timedelta | None]] = []
    for value in filter(None, map(str.strip, prop.value.split(","))):
        start_text, slash, end_text = value.partition("/")
        start = _moment(start_text, prop, zones)
        if not slash:
            found.append((start, None))
        elif end_text.upper().startswith(("P", "+P", "-P")):
            found.append((start, length(end_text).total))
        else:
            found.append((start, _moment(end_text, prop, zones).utc - start.utc))
        if (found[-1][1] or timedelta(0)) < timedelta(0):
            raise Unusable(f"{prop.name} has a period that ends before it starts")
    return tuple(found)


def length(text: str) -> Length:
    """Read a duration; raises Unusable, for negative ones too."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise Unusable(f"the duration {text[:40]!r} is none")
    weeks, days, hours, minutes, seconds = (int(number or 0) for number in found.groups()[1:])
    result = Length(
        days=weeks * 7 + days, exact=timedelta(hours=hours, minutes=minutes, seconds=seconds)
    )
    if found[1] == "-" and result.total:
        raise Unusable(f"the duration {text!r} is negative")
    return result


def _moment(text: str, prop: Property, zones: ZoneBook) -> Moment:
    found = _MOMENT.fullmatch(text.strip())
    if found is None:
        raise Unusable(f"{prop.name} is {text[:40]!r}, which is no date or time")
    year, month, day = int(found[1]), int(found[2]), int(found[3])
    if year not in YEARS:
        raise Unusable(f"{prop.name} is in the year {year}")
    is_date = found[4] is None
    try:
        # A leap second (RFC 5545, section 3.3.12) has no place in a datetime.
        clock = time() if is_date else time(int(found[4]), int(found[5]), min(int(found[6]), 59))
        wall = datetime.combine(datetime(year, month, day), clock)  # noqa: DTZ001 - wall times are naive
    except ValueError as error:
        raise Unusable(f"{prop.name} is {text!r}: {error}") from error
    tzid = prop.parameter("TZID")
    if found[7]:
        return Moment(wall, UTC_ZONE)
    if tzid and not is_date:
        return Moment(wall, zones.zone(tzid))
    return Moment(wall, zones.floating(), is_date, floating=not is_date)
