"""Recurrence as RFC 5545 defines it, by asking of every wall second "does the rule hold here?".

An oracle for tests: slow, short, and of no kin with the daemon's way of working rules out. It
walks the days from the beginning of DTSTART's own period on (a period is one FREQ long), and within
a day the hours, minutes and seconds, and keeps those for which every part of the rule holds, those
that DTSTART implies included (section 3.3.10). INTERVAL counts periods, BYSETPOS picks from one.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import groupby


SUBDAY = ("HOURLY", "MINUTELY", "SECONDLY")
DAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule by its parts; weekdays count from Monday = 0, `by_day` holds (ordinal or 0, day)."""

    freq: str
    interval: int = 1
    count: int | None = None
    wkst: int = 0
    by_month: tuple[int, ...] = ()
    by_week_no: tuple[int, ...] = ()
    by_year_day: tuple[int, ...] = ()
    by_month_day: tuple[int, ...] = ()
    by_day: tuple[tuple[int, int], ...] = ()
    by_hour: tuple[int, ...] = ()
    by_minute: tuple[int, ...] = ()
    by_second: tuple[int, ...] = ()
    by_set_pos: tuple[int, ...] = ()

    def text(self, until: str = "") -> str:
        """Write the rule; `until` as it is to stand there."""
        days = ",".join(f"{n or ''}{DAYS[day]}" for n, day in self.by_day)
        parts = {
            "FREQ": self.freq,
            "UNTIL": until,
            "COUNT": "" if self.count is None else f"{self.count}",
            "INTERVAL": "" if self.interval == 1 else f"{self.interval}",
            "BYDAY": days,
            "WKST": "" if self.wkst == 0 else DAYS[self.wkst],
        }
        names = "MONTH", "WEEK_NO", "YEAR_DAY", "MONTH_DAY", "HOUR", "MINUTE", "SECOND", "SET_POS"
        for name in names:
            values = getattr(self, f"by_{name.lower()}")
            parts[f"BY{name.replace('_', '')}"] = ",".join(map(str, values))
        return ";".join(f"{name}={value}" for name, value in parts.items() if value)

    def instances(self, start: datetime, last: datetime) -> list[datetime]:
        """Return DTSTART and what the rule yields after it, up to `last`, as wall times."""
        found = [start]
        for _, members in groupby(self._candidates(start, last), self._period):
            found += [w for w in self._chosen(list(members)) if start < w <= last]
        return found[: self.count]

    def _candidates(self, start: datetime, last: datetime) -> Iterator[datetime]:
        """Yield the walls for which all parts hold but COUNT and BYSETPOS."""
        hours = self._clock(24, self.by_hour, start.hour, SUBDAY)
        minutes = self._clock(60, self.by_minute, start.minute, SUBDAY[1:])
        seconds = self._clock(60, self.by_second, start.second, SUBDAY[2:])
        day, end = self._opening(start.date()), self._closing(last.date())
        while day <= end:
            if self._day_holds(day, start):
                for hour in hours:
                    if self.freq in SUBDAY and not self._between(start, day, hour, last):
                        continue
                    walls = (time(hour, m, s) for m in minutes for s in seconds)
                    found = (datetime.combine(day, wall) for wall in walls)
                    whole_days = self.freq not in SUBDAY
                    yield from (w for w in found if whole_days or self._in_turn(w, start))
            day += timedelta(days=1)

    def _in_turn(self, wall: datetime, start: datetime) -> bool:
        """Whether INTERVAL leads from DTSTART's period to this one's."""
        return (self._period(wall) - self._period(start)) % self.interval == 0

    def _between(self, start: datetime, day: date, hour: int, last: datetime) -> bool:
        """Whether an hour has instants from `start` to `last`; only where no period is longer."""
        opening = datetime.combine(day, time(hour))
        return start < opening + timedelta(hours=1) and opening <= last

    def _clock(
        self, size: int, said: tuple[int, ...], own: int, free: tuple[str, ...]
    ) -> list[int]:
        """Return the hours (minutes, seconds) that hold: those said, all, or DTSTART's own."""
        return [n for n in range(size) if (n in said if said else self.freq in free or n == own)]

    def _chosen(self, members: list[datetime]) -> list[datetime]:
        if not self.by_set_pos:
            return members
        size = len(members)
        places = {n - 1 if n > 0 else size + n for n in self.by_set_pos}
        return [members[n] for n in sorted(places) if 0 <= n < size]

    def _period(self, wall: datetime) -> int:
        """Number the period that a wall time stands in."""
        day = wall.toordinal()
        match self.freq:
            case "YEARLY":
                return wall.year
            case "MONTHLY":
                return wall.year * 12 + wall.month
            case "WEEKLY":
                return (day - 1 - self.wkst) // 7
            case "DAILY":
                return day
            case "HOURLY":
                return day * 24 + wall.hour
            case "MINUTELY":
                return (day * 24 + wall.hour) * 60 + wall.minute
            case _:
                return ((day * 24 + wall.hour) * 60 + wall.minute) * 60 + wall.second

    def _opening(self, day: date) -> date:
        """Return the first day of a day's period."""
        match self.freq:
            case "YEARLY":
                return day.replace(month=1, day=1)
            case "MONTHLY":
                return day.replace(day=1)
            case "WEEKLY":
                return day - timedelta(days=(day.weekday() - self.wkst) % 7)
            case _:
                return day

    def _closing(self, day: date) -> date:
        """Return the last day of a day's period."""
        longest = {"YEARLY": 366, "MONTHLY": 31, "WEEKLY": 7}.get(self.freq, 1)
        return self._opening(self._opening(day) + timedelta(days=longest)) - timedelta(days=1)

    def _day_holds(self, day: date, start: datetime) -> bool:
        return (
            (self.freq in SUBDAY or self._in_turn(datetime.combine(day, time()), start))
            and (not self.by_month or day.month in self.by_month)
            and self._implied_day_holds(day, start)
            and _either(self.by_month_day, day.day, month_length(day))
            and _either(self.by_year_day, day.timetuple().tm_yday, year_length(day.year))
            and (not self.by_week_no or _either(self.by_week_no, *week_of_year(day, self.wkst)))
            and (not self.by_day or any(self._weekday_holds(day, *one) for one in self.by_day))
        )

    def _implied_day_holds(self, day: date, start: datetime) -> bool:
        """Whether the day is what DTSTART says where the rule itself says nothing."""
        if self.by_day or self.by_month_day or self.by_year_day:
            return True
        match self.freq:
            case "WEEKLY":
                return day.weekday() == start.weekday()
            case "MONTHLY":
                return day.day == start.day
            case "YEARLY" if self.by_week_no:
                return day.weekday() == start.weekday()
            case "YEARLY":
                return day.day == start.day and bool(self.by_month or day.month == start.month)
            case _:
                return True

    def _weekday_holds(self, day: date, ordinal: int, weekday: int) -> bool:
        if day.weekday() != weekday or not ordinal:
            return day.weekday() == weekday
        if self.freq == "YEARLY" and not self.by_month:
            place, size = day.timetuple().tm_yday, year_length(day.year)
        else:
            place, size = day.day, month_length(day)
        return ordinal in ((place - 1) // 7 + 1, -((size - place) // 7 + 1))


def _either(said: tuple[int, ...], place: int, size: int) -> bool:
    """Whether a place is said, counted from the front or, negative, from the back."""
    return not said or place in said or place - size - 1 in said


def month_length(day: date) -> int:
    """Return how many days the month of a day has."""
    following = day.replace(day=28) + timedelta(days=4)
    return (following - timedelta(days=following.day)).day


def year_length(year: int) -> int:
    """Return how many days a year has."""
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days


def week_of_year(day: date, wkst: int) -> tuple[int, int]:
    """Return the number of a day's week and how many weeks that week's year has.

    Weeks begin on `wkst`; the first of a year is the first with four days in it, which is that of
    4 January.
    """

    def first(year: int) -> date:
        fourth = date(year, 1, 4)
        return fourth - timedelta(days=(fourth.weekday() - wkst) % 7)

    year = max(y for y in (day.year - 1, day.year, day.year + 1) if first(y) <= day)
    return (day - first(year)).days // 7 + 1, (first(year + 1) - first(year)).days // 7
