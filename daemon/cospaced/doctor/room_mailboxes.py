"""What room mailboxes of Exchange do to invitations: by default they spoil them.

It is inferred from the events of the rooms, which tell what was when they came, and read from an
export of Exchange's own settings where there is one, which tells what holds now.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from cospaced.doctor.base import Area, Check, Finding, about, error, note, ok, split_fault, warning
from cospaced.doctor.processing_file import AUTOMATE, FLAGS, NoExport, Processing, read
from cospaced.doctor.site import Calendars, Site
from cospaced.domain.calendar import Occurrence, Reading
from cospaced.settings import PrivateMode, RoomSettings, Settings, SourceType, TitleMode


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
_AUTO_ACCEPT = "AutoAccept"

Spoilt = tuple[str, ...]
"""Names of settings that are not as they should be."""


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
    spoilt: dict[Spoilt, list[RoomSettings]] = {}
    missing = []
    for room in settings.rooms:
        row = next((row for row in rows if row.is_of(room)), None)
        if rows and row is None and _of_exchange(room, settings):
            missing.append(room.name)
        if names := _spoilt(row, _inferred(room, calendars, settings, private)):
            spoilt.setdefault(names, []).append(room)
    for names, rooms in spoilt.items():
        found += _told(names, rooms)
    if missing:
        seen = "the exported settings do not hold it"
        found.append(note(seen, "see mailbox, or export again", about("room", missing)))
    return found or [ok("no room is seen to spoil invitations")]


def _spoilt(row: Processing | None, inferred: Sequence[str]) -> Spoilt:
    """Return what is to be set; the export knows what holds now, for events that will come."""
    told: Mapping[str, bool] = row.flags if row is not None else {}
    names = [flag for flag in FLAGS if told.get(flag, flag in inferred)]
    if row is not None and row.automate and row.automate != _AUTO_ACCEPT:
        names.append(AUTOMATE)
    return tuple(names)


def _told(names: Spoilt, rooms: Sequence[RoomSettings]) -> Iterator[Finding]:
    seen = ", ".join(_WORDS[name] for name in names)
    values = " ".join(
        f"-{name} {_AUTO_ACCEPT}" if name == AUTOMATE else f"-{name} $false" for name in names
    )
    later = "(it holds for new events)"
    if len(rooms) <= _SINGLY:
        for room in rooms:
            line = f"Set-CalendarProcessing {_mailbox(room)} {values} {later}"
            yield warning(seen, line, f"room {room.name}")
        return
    boxes = ",".join(f"'{_mailbox(room)}'" for room in rooms)
    line = f"{boxes} | ForEach-Object {{ Set-CalendarProcessing $_ {values} }} {later}"
    yield warning(seen, line, about("room", [room.name for room in rooms]))


def _mailbox(room: RoomSettings) -> str:
    return room.mailbox or room.address or room.name


def _of_exchange(room: RoomSettings, settings: Settings) -> bool:
    kinds = {calendar.name: calendar.type for calendar in settings.calendars}
    return kinds[room.calendar] in (SourceType.EXCHANGE, SourceType.GRAPH)


def _inferred(
    room: RoomSettings, calendars: Calendars, settings: Settings, private: set[object]
) -> list[str]:
    """Return the settings that a room's events show."""
    reading, terms = calendars.readings[room.name], settings.conferences
    if not isinstance(reading, Reading):
        return []
    found = []
    if terms.title is TitleMode.SUBJECT:
        events = [event for event in reading.occurrences if event.organizer_name]
        named = _habit(events, _begins_with_name)
        if named:
            found.append("AddOrganizerToSubject")
        if _habit(events, _has_no_title if not named else _is_only_name):
            found.append("DeleteSubject")
    if any(_identity(event) in private and not event.private for event in reading.occurrences):
        found.append("RemovePrivateProperty")
    return found


def _habit(events: Sequence[Occurrence], is_so: Callable[[Occurrence], bool]) -> bool:
    count = sum(1 for event in events if is_so(event))
    return count >= ENOUGH and count * 2 >= len(events)


def _begins_with_name(event: Occurrence) -> bool:
    return event.title.casefold().startswith(f"{_name(event)} ") or _is_only_name(event)


def _is_only_name(event: Occurrence) -> bool:
    return event.title.casefold().strip() == _name(event)


def _has_no_title(event: Occurrence) -> bool:
    return not event.title.strip()


def _name(event: Occurrence) -> str:
    return event.organizer_name.casefold().strip()


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
