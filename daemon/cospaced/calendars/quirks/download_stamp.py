"""DTSTAMP as the time of the download.

Google's and Outlook's published calendars give every event the moment of the request as DTSTAMP:
a feed that is a new one at each poll, and no order of revisions at all. (RFC 5545, section
3.8.7.2 allows it: without METHOD it is only when the text was made.)
"""

from datetime import datetime, timedelta

from cospaced.calendars.icalendar_text import CalendarText, EventText
from cospaced.calendars.meaning import stamp
from cospaced.calendars.properties import parse


_FEWEST = 3
_APART = timedelta(seconds=5)
_OLDEST = timedelta(hours=1)


def without(calendar: CalendarText, read_at: datetime) -> CalendarText:
    """Return the calendar without DTSTAMP where every event has that of the download."""
    if len(calendar.groups) < _FEWEST:
        return calendar
    stamps = [_stamp(event) for events in calendar.groups.values() for event in events]
    known = [moment for moment in stamps if moment is not None]
    if len(known) < len(stamps) or max(known) - min(known) > _APART:
        return calendar
    if abs(read_at - max(known)) > _OLDEST:
        return calendar
    return CalendarText(
        scopes=calendar.scopes,
        groups={uid: tuple(map(_bare, events)) for uid, events in calendar.groups.items()},
        problems=calendar.problems,
    )


def _stamp(event: EventText) -> datetime | None:
    return stamp([parse(line) for line in event.lines if line.startswith("DTSTAMP")])


def _bare(event: EventText) -> EventText:
    lines = tuple(line for line in event.lines if not line.startswith("DTSTAMP"))
    return EventText(lines=lines, scope=event.scope)
