"""Recurrence as Exchange keeps it: six patterns, three ranges, in the wall time of the series.

They are turned into dateutil's rules. Where a month is too short for its day, Exchange takes the
month's last day ([MS-OXOCAL] 2.2.1.44.1), whereas an iCalendar BYMONTHDAY would skip the month.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Protocol

from dateutil import rrule

from cospaced.exchange_simulator.markup import tag, text


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
INDEXES = {"First": 1, "Second": 2, "Third": 3, "Fourth": 4, "Last": -1}

_GROUPS = {"Day": DAYS, "Weekday": DAYS[:5], "WeekendDay": DAYS[5:]}
_SHORTEST_MONTH = 28


def _weekdays(names: str) -> list[int]:
    return [DAYS.index(day) for name in names.split() for day in _GROUPS.get(name, (name,))]


def _last_if_short(day: int) -> dict[str, Any]:
    if day <= _SHORTEST_MONTH:
        return {"bymonthday": day}
    return {"bymonthday": list(range(_SHORTEST_MONTH, day + 1)), "bysetpos": -1}


class Pattern(Protocol):
    """When a series recurs."""

    def rule(self) -> dict[str, Any]:
        """Return dateutil's arguments."""

    def markup(self) -> str:
        """Return the pattern's element."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Daily:
    """Every so many days."""

    interval: int = 1

    def rule(self) -> dict[str, Any]:
        """Return dateutil's arguments."""
        return {"freq": rrule.DAILY, "interval": self.interval}

    def markup(self) -> str:
        """Return the pattern's element."""
        return tag("t:DailyRecurrence", text("t:Interval", self.interval))


@dataclass(frozen=True, slots=True, kw_only=True)
class Weekly:
    """On some days of every so many weeks; `days` as `Monday Wednesday`."""

    days: str
    interval: int = 1
    first_day: str = "Sunday"

    def rule(self) -> dict[str, Any]:
        """Return dateutil's arguments."""
        return {
            "freq": rrule.WEEKLY,
            "interval": self.interval,
            "byweekday": _weekdays(self.days),
            "wkst": DAYS.index(self.first_day),
        }

    def markup(self) -> str:
        """Return the pattern's element."""
        return tag(
            "t:WeeklyRecurrence",
            text("t:Interval", self.interval),
            text("t:DaysOfWeek", self.days),
            text("t:FirstDayOfWeek", self.first_day),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsoluteMonthly:
    """On one day of every so many months."""

    day: int
    interval: int = 1

    def rule(self) -> dict[str, Any]:
        """Return dateutil's arguments."""
        return {"freq": rrule.MONTHLY, "interval": self.interval, **_last_if_short(self.day)}

    def markup(self) -> str:
        """Return the pattern's element."""
        return tag(
            "t:AbsoluteMonthlyRecurrence",
            text("t:Interval", self.interval),
            text("t:DayOfMonth", self.day),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeMonthly:
    """On the nth weekday of every so many months; `days` also Day, Weekday, WeekendDay."""

    days: str
    index: str
    interval: int = 1

    def rule(self) -> dict[str, Any]:
        """Return dateutil's arguments."""
        return {
            "freq": rrule.MONTHLY,
            "interval": self.interval,
            "byweekday": _weekdays(self.days),
            "bysetpos": INDEXES[self.index],
        }

    def markup(self) -> str:
        """Return the pattern's element."""
        return tag(
            "t:RelativeMonthlyRecurrence",
            text("t:Interval", self.interval),
            text("t:DaysOfWeek", self.days),
            text("t:DayOfWeekIndex", self.index),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AbsoluteYearly:
    """On one day of the year; `month` by its English name."""

    day: int
    month: str

    def rule(self) -> dict[str, Any]:
        """Return dateutil's arguments."""
        month = MONTHS.index(self.month) + 1
        return {"freq": rrule.YEARLY, "bymonth": month, **_last_if_short(self.day)}

    def markup(self) -> str:
        """Return the pattern's element."""
        return tag(
            "t:AbsoluteYearlyRecurrence",
            text("t:DayOfMonth", self.day),
            text("t:Month", self.month),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RelativeYearly:
    """On the nth weekday of a month of the year."""

    days: str
    index: str
    month: str

    def rule(self) -> dict[str, Any]:
        """Return dateutil's arguments."""
        return {
            "freq": rrule.YEARLY,
            "bymonth": MONTHS.index(self.month) + 1,
            "byweekday": _weekdays(self.days),
            "bysetpos": INDEXES[self.index],
        }

    def markup(self) -> str:
        """Return the pattern's element."""
        return tag(
            "t:RelativeYearlyRecurrence",
            text("t:DaysOfWeek", self.days),
            text("t:DayOfWeekIndex", self.index),
            text("t:Month", self.month),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Recurrence:
    """A pattern and its range: without end, up to a day (`until`), or so many (`number`)."""

    pattern: Pattern
    until: date | None = None
    number: int | None = None

    def starts(self, start: datetime) -> Iterator[datetime]:
        """Return the planned starts of a series, in its own zone, whether deleted or not."""
        arguments = self.pattern.rule()
        if self.until is not None:
            arguments["until"] = datetime.combine(self.until, time.max)
        elif self.number is not None:
            arguments["count"] = self.number
        zone = start.tzinfo
        for wall in rrule.rrule(dtstart=start.replace(tzinfo=None), **arguments):
            # By way of UTC a wall time that a gap swallows comes out shifted by the gap.
            yield wall.replace(tzinfo=zone).astimezone(UTC).astimezone(zone)

    def markup(self, start: datetime) -> str:
        """Return `t:Recurrence` for a series that starts then."""
        begins = text("t:StartDate", f"{start:%Y-%m-%d}")
        if self.until is not None:
            end = text("t:EndDate", f"{self.until:%Y-%m-%d}")
            extent = tag("t:EndDateRecurrence", begins, end)
        elif self.number is not None:
            count = text("t:NumberOfOccurrences", self.number)
            extent = tag("t:NumberedRecurrence", begins, count)
        else:
            extent = tag("t:NoEndRecurrence", begins)
        return tag("t:Recurrence", self.pattern.markup(), extent)
