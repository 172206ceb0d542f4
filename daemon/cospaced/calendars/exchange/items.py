"""What an item of an Exchange calendar says to a room."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from exchangelib import ExtendedProperty
from exchangelib.fields import TimeZoneField
from exchangelib.items import CalendarItem

from cospaced.calendars.exchange.jobs import Details
from cospaced.calendars.moments import Moment
from cospaced.calendars.organizer_copies import Version
from cospaced.calendars.quirks import cancelled_title, other_video, outlook_uid
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.zones import Zone, known_zone
from cospaced.domain.calendar import Answer, Busy, EventProblem, Loss, Occurrence


class OwnerCriticalChange(ExtendedProperty):  # type: ignore[misc] # exchangelib has no types
    """PidLidOwnerCriticalChange ([MS-OXOCAL] 2.2.1.34): iCalendar's DTSTAMP."""

    distinguished_property_set_id = "Meeting"
    property_id = 0x1A
    property_type = "SystemTime"


class ExceptionReplaceTime(ExtendedProperty):  # type: ignore[misc] # as above
    """PidLidExceptionReplaceTime ([MS-OXOCAL] 2.2.10.1.6): an occurrence's original start."""

    distinguished_property_set_id = "Appointment"
    property_id = 0x8228
    property_type = "SystemTime"


class CleanGlobalObjectId(ExtendedProperty):  # type: ignore[misc] # as above
    """PidLidCleanGlobalObjectId ([MS-OXOCAL] 2.2.1.28): what all copies of an event share."""

    distinguished_property_set_id = "Meeting"
    property_id = 0x23
    property_type = "Binary"


def _zone_name(field: TimeZoneField, elem: Any, account: Any) -> str:  # noqa: ARG001 - so called
    """Return what Exchange calls a time zone.

    exchangelib looks for it in its own table, and takes `tzone://Microsoft/Custom`, which Exchange
    writes for a zone that a calendar made up, for the name of a file.
    """
    found = elem.find(field.response_tag())
    return str(found.get("Id") or found.get("Name") or "") if found is not None else ""


def _with_moments(cls: type[CalendarItem], elem: Any, account: Any) -> Any:
    """Return an item with moments for its times.

    exchangelib makes days of those of a whole day, by this machine's zone where it knows no other.
    """
    return super(CalendarItem, cls).from_xml(elem=elem, account=account)


def read_as_told() -> None:
    """Have exchangelib tell times and zones as they stand there: for a process that writes none."""
    TimeZoneField.from_xml = _zone_name
    CalendarItem.from_xml = classmethod(_with_moments)


CalendarItem.register("clean_object_id", CleanGlobalObjectId)
CalendarItem.register("owner_critical_change", OwnerCriticalChange)
CalendarItem.register("exception_replace_time", ExceptionReplaceTime)

VIEW = (
    "changekey", "start", "end", "type", "subject", "is_cancelled", "sensitivity", "is_all_day",
    "legacy_free_busy_status", "my_response_type", "recurrence_id", "original_start",
)  # fmt: skip
"""What a calendar view tells in one request."""
DETAILS = (
    "uid", "organizer", "location", "text_body", "appointment_sequence_number",
    "owner_critical_change", "exception_replace_time",
)  # fmt: skip
"""What only GetItem tells."""

_ANSWERS = {
    "Accept": Answer.ACCEPTED,
    "Tentative": Answer.TENTATIVE,
    "Decline": Answer.DECLINED,
    "NoResponseReceived": Answer.UNANSWERED,
}
_BUSY = {"Free": Busy.FREE, "Tentative": Busy.TENTATIVE}
_PRIVATE = ("Private", "Confidential")
_INSTANCES = ("Occurrence", "Exception")
_HALF_A_DAY = timedelta(hours=12)
_LONGEST_TITLE = 500


def details(item: Any, change_key: str) -> Details:
    """Read what GetItem told of an item."""
    organizer = item.organizer
    address = ((organizer and organizer.email_address) or "").strip().lower()
    texts = (item.text_body or "", item.location or "")
    return Details(
        change_key=change_key,
        uid=item.uid or "",
        # An organizer of the own organization may be told by a name of its directory.
        organizer=address if "@" in address else "",
        organizer_name=((organizer and organizer.name) or "").strip(),
        sequence=item.appointment_sequence_number or 0,
        stamp=_written(item.owner_critical_change),
        replaces=_written(item.exception_replace_time),
        other_video=other_video.found_in(line for text in texts for line in text.splitlines()),
    )


