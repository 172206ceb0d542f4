"""Rooms that leave an open booking: held until it is sure that they alone do.

A cancellation reaches the room calendars one after the other, and so does an edit of the series.
Whoever hung up on the first room then would cut people off before they are warned. So a room stays
until the calendar of every other room was read after the room's own, and misses nothing.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from cospaced.engine.copies import Key


class Leavers:
    """Remembers since when which rooms are missed; `doubted` and `hurry` are the polling's."""

    def __init__(self) -> None:
        self._since: dict[Key, dict[str, datetime]] = {}
        self.doubted: Callable[[str, Key], bool] = lambda _room, _key: False
        self.hurry: Callable[[Iterable[str]], None] = lambda _rooms: None

    @property
    def keys(self) -> tuple[Key, ...]:
        """The occurrences from which rooms are held, in order; to be followed again soon."""
        return tuple(sorted(self._since))

    def held(
        self,
        key: Key,
        missed: Iterable[str],
        others: Iterable[str],
        read_at: Mapping[str, datetime],
        now: datetime,
    ) -> list[str]:
        """Return which of the missed rooms stay for now; `others` are those that still hold it."""
        before = self._since.pop(key, {})
        rooms = list(others)
        if any(self.doubted(room, key) for room in rooms):
            last_read = None
        else:
            last_read = min((read_at[room] for room in rooms if room in read_at), default=now)
        since = {room: before.get(room, now) for room in missed}
        staying = {room: at for room, at in since.items() if last_read is None or last_read <= at}
        if staying and rooms:
            self._since[key] = staying
            if not before:
                self.hurry(rooms)
            return list(staying)
        return []
