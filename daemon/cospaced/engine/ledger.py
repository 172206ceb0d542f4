"""Every booking in memory, written through to the store; who holds which number when.

The row in memory is the truth of this process; `persisted` waits until the store has it. If the
store fails, the daemon carries on from memory and looks, and says so once.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from cospaced.domain.booking import Booking, State, StoryEntry
from cospaced.domain.lifecycle import FINISHED
from cospaced.domain.story import Line
from cospaced.domain.timespan import Timespan
from cospaced.domain.windows import Windows
from cospaced.engine.edges import Edges
from cospaced.errors import StoreConflict, StoreUnusable
from cospaced.ports import Clock, Store


log = structlog.get_logger()

TOGETHER = 256
"""Rows stored at once; a store commits together what comes together."""


@dataclass(slots=True)
class _Entry:
    booking: Booking
    story: list[StoryEntry] = field(default_factory=list)
    version: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Ledger:
    """All rows of this daemon."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._by_event: dict[tuple[str, str], str] = {}
        self._by_room: dict[str, dict[str, None]] = {}
        self._open_by_room: dict[str, dict[str, None]] = {}
        self._by_state: dict[State, dict[str, None]] = {state: {} for state in State}
        self._by_uid: dict[str, dict[str, None]] = {}
        self._held: dict[int, str] = {}
        self._starting: Counter[datetime] = Counter()
        self._dirty: dict[str, None] = {}
        self._unstored_since: datetime | None = None
        self._edges = Edges()
        self.windows = Windows()
        self.last_used: dict[int, tuple[datetime, str]] = {}

    async def load(self) -> None:
        """Take up every row of the store."""
        for booking in await self._store.bookings():
            self._entries[booking.id] = _Entry(booking=booking, version=booking.version)
            self._enter(booking)

    def all(self) -> list[Booking]:
        """Return every row, by id."""
        return [self._entries[key].booking for key in sorted(self._entries)]

    def every(self) -> Iterator[Booking]:
        """Yield every row in no order: a person's question must not cost a sort of them all."""
        return (entry.booking for entry in self._entries.values())

    def get(self, booking: str) -> Booking | None:
        """Return one row."""
        entry = self._entries.get(booking)
        return None if entry is None else entry.booking

    def in_state(self, *states: State) -> list[Booking]:
        """Return the rows in one of these states, by id."""
        return [self._entries[key].booking for key in self._keys(states)]

    def count(self, state: State) -> int:
        """Return how many rows are in a state."""
        return len(self._by_state[state])

    def unfinished(self) -> list[str]:
        """Return the ids of the rows that are not finished."""
        return self._keys([state for state in State if state not in FINISHED])

    def _keys(self, states: Iterable[State]) -> list[str]:
        return sorted(key for state in states for key in self._by_state[state])

    def open_with(self, rooms: Iterable[str]) -> list[Booking]:
        """Return the open rows that have one of these rooms, by id."""
        keys = {key for room in rooms for key in self._open_by_room.get(room, ())}
        return [self._entries[key].booking for key in sorted(keys)]

    def with_room(self, room: str) -> list[Booking]:
        """Return the rows, not finished, that have a room."""
        return [self._entries[key].booking for key in sorted(self._by_room.get(room, ()))]

    def of_series(self, uid: str) -> list[Booking]:
        """Return the rows of one UID."""
        return [self._entries[key].booking for key in sorted(self._by_uid.get(uid, ()))]

    def latest(self, uid: str, recurrence_id: str) -> Booking | None:
        """Return the newest row of an occurrence."""
        found = self._by_event.get((uid, recurrence_id))
        return None if found is None else self.get(found)

    def next_generation(self, uid: str, recurrence_id: str) -> int:
        """Return the generation of an occurrence's next row: above that of all it has."""
        rows = [row for row in self.of_series(uid) if row.recurrence_id == recurrence_id]
        return 1 + max((row.generation for row in rows), default=-1)

    def starting(self, moment: datetime) -> int:
        """Return how many rows, not finished, start at a moment."""
        return self._starting[moment]

    def holder(self, number: int) -> str:
        """Return the id of the booking that is open, or still closing, on a number; or empty."""
        return self._held.get(number, "")

    @property
    def unstored_since(self) -> datetime | None:
        """Since when the store has been failing; None: it works."""
        return self._unstored_since

    def put(self, booking: Booking, story: Iterable[StoryEntry] = ()) -> None:
        """Put a row in place; it is stored by the next `persisted`."""
        entry = self._entries.get(booking.id)
        if entry is None:
            entry = self._entries[booking.id] = _Entry(booking=booking)
        else:
            self._leave(entry.booking)
        entry.booking = booking
        entry.story += story
        self._dirty[booking.id] = None
        self._enter(booking)

    def tell(self, booking: Booking, text: str) -> None:
        """Put a row in place with what was decided as a line of its story."""
        self.put(booking, entries(booking.id, self._clock.now(), [("decided", text)]))

    def add(self, booking: str, lines: Sequence[Line]) -> None:
        """Add lines to the story of a row; they are stored by its next `persisted`."""
        entry = self._entries.get(booking)
        if entry is not None and lines:
            entry.story += entries(booking, self._clock.now(), lines)
            self._dirty[booking] = None

    async def story(self, booking: str) -> tuple[StoryEntry, ...]:
        """Return a booking's story, lines that the store could not take included."""
        await self.persisted(booking)
        entry = self._entries.get(booking)
        waiting = () if entry is None else tuple(entry.story)
        try:
            return (*await self._store.story(booking), *waiting)
        except StoreUnusable as error:
            self._failing(str(error))
            return waiting

    def note(self, booking: Booking) -> None:
        """Put a row in place that differs in nothing but when something was last seen.

        It is stored with the next change.
        """
        self._entries[booking.id].booking = booking

    def _enter(self, booking: Booking) -> None:
        key = (booking.uid, booking.recurrence_id)
        known = self.get(self._by_event.get(key, ""))
        if known is None or known.generation <= booking.generation:
            self._by_event[key] = booking.id
        self._by_state[booking.state][booking.id] = None
        self._by_uid.setdefault(booking.uid, {})[booking.id] = None
        if booking.state not in FINISHED:
            self._starting[booking.start] += 1
        for room in booking.rooms:
            if booking.state not in FINISHED:
                self._by_room.setdefault(room, {})[booking.id] = None
            if booking.state is State.OPEN:
                self._open_by_room.setdefault(room, {})[booking.id] = None
        if booking.number is not None:
            self._enter_number(booking, booking.number)

    def _enter_number(self, booking: Booking, number: int) -> None:
        if booking.state not in FINISHED:
            self.windows.add(
                number,
                window(booking),
                booking.id,
                uid=booking.uid,
                early=_early(booking),
            )
        if booking.state is State.OPEN:
            self._held[number] = booking.id
        if booking.opened_at is not None:
            used = max(booking.opened_at, min(booking.ends_at, self._clock.now()))
            before = self.last_used.get(number)
            if before is None or before[0] <= used:
                self.last_used[number] = (used, booking.uid)

    def _leave(self, booking: Booking) -> None:
        self._by_state[booking.state].pop(booking.id, None)
        self._leave_event(booking)
        self._leave_start(booking)
        for room in booking.rooms:
            self._by_room.get(room, {}).pop(booking.id, None)
            self._open_by_room.get(room, {}).pop(booking.id, None)
        if booking.number is None:
            return
        if booking.state not in FINISHED:
            self.windows.remove(booking.number, booking.id)
        if self._held.get(booking.number) == booking.id:
            del self._held[booking.number]

    def _leave_start(self, booking: Booking) -> None:
        if booking.state in FINISHED:
            return
        self._starting[booking.start] -= 1
        if not self._starting[booking.start]:
            del self._starting[booking.start]

    def _leave_event(self, booking: Booking) -> None:
        event = (booking.uid, booking.recurrence_id)
        if self._by_event.get(event) == booking.id:
            del self._by_event[event]
        series = self._by_uid.get(booking.uid, {})
        series.pop(booking.id, None)
        if not series:
            self._by_uid.pop(booking.uid, None)

    async def persisted(self, booking: str) -> None:
        """Return when the store has the row as it is now, or is known to fail."""
        entry = self._entries.get(booking)
        if entry is None:
            return
        async with entry.lock:
            if booking not in self._dirty:
                return
            del self._dirty[booking]
            story, entry.story = entry.story, []
            row = replace(entry.booking, version=entry.version)
            stored = False
            # The edge of a row: one that cannot be stored must not stop the others.
            with self._edges.of("booking.fault", booking=booking):
                try:
                    entry.version = (await self._store.save(row, story)).version
                    stored = True
                except (StoreUnusable, StoreConflict) as error:
                    self._failing(str(error))
                finally:
                    if not stored:
                        self._dirty[booking] = None
                        entry.story = story + entry.story
            if stored:
                self._working()

    async def persist_all(self) -> None:
        """Store every row that is not stored yet, as many at once as make a good transaction."""
        due = list(self._dirty)
        for begin in range(0, len(due), TOGETHER):
            async with asyncio.TaskGroup() as tasks:
                for booking in due[begin : begin + TOGETHER]:
                    tasks.create_task(self.persisted(booking))
            if self._unstored_since is not None:
                return

    def _failing(self, reason: str) -> None:
        if self._unstored_since is None:
            self._unstored_since = self._clock.now()
            log.error("store.failing", reason=reason)

    def _working(self) -> None:
        if self._unstored_since is not None:
            seconds = int((self._clock.now() - self._unstored_since).total_seconds())
            self._unstored_since = None
            log.info("store.recovered", seconds=seconds)

    async def forget(self, age: timedelta) -> None:
        """Drop what ended long ago, here and in the store."""
        before = self._clock.now() - age
        old = [
            key
            for key, entry in self._entries.items()
            if entry.booking.state in (*FINISHED, State.REFUSED) and entry.booking.ends_at < before
        ]
        for key in old:
            booking = self._entries.pop(key).booking
            self._leave(booking)
            self._dirty.pop(key, None)
        try:
            await self._store.forget(before)
        except StoreUnusable as error:
            self._failing(str(error))


def window(booking: Booking) -> Timespan:
    """Return the span over which a booking needs its number, its early join included."""
    start = booking.start - _early(booking)
    return Timespan(start, max(booking.start, booking.ends_at + booking.terms.close_after))


def _early(booking: Booking) -> timedelta:
    return booking.terms.early_join if booking.early else timedelta(0)


def entries(booking: str, at: datetime, lines: Sequence[Line]) -> list[StoryEntry]:
    """Make story lines of (event, text) pairs."""
    return [StoryEntry(booking=booking, at=at, event=event, text=text) for event, text in lines]
