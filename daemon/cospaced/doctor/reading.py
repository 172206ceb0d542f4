"""Every room's calendar, read now through the daemon's own source."""

from collections.abc import Sequence
from datetime import datetime

from cospaced.doctor.base import (
    Area,
    Check,
    Finding,
    about,
    counted,
    note,
    ok,
    split_remedy,
    warning,
)
from cospaced.doctor.site import Calendars, Site, local
from cospaced.doctor.unread import Unread
from cospaced.domain.calendar import Reading
from cospaced.errors import CalendarError, StoreUnusable


_SHOWN = 3
"""Problems of one calendar that are told singly."""


async def look(site: Site) -> Sequence[Finding]:
    """Tell calendars that cannot be read, events that cannot be understood, and empty ones."""
    calendars = await site.calendars()
    found: list[Finding] = []
    empty = []
    unread = Unread(site.settings)
    for room in site.settings.rooms:
        reading = calendars.readings[room.name]
        if isinstance(reading, CalendarError):
            unread.add(room, reading)
            continue
        found += _problems(reading, f"room {room.name}")
        if not reading.occurrences:
            empty.append(room.name)
    if empty:
        remedy = "if people book it, see that it is the right calendar"
        found.append(note("no event in the next 30 days", remedy, about("room", empty)))
    return [*await _totals(site, calendars), *unread.findings(), *found]


def _problems(reading: Reading, subject: str) -> list[Finding]:
    """Return what could not be understood; these events become no bookings."""
    remedy = "mend or delete the event in the calendar"
    # One fault of many occurrences of a series is one.
    texts = [text for _, text in dict.fromkeys((p.uid, p.text) for p in reading.problems)]
    found = [
        warning(split_remedy(text)[0], split_remedy(text)[1] or remedy, subject)
        for text in texts[:_SHOWN]
    ]
    more = len(texts) - _SHOWN
    if more > 0:
        text = f"{counted(more, 'more event')} of it cannot be understood"
        found.append(warning(text, "cospaced agenda --all lists them", subject))
    return found


async def _totals(site: Site, calendars: Calendars) -> list[Finding]:
    """Return a line for each calendar: rooms read, events found, the last change on record."""
    changed = await _changes(site)
    found = []
    for calendar in site.settings.calendars:
        rooms = [room.name for room in site.settings.rooms if room.calendar == calendar.name]
        read = [r for name in rooms if isinstance(r := calendars.readings[name], Reading)]
        if not read:
            continue
        events = sum(len(reading.occurrences) for reading in read)
        seen = f"{len(read)} of {counted(len(rooms), 'room')} read, {counted(events, 'event')}"
        last = max((changed[name] for name in rooms if name in changed), default=None)
        if last is not None:
            seen += f", last change seen {local(last, site.settings)}"
        found.append(ok(seen, f"calendar {calendar.name}"))
    return found


async def _changes(site: Site) -> dict[str, datetime]:
    try:
        stored = await (await site.memory()).readings()
    except StoreUnusable:
        return {}
    return {room: reading.read_at for room, reading in stored.items()}


CHECK = Check(slug="reading", title="Reading", area=Area.CALENDARS, look=look, deadline=180)
