"""How soon a room's calendar is polled again: more often before starts and ends."""

from collections.abc import Iterable
from datetime import datetime, timedelta


QUICK = timedelta(seconds=10)
"""The interval before a booking's start and before its end."""
NEAR = timedelta(minutes=5)
_NONE = timedelta(0)


def pace(spans: Iterable[tuple[datetime, datetime]], now: datetime, usual: timedelta) -> timedelta:
    """Return how soon to poll; `spans` are starts and ends of events, the soonest start first.

    `QUICK` from `NEAR` before a start or an end until then. However long the `usual` interval is, a
    poll comes when that begins. A conference that is over is opened by no edit any more.
    """
    quick, soonest = min(QUICK, usual), usual
    for start, end in spans:
        if start - NEAR - now >= usual:
            break
        for moment in (start, end):
            until = moment - NEAR - now
            if until <= _NONE and now <= moment:
                return quick
            if until > _NONE:
                soonest = min(soonest, until)
    return max(soonest, quick)
