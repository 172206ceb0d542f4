"""Rooms that leave an open booking: held until it is sure that they alone do.

A cancellation reaches the room calendars one after the other, and so does an edit of the series.
Whoever hung up on the first room then would cut people off before they are warned. So a room stays
until the calendar of every other room was read a while after the room's own, and misses nothing;
and where its own calendar may not have said the last word, until it was read again after some
patience.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from cospaced.engine.copies import Key


AGAIN = timedelta(seconds=5)
"""How soon the calendars are asked again while rooms are held; later and later if that goes on."""
APART = timedelta(seconds=15)
"""How far apart servers may show one change."""
_NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class _Missed:
    at: datetime
    patience: timedelta


class Leavers:
    """Remembers since when which rooms are missed; `doubted` and `hurry` are the polling's."""

    def __init__(self) -> None:
        self._missed: dict[Key, dict[str, _Missed]] = {}
        self._asked: dict[Key, datetime] = {}
        self.doubted: Callable[[str, Key], bool] = lambda _room, _key: False
        self.hurry: Callable[[Iterable[str]], None] = lambda _rooms: None

    @property
    def keys(self) -> tuple[Key, ...]:
        """The occurrences from which rooms are held, in order; to be followed again soon."""
        return tuple(sorted(self._missed))

    def rooms(self, uid: str, recurrence_id: str) -> tuple[str, ...]:
        """Return the rooms that are held for an occurrence."""
        return tuple(self._missed.get((uid, recurrence_id), ()))

    def forget(self, key: Key) -> None:
        """Hold no rooms for an occurrence any more."""
        self._missed.pop(key, None)
        self._asked.pop(key, None)

    def held(
        self,
        key: Key,
        missed: Mapping[str, timedelta],
        others: Iterable[str],
        read_at: Mapping[str, datetime],
        now: datetime,
    ) -> list[str]:
        """Return which of the missed rooms stay for now; `others` are those that still hold it.

        `missed` gives the patience with each: none where two polls have agreed that it left.
        """
        before = self._missed.pop(key, {})
        rooms = list(others)
        noted = {}
        for room, patience in missed.items():
            first = before.get(room, _Missed(now, patience))
            noted[room] = _Missed(first.at, max(first.patience, patience))
        staying = {
            room: one
            for room, one in noted.items()
            if _in_doubt(room, one, read_at, now) or self._others_unread(key, one, rooms, read_at)
        }
        if not staying:
            self._asked.pop(key, None)
            return []
        self._missed[key] = staying
        self._ask(key, [*rooms, *staying], now)
        return list(staying)

    def _others_unread(
        self, key: Key, one: _Missed, rooms: list[str], read_at: Mapping[str, datetime]
    ) -> bool:
        """Whether another room may be about to lose it too."""
        if any(self.doubted(room, key) for room in rooms):
            return True
        return any(read_at[room] <= one.at + APART for room in rooms if room in read_at)

    def _ask(self, key: Key, rooms: list[str], now: datetime) -> None:
        asked = self._asked.get(key)
        since = min(one.at for one in self._missed[key].values())
        if asked is None or now >= asked + max(AGAIN, (asked - since) / 2):
            self._asked[key] = now
            self.hurry(rooms)


def _in_doubt(room: str, one: _Missed, read_at: Mapping[str, datetime], now: datetime) -> bool:
    """Whether a room's own calendar may still take it back."""
    if one.patience == _NONE:
        return False
    return now < one.at + one.patience or room not in read_at or read_at[room] <= one.at
