"""A series and its overrides, worked out by recurring-ical-events in naive wall time.

Every time given to the library is wall time in the zone of the series' master; lengths are exact.
What comes back is turned to UTC here, so that gaps, overlaps and ends follow RFC 5545, 3.3.5 and
3.8.5.3: a wall time that a gap swallows is shifted by it, an end is the start plus the length.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from icalendar import Calendar, Event
from icalendar.prop import vDDDLists, vDDDTypes, vRecur, vText
from recurring_ical_events import CalendarQuery

from cospaced.calendars import moments, rules
from cospaced.calendars.moments import Moment
from cospaced.calendars.parts import Part
from cospaced.calendars.quirks import bombs
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.zones import Zone
from cospaced.domain.calendar import Occurrence
from cospaced.domain.timespan import Timespan


_INDEX = "X-COSPACED-PART"
_MARGIN = timedelta(days=2)
"""Wall time differs from UTC by less; what is found too much is dropped by the caller."""


@dataclass(frozen=True, slots=True)
class Lost:
    """An override that could not be read: its instance cannot be known either."""

    recurrence_id: Moment
    this_and_future: bool


@dataclass(frozen=True, slots=True)
class Series:
    """The VEVENTs of one UID, newest revision first, and the zone in which they are reckoned."""

    uid: str
    parts: tuple[Part, ...]
    master: Part | None
    zone: Zone

    def original(self, named: Moment) -> datetime:
        """Return the wall time of the instance that a date or time of the series names.

        The same moment may have two wall times where a gap swallowed one; then it is the one
        that the series would have had.
        """
        if self.master is None:
            return named.in_zone(self.zone)
        usual = self.master.start.wall.time()
        if self.master.start.is_date:
            return datetime.combine(named.in_zone(self.zone).date(), time())
        if named.is_date:
            return datetime.combine(named.wall.date(), usual)
        wall = named.in_zone(self.zone)
        as_usual = datetime.combine(wall.date(), usual)
        return as_usual if self.zone.to_utc(as_usual) == named.utc else wall

    def shift(self, part: Part) -> timedelta:
        """Return by how much an override moves the instances that it speaks for."""
        if part.recurrence_id is None:
            return timedelta(0)
        return part.start.in_zone(self.zone) - self.original(part.recurrence_id)

    def name(self, part: Part, original: datetime) -> str:
        """Return the recurrence id of an instance in its canonical form."""
        if part.recurrence_id is None and not part.recurs:
            return ""
        leader = self.master.start if self.master else part.recurrence_id
        if leader is not None and leader.is_date:
            return f"{original.date()}"
        return f"{self.zone.to_utc(original).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def expand_series(
    uid: str, parts: Iterable[Part], lost: Sequence[Lost], covered: Timespan
) -> Iterator[Occurrence]:
    """Yield the occurrences of a series in `covered` and somewhat around it; raises Unusable."""
    newest = sorted(
        parts,
        key=lambda p: (p.meaning.sequence, p.meaning.stamp or datetime.min.replace(tzinfo=UTC)),
        reverse=True,
    )
    if not newest:
        return
    master = next((p for p in newest if p.recurrence_id is None), None)
    zone = (master or newest[0]).start.zone
    series = Series(uid, tuple(newest), master, zone)
    begin = zone.to_wall(covered.start) - _MARGIN
    end = zone.to_wall(covered.end) + _MARGIN
    shifts = [abs(series.shift(p)) for p in newest if p.this_and_future]
    reach = Timespan(
        begin.replace(tzinfo=UTC), (end + max(shifts, default=_MARGIN)).replace(tzinfo=UTC)
    )
    calendar = Calendar()
    for index, one in enumerate(newest):
        if one.recurrence_id is not None or one is master:
            calendar.add_component(_component(series, one, index, reach, lost))
    cut = min((series.original(x.recurrence_id) for x in lost if x.this_and_future), default=None)
    known: set[str] = set()
    for found in CalendarQuery(calendar).between(begin, end):
        occurrence, original = _occurrence(series, found)
        if occurrence.recurrence_id not in known and (cut is None or original < cut):
            known.add(occurrence.recurrence_id)
            yield occurrence


def _component(
    series: Series, part: Part, index: int, reach: Timespan, lost: Sequence[Lost]
) -> Event:
    """Return the VEVENT that the library is given for a part."""
    start = part.start.in_zone(series.zone)
    event = Event()
    event["UID"] = vText(series.uid)
    event[_INDEX] = vText(str(index))
    event["DTSTART"] = vDDDTypes(start)
    event["DTEND"] = vDDDTypes(start + part.length.total)
    event["SEQUENCE"] = part.meaning.sequence
    if part.recurrence_id is not None:
        named = vDDDTypes(series.original(part.recurrence_id))
        if part.this_and_future:
            named.params["RANGE"] = "THISANDFUTURE"
        event["RECURRENCE-ID"] = named
    else:
        _add_recurrence(event, series, part, reach, lost)
    return event


def _add_recurrence(
    event: Event, series: Series, part: Part, reach: Timespan, lost: Sequence[Lost]
) -> None:
    begin, end = (bound.replace(tzinfo=None) for bound in (reach.start, reach.end))
    texts = [
        text
        for prop in part.values("RRULE")
        if (text := rules.rule_text(prop, part.start, part.zones, end))
    ]
    if any(rules.too_many(text, part.start.wall, begin, end) for text in texts):
        raise Unusable(f"it takes place more than {bombs.MOST_INSTANCES} times in the window")
    if texts:
        event["RRULE"] = [vRecur.from_ical(text) for text in texts]
    dates = [
        _rdate(series, *period)
        for p in part.values("RDATE")
        for period in moments.periods(p, part.zones)
    ]
    if dates:
        event["RDATE"] = vDDDLists(dates)
    without = list(_exdates(series, part, begin, end))
    readable = {series.original(p.recurrence_id) for p in series.parts if p.recurrence_id}
    without += (
        x for x in map(series.original, (one.recurrence_id for one in lost)) if x not in readable
    )
    if without:
        event["EXDATE"] = vDDDLists(without)


def _rdate(
    series: Series, start: Moment, length: timedelta | None
) -> datetime | tuple[datetime, timedelta]:
    wall = series.original(start)
    return wall if length is None else (wall, length)


def _exdates(
    series: Series, part: Part, begin: datetime, end: datetime
) -> Iterator[datetime | date]:
    for prop in part.values("EXDATE"):
        for moment in moments.moments(prop, part.zones):
            # A day on a series of times takes every instance of that day.
            whole_day = moment.is_date and not part.start.is_date
            yield moment.wall.date() if whole_day else series.original(moment)
    for prop in part.values("EXRULE"):
        text = rules.rule_text(prop, part.start, part.zones, end)
        if text:
            yield from rules.parsed(text, part.start.wall).between(begin, end, inc=True)


def _occurrence(series: Series, found: Any) -> tuple[Occurrence, datetime]:
    """Return what the library found as an occurrence, and the wall time it had at first."""
    part = series.parts[int(found[_INDEX])]
    if part.recurrence_id is not None and not part.this_and_future:
        original = series.original(part.recurrence_id)
        return part.occurrence(series.uid, series.name(part, original)), original
    start: datetime = found["DTSTART"].dt
    length: timedelta = found["DTEND"].dt - start
    original = start - series.shift(part)
    begin = series.zone.to_utc(start)
    end = part.end(start, series.zone) if length == part.length.total else begin + length
    return part.occurrence(series.uid, series.name(part, original), begin, end), original
