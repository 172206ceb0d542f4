"""What Graph's event resource says to a room.

Times come in UTC (the `Prefer` header asks for it), but for whole days: those are days, written as
midnight, whatever the zone. Graph's iCalUId is Exchange's global object id; that of an occurrence
names its day too, which `outlook_uid` takes out.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime, time, timedelta
from typing import Any

from cospaced.calendars import organizer_copies
from cospaced.calendars.moments import Moment
from cospaced.calendars.organizer_copies import Version
from cospaced.calendars.quirks import cancelled_title, other_video, outlook_uid, windows_zones
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.zones import NamedZone, Zone
from cospaced.domain.calendar import Answer, Busy, EventProblem, Loss, Occurrence
from cospaced.domain.spoilt_title import OwnCopy


_SEQUENCE = "Integer {00062002-0000-0000-c000-000000000046} Id 0x8201"
"""PidLidAppointmentSequence ([MS-OXOCAL] 2.2.1.1): iCalendar's SEQUENCE."""
_STAMP = "SystemTime {6ed8da90-450b-101b-98da-00aa003f1305} Id 0x1a"
"""PidLidOwnerCriticalChange ([MS-OXOCAL] 2.2.1.34): iCalendar's DTSTAMP."""
_REPLACES = "SystemTime {00062002-0000-0000-c000-000000000046} Id 0x8228"
"""PidLidExceptionReplaceTime ([MS-OXOCAL] 2.2.10.1.6): the original start of an occurrence, which
is all that tells it where a room was invited to that occurrence alone."""
_EXTENDED = (_SEQUENCE, _STAMP, _REPLACES)
SELECT = (
    "id,iCalUId,type,subject,body,location,start,end,originalStart,originalStartTimeZone,isAllDay,"
    "isCancelled,showAs,sensitivity,organizer,responseStatus,isOnlineMeeting,onlineMeeting,changeKey"
)
EXPAND = "singleValueExtendedProperties($filter={})".format(
    " or ".join(f"id eq '{name}'" for name in _EXTENDED)
)

_ANSWERS = {
    "accepted": Answer.ACCEPTED,
    "tentativelyAccepted": Answer.TENTATIVE,
    "declined": Answer.DECLINED,
    "notResponded": Answer.UNANSWERED,
}
_BUSY = {"free": Busy.FREE, "tentative": Busy.TENTATIVE}
_PRIVATE = ("private", "confidential")
_MOMENT = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z)?")
_LONGEST_TITLE = 500
_SHOWN = 60
"""Characters of what cannot be understood."""
_HALF_A_DAY = timedelta(hours=12)

Event = Mapping[str, Any]


def occurrence(event: Event, floating: Zone) -> Occurrence:
    """Read an event of a calendar view; `floating` is the zone in which days begin.

    Raises Unusable for an event without identity or times that can be understood.
    """
    uid = event.get("iCalUId")
    if not isinstance(uid, str) or not uid.strip():
        raise Unusable("it has no iCalUId")
    all_day = event.get("isAllDay") is True
    start, end = (_moment(event, name, all_day, floating) for name in ("start", "end"))
    if end < start:
        raise Unusable("it ends before it starts")
    title, told = cancelled_title.strip(_text(event.get("subject")))
    organizer = _part(_part(event, "organizer"), "emailAddress")
    address = _text(organizer.get("address")).strip().lower()
    return Occurrence(
        uid=outlook_uid.normalise(uid),
        recurrence_id=_recurrence_id(event, all_day),
        start=start,
        end=end,
        all_day=all_day,
        title=" ".join(title.split())[:_LONGEST_TITLE],
        organizer=address if "@" in address else "",
        organizer_name=_text(organizer.get("name")).strip(),
        sequence=_sequence(event),
        stamp=_instant(_extended(event, _STAMP)),
        busy=_BUSY.get(_text(event.get("showAs")), Busy.BUSY),
        answer=_ANSWERS.get(_text(_part(event, "responseStatus").get("response")), Answer.NONE),
        cancelled=told or event.get("isCancelled") is True,
        private=is_private(event),
        other_video=_other_video(event),
    )


def version(event: Event) -> Version:
    """Return which version of an occurrence it is that `occurrence` reads."""
    kind = event.get("type")
    orphan = kind == "singleInstance" and bool(_extended(event, _REPLACES))
    alone = kind == "exception" or orphan
    return Version(change_key=_text(event.get("changeKey")), changed_alone=alone)


