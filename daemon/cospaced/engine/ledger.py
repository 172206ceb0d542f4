"""Every booking in memory, written through to the store; who holds which number when.

The row in memory is the truth of this process; `persisted` waits until the store has it. If the
store fails, the daemon carries on from memory and looks, and says so once.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from cospaced.domain.booking import Booking, State, StoryEntry
from cospaced.domain.lifecycle import FINISHED
from cospaced.domain.timespan import Timespan
from cospaced.domain.windows import Windows
from cospaced.errors import StoreConflict, StoreUnusable
from cospaced.ports import Clock, Store


log = structlog.get_logger()


@dataclass(slots=True)
class _Entry:
    booking: Booking
    story: list[StoryEntry] = field(default_factory=list)
    version: int = 0
    dirty: bool = False
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Ledger:
    """All rows of this daemon."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._entries: dict[str, _Entry] = {}
        self._by_event: dict[tuple[str, str], str] = {}
        self._held: dict[int, str] = {}
        self._unstored_since: datetime | None = None
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

    def get(self, booking: str) -> Booking | None:
        """Return one row."""
        entry = self._entries.get(booking)
        return None if entry is None else entry.booking

    def latest(self, uid: str, recurrence_id: str) -> Booking | None:
        """Return the newest row of an occurrence."""
        found = self._by_event.get((uid, recurrence_id))
        return None if found is None else self.get(found)

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
        entry.dirty = True
        self._enter(booking)

    def _enter(self, booking: Booking) -> None:
        key = (booking.uid, booking.recurrence_id)
        known = self.get(self._by_event.get(key, ""))
        if known is None or known.generation <= booking.generation:
            self._by_event[key] = booking.id
        if booking.number is None:
            return
        if booking.state not in FINISHED:
            self.windows.add(
                booking.number,
                window(booking),
                booking.id,
                uid=booking.uid,
                early=_early(booking),
            )
        if booking.state is State.OPEN:
            self._held[booking.number] = booking.id
        if booking.opened_at is not None:
            used = max(booking.opened_at, min(booking.ends_at, self._clock.now()))
            before = self.last_used.get(booking.number)
            if before is None or before[0] <= used:
                self.last_used[booking.number] = (used, booking.uid)

    def _leave(self, booking: Booking) -> None:
        if booking.number is None:
            return
        if booking.state not in FINISHED:
            self.windows.remove(booking.number, booking.id)
        if self._held.get(booking.number) == booking.id:
            del self._held[booking.number]

    async def persisted(self, booking: str) -> None:
        """Return when the store has the row as it is now, or is known to fail."""
        entry = self._entries[booking]
        async with entry.lock:
            if not entry.dirty:
                return
            entry.dirty = False
            story, entry.story = entry.story, []
            row = replace(entry.booking, version=entry.version)
            try:
                entry.version = (await self._store.save(row, story)).version
            except (StoreUnusable, StoreConflict) as error:
                entry.dirty = True
                entry.story = story + entry.story
                self._failing(str(error))
                return
            except asyncio.CancelledError:
                entry.dirty = True
                entry.story = story + entry.story
                raise
            self._working()

    async def persist_all(self) -> None:
        """Store every row that is not stored yet."""
        for booking in sorted(key for key, entry in self._entries.items() if entry.dirty):
            await self.persisted(booking)

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
            event = (booking.uid, booking.recurrence_id)
            if self._by_event.get(event) == key:
                del self._by_event[event]
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


def entries(booking: str, at: datetime, lines: Sequence[tuple[str, str]]) -> list[StoryEntry]:
    """Make story lines of (event, text) pairs."""
    return [StoryEntry(booking=booking, at=at, event=event, text=text) for event, text in lines]
