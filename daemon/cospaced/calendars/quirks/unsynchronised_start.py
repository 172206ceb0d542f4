"""A DTSTART that its own rule does not yield; RFC 5545, section 3.8.5.3 calls that undefined.

Most calendars show DTSTART all the same and count it as the first of COUNT ("the DTSTART property
value always counts as the first occurrence"); dateutil counts only what the rule yields.
"""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain, islice


def counted(instances: Iterator[datetime], count: int, start: datetime) -> Iterator[datetime]:
    """Yield what is left of a rule's instances, of which none is before `start`, by COUNT."""
    earliest = next(instances, None)
    if earliest is None:
        return iter(())
    left = count if earliest == start else count - 1
    return islice(chain((earliest,), instances), max(0, left))