def own_copy(events: Iterable[Event], uid: str) -> OwnCopy:
    """Read what an organizer's calendar says of the event of a UID, a series by its master."""
    found = (
        (_text(event.get("subject")), is_private(event))
        for event in events
        if event.get("type") in ("singleInstance", "seriesMaster")
        and outlook_uid.normalise(_text(event.get("iCalUId"))) == uid
    )
    return organizer_copies.own_copy(found)


def is_series(event: Event) -> bool:
    """Whether it is the master of a series, which takes place at no time itself."""
    return event.get("type") == "seriesMaster"


def is_private(event: Event) -> bool:
    """Whether an event is meant for its own people alone."""
    return _text(event.get("sensitivity")) in _PRIVATE


def _moment(event: Event, name: str, all_day: bool, floating: Zone) -> datetime:
    """Return start or end (Graph's dateTimeTimeZone) as a moment in UTC."""
    value = _part(event, name)
    wall, zone = _wall(value.get("dateTime"), name), _text(value.get("timeZone"))
    if all_day:
        return Moment(wall, floating, is_date=True).utc
    if zone not in ("UTC", "Etc/UTC", "tzone://Microsoft/Utc"):
        raise Unusable(f"its {name} is in the zone {zone[:_SHOWN]!r}, where UTC was asked for")
    return wall.replace(tzinfo=UTC)


def problem(event: Event, text: str) -> EventProblem:
    """Return what is wrong with an event: of a series one occurrence, where it tells which.

    It bears the UID that `occurrence` has, or else the event's id.
    """
    uid = outlook_uid.normalise(_text(event.get("iCalUId"))) or _text(event.get("id"))
    try:
        one = _recurrence_id(event, event.get("isAllDay") is True)
    except Unusable:
        return EventProblem(uid=uid, text=text)
    if not one and event.get("type") != "singleInstance":
        return EventProblem(uid=uid, text=text)
    return EventProblem(uid=uid, text=text, loss=Loss.ONE, recurrence_id=one)


def _wall(text: Any, name: str) -> datetime:
    wall = _read(text) if isinstance(text, str) else None
    if wall is None:
        raise Unusable(f"its {name} is {str(text)[:_SHOWN]!r}, which is no time")
    return wall


def _recurrence_id(event: Event, all_day: bool) -> str:
    """Return which instance of its series it is; empty for a single event."""
    if event.get("type") in ("occurrence", "exception"):
        original = _wall(event.get("originalStart"), "originalStart").replace(tzinfo=UTC)
    else:
        replaced = _instant(_extended(event, _REPLACES))
        if replaced is None:
            return ""
        original = replaced
    if not all_day:
        return f"{original:%Y-%m-%dT%H:%M:%SZ}"
    name = windows_zones.iana_name(_text(event.get("originalStartTimeZone")))
    # Midnight in the series' zone; where that is unknown, the day that the moment is nearest to.
    # Midnight of UTC is a day as it is: as those of start and end are written.
    in_zone = name and original.time() != time()
    day = NamedZone(name).to_wall(original) if in_zone else original + _HALF_A_DAY
    return f"{day:%Y-%m-%d}"


def _extended(event: Event, name: str) -> str:
    values = event.get("singleValueExtendedProperties")
    for one in values if isinstance(values, list) else ():
        if isinstance(one, Mapping) and _text(one.get("id")).lower() == name.lower():
            return _text(one.get("value"))
    return ""


def _sequence(event: Event) -> int:
    text = _extended(event, _SEQUENCE)
    return int(text) if text.isdecimal() and len(text) < 10 else 0  # noqa: PLR2004 - fits anywhere


def _instant(text: str) -> datetime | None:
    wall = _read(text)
    return wall.replace(tzinfo=UTC) if wall is not None else None


def _read(text: str) -> datetime | None:
    """Return what a time says on the wall; None where it is none, or too far off for any zone."""
    found = _MOMENT.fullmatch(text)
    try:
        wall = datetime.fromisoformat(found[1]) if found else None
    except ValueError:
        return None
    return wall if wall is not None and MINYEAR < wall.year < MAXYEAR else None


def _other_video(event: Event) -> bool:
    location = _part(event, "location")
    texts = (
        _text(_part(event, "body").get("content")),
        _text(location.get("displayName")),
        _text(location.get("locationUri")),
        _text(_part(event, "onlineMeeting").get("joinUrl")),
    )
    lines = (line for text in texts for line in text.splitlines())
    return event.get("isOnlineMeeting") is True or other_video.found_in(lines)


def _part(value: Event, name: str) -> Event:
    part = value.get(name)
    return part if isinstance(part, Mapping) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
