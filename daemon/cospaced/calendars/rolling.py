"""A window that rolls on: how much is worked out at once, what is kept of it, and for how long.

More is worked out than is asked for (a day before, one to two days behind), so that an unchanged
calendar is worked out again every day or two, each room at an hour of its own.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from hashlib import blake2b

from cospaced.calendars.stamps import Stamp
from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.settings import RoomSettings


_DAY = timedelta(days=1)
_WHOLE_AGAIN = timedelta(hours=20)
"""A stamp is trusted for so long, and up to four hours more."""


def merged(reading: Reading, previous: Reading, uids: frozenset[str]) -> Reading:
    """Return a reading with what of the one before was left as it was: all of these UIDs."""
    kept = [o for o in previous.occurrences if o.uid in uids]
    told = [p for p in previous.problems if p.uid in uids]
    occurrences = sorted((*kept, *reading.occurrences), key=lambda o: (o.start, o.key))
    problems = tuple(dict.fromkeys((*told, *reading.problems)))
    return replace(
        reading,
        occurrences=tuple(occurrences),
        problems=problems,
        unchanged=tuple(occurrences) == previous.occurrences and problems == previous.problems,
    )


def within(window: Timespan, covered: Timespan) -> bool:
    """Whether a window needs nothing that was not worked out."""
    return covered.start <= window.start and window.end <= covered.end


def covered(room: RoomSettings, window: Timespan) -> Timespan:
    """Return the span to work out: wider, and by a different bit for each room."""
    return window.widened(_DAY, _DAY + _DAY * _phase(room))


def trusted(stamp: Stamp, room: RoomSettings, now: datetime) -> bool:
    """Whether a calendar need not be read whole again yet."""
    return 0 <= stamp.age(now) < (_WHOLE_AGAIN + timedelta(hours=4) * _phase(room)).total_seconds()


def _phase(room: RoomSettings) -> float:
    """Return a number from 0 to 1 that is the room's own."""
    return blake2b(room.name.encode(), digest_size=1).digest()[0] / 256
