"""Calendars that cannot be read: one fault is told once, however many rooms it keeps unread."""

from collections.abc import Collection, Iterator, Sequence

from cospaced.doctor.base import Finding, about, counted, error, note, ok, split_fault, split_remedy
from cospaced.doctor.exchange_limits import budget
from cospaced.doctor.site import Calendars
from cospaced.errors import CalendarError
from cospaced.settings import RoomSettings, Settings, SourceType


_REMEDIES = {
    "timeout": "see whether the server is slow or far; else raise [calendar:{calendar}] timeout",
    "login": "mend username and password of [calendar:{calendar}]",
    "not_found": "mend [room:{room}]",
    "certificate": "name the server's CA as [calendar:{calendar}] ca_file",
    "unreachable": "see that this machine reaches the server: curl -I its address",
}
_OF_THE_WEB = ("unreachable", "certificate", "timeout")
_ELSE = "open the room's calendar by hand and look at what comes: [room:{room}]"
_THROTTLED = "wait; if the journal tells it again and again, raise [daemon] poll_interval"
_FOR_HOW_LONG = "; it is asked again after "
_MAILBOX = "MAILBOX"
"""Stands for each room's own, where one finding is of several."""


class Unread:
    """Collects rooms and faults; rooms of one calendar that share a fault become one finding."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._found: dict[tuple[str, str], list[tuple[RoomSettings, CalendarError]]] = {}

    def add(self, room: RoomSettings, fault: CalendarError) -> None:
        """Note why a room cannot be read."""
        key = (room.calendar, _alike(room, fault))
        self._found.setdefault(key, []).append((room, fault))

    def findings(self) -> Iterator[Finding]:
        """Yield what was found."""
        for (_, alike), found in self._found.items():
            rooms, fault = [room for room, _ in found], found[0][1]
            seen, remedy = self._words(rooms, fault, alike)
            subject = about("room", [room.name for room in rooms])
            if fault.shared:
                name = rooms[0].calendar
                all_of_it = sum(1 for room in self._settings.rooms if room.calendar == name)
                seen = f"{len(rooms)} of {counted(all_of_it, 'room')} unread: {seen}"
                subject = f"calendar {name}"
            yield error(seen, remedy, subject)

    def _words(
        self, rooms: Sequence[RoomSettings], fault: CalendarError, alike: str
    ) -> tuple[str, str]:
        """Return what is seen, and the source's own remedy or else the usual one."""
        room, calendar = rooms[0].name, rooms[0].calendar
        single = len(rooms) == 1 and not fault.shared
        sentence = str(fault) if single else alike
        if fault.kind == "throttled":
            return sentence, self._throttled(calendar)
        seen, remedy = _parts(fault, sentence)
        if not remedy:
            return seen, _REMEDIES.get(fault.kind, _ELSE).format(room=room, calendar=calendar)
        where = f"[room:{room}] and [calendar:{calendar}]" if single else f"[calendar:{calendar}]"
        if not single and _MAILBOX in sentence:
            where += f"; {_MAILBOX} is each room's own"
        return seen, f"{remedy.removesuffix(' =')} (see {where})"

    def _throttled(self, name: str) -> str:
        (calendar,) = (one for one in self._settings.calendars if one.name == name)
        if calendar.type is not SourceType.EXCHANGE or calendar.in_exchange_online:
            return _THROTTLED
        return budget(calendar)


def judged(calendars: Calendars, seen: str, doubt: str, *, known: Collection[str] = ()) -> Finding:
    """Return that all is well with what the calendars hold, as far as they could be read.

    `doubt` says what that is worth while some could not; the `known` rooms are judged without.
    """
    readings = calendars.readings
    faulty = [room for room, one in readings.items() if isinstance(one, CalendarError)]
    unread = [room for room in faulty if room not in known]
    told = f"{len(unread)} of {counted(len(readings), 'room')} unread"
    if not unread:
        return ok(seen)
    if len(unread) == len(readings):
        return note(f"not checked: {told}")
    return note(f"{seen}; {told}, so {doubt}")


def _parts(fault: CalendarError, sentence: str) -> tuple[str, str]:
    """Return what is seen and the remedy: as the source tells them apart, else by punctuation."""
    if fault.remedy is not None:
        return fault.seen, fault.remedy
    split = split_fault if fault.kind in _OF_THE_WEB else split_remedy
    return split(sentence)


def _alike(room: RoomSettings, fault: CalendarError) -> str:
    """Return a fault's sentence as it is for all rooms: what lacks a right is lacking many.

    For how long each is left alone is its own.
    """
    text = str(fault)
    if fault.kind == "throttled":
        return text.partition(_FOR_HOW_LONG)[0]
    return text.replace(room.mailbox, _MAILBOX) if fault.kind == "login" and room.mailbox else text
