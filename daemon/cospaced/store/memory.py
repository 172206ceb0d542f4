"""A store without a disk, for tests, simulation and the demo; it dies and is opened again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TypeVar

from cospaced.domain.booking import Booking, State, StoryEntry
from cospaced.domain.calendar import Reading
from cospaced.domain.story import CUT, FIRST, LONGEST, shortened
from cospaced.errors import StoreConflict, StoreUnusable
from cospaced.ports import Clock, Entropy
from cospaced.store.rows import KEPT, number_conflict, version_conflict


T = TypeVar("T")

_LONGEST = 0.005  # seconds that a commit may take, as in the state file


@dataclass(slots=True)
class _Disk:
    """What outlives a process."""

    bookings: dict[str, Booking] = field(default_factory=dict)
    open_on: dict[int, str] = field(default_factory=dict)
    story: dict[str, list[StoryEntry]] = field(default_factory=dict)
    readings: dict[str, Reading] = field(default_factory=dict)
    facts: dict[str, str] = field(default_factory=dict)


class MemoryStore:
    """A Store in memory.

    With a clock and chance, each write waits a drawn moment before it takes effect and another
    before it returns, so that a crash falls on either side of the commit.
    """

    def __init__(self, *, clock: Clock | None = None, entropy: Entropy | None = None) -> None:
        self._clock = clock
        self._entropy = entropy
        self._disk = _Disk()
        self._gone = ""

    def crash(self) -> "MemoryStore":
        """Kill the process that holds this store, and return the store as the next one finds it.

        Calls under way here, and all later ones, raise StoreUnusable and change nothing more.
        """
        after = MemoryStore(clock=self._clock, entropy=self._entropy)
        after._disk = self._disk
        self._gone = "the process that held this store was killed"
        # Nothing that a dead process still runs may reach what is left of it.
        self._disk = _Disk()
        return after

    async def bookings(self) -> tuple[Booking, ...]:
        """Return every row by id."""
        self._must_be_there()
        return tuple(self._disk.bookings[key] for key in sorted(self._disk.bookings))

    async def save(self, booking: Booking, story: Sequence[StoryEntry] = ()) -> Booking:
        """Store a row and lines of its story; see the port."""
        return await self._commit(lambda: self._save(booking, story))

    async def tell(self, story: Sequence[StoryEntry]) -> None:
        """Append lines to stories."""
        await self._commit(lambda: self._tell(story))

    async def story(self, booking: str) -> tuple[StoryEntry, ...]:
        """Return a booking's story in the order in which it was told."""
        self._must_be_there()
        return tuple(self._disk.story.get(booking, ()))

    async def readings(self) -> dict[str, Reading]:
        """Return each room's snapshot."""
        self._must_be_there()
        return dict(sorted(self._disk.readings.items()))

    async def save_reading(self, room: str, reading: Reading | None) -> None:
        """Replace or remove a room's snapshot."""

        def work() -> None:
            if reading is None:
                self._disk.readings.pop(room, None)
            else:
                self._disk.readings[room] = reading

        await self._commit(work)

    async def fact(self, key: str) -> str:
        """Return a fact, or empty."""
        self._must_be_there()
        return self._disk.facts.get(key, "")

    async def save_fact(self, key: str, value: str) -> None:
        """Store a fact."""
        await self._commit(lambda: self._disk.facts.update({key: value}))

    async def forget(self, before: datetime) -> int:
        """Remove what ended before; see the port."""
        return await self._commit(lambda: self._forget(before))

    async def close(self) -> None:
        """Refuse every later call."""
        self._gone = self._gone or "this store is closed"

    async def _commit(self, work: Callable[[], T]) -> T:
        self._must_be_there()
        await self._pause()
        self._must_be_there()
        result = work()
        await self._pause()
        self._must_be_there()
        return result

    async def _pause(self) -> None:
        if self._clock is not None and self._entropy is not None:
            await self._clock.sleep(self._entropy.uniform(0, _LONGEST / 2))

    def _must_be_there(self) -> None:
        if self._gone:
            raise StoreUnusable(self._gone)

    def _save(self, booking: Booking, story: Sequence[StoryEntry]) -> Booking:
        disk = self._disk
        stored = disk.bookings.get(booking.id)
        version = stored.version if stored else 0
        if version != booking.version:
            raise StoreConflict(version_conflict(booking, version))
        if booking.state is State.OPEN and booking.number is not None:
            holder = disk.open_on.get(booking.number, booking.id)
            if holder != booking.id:
                raise StoreConflict(number_conflict(booking, holder))
        if stored is not None:
            self._release(stored)
        saved = replace(booking, version=version + 1)
        disk.bookings[saved.id] = saved
        if saved.state is State.OPEN and saved.number is not None:
            disk.open_on[saved.number] = saved.id
        self._tell(story)
        return saved

    def _release(self, stored: Booking) -> None:
        if stored.number is not None and self._disk.open_on.get(stored.number) == stored.id:
            del self._disk.open_on[stored.number]

    def _tell(self, story: Sequence[StoryEntry]) -> None:
        for line in story:
            self._disk.story.setdefault(line.booking, []).append(line)
        for booking in dict.fromkeys(line.booking for line in story):
            told = self._disk.story[booking]
            if len(told) > LONGEST:
                cut = replace(told[FIRST], event="decided", text=CUT)
                self._disk.story[booking] = shortened(told, cut)

    def _forget(self, before: datetime) -> int:
        disk = self._disk
        ended = [
            key
            for key, row in disk.bookings.items()
            if row.state not in KEPT and row.ends_at < before
        ]
        for key in ended:
            del disk.bookings[key]
            disk.story.pop(key, None)
        orphans = [
            key
            for key, lines in disk.story.items()
            if key not in disk.bookings and max(line.at for line in lines) < before
        ]
        for key in orphans:
            del disk.story[key]
        return len(ended)
