"""Rules that cost more than any room's calendar needs: found before they are worked out.

dateutil counts every step from DTSTART on, so that FREQ=SECONDLY from 2020 or INTERVAL=0 never
comes to an end. The work is estimated from the rule. One that never matches (30 February) sends
it on to the year 9999, UNTIL or not; the plain case is seen here, and what is dear in some other
way meets the worker's time limit.
"""

from datetime import datetime, timedelta

from cospaced.calendars.unusable import Unusable


MOST_STEPS = 100_000
"""Instances that may have to be counted from the start of a series to the end of the window."""
MOST_DATES = 5_000
"""RDATE and EXDATE values of one event."""
MOST_RULES = 20
MOST_INSTANCES = 10_000
"""Instances of one event in the window."""
LONGEST_RULE = 4_000

_STEP = {
    "SECONDLY": timedelta(seconds=1),
    "MINUTELY": timedelta(minutes=1),
    "HOURLY": timedelta(hours=1),
    "DAILY": timedelta(days=1),
    "WEEKLY": timedelta(weeks=1),
    "MONTHLY": timedelta(days=28),
    "YEARLY": timedelta(days=365),
}
_VALUES = {
    "BYSECOND": range(60),
    "BYMINUTE": range(60),
    "BYHOUR": range(24),
    "BYMONTH": range(1, 13),
}
_VALUES_FROM_EITHER_END = {
    "BYMONTHDAY": range(1, 32),
    "BYYEARDAY": range(1, 367),
    "BYWEEKNO": range(1, 54),
    "BYSETPOS": range(1, 367),
}
_WEEKDAYS = "MOTUWETHFRSASU"
_TIMES_IN_A_DAY = {"BYHOUR": "HOURLY", "BYMINUTE": "MINUTELY", "BYSECOND": "SECONDLY"}


def check_rule(parts: dict[str, list[str]], start: datetime, stop: datetime) -> None:
    """Raise Unusable for a rule that cannot be worked out in a bounded time.

    `parts` are the rule's by name, `start` its first instance and `stop` the end of the window,
    both as wall times.
    """
    frequency = "".join(parts.get("FREQ", []))
    if frequency not in _STEP:
        raise Unusable(f"RRULE has no FREQ that is known ({frequency or 'none'})")
    interval = number(parts, "INTERVAL", 1)
    if interval < 1:
        raise Unusable(f"RRULE has INTERVAL={interval}, which never moves on")
    _check_values(parts)
    step = _STEP[frequency]
    steps = max(timedelta(0), stop - start) / (step * min(interval, 10**6))
    for name, each in _TIMES_IN_A_DAY.items():
        if _STEP[each] < step:
            steps *= max(1, len(set(parts.get(name, ()))))
    if "COUNT" in parts:
        steps = min(steps, number(parts, "COUNT", 1))
    if steps > MOST_STEPS:
        raise Unusable(f"RRULE has more than {MOST_STEPS} instances to count (FREQ={frequency})")


def _check_values(parts: dict[str, list[str]]) -> None:
    """Raise Unusable for what no day or time has: such a rule never matches."""
    for name, allowed in (_VALUES | _VALUES_FROM_EITHER_END).items():
        for value in parts.get(name, ()):
            size = value.lstrip("+-") if name in _VALUES_FROM_EITHER_END else value
            if not size.isdecimal() or int(size[:4]) not in allowed:
                raise Unusable(f"RRULE has {name}={value[:20]}, which there is not")


def number(parts: dict[str, list[str]], name: str, default: int) -> int:
    """Return a number of a rule; raises Unusable where it is none."""
    text = "".join(parts.get(name, [])) or str(default)
    try:
        return int(text[:12])
    except ValueError as error:
        raise Unusable(f"RRULE has {name}={text[:20]!r}, which is no number") from error


def never_matches(parts: dict[str, list[str]], start: datetime) -> bool:
    """Whether a rule names no day that there is (30 February), or none that INTERVAL leads to."""
    return _no_such_day(parts) or _never_in_step(parts, start)


def _never_in_step(parts: dict[str, list[str]], start: datetime) -> bool:
    interval = number(parts, "INTERVAL", 1)
    if parts["FREQ"] == ["DAILY"] and "BYDAY" in parts:
        reached = {(start.weekday() + step * interval) % 7 for step in range(7)}
        return reached.isdisjoint(_WEEKDAYS.find(day[-2:]) // 2 for day in parts["BYDAY"])
    if parts["FREQ"] == ["MONTHLY"] and "BYMONTH" in parts:
        reached = {(start.month + step * interval - 1) % 12 + 1 for step in range(12)}
        return reached.isdisjoint(map(int, parts["BYMONTH"]))
    return False


def _no_such_day(parts: dict[str, list[str]]) -> bool:
    months, days = parts.get("BYMONTH"), parts.get("BYMONTHDAY")
    if not months or not days:
        return False
    lengths = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
    longest = max(lengths.get(int(month), 31) for month in months)
    return all(abs(int(day)) > longest for day in days)
