"""What the events of a room become: a calendar that reads well may still lead to no conference."""

from collections import Counter
from collections.abc import Sequence

from cospaced.doctor.base import Area, Check, Finding, about, counted, note, warning
from cospaced.doctor.site import Calendars, Site
from cospaced.doctor.unread import judged
from cospaced.domain.calendar import Answer, Reading
from cospaced.settings import RoomSettings


ENOUGH = 3
"""Events of a room from which on a habit is told from chance."""

_ACCEPT = (
    "let it accept by itself (Exchange: Set-CalendarProcessing {room} -AutomateProcessing "
    "AutoAccept)"
)
_REMEDIES = {
    "tentative": f"{_ACCEPT}, or write [conferences] tentative = book",
    "declined by the room": "see whom the room lets book it (Get-CalendarProcessing {room})",
    "shown as free": "publish the calendar with its real busy status, not as free",
    "lasts all day": "write [conferences] all_day = book, if these are to be conferences",
    "carries another video link": (
        "write [conferences] other_video = book, if these are to be conferences here as well"
    ),
    "private": "write [conferences] private = hide",
    "longer than max_duration": "raise [conferences] max_duration",
}
_TOO_FEW = (
    "invite a second room with an endpoint, or write [conferences] min_rooms = 1, or always = yes "
    "for [room:{room}]"
)
_ADDRESS = "; and write address = the room's mail address, by which its own answer is known"


async def look(site: Site) -> Sequence[Finding]:
    """Tell rooms whose events are all skipped for one reason."""
    calendars = await site.calendars()
    booked = {room for booking in calendars.bookings for room in booking.rooms}
    reasons: dict[str, Counter[str]] = {}
    for skip in calendars.skipped:
        reasons.setdefault(skip.room, Counter())[skip.reason] += 1
    found: list[Finding] = []
    for room in site.settings.rooms:
        reading = calendars.readings[room.name]
        if isinstance(reading, Reading) and room.name not in booked:
            found += _skipped(room, reasons.get(room.name, Counter()))
    unknown = [room.name for room in site.settings.rooms if _answer_unknown(room, calendars)]
    if unknown:
        seen = "no answer of its own is seen in its events, so one that it declined counts"
        remedy = "write address = its mail address in [room:...]; if it is there, see its spelling"
        found.append(note(seen, remedy, about("room", unknown)))
    return [judged(calendars, _summary(calendars), "there may be more"), *found]


def _summary(calendars: Calendars) -> str:
    bookings = counted(len(calendars.bookings), "booking")
    return f"{bookings} in the next 30 days; {len(calendars.skipped)} events become none"


def _skipped(room: RoomSettings, reasons: Counter[str]) -> list[Finding]:
    """Return a warning where the events of a room without bookings share one reason, nearly all."""
    del reasons["cancelled"]
    if reasons.total() < ENOUGH:
        return []
    reason, count = reasons.most_common(1)[0]
    if count * 10 < reasons.total() * 9:
        return []
    remedy = _REMEDIES.get(reason, _TOO_FEW).format(room=room.name)
    if reason == "tentative" and not room.address:
        remedy += _ADDRESS
    seen = f"none of its {counted(reasons.total(), 'event')} becomes a conference: {reason}"
    return [warning(seen, remedy, f"room {room.name}")]


def _answer_unknown(room: RoomSettings, calendars: Calendars) -> bool:
    """Whether events come by invitation and none of them shows what the room answered."""
    reading = calendars.readings[room.name]
    if not isinstance(reading, Reading) or room.mailbox:
        return False
    invited = [event for event in reading.occurrences if event.organizer]
    return len(invited) >= ENOUGH and all(event.answer is Answer.NONE for event in invited)


CHECK = Check(slug="events", title="Events", area=Area.CALENDARS, look=look, deadline=180)
