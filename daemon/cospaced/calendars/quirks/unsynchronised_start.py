"""A DTSTART that its own rule does not yield; RFC 5545, section 3.8.5.3 calls that undefined.

Most calendars show DTSTART all the same and count it as the first of COUNT ("the DTSTART property
value always counts as the first occurrence"); dateutil counts only what the rule yields.
"""

from datetime import datetime

from dateutil.rrule import rrule


def counted(count: int, rule: rrule, start: datetime) -> int:
    """Return how many instances the rule itself may yield of `count`.

    `rule` is the rule without COUNT, up to where nothing is asked for any more; where it yields
    nothing there, nothing is left of it.
    """
    earliest = next(iter(rule), None)
    if earliest is None:
        return 0
    return count if earliest == start else count - 1
