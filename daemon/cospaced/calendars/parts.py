"""One VEVENT, read: when it is, what it means, and how it recurs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from cospaced.calendars import moments
from cospaced.calendars.meaning import Meaning, meaning
from cospaced.calendars.moments import Length, Moment
from cospaced.calendars.properties import Property, first
from cospaced.calendars.quirks import bombs
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.zones import Zone, ZoneBook
from cospaced.domain.calendar import Occurrence


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A VEVENT: a single event, the master of a series, or an override of instances of one."""

    start: Moment
    length: Length
    """Days for an all-day event, exact for one with DTEND, either for DURATION."""
    all_day: bool
    meaning: Meaning
    zones: ZoneBook
    recurrence_id: Moment | None = None
    this_and_future: bool = False
    recurrence: tuple[Property, ...] = ()
    """RRULE, EXRULE, RDATE and EXDATE as they stand."""

    @property
    def recurs(self) -> bool:
        """Whether it takes more than this one event to say when it takes place."""
        return self.recurrence_id is not None or any(
            prop.name in ("RRULE", "RDATE") for prop in self.recurrence
        )

    def values(self, name: str) -> tuple[Property, ...]:
        """Return the recurrence properties of one name."""
        return tuple(prop for prop in self.recurrence if prop.name == name)

    def end(self, start: datetime, zone: Zone) -> datetime:
        """Return when an instance that starts at a wall time ends, in UTC."""
        return zone.to_utc(start + timedelta(days=self.length.days)) + self.length.exact

    def occurrence(
        self,
        uid: str,
        recurrence_id: str = "",
        start: datetime | None = None,
        end: datetime | None = None,
    ) -> Occurrence:
        """Return an instance of it; where no times (UTC) are given, the one it states itself."""
        start = self.start.utc if start is None else start
        end = self.end(self.start.wall, self.start.zone) if end is None else end
        said = self.meaning
        return Occurrence(
            uid=uid,
            recurrence_id=recurrence_id,
            start=start,
            end=max(start, end),
            all_day=self.all_day,
            title=said.title,
            organizer=said.organizer,
            organizer_name=said.organizer_name,
            sequence=said.sequence,
            stamp=said.stamp,
            busy=said.busy,
            answer=said.answer,
            cancelled=said.cancelled,
            private=said.private,
            other_video=said.other_video,
        )


def part(
    properties: Sequence[Property], zones: ZoneBook, address: str = "", method: str = ""
) -> Part:
    """Read a VEVENT's properties; raises Unusable."""
    start = first(properties, "DTSTART")
    if start is None:
        raise Unusable("DTSTART is missing")
    begin = moments.moment(start, zones)
    begin.utc  # noqa: B018 - Unusable where its zone is unknown
    named, this_and_future = recurrence_id(properties, zones)
    shown = first(properties, "X-MICROSOFT-CDO-ALLDAYEVENT")
    recurrence = tuple(p for p in properties if p.name in ("RRULE", "EXRULE", "RDATE", "EXDATE"))
    _check_size(recurrence)
    return Part(
        start=begin,
        length=_length(properties, begin, zones),
        all_day=begin.is_date or (shown is not None and shown.value.upper() == "TRUE"),
        meaning=meaning(properties, address, method),
        zones=zones,
        recurrence_id=named,
        this_and_future=this_and_future,
        recurrence=recurrence,
    )


def recurrence_id(properties: Sequence[Property], zones: ZoneBook) -> tuple[Moment | None, bool]:
    """Return RECURRENCE-ID and whether its RANGE is THISANDFUTURE; raises Unusable."""
    prop = first(properties, "RECURRENCE-ID")
    if prop is None:
        return None, False
    return moments.moment(prop, zones), prop.parameter("RANGE").upper() == "THISANDFUTURE"


def _check_size(recurrence: tuple[Property, ...]) -> None:
    dates = sum(p.value.count(",") + 1 for p in recurrence if p.name in ("RDATE", "EXDATE"))
    if dates > bombs.MOST_DATES:
        raise Unusable(f"it has {dates} RDATE and EXDATE values; {bombs.MOST_DATES} are read")
    if sum(p.name in ("RRULE", "EXRULE") for p in recurrence) > bombs.MOST_RULES:
        raise Unusable(f"it has more than {bombs.MOST_RULES} rules")


def _length(properties: Sequence[Property], start: Moment, zones: ZoneBook) -> Length:
    end = first(properties, "DTEND")
    duration = first(properties, "DURATION")
    if end is not None:
        return _until(start, moments.moment(end, zones))
    if duration is not None:
        return moments.length(duration.value)
    # RFC 5545, section 3.6.1: a day lasts a day, a time takes none.
    return Length(days=1) if start.is_date else Length()


def _until(start: Moment, end: Moment) -> Length:
    if start.is_date:
        # DTEND with a time on a day is another type than DTSTART's: the day it reaches into counts.
        days = (end.wall - start.wall + timedelta(hours=23, minutes=59, seconds=59)).days
        if days < 0:
            raise Unusable("DTEND is before DTSTART")
        return Length(days=max(1, days))
    last = start.zone.to_utc(end.wall) if end.is_date or end.floating else end.utc
    if last < start.utc:
        raise Unusable("DTEND is before DTSTART")
    return Length(exact=last - start.utc)
