"""Events as iCalendar text (RFC 5545), as a calendar server would keep them for one room."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta
from functools import cache

from icalendar import Timezone, vText
from icalendar.parser import Contentline

from cospaced.domain.calendar import Answer, Busy
from support.events import Changed, Event, Every, OwnZone, Repeats, UnknownZone, Zone


_FREQUENCIES = {
    Every.DAY: "DAILY",
    Every.WEEK: "WEEKLY",
    Every.MONTH: "MONTHLY",
    Every.YEAR: "YEARLY",
}
_PARTSTATS = {
    Answer.UNANSWERED: "NEEDS-ACTION",
    Answer.ACCEPTED: "ACCEPTED",
    Answer.TENTATIVE: "TENTATIVE",
    Answer.DECLINED: "DECLINED",
}
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WRITTEN = datetime(2026, 10, 1)  # noqa: DTZ001 - DTSTAMP, written as UTC


def address_of(room: str) -> str:
    """Return a room's mail address."""
    return f"{room}@rooms.example.org"


def calendar(events: Iterable[Event], room: str) -> bytes:
    """Write a whole VCALENDAR of the copies that one room has of these events."""
    kept = list(events)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//cospaced//tests//EN"]
    for zone in dict.fromkeys(event.zone for event in kept):
        lines += _zone_lines(zone)
    for event in kept:
        lines += _vevents(event, room)
    return b"".join(Contentline(line).to_ical() + b"\r\n" for line in [*lines, "END:VCALENDAR"])


def _vevents(event: Event, room: str) -> Iterator[str]:
    """Yield a VEVENT for the event, and one for each occurrence that differs."""
    yield from _vevent(event, room, _recurrence(event))
    for changed in event.changed:
        if not changed.removed:
            yield from _override(event, changed, room)


def _override(event: Event, changed: Changed, room: str) -> Iterator[str]:
    one = Event(
        id=event.id,
        start=changed.start or changed.of,
        length=event.length if changed.length is None else changed.length,
        zone=event.zone,
        title=event.title if changed.title is None else changed.title,
        organizer=event.organizer,
        rooms=event.rooms,
        part_of=changed.of,
        busy=event.busy,
        answer=event.answer,
        private=event.private,
        link=event.link,
        revision=event.revision,
    )
    return _vevent(one, room, _recurrence(one))


def _vevent(event: Event, room: str, recurrence: list[str]) -> Iterator[str]:
    stamp = _WRITTEN + timedelta(minutes=event.revision)
    yield "BEGIN:VEVENT"
    yield f"UID:{event.id}"
    yield f"DTSTAMP:{stamp:%Y%m%dT%H%M%SZ}"
    yield f"SEQUENCE:{event.revision}"
    yield _moment("DTSTART", event.start, event)
    yield _moment("DTEND", event.start + event.length, event)
    yield from recurrence
    yield f"SUMMARY:{_text(event.title)}"
    yield from _people(event, room)
    if event.busy is Busy.FREE:
        yield "TRANSP:TRANSPARENT"
    if event.busy is Busy.TENTATIVE:
        yield "STATUS:TENTATIVE"
    if event.cancelled:
        yield "STATUS:CANCELLED"
    if event.private:
        yield "CLASS:PRIVATE"
    if event.link:
        yield f"DESCRIPTION:{_text(f'Join here: {event.link}')}"
    yield "END:VEVENT"


def _people(event: Event, room: str) -> Iterator[str]:
    if event.organizer is None:
        # Without one it is nobody's invitation, and nobody answers (RFC 5545, section 3.8.4.3).
        return
    name = f';CN="{event.organizer.name}"' if event.organizer.name else ""
    yield f"ORGANIZER{name}:mailto:{event.organizer.mail}"
    for other in event.rooms:
        answer = event.answer if other == room else Answer.ACCEPTED
        if answer is not Answer.NONE:
            partstat = _PARTSTATS[answer]
            yield f"ATTENDEE;CUTYPE=ROOM;PARTSTAT={partstat}:mailto:{address_of(other)}"


def _recurrence(event: Event) -> list[str]:
    lines = []
    if event.repeats is not None:
        lines.append(f"RRULE:{_rule(event.repeats, event)}")
    removed = [changed.of for changed in event.changed if changed.removed]
    lines += [_moment("EXDATE", of, event) for of in removed]
    if event.part_of is not None:
        lines.append(_moment("RECURRENCE-ID", event.part_of, event))
    return lines


def _rule(repeats: Repeats, event: Event) -> str:
    parts = [f"FREQ={_FREQUENCIES[repeats.every]}"]
    if repeats.interval != 1:
        parts.append(f"INTERVAL={repeats.interval}")
    if repeats.on:
        nth = f"{repeats.nth}" if repeats.nth else ""
        parts.append("BYDAY=" + ",".join(f"{nth}{_WEEKDAYS[day]}" for day in repeats.on))
    if repeats.times is not None:
        parts.append(f"COUNT={repeats.times}")
    if repeats.until is not None:
        parts.append(f"UNTIL={_until(repeats.until, event)}")
    return ";".join(parts)


def _until(day: date, event: Event) -> str:
    """Return the end of a day as UTC (RFC 5545, section 3.3.10), whatever the zone, generously."""
    return f"{day:%Y%m%d}" if event.all_day else f"{day:%Y%m%d}T235959Z"


def _moment(name: str, wall: datetime, event: Event) -> str:
    if event.all_day:
        return f"{name};VALUE=DATE:{wall:%Y%m%d}"
    if event.zone == "UTC":
        return f"{name}:{wall:%Y%m%dT%H%M%SZ}"
    return f"{name};TZID={_zone_name(event.zone)}:{wall:%Y%m%dT%H%M%S}"


def _zone_name(zone: Zone) -> str:
    return zone if isinstance(zone, str) else zone.name


def _zone_lines(zone: Zone) -> list[str]:
    if isinstance(zone, OwnZone):
        return list(_own_zone(zone))
    if isinstance(zone, UnknownZone) or zone == "UTC":
        return []
    return _iana_zone(zone)


@cache
def _iana_zone(name: str) -> list[str]:
    text: str = Timezone.from_tzid(name).to_ical().decode()
    return text.replace("\r\n ", "").splitlines()


def _own_zone(zone: OwnZone) -> Iterator[str]:
    yield "BEGIN:VTIMEZONE"
    yield f"TZID:{zone.name}"
    changes = (
        ("STANDARD", zone.daylight, zone.standard, "03", 10),
        ("DAYLIGHT", zone.standard, zone.daylight, "02", 3),
    )
    for name, before, after, hour, month in changes:
        yield f"BEGIN:{name}"
        yield f"DTSTART:16010101T{hour}0000"
        yield f"TZOFFSETFROM:{_offset(before)}"
        yield f"TZOFFSETTO:{_offset(after)}"
        yield f"RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH={month}"
        yield f"END:{name}"
    yield "END:VTIMEZONE"


def _offset(offset: timedelta) -> str:
    minutes = int(offset.total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"{'-' if minutes < 0 else '+'}{hours:02}{rest:02}"


def _text(value: str) -> str:
    return vText(value).to_ical().decode()
