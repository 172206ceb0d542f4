"""UNTIL in a form that RFC 5545, section 3.3.10 forbids, and that many producers write.

It must be of DTSTART's type, and in UTC for times with a zone. Seen: a local time (old Outlook
exports, many web shops' libraries), a day on a series of times (Google, iCloud): that day counts
whole, as those who write it mean it.
"""

from datetime import datetime, time, timedelta

from cospaced.calendars.moments import Moment
from cospaced.calendars.zones import UTC_ZONE


_CLOCKS = timedelta(days=1)
"""No change of clocks is as large."""


def latest(until: Moment, start: Moment) -> datetime:
    """Return a wall time, in the zone of the series, after which no instance counts."""
    if start.is_date:
        return datetime.combine(until.in_zone(start.zone).date(), time())
    if until.is_date:
        return until.wall + timedelta(days=1, seconds=-1)
    if _needs_moments(until, start):
        return until.in_zone(start.zone) + _CLOCKS
    return until.wall


def counts(wall: datetime, until: Moment, start: Moment) -> bool:
    """Whether an instance, a wall time that is not after the latest, is not after UNTIL.

    Moments are compared: around a change of clocks they come in another order than wall times.
    """
    return not _needs_moments(until, start) or start.zone.to_utc(wall) <= until.utc


def _needs_moments(until: Moment, start: Moment) -> bool:
    return until.zone is UTC_ZONE and start.zone is not UTC_ZONE and not start.is_date
