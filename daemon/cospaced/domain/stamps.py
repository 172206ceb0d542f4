"""A DTSTAMP that moves alone makes no revision.

Who exports a calendar may write the moment of the export into every event: RFC 5545, section
3.8.7.2, allows it where there is no METHOD. Such a stamp is a new one at each reading, so that
copies which differ would be the newest by turns. An answer of the room is its own and no revision
either, though a server may stamp it.
"""

from collections.abc import Collection
from dataclasses import replace

from cospaced.domain.calendar import Occurrence, Reading


def with_known_stamps(reading: Reading, known: Collection[Occurrence]) -> Reading:
    """Return a fresh reading in which what says the same as before bears its stamp of then."""
    if reading.occurrences is known:
        return reading
    before = {one.key: one for one in known}
    occurrences = tuple(_stamped(one, before.get(one.key)) for one in reading.occurrences)
    return replace(reading, occurrences=occurrences)


def _stamped(one: Occurrence, before: Occurrence | None) -> Occurrence:
    if before is None or before.stamp == one.stamp:
        return one
    same = replace(one, stamp=before.stamp)
    return same if replace(same, answer=before.answer, busy=before.busy) == before else one
