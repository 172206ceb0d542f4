"""A series and its overrides, worked out by recurring-ical-events in naive wall time.

Every time given to the library is wall time in the zone of the series' master; lengths are exact.
What comes back is turned to UTC here, so that gaps, overlaps and ends follow RFC 5545, 3.3.5 and
3.8.5.3: a wall time that a gap swallows is shifted by it, an end is the start plus the length.
An override of one instance says all of itself, and only takes the place of what bears its name.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from icalendar import Calendar, Event
from icalendar.prop import vDDDLists, vDDDTypes, vText
from recurring_ical_events import CalendarQuery

from cospaced.calendars import moments, rules
from cospaced.calendars.moments import Moment
from cospaced.calendars.parts import Part
from cospaced.calendars.zones import UTC_ZONE, Zone
from cospaced.domain.calendar import Occurrence
from cospaced.domain.timespan import Timespan


_INDEX = "X-COSPACED-PART"
_Reach = tuple[datetime, datetime]
"""From when to when instances are asked of a rule, as wall times."""
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
            # A day that Exchange writes as its midnight in a zone: days are in none.
            own = named.zone is not UTC_ZONE and named.wall.time() == time()
            day = named.wall if own else named.in_zone(self.zone)
            return datetime.combine(day.date(), time())
        if named.is_date:
            return datetime.combine(named.wall.date(), usual)
        wall = named.in_zone(self.zone)
        if named.floating:
            return wall
        as_usual = datetime.combine(wall.date(), usual)
        return as_usual if self.zone.to_utc(as_usual) == named.utc else wall

    def overrides(self, *, this_and_future: bool) -> dict[datetime, Part]:
        """Return the overrides of one kind by the instance they name, each in its newest form."""
        found: dict[datetime, Part] = {}
        for part in self.parts:
            if part.recurrence_id is not None and part.this_and_future is this_and_future:
                found.setdefault(self.original(part.recurrence_id), part)
        return found

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
        return self._named(original, is_date=leader is not None and leader.is_date)

    def name_of(self, lost: Lost) -> str:
        """Return the recurrence id of the instance that an unreadable override speaks for."""
        leader = self.master.start if self.master else lost.recurrence_id
        return self._named(self.original(lost.recurrence_id), is_date=leader.is_date)

    def _named(self, original: datetime, *, is_date: bool) -> str:
        if is_date:
            return f"{original.date()}"
        return f"{self.zone.to_utc(original).astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def series_of(uid: str, parts: Iterable[Part]) -> Series | None:
    """Return the readable VEVENTs of a UID as a series, None where there are none."""
    newest = sorted(parts, key=revision, reverse=True)
    if not newest:
        return None
    master = next((p for p in newest if p.recurrence_id is None), None)
    return Series(uid, tuple(newest), master, (master or newest[0]).start.zone)


def expand_series(series: Series, lost: Sequence[Lost], covered: Timespan) -> Iterator[Occurrence]:
    """Yield the occurrences of a series in `covered` and somewhat around it; raises Unusable."""
    known: set[str] = set()
    for original, part in series.overrides(this_and_future=False).items():
        known.add(name := series.name(part, original))
        yield part.occurrence(series.uid, name)
    cut = min((series.original(x.recurrence_id) for x in lost if x.this_and_future), default=None)
    for occurrence, original in _ruled_occurrences(series, lost, covered):
        if occurrence.recurrence_id not in known and (cut is None or original < cut):
            known.add(occurrence.recurrence_id)
            yield occurrence


def revision(part: Part) -> tuple[int, datetime]:
    """Return what orders the revisions of an event."""
    return part.meaning.sequence, part.meaning.stamp or datetime.min.replace(tzinfo=UTC)


def _ruled_occurrences(
    series: Series, lost: Sequence[Lost], covered: Timespan
) -> Iterator[tuple[Occurrence, datetime]]:
    """Yield what follows from the master and from its changes for this and future instances.

    Overrides of one instance are not heeded. With each comes the wall time it had at first.
    """
    changes = series.overrides(this_and_future=True)
    leaders = [*([series.master] if series.master else ()), *changes.values()]
    begin = series.zone.to_wall(covered.start) - _MARGIN
    end = series.zone.to_wall(covered.end) + _MARGIN
    shift = max((abs(series.shift(part)) for part in changes.values()), default=timedelta(0))
    rdates = list(_rdates(series))
    lengths = [part.length.total for part in leaders] + [own for _, own in rdates if own]
    begin -= max(lengths, default=timedelta(0))
    reach = (begin - shift, end + shift)
    calendar = Calendar()
    for index, part in enumerate(leaders):
        event = _component(series, part)
        event[_INDEX] = vText(f"{index}")
        if part.recurrence_id is None:
            dates = [wall if own is None else (wall, own) for wall, own in rdates]
            _add_dates(event, "RDATE", [*dates, *_ruled(part, "RRULE", reach)])
            without = [*_exdates(series, part, lost), *_ruled(part, "EXRULE", reach)]
            _add_dates(event, "EXDATE", without)
        calendar.add_component(event)
    for found in CalendarQuery(calendar).between(begin, end):
        yield _occurrence(series, leaders[int(found[_INDEX])], found)


def _component(series: Series, part: Part) -> Event:
    """Return the VEVENT that the library is given for a part, without its recurrence."""
    start = part.start.in_zone(series.zone)
    event = Event()
    event["UID"] = vText(series.uid)
    event["DTSTART"] = vDDDTypes(start)
    event["DTEND"] = vDDDTypes(start + part.length.total)
    if part.recurrence_id is not None:
        named = vDDDTypes(series.original(part.recurrence_id))
        named.params["RANGE"] = "THISANDFUTURE"
        event["RECURRENCE-ID"] = named
    return event


def _add_dates(event: Event, name: str, dates: Sequence[Any]) -> None:
    if dates:
        event[name] = vDDDLists(dates)


def _ruled(part: Part, name: str, reach: _Reach) -> Iterator[datetime]:
    for prop in part.values(name):
        yield from rules.instances(prop, part.start, part.zones, *reach)


def _rdates(series: Series) -> Iterator[tuple[datetime, timedelta | None]]:
    """Yield the RDATEs of the master, and their own length where they are periods."""
    if series.master is None:
        return
    for prop in series.master.values("RDATE"):
        for start, length in moments.periods(prop, series.master.zones):
            yield series.original(start), length


def _exdates(series: Series, part: Part, lost: Sequence[Lost]) -> Iterator[datetime | date]:
    """Yield what EXDATE takes away, and the instances whose overrides cannot be read."""
    for prop in part.values("EXDATE"):
        for moment in moments.moments(prop, part.zones):
            # A day on a series of times takes every instance of that day.
            whole_day = moment.is_date and not part.start.is_date
            yield moment.wall.date() if whole_day else series.original(moment)
    readable = {series.original(p.recurrence_id) for p in series.parts if p.recurrence_id}
    yield from (
        x for x in (series.original(one.recurrence_id) for one in lost) if x not in readable
    )


def _occurrence(series: Series, part: Part, found: Any) -> tuple[Occurrence, datetime]:
    """Return what the library found as an occurrence, and the wall time it had at first."""
    start: datetime = found["DTSTART"].dt
    length: timedelta = found["DTEND"].dt - start
    original = start - series.shift(part)
    begin = series.zone.to_utc(start)
    end = part.end(start, series.zone) if length == part.length.total else begin + length
    return part.occurrence(series.uid, series.name(part, original), begin, end), original
