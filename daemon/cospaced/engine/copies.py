"""Every room's copies of occurrences, as last read, by room and by occurrence."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime

from cospaced.domain.calendar import Answer, Copy, Occurrence, Reading


Key = tuple[str, str]


class Copies:
    """The room calendars in memory; `update` says which occurrences changed."""

    def __init__(self) -> None:
        self._by_room: dict[str, dict[Key, Copy]] = {}
        self._by_key: dict[Key, dict[str, Copy]] = {}
        self._disagreeing: dict[Key, None] = {}
        self._fresh: dict[Key, dict[str, None]] = {}
        self.read_at: dict[str, datetime] = {}

    def update(
        self,
        room: str,
        source: str,
        reading: Reading,
        now: datetime,
        accepted: Collection[Key] = (),
    ) -> tuple[Key, ...]:
        """Put a room's whole calendar in place; return the keys that changed, in order.

        `accepted` are occurrences that were bookings with this room before a restart.
        """
        before = self._by_room.get(room, {})
        after: dict[Key, Copy] = {}
        for occurrence in reading.occurrences:
            after[occurrence.key] = self._copy(room, source, occurrence, now, accepted)
        for held in reading.standing.held:
            if held.key in after:
                after[held.key] = replace(after[held.key], held=held.reason)
        changed = [key for key in before if key not in after]
        changed += [key for key, copy in after.items() if before.get(key) != copy]
        known = accepted if room not in self._by_room else ()
        for key in changed:
            if key not in known:
                self._fresh.setdefault(key, {})[room] = None
        self._by_room[room] = after
        for key in changed:
            self._index(key, room, after.get(key))
        disagreeing = self.read_again(room, now)
        return tuple(sorted({*changed, *disagreeing}))

    def _copy(
        self,
        room: str,
        source: str,
        occurrence: Occurrence,
        now: datetime,
        accepted: Collection[Key],
    ) -> Copy:
        old = self._by_room.get(room, {}).get(occurrence.key)
        if old is not None and old.occurrence == occurrence and old.source == source:
            return replace(old, held="") if old.held else old
        timed_at = None
        if old is not None and old.occurrence.span == occurrence.span:
            timed_at = old.timed_at or old.seen_at
        return Copy(
            room=room,
            source=source,
            occurrence=occurrence,
            seen_at=now,
            timed_at=timed_at,
            accepted_before=_accepted_before(old, booked=occurrence.key in accepted),
        )

    def _index(self, key: Key, room: str, copy: Copy | None) -> None:
        group = self._by_key.setdefault(key, {})
        if copy is not None:
            group[room] = copy
        else:
            group.pop(room, None)
        if not group:
            del self._by_key[key]
        if len({copy.occurrence.span for copy in group.values()}) > 1:
            self._disagreeing[key] = None
        else:
            self._disagreeing.pop(key, None)

    def news(self, key: Key) -> list[tuple[str, Copy | None]]:
        """Return the rooms whose copies changed since this was last asked; None: it is gone.

        What was a booking with the room before a restart is no news.
        """
        group = self._by_key.get(key, {})
        return [(room, group.get(room)) for room in sorted(self._fresh.pop(key, ()))]

    def read_again(self, room: str, now: datetime) -> tuple[Key, ...]:
        """Note a reading that changed nothing; return the keys that are to be folded anew.

        A copy that still differs from the others leaves its booking at its room's next reading.
        """
        self.read_at[room] = now
        held = self._by_room.get(room, {})
        return tuple(sorted(key for key in self._disagreeing if key in held))

    def forget(self, room: str) -> tuple[Key, ...]:
        """Drop a room that is configured no more; return the keys that changed."""
        changed = tuple(sorted(self._by_room.pop(room, {})))
        for key in changed:
            self._index(key, room, None)
        self.read_at.pop(room, None)
        return changed

    def of(self, key: Key) -> tuple[Copy, ...]:
        """Return the copies of one occurrence, by room."""
        group = self._by_key.get(key, {})
        return tuple(group[room] for room in sorted(group))

    def of_room(self, room: str) -> tuple[Key, ...]:
        """Return the occurrences of one room's calendar."""
        return tuple(self._by_room.get(room, ()))

    def keys(self) -> tuple[Key, ...]:
        """Return every occurrence there is, in order."""
        return tuple(sorted(self._by_key))

    def covering(self, rooms: Collection[str], begin: datetime, end: datetime) -> tuple[Key, ...]:
        """Return the occurrences in these rooms that overlap a span, or begin at its end."""
        found = {
            key
            for room in rooms
            for key, copy in self._by_room.get(room, {}).items()
            if copy.occurrence.start <= end and copy.occurrence.end > begin
        }
        return tuple(sorted(found))

    def busy_from(self, rooms: Collection[str], after: datetime) -> Mapping[str, datetime]:
        """Return when the next event of each room begins after a moment, where there is one."""
        found: dict[str, datetime] = {}
        for room in rooms:
            starts = [
                copy.occurrence.start
                for copy in self._by_room.get(room, {}).values()
                if copy.occurrence.start >= after and not copy.occurrence.cancelled
            ]
            if starts:
                found[room] = min(starts)
        return found

    def starts_near(self, room: str, now: datetime) -> list[tuple[datetime, datetime]]:
        """Return start and end of the room's events that are not over, soonest first."""
        spans = [
            (copy.occurrence.start, copy.occurrence.end)
            for copy in self._by_room.get(room, {}).values()
            if copy.occurrence.end > now and not copy.occurrence.cancelled
        ]
        return sorted(spans)


def _accepted_before(old: Copy | None, *, booked: bool) -> bool:
    """Whether accepted is the last that was heard, should a copy be unanswered from now on."""
    if old is None or old.occurrence.answer is Answer.UNANSWERED:
        return booked or (old is not None and old.accepted_before)
    return old.occurrence.answer in (Answer.ACCEPTED, Answer.NONE)
