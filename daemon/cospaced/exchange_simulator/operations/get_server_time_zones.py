"""GetServerTimeZones: Windows zones with the rule of their clock changes in this year."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo

from cospaced.exchange_simulator import zones
from cospaced.exchange_simulator.asking import Call, success
from cospaced.exchange_simulator.markup import every, tag, text


_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    wall: datetime
    """Before the change."""
    summer: bool


def get_server_time_zones(call: Call) -> Iterator[str]:
    """Return one message with the zones that were named, or all of them."""
    wanted = [one.text or "" for one in every(call.request, "m:Ids/t:Id")] or sorted(zones.KNOWN)
    whole = call.request.get("ReturnFullTimeZoneData", "true") in ("1", "true")
    year = call.state.clock.now().year
    told = (_definition(name, year, whole=whole) for name in wanted if name in zones.KNOWN)
    yield success("GetServerTimeZones", tag("m:TimeZoneDefinitions", *told))


def _definition(name: str, year: int, *, whole: bool) -> str:
    if not whole:
        return tag("t:TimeZoneDefinition", Id=name, Name=name)
    zone = zones.zone(name)
    changes = _changes(zone, year)
    offsets = {change.summer: _offset(zone, change.wall + 3 * _HOUR) for change in changes}
    standard = offsets.get(False, _offset(zone, datetime(year, 1, 1)))  # noqa: DTZ001 - wall time
    periods = [_period("Standard", standard)]
    if changes:
        periods.append(_period("Daylight", offsets[True]))
    steps = [_transition(change) for change in changes] or [_to("t:Transition", "Standard")]
    return tag(
        "t:TimeZoneDefinition",
        tag("t:Periods", *periods),
        tag("t:TransitionsGroups", tag("t:TransitionsGroup", *steps, Id="0")),
        tag("t:Transitions", tag("t:Transition", tag("t:To", "0", Kind="Group"))),
        Id=name,
        Name=name,
    )


def _offset(zone: tzinfo, wall: datetime) -> timedelta:
    return wall.replace(tzinfo=zone).utcoffset() or timedelta()


def _changes(zone: tzinfo, year: int) -> list[_Change]:
    """Return the two changes of a year with summer time; none where there are not just two."""
    first = datetime(year, 1, 1, tzinfo=UTC)
    days = (first + timedelta(days=number) for number in range(366))
    found = [change for day in days for change in _changes_of_day(zone, day)]
    return found if [one.summer for one in found] in ([True, False], [False, True]) else []


def _changes_of_day(zone: tzinfo, day: datetime) -> Iterator[_Change]:
    if _offset_at(zone, day) == _offset_at(zone, day + timedelta(days=1)):
        return
    for moment in (day + number * _HOUR for number in range(1, 25)):
        before, after = _offset_at(zone, moment - _HOUR), _offset_at(zone, moment)
        if after != before:
            yield _Change(wall=moment.replace(tzinfo=None) + before, summer=after > before)


def _offset_at(zone: tzinfo, moment: datetime) -> timedelta:
    return moment.astimezone(zone).utcoffset() or timedelta()


def _period(name: str, offset: timedelta) -> str:
    minutes = -int(offset.total_seconds() // 60)
    sign = "-" if minutes < 0 else ""
    return tag("t:Period", Bias=f"{sign}PT{abs(minutes)}M", Name=name, Id=name)


def _to(element: str, period: str, *inside: str) -> str:
    return tag(element, tag("t:To", period, Kind="Period"), *inside)


def _transition(change: _Change) -> str:
    wall = change.wall
    week = (wall.day - 1) // 7 + 1
    is_last = wall.day + 7 > calendar.monthrange(wall.year, wall.month)[1]
    return _to(
        "t:RecurringDayTransition",
        "Daylight" if change.summer else "Standard",
        text("t:TimeOffset", f"PT{wall.hour * 60 + wall.minute}M"),
        text("t:Month", wall.month),
        text("t:DayOfWeek", calendar.day_name[wall.weekday()]),
        text("t:Occurrence", -1 if is_last else week),
    )