def problem(item: Any, more: Details | None, text: str, floating: Zone) -> EventProblem:
    """Return what is wrong with an item: of a series one occurrence, where it tells which.

    It bears the UID that `occurrence` has, or else the item's id.
    """
    uid = outlook_uid.normalise(more.uid if more else "") or str(item.id)
    original = item.recurrence_id or item.original_start
    if more is None or not (item.type == "Single" or (item.type in _INSTANCES and original)):
        return EventProblem(uid=uid, text=text)
    one = _recurrence_id(item, more, original, floating)
    return EventProblem(uid=uid, text=text, loss=Loss.ONE, recurrence_id=one)


def _written(moment: Any) -> str:
    return _utc(moment).isoformat() if isinstance(moment, datetime) else ""


def occurrence(item: Any, more: Details | None, floating: Zone) -> Occurrence:
    """Read an item of a calendar view; `floating` is the zone in which days begin.

    Raises Unusable for an item without details, identity or times.
    """
    if more is None:
        raise Unusable("Exchange showed it and could not tell its details")
    if not more.uid:
        raise Unusable("it has no UID")
    start, end = _times(item, floating)
    if end < start:
        raise Unusable("it ends before it starts")
    title, told = cancelled_title.strip(item.subject or "")
    return Occurrence(
        uid=outlook_uid.normalise(more.uid),
        recurrence_id=_recurrence_id(item, more, start, floating),
        start=start,
        end=end,
        all_day=bool(item.is_all_day),
        title=" ".join(title.split())[:_LONGEST_TITLE],
        organizer=more.organizer,
        organizer_name=more.organizer_name,
        sequence=more.sequence,
        stamp=datetime.fromisoformat(more.stamp) if more.stamp else None,
        busy=_BUSY.get(item.legacy_free_busy_status or "", Busy.BUSY),
        answer=_ANSWERS.get(item.my_response_type or "", Answer.NONE),
        cancelled=told or bool(item.is_cancelled),
        private=is_private(item),
        other_video=more.other_video,
    )


def version(item: Any, more: Details | None) -> Version:
    """Return which version of an occurrence it is that `occurrence` reads."""
    orphan = item.type == "Single" and more is not None and bool(more.replaces)
    alone = item.type == "Exception" or orphan
    return Version(change_key=item.changekey or "", changed_alone=alone)


def is_private(item: Any) -> bool:
    """Whether an item is meant for its own people alone."""
    return item.sensitivity in _PRIVATE


def _times(item: Any, floating: Zone) -> tuple[datetime, datetime]:
    if item.start is None or item.end is None:
        raise Unusable("it has no start or no end")
    if item.is_all_day:
        start = _day(item.start, item._start_timezone, floating)  # noqa: SLF001 - so called by it
        end = _day(item.end, item._end_timezone, floating)  # noqa: SLF001 - as above
        return _midnight(start, floating), _midnight(end, floating)
    return _utc(item.start), _utc(item.end)


def _day(midnight: datetime, zone: str, floating: Zone) -> date:
    """Return the day that begins at a moment in a zone, or nearest to it where none knows that."""
    own = known_zone(zone or "")
    if own is not None:
        return own.to_wall(_utc(midnight)).date()
    return (floating.to_wall(_utc(midnight)) + _HALF_A_DAY).date()


def _utc(moment: datetime) -> datetime:
    """Return a plain datetime: exchangelib's own class knows its own zones alone."""
    return datetime.fromtimestamp(moment.timestamp(), UTC)


def _midnight(day: date, zone: Zone) -> datetime:
    return Moment(datetime.combine(day, time()), zone, is_date=True).utc


def _recurrence_id(item: Any, more: Details, start: datetime, floating: Zone) -> str:
    """Return which instance of its series it is; empty for a single event.

    A room that was invited to one occurrence alone has a single event with its original start.
    """
    original: datetime | None = item.recurrence_id
    if original is None and more.replaces:
        original = datetime.fromisoformat(more.replaces)
    if original is None and item.type in _INSTANCES:
        original = item.original_start or start
    if original is None:
        return ""
    if item.is_all_day:
        return f"{_day(original, item._start_timezone, floating):%Y-%m-%d}"  # noqa: SLF001 - as above
    return f"{_utc(original):%Y-%m-%dT%H:%M:%SZ}"
