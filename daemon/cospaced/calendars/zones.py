"""From a TZID to a zone, for one VCALENDAR; what cannot be understood is Unusable, never guessed.

Wall times are naive datetimes, moments are aware and in UTC, and a `Zone` is the only bridge
between them. A wall time that a gap swallows is shifted by the gap, one that comes twice is the
first (RFC 5545, section 3.3.5).
"""

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Protocol
from zoneinfo import ZoneInfo, available_timezones

from cospaced.calendars.icalendar_text import Scope
from cospaced.calendars.quirks import windows_zones
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.vtimezone import RuleZone, rule_zone


class Zone(Protocol):
    """Turns wall times into moments and back."""

    def to_utc(self, wall: datetime) -> datetime:
        """Return the moment of a naive wall time, in UTC."""

    def to_wall(self, moment: datetime) -> datetime:
        """Return the naive wall time of a moment."""


class NamedZone:
    """A zone of the IANA database."""

    def __init__(self, name: str) -> None:
        self._zone = ZoneInfo(name)

    def to_utc(self, wall: datetime) -> datetime:
        """Return the moment of a naive wall time, in UTC."""
        return wall.replace(tzinfo=self._zone, fold=0).astimezone(UTC)

    def to_wall(self, moment: datetime) -> datetime:
        """Return the naive wall time of a moment."""
        return moment.astimezone(self._zone).replace(tzinfo=None, fold=0)


class CustomZone:
    """A zone that a calendar defines by a VTIMEZONE."""

    def __init__(self, rules: RuleZone) -> None:
        self._rules = rules

    def to_utc(self, wall: datetime) -> datetime:
        """Return the moment of a naive wall time, in UTC."""
        return (wall - self._rules.offset_at_wall(wall)).replace(tzinfo=UTC)

    def to_wall(self, moment: datetime) -> datetime:
        """Return the naive wall time of a moment."""
        naive = moment.astimezone(UTC).replace(tzinfo=None)
        return naive + self._rules.offset_at(naive)


class UnknownZone:
    """A zone of which nobody knows the offset: it may be named, as long as nothing is in it."""

    def __init__(self, reason: str) -> None:
        self._reason = reason

    def to_utc(self, wall: datetime) -> datetime:  # noqa: ARG002 - see the class
        """Raise Unusable."""
        raise Unusable(self._reason)

    def to_wall(self, moment: datetime) -> datetime:  # noqa: ARG002 - see the class
        """Raise Unusable."""
        raise Unusable(self._reason)


UTC_ZONE = NamedZone("UTC")


class ZoneBook:
    """The zones of one VCALENDAR.

    `time_zone` is the IANA name in which floating times are meant where the calendar itself
    names none (X-WR-TIMEZONE).
    """

    def __init__(self, scope: Scope, time_zone: str) -> None:
        self._scope = scope
        self._time_zone = time_zone
        self._known: dict[str, Zone | Unusable] = {}

    def zone(self, tzid: str) -> Zone:
        """Return the zone that a TZID means here; Unusable where nothing says it."""
        known = self._known.get(tzid)
        if known is None:
            try:
                known = self._resolved(tzid)
            except Unusable as error:
                known = error
            self._known[tzid] = known
        if isinstance(known, Unusable):
            raise Unusable(str(known))
        return known

    def floating(self) -> Zone:
        """Return the zone of times that name none.

        Beside a start that names its own, they are in that one, and it matters to nobody whether
        this one is known.
        """
        try:
            return self.zone(self._scope.default_zone or self._time_zone)
        except Unusable as error:
            return UnknownZone(str(error))

    def _resolved(self, tzid: str) -> Zone:
        lines = self._scope.zones.get(tzid)
        if lines is None and "\\" in tzid:
            # Escaped as text is (RFC 5545, section 3.3.11), which a parameter's value never is.
            return self.zone(tzid.replace("\\", ""))
        iana = _iana_name(tzid)
        if lines is None:
            name = iana or windows_zones.iana_name(tzid)
            if not name:
                raise Unusable(f"the time zone {tzid!r} is unknown and no VTIMEZONE defines it")
            return _named(name)
        try:
            rules = rule_zone(lines)
        except Unusable as error:
            name = iana or windows_zones.iana_name(tzid)
            if not name:
                raise Unusable(f"the time zone {tzid!r} cannot be understood: {error}") from error
            return _named(name)
        # Many write a VTIMEZONE that only simplifies the IANA zone it names (one year's rules);
        # one that shares no offset with it is another zone, and RFC 5545, 3.2.19 says it counts.
        if iana and not _offsets(iana).isdisjoint(rules.offsets):
            return _named(iana)
        return CustomZone(rules)


def known_zone(name: str) -> Zone | None:
    """Return the zone that an IANA or Windows name is of, by itself; None where it is of none."""
    iana = _iana_name(name) or windows_zones.iana_name(name)
    return _named(iana) if iana else None


@cache
def _named(name: str) -> Zone:
    return NamedZone(name)


@cache
def _spellings() -> dict[str, str]:
    return {name.casefold(): name for name in sorted(available_timezones())}


def _iana_name(tzid: str) -> str:
    """Return the IANA name that a TZID is or ends in (`/vendor.example/Europe/Berlin`)."""
    spellings = _spellings()
    parts = tzid.strip("/ ").casefold().split("/")
    starts = range(len(parts)) if tzid.startswith("/") else range(1)
    for start in starts:
        found = spellings.get("/".join(parts[start:]))
        if found:
            return found
    return ""


@cache
def _offsets(name: str) -> frozenset[timedelta]:
    """Return the UTC offsets that an IANA zone has had since 1990."""
    zone = ZoneInfo(name)
    days = (datetime(year, month, 1, tzinfo=zone) for year in range(1990, 2031) for month in (1, 7))
    return frozenset(day.utcoffset() or timedelta(0) for day in days)
