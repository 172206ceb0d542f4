"""What room mailboxes of Exchange do to invitations: by default they spoil them.

It is inferred from the events of the rooms, which tell what was when they came, and read from an
export of Exchange's own settings where there is one, which tells what holds now.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from cospaced.doctor.base import Area, Check, Finding, about, error, note, split_fault, warning
from cospaced.doctor.processing_file import AUTOMATE, FLAGS, NoExport, Processing, read
from cospaced.doctor.site import Calendars, Site
from cospaced.doctor.unread import judged
from cospaced.domain.calendar import Occurrence, Reading
from cospaced.domain.spoilt_title import (
    MOST_LOOKS,
    begins_with_name,
    event_of,
    is_only_name,
    soonest,
)
from cospaced.host import powershell
from cospaced.settings import (
    CalendarSettings,
    PrivateMode,
    RoomSettings,
    Settings,
    SourceType,
    TitleMode,
)


ENOUGH = 3
"""Events of a room from which on a habit is told from chance."""
_SINGLY = 3
"""Rooms with the same findings that are told one by one."""
_WORDS = {
    "AddOrganizerToSubject": "titles begin with their organizers' names",
    "DeleteSubject": "titles are missing",
    "DeleteComments": "texts of invitations are deleted, and links of other video systems in them",
    "RemovePrivateProperty": "private events are shown as if they were not",
    AUTOMATE: "invitations wait until somebody accepts them",
}
_OF_TITLES = frozenset({"AddOrganizerToSubject", "DeleteSubject"})
_OF_EXCHANGE = (SourceType.EXCHANGE, SourceType.GRAPH)
_AUTO_ACCEPT = "AutoAccept"
_RIGHTS = {
    "impersonation": "let the account act for the organizers, too (ApplicationImpersonation, with a"
    " scope that holds their mailboxes)",
    "delegate": "let the account read the organizers' calendars, too (Reviewer)",
    "graph": "grant the application Calendars.Read with a scope that holds the organizers, too",
}
"""What lets organizers' copies be read, by the way that calendars are opened."""

Spoilt = tuple[str, ...]
"""Names of settings that are not as they should be."""
Kind = tuple[Spoilt, str, str]
"""What is told of several rooms at once: settings, what else is seen, what else would help."""


async def look(site: Site) -> Sequence[Finding]:
    """Tell rooms that spoil titles, texts or the private flag, with the line that mends it."""
    calendars, settings = await site.calendars(), site.settings
    rows: Sequence[Processing] = ()
    found: list[Finding] = []
    if site.processing is not None:
        path = site.processing
        try:
            rows = await site.aside("processing", lambda: read(path))
        except NoExport as fault:
            found.append(error(*split_fault(str(fault))))
    private = _private(calendars, settings)
    spoilt: dict[Kind, list[RoomSettings]] = {}
    missing = []
    for room in settings.rooms:
        row = next((row for row in rows if row.is_of(room)), None)
        if rows and row is None and _of_exchange(room, settings):
            missing.append(room.name)
        inferred = _inferred(room, calendars, settings, private)
        if names := _spoilt(row, inferred):
            else_ = _of_organizers(settings.calendar(room.calendar), names, inferred)
            spoilt.setdefault((names, *else_), []).append(room)
    for kind, rooms in spoilt.items():
        found += _told(kind, rooms)
    if missing:
        seen = "the exported settings do not hold it"
        found.append(note(seen, "see mailbox, or export again", about("room", missing)))
    if found:
        return found
    known = [room.name for room in settings.rooms if any(row.is_of(room) for row in rows)]
    seen, doubt = "no room is seen to spoil invitations", "nothing is known of those"
    return [judged(calendars, seen, doubt, known=known)]


def _spoilt(row: Processing | None, inferred: Sequence[str]) -> Spoilt:
    """Return what is to be set; the export knows what holds now, for events that will come."""
    told: Mapping[str, bool] = row.flags if row is not None else {}
    names = [flag for flag in FLAGS if told.get(flag, flag in inferred)]
    if row is not None and row.automate and row.automate != _AUTO_ACCEPT:
        names.append(AUTOMATE)
    return tuple(names)


