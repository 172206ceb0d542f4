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
    step = _STEP[frequency]
    steps = max(timedelta(0), stop - start) / (step * min(interval, 10**6))
    for name, each in _TIMES_IN_A_DAY.items():
        if _STEP[each] < step:
            steps *= max(1, len(set(parts.get(name, ()))))
    if "COUNT" in parts:
        steps = min(steps, number(parts, "COUNT", 1))
    if steps > MOST_STEPS:
        raise Unusable(f"RRULE has more than {MOST_STEPS} instances to count (FREQ={frequency})")


def number(parts: dict[str, list[str]], name: str, default: int) -> int:
    """Return a number of a rule; raises Unusable where it is none."""
    text = "".join(parts.get(name, [])) or str(default)
    try:
        return int(text[:12])
    except ValueError as error:
        raise Unusable(f"RRULE has {name}={text[:20]!r}, which is no number") from error


def never_matches(parts: dict[str, list[str]]) -> bool:
    """Whether BYMONTH and BYMONTHDAY name no day that there is (30 February)."""
    months, days = parts.get("BYMONTH"), parts.get("BYMONTHDAY")
    if not months or not days:
        return False
    lengths = {2: 29, 4: 30, 6: 30, 9: 30, 11: 30}
    longest = max((lengths.get(int(m), 31) for m in months if m.isdecimal()), default=31)
    return all(abs(int(d)) > longest for d in days if d.lstrip("+-").isdecimal())
