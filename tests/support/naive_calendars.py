"""Random calendars with what must come of them, worked out by the naive rules and zones.

`samples()` draws one series: a rule, times in some zone or days, EXDATE and RDATE in several
forms, and overrides; the second part of a sample is what a reader must find in the window.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta

from hypothesis import assume
from hypothesis import strategies as st

from cospaced.domain.timespan import Timespan
from support.ical import calendar, event, window
from support.naive_rules import SUBDAY, Rule
from support.naive_zones import FLOATING, UTC_TIMES, ZONES, NaiveZone
from support.random_rules import Draw, rules


Found = tuple[str, datetime, datetime, str, bool]
"""Recurrence id, start, end, title, cancelled."""
WINDOWS = (
    ("2026-03-20", "2026-04-20"),
    ("2026-10-20", "2026-10-30"),
    ("2026-11-23", "2026-12-23"),
    ("2028-02-28", "2028-03-01"),
)
_FAR = {"YEARLY": 3000, "MONTHLY": 900, "WEEKLY": 400, "DAILY": 200, "HOURLY": 30}
_SOON = timedelta(days=500)
_AGAIN = {"YEARLY": 2.3 * _SOON, "HOURLY": _SOON / 10, "MINUTELY": _SOON / 500}
_SHORT = {"MINUTELY": timedelta(days=1), "SECONDLY": timedelta(hours=5)}


@dataclass(frozen=True, kw_only=True)
class Sample:
    data: bytes = field(repr=False)
    covered: Timespan
    expected: frozenset[Found] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Shape:
    """What an instance takes from the event that speaks for it; `by` moves it from its original."""

    minutes: int = 0
    days: int | None = None
    """Length in days, for days and DURATION:P1D; None: `minutes`."""
    by: timedelta = timedelta(0)
    title: str = ""
    cancelled: bool = False

    def lines(self, zone: NaiveZone, start: datetime, *, all_day: bool) -> list[str]:
        said = [f"SUMMARY:{self.title}"] if self.title else []
        said += ["STATUS:CANCELLED"] if self.cancelled else []
        if all_day:
            end = start + timedelta(days=self.days or 1)
            return [f"DTSTART;VALUE=DATE:{start:%Y%m%d}", f"DTEND;VALUE=DATE:{end:%Y%m%d}", *said]
        length = f"PT{self.minutes}M" if self.days is None else f"P{self.days}D"
        return [zone.written("DTSTART", start), f"DURATION:{length}", *said]

    def end(self, zone: NaiveZone, start: datetime) -> datetime:
        later = zone.to_utc(start + timedelta(days=self.days or 0))
        return later if self.days is not None else later + timedelta(minutes=self.minutes)


@dataclass(frozen=True, kw_only=True)
class Master:
    zone: NaiveZone
    start: datetime
    all_day: bool
    shape: Shape

    def name(self, original: datetime) -> str:
        if self.all_day:
            return f"{original:%Y-%m-%d}"
        return f"{self.zone.to_utc(original):%Y-%m-%dT%H:%M:%SZ}"

    def found(self, original: datetime, shape: Shape) -> Found:
        start = original + shape.by
        begin, end = self.zone.to_utc(start), shape.end(self.zone, start)
        return self.name(original), begin, max(begin, end), shape.title, shape.cancelled

    def written(self, draw: Draw, name: str, wall: datetime, parameters: str = "") -> str:
        """Write a property that names an instance, in one of the forms that producers use."""
        if self.all_day:
            return f"{name}{parameters};VALUE=DATE:{wall:%Y%m%d}"
        if draw(st.integers(0, 5)) == 0:
            # Without a zone it is in that of the series.
            return FLOATING.written(name, wall, parameters)
        if not self.zone.steady(wall):
            return self.zone.written(name, wall, parameters)
        there, at = _elsewhere(draw, self.zone, wall)
        return there.written(name, at, parameters)


def _elsewhere(draw: Draw, zone: NaiveZone, wall: datetime) -> tuple[NaiveZone, datetime]:
    """Choose a zone to write a time in: its own, UTC, or New York, whose clocks are steady then."""
    there = draw(st.sampled_from((zone, UTC_TIMES, ZONES[3])))
    if there == UTC_TIMES:
        return there, zone.to_utc(wall).replace(tzinfo=None)
    at = zone.to_utc(wall).replace(tzinfo=None) - timedelta(hours=5)
    if there != zone and there.steady(at) and there.to_utc(at) == zone.to_utc(wall):
        return there, at
    return zone, wall


@st.composite
def samples(draw: Draw) -> Sample:
    """Draw a calendar of one series, and what must be found in it."""
    days = draw(st.sampled_from(WINDOWS))
    covered = window(*days)
    freq = draw(st.sampled_from((*_FAR, "DAILY", "WEEKLY", "MONTHLY", *_SHORT)))
    master = draw(_masters(datetime.fromisoformat(days[0]), freq))
    last = datetime.fromisoformat(days[1]) + timedelta(days=40)
    if freq in _SHORT:
        last = min(last, master.start + _SHORT[freq])
    rule = draw(rules(freq, master.start, all_day=master.all_day))
    until, bound = _until(draw, master, rule, last)
    far = last + _AGAIN.get(freq, _SHORT.get(freq, _SOON))
    endless = replace(rule, count=None).instances(master.start, far)
    # One that never matches again sends the libraries on to the year 9999: that is another test.
    assume(endless[-1] > last)
    originals = [w for w in endless if w <= last or w == master.start][: rule.count]
    if freq in _SHORT:
        assume(rule.count in (None, len(originals)))
    originals = [w for w in originals if w == master.start or bound is None or w <= bound]
    lines = [f"RRULE:{rule.text(until)}"]
    if freq not in _SHORT and draw(st.integers(0, 7)) == 0:
        second = draw(rules("WEEKLY", master.start, all_day=master.all_day))
        second = replace(second, count=draw(st.integers(1, 5)))
        originals = [*originals, *second.instances(master.start, last)]
        lines.append(f"RRULE:{second.text()}")
    periods, some = _rdates(draw, master)
    originals = sorted({*originals, *periods})
    lines += some
    without, some = _exdates(draw, master, originals)
    lines += some
    return _with_overrides(
        draw, master, [w for w in originals if w not in without], periods, (covered, lines)
    )


@st.composite
def _masters(draw: Draw, first: datetime, freq: str) -> Master:
    all_day = freq not in SUBDAY and draw(st.integers(0, 4)) == 0
    day = first + timedelta(days=draw(st.integers(-_FAR.get(freq, 0), 20)))
    if all_day:
        shape = Shape(days=draw(st.integers(1, 3)), title="A")
        return Master(zone=FLOATING, start=day, all_day=True, shape=shape)
    hour = draw(st.integers(0, 23) | st.sampled_from((1, 2, 2, 3)))
    start = datetime.combine(day, time(hour, draw(st.sampled_from((0, 15, 30)))))
    length = draw(st.sampled_from((0, 30, 60, 60, 90, 1500)))
    shape = Shape(minutes=length, days=draw(st.sampled_from((None, None, None, 1))), title="A")
    return Master(zone=draw(st.sampled_from(ZONES)), start=start, all_day=False, shape=shape)


def _until(draw: Draw, master: Master, rule: Rule, last: datetime) -> tuple[str, datetime | None]:
    """Choose UNTIL and its form; the second is the last wall time that counts."""
    if rule.freq in _SHORT:
        return (f"{last:%Y%m%dT%H%M%S}", last) if rule.count is None else ("", None)
    if rule.count is not None or draw(st.booleans()):
        return "", None
    share = draw(st.integers(-1, 12))
    bound = master.start + (last - master.start) / 12 * share
    bound = bound.replace(second=0, microsecond=0)
    if draw(st.booleans()):
        bound = bound.replace(hour=master.start.hour, minute=master.start.minute)
    if master.all_day or draw(st.integers(0, 3)) == 0:
        return f"{bound:%Y%m%d}", datetime.combine(bound, time(23, 59, 59))
    if master.zone.steady(bound) and draw(st.integers(0, 3)):
        return f"{master.zone.to_utc(bound):%Y%m%dT%H%M%SZ}", bound
    return f"{bound:%Y%m%dT%H%M%S}", bound


def _rdates(draw: Draw, master: Master) -> tuple[dict[datetime, int | None], list[str]]:
    """Choose RDATEs: walls with their own minutes where they are periods."""
    found: dict[datetime, int | None] = {}
    lines = []
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 2)))):
        wall = master.start + timedelta(days=draw(st.integers(1, 60)))
        if not master.all_day:
            wall += timedelta(minutes=draw(st.sampled_from((0, 20, 200))))
        minutes = None if master.all_day else draw(st.sampled_from((None, 0, 45, 6000)))
        if wall in found or not (master.all_day or master.zone.steady(wall)):
            continue
        found[wall] = minutes
        if minutes is None:
            lines.append(master.written(draw, "RDATE", wall))
        else:
            there, at = _elsewhere(draw, master.zone, wall)
            lines.append(there.written("RDATE", at, ";VALUE=PERIOD") + f"/PT{minutes}M")
    return found, lines


def _exdates(
    draw: Draw, master: Master, originals: list[datetime]
) -> tuple[set[datetime], list[str]]:
    """Choose EXDATEs among the instances, and now and then a day or one that names nothing."""
    chosen: set[datetime] = set()
    lines = []
    for _ in range(draw(st.sampled_from((0, 0, 1, 2, 3)))):
        wall = originals[draw(st.integers(0, 10**6)) % len(originals)]
        if not master.all_day and draw(st.integers(0, 4)) == 0:
            lines.append(f"EXDATE;VALUE=DATE:{wall:%Y%m%d}")
            chosen |= {w for w in originals if w.date() == wall.date()}
            continue
        if draw(st.integers(0, 5)) == 0:
            wall += timedelta(days=1) if master.all_day else timedelta(seconds=7)
        lines.append(master.written(draw, "EXDATE", wall))
        chosen.add(wall)
    return chosen, lines


def _with_overrides(
    draw: Draw,
    master: Master,
    originals: list[datetime],
    periods: dict[datetime, int | None],
    rest: tuple[Timespan, list[str]],
) -> Sample:
    covered, lines = rest
    components = [
        event(*master.shape.lines(master.zone, master.start, all_day=master.all_day), *lines)
    ]
    shapes = {
        w: replace(master.shape, minutes=own, days=None) if own is not None else master.shape
        for w in originals
        for own in [periods.get(w)]
    }
    names = [master.name(w) for w in originals]
    unique = [w for w, name in zip(originals, names, strict=True) if names.count(name) == 1]
    for first in sorted(_picked(draw, unique, 2)) if draw(st.integers(0, 3)) == 0 else ():
        if any(w > first and w in periods for w in originals):
            continue
        shape = draw(_shapes(master, "L"))
        shapes |= {w: shape for w in originals if w >= first}
        components.append(_override(draw, master, first, shape, ";RANGE=THISANDFUTURE"))
    for original in _picked(draw, unique, 3) if draw(st.booleans()) else ():
        shapes[original] = draw(_shapes(master, "O"))
        components.append(_override(draw, master, original, shapes[original]))
    found = (master.found(w, shape) for w, shape in shapes.items())
    zones = [zone.component for zone in ZONES if zone.component]
    return Sample(
        data=calendar(*zones, *draw(st.permutations(components))),
        covered=covered,
        expected=frozenset(one for one in found if _inside(one, covered)),
    )


def _picked(draw: Draw, walls: list[datetime], most: int) -> set[datetime]:
    places = draw(st.lists(st.integers(0, 10**6), max_size=most)) if walls else ()
    return {walls[place % len(walls)] for place in places}


@st.composite
def _shapes(draw: Draw, master: Master, title: str) -> Shape:
    by = timedelta(days=draw(st.sampled_from((0, 0, 1, -2, 30))))
    if not master.all_day:
        by += timedelta(minutes=draw(st.sampled_from((0, 0, 30, -90, 300))))
    return replace(
        master.shape,
        by=by,
        minutes=draw(st.sampled_from((master.shape.minutes, 20, 120))),
        title=draw(st.sampled_from(("", title))),
        cancelled=draw(st.integers(0, 3)) == 0,
    )


def _override(
    draw: Draw, master: Master, original: datetime, shape: Shape, parameters: str = ""
) -> str:
    zone, start = master.zone, original + shape.by
    if not parameters and not master.all_day and shape.days is None and zone.steady(start):
        zone, start = _elsewhere(draw, zone, start)
    return event(
        master.written(draw, "RECURRENCE-ID", original, parameters),
        *shape.lines(zone, start, all_day=master.all_day),
    )


def _inside(found: Found, covered: Timespan) -> bool:
    _, start, end, *_ = found
    if start == end:
        return covered.start <= start < covered.end
    return start < covered.end and covered.start < end