def _of_organizers(
    calendar: CalendarSettings, names: Spoilt, inferred: Sequence[str]
) -> tuple[str, str]:
    """Return what organizers' own copies have to do with spoilt titles: seen, and what to do."""
    if _OF_TITLES.isdisjoint(names) or calendar.type not in _OF_EXCHANGE:
        return "", ""
    if not calendar.organizer_copies:
        return "", f"; or write organizer_copies = yes in [calendar:{calendar.name}]"
    if _OF_TITLES.isdisjoint(inferred):
        return "", ""
    way = "graph" if calendar.type is SourceType.GRAPH else calendar.access
    return ", and organizers' copies could not be read", f"; or {_RIGHTS[way]}"


def _told(kind: Kind, rooms: Sequence[RoomSettings]) -> Iterator[Finding]:
    names, further, other = kind
    seen = ", ".join(_WORDS[name] for name in names) + further
    values = " ".join(
        f"-{name} {_AUTO_ACCEPT}" if name == AUTOMATE else f"-{name} $false" for name in names
    )
    later = f"(it holds for new events{other})"
    if len(rooms) <= _SINGLY:
        for room in rooms:
            line = f"Set-CalendarProcessing {powershell.word(_mailbox(room))} {values} {later}"
            yield warning(seen, line, f"room {room.name}")
        return
    boxes = ",".join(powershell.in_quotes(_mailbox(room)) for room in rooms)
    line = f"{boxes} | ForEach-Object {{ Set-CalendarProcessing $_ {values} }} {later}"
    yield warning(seen, line, about("room", [room.name for room in rooms]))


def _mailbox(room: RoomSettings) -> str:
    return room.mailbox or room.address or room.name


def _of_exchange(room: RoomSettings, settings: Settings) -> bool:
    return settings.calendar(room.calendar).type in _OF_EXCHANGE


def _inferred(
    room: RoomSettings, calendars: Calendars, settings: Settings, private: set[object]
) -> list[str]:
    """Return the settings that a room's events show."""
    reading, terms = calendars.readings[room.name], settings.conferences
    if not isinstance(reading, Reading):
        return []
    found = []
    if terms.title is TitleMode.SUBJECT:
        events = _of_titles(reading, settings.calendar(room.calendar))
        named = _habit(events, _begins_with_name)
        if named:
            found.append("AddOrganizerToSubject")
        if _habit(events, _has_no_title if not named else _is_only_name):
            found.append("DeleteSubject")
    if any(_identity(event) in private and not event.private for event in reading.occurrences):
        found.append("RemovePrivateProperty")
    return found


def _of_titles(reading: Reading, calendar: CalendarSettings) -> list[Occurrence]:
    """Return the events whose titles tell; of organizers' copies a poll looks at some alone.

    A series is one: however often it takes place, it was called so once.
    """
    told = {event_of(event): event for event in reading.occurrences if event.organizer_name}
    events = list(told.values())
    if not calendar.organizer_copies:
        return events
    looked_at = soonest(events, reading.read_at)[:MOST_LOOKS]
    return [event for event in events if event_of(event) in looked_at]


def _habit(events: Sequence[Occurrence], is_so: Callable[[Occurrence], bool]) -> bool:
    count = sum(1 for event in events if is_so(event))
    return count >= ENOUGH and count * 2 >= len(events)


def _begins_with_name(event: Occurrence) -> bool:
    return begins_with_name(event.title, event.organizer_name) or _is_only_name(event)


def _is_only_name(event: Occurrence) -> bool:
    return is_only_name(event.title, event.organizer_name)


def _has_no_title(event: Occurrence) -> bool:
    return not event.title.strip()


def _private(calendars: Calendars, settings: Settings) -> set[object]:
    """Return the identities of occurrences that at least one room holds as private."""
    if settings.conferences.private is PrivateMode.SHOW:
        return set()
    readings = (one for one in calendars.readings.values() if isinstance(one, Reading))
    return {_identity(event) for one in readings for event in one.occurrences if event.private}


def _identity(event: Occurrence) -> object:
    return (event.key, event.organizer)


CHECK = Check(
    slug="room_mailboxes", title="Room mailboxes", area=Area.CALENDARS, look=look, deadline=180
)
