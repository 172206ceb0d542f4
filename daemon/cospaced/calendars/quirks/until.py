"""UNTIL in a form that RFC 5545, section 3.3.10 forbids, and that many producers write.

It must be of DTSTART's type, and in UTC for times with a zone. Seen: a local time (old Outlook
exports, many web shops' libraries), a day on a series of times (Google, iCloud): that day counts
whole, as those who write it mean it.
"""

from datetime import datetime, time, timedelta

from cospaced.calendars.moments import Moment
from cospaced.calendars.zones import UTC_ZONE


def as_wall(until: Moment, start: Moment) -> datetime:
    """Return UNTIL as the last wall time that counts, in the zone of the series."""
    if start.is_date:
        return datetime.combine(until.in_zone(start.zone).date(), time())
    if until.is_date:
        return until.wall + timedelta(days=1, seconds=-1)
    if until.zone is UTC_ZONE:
        return until.in_zone(start.zone)
    return until.wall
