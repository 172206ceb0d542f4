"""Polling the room calendars: when, what an answer changes, and what is told of failures.

Each room's polls are spread over the interval and come quicker around a booking's start and end.
A failing calendar is told once, and once more when it is well again; its last good reading stays.
"""

import asyncio
import heapq
from collections.abc import Callable, Iterable, KeysView, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from cospaced.domain.calendar import Reading, cleaned
from cospaced.domain.pace import pace
from cospaced.domain.timespan import Timespan
from cospaced.engine.asking import Gates, ask
from cospaced.engine.copies import Copies, Key
from cospaced.engine.edges import Edges
from cospaced.engine.outages import Outages
from cospaced.engine.room_desk import RoomDesk, place_of
from cospaced.errors import CalendarError, StoreUnusable
from cospaced.ports import CalendarSource, Clock, Entropy, Store
from cospaced.settings import RoomSettings, Settings


log = structlog.get_logger()

BACKWARD = timedelta(days=1)
"""How much of the past is read, for what is still running."""
AT_A_RELOAD = timedelta(seconds=1)
"""How soon a room is polled again whose source was exchanged under its poll."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Believed:
    """What a good reading changes, as far as it is believed."""

    kept: Reading
    keys: Sequence[Key]
    again: timedelta | None
    """How soon it wants to be confirmed."""
    first: bool = False
    same: bool = False
    """Nothing that is stored differs from the reading before."""


class Polling:
    """Polls every room of every calendar."""

    def __init__(  # noqa: PLR0913 - the ports it stands on, by keyword
        self,
        *,
        sources: Mapping[str, CalendarSource],
        copies: Copies,
        store: Store,
        clock: Clock,
        entropy: Entropy,
        settings: Settings,
        on_change: Callable[[Sequence[Key]], None],
        booked_before: Callable[[str], list[Key]],
    ) -> None:
        self._sources = dict(sources)
        self._copies = copies
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._on_change = on_change
        self._booked_before = booked_before
        self._desks: dict[str, RoomDesk] = {}
        self._agenda: list[tuple[float, str]] = []
        self._unread: dict[str, None] = {}
        self._failing: dict[str, None] = {}
        self._outages = Outages(clock, settings.rooms)
        self._gates = Gates()
        self._edges = Edges()
        self._wake = asyncio.Event()
        self.settings = settings
        self.polls = 0
        self.requests = 0

    # --- what others ask --------------------------------------------------------------------

    @property
    def unread(self) -> KeysView[str]:
        """Rooms without any reading: what they hold is unknown. A live view."""
        return self._unread.keys()

    def doubts(self, room: str, key: Key) -> bool:
        """Whether a room's last reading missed an occurrence that it had, still unconfirmed."""
        desk = self._desks.get(room)
        return desk is not None and desk.misses(key)

    def hides(self, room: str, key: Key) -> bool:
        """Whether an event that cannot be read in a room's calendar may be this occurrence."""
        desk = self._desks.get(room)
        return desk is not None and desk.hides(key)

    def hurry(self, rooms: Iterable[str]) -> None:
        """Poll some rooms now; those whose poll is under way are left to it."""
        for room in rooms:
            desk = self._desks.get(room)
            if desk is not None and not desk.under_way:
                self._schedule(room, 0)
        self._wake.set()

    def heard(self, rooms: Iterable[str]) -> None:
        """Poll rooms whose server told of a change, each after the poll that is under way."""
        for room in rooms:
            desk = self._desks.get(room)
            # One that cannot be read is left to its pace: its server may have asked for it.
            if desk is None or room in self._failing:
                continue
            desk.heard = True
            if desk.due is not None and desk.due > self._clock.monotonic() + desk.calm:
                self._schedule(room, desk.calm)
        self._wake.set()

    @property
    def all_tried(self) -> bool:
        """Whether every room has a reading or one try behind it."""
        return all(self._desks[name].tried for name in self._unread)

    @property
    def mute(self) -> tuple[str, ...]:
        """Rooms unreadable for so long that they are dialled no more."""
        limit = self.settings.daemon.stale_limit
        return tuple(
            name for name in sorted(self._failing) if self._desks[name].failing_for > limit
        )

    def failing(self) -> dict[str, tuple[datetime, str]]:
        """Return since when and why calendars cannot be read, by room."""
        desks = ((name, self._desks[name]) for name in sorted(self._failing))
        return {name: (desk.failing_since, desk.reason) for name, desk in desks}

    def readings(self) -> dict[str, Reading]:
        """Return the last good reading of each room."""
        return {
            name: desk.reading
            for name, desk in sorted(self._desks.items())
            if desk.reading is not None
        }

    # --- life -------------------------------------------------------------------------------

    async def load(self) -> None:
        """Take up the stored readings, so that a restart knows what was known."""
        stored = await self._store.readings()
        for room in self.settings.rooms:
            reading = stored.get(room.name)
            # It may have been stored before a rule by which texts are cleaned.
            self._add(room, reading and cleaned(reading))
        changed: set[Key] = set()
        for name, desk in self._desks.items():
            if desk.reading is not None:
                changed.update(self._copy(name, desk, desk.reading))
                changed.update(self._booked_before(name))
        self._on_change(sorted(changed))

    def _add(self, room: RoomSettings, reading: Reading | None = None) -> None:
        self._failing.pop(room.name, None)
        desk = RoomDesk(room=room, clock=self._clock, outages=self._outages, reading=reading)
        self._desks[room.name] = desk
        if desk.failing:
            self._failing[room.name] = None
        if desk.reading is None:
            self._unread[room.name] = None
        most = min(self.settings.daemon.poll_interval.total_seconds(), 5.0)
        # The first reading comes soon; later polls drift apart over the interval.
        self._schedule(room.name, self._spread(most))

    def _spread(self, most: float) -> float:
        return self._entropy.uniform(0, most)

    def reload(self, settings: Settings, sources: Mapping[str, CalendarSource]) -> None:
        """Go on with other settings; rooms whose settings did not change are not touched."""
        self.settings = settings
        self._outages.rooms = settings.rooms
        self._sources = dict(sources)
        wanted = {room.name: room for room in settings.rooms}
        changed: list[Key] = []
        for name in [name for name in self._desks if name not in wanted]:
            del self._desks[name]
            self._unread.pop(name, None)
            self._failing.pop(name, None)
            changed += self._copies.forget(name)
        for name, room in wanted.items():
            desk = self._desks.get(name)
            if desk is None or place_of(desk.room) != place_of(room):
                if desk is not None:
                    changed += self._copies.forget(name)
                self._add(room)
            elif desk.room != room:
                desk.room = room
                changed += self._copies.of_room(name)
        self._on_change(sorted(set(changed)))
        self._wake.set()

    async def run(self) -> None:
        """Poll until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._sleep()
                now = self._clock.monotonic()
                while self._agenda and self._agenda[0][0] <= now:
                    due, name = heapq.heappop(self._agenda)
                    desk = self._desks.get(name)
                    if desk is None or desk.due != due or desk.under_way:
                        continue
                    desk.due = None
                    desk.under_way = True
                    tasks.create_task(self._poll(name, desk), name=f"poll {name}")

    async def _sleep(self) -> None:
        pause = 1.0
        if self._agenda:
            pause = min(pause, self._agenda[0][0] - self._clock.monotonic())
        try:
            async with asyncio.timeout(max(pause, 0.01)):
                await self._wake.wait()
        except TimeoutError:
            pass
        self._wake.clear()

    def _schedule(self, room: str, seconds: float) -> None:
        desk = self._desks[room]
        moment = self._clock.monotonic() + seconds
        desk.due = moment
        heapq.heappush(self._agenda, (moment, room))

    # --- one poll ---------------------------------------------------------------------------

    async def _poll(self, name: str, desk: RoomDesk) -> None:
        if self._desks.get(name) is not desk:
            # A reload came before its first step: its calendar may be gone.
            return
        async with self._gates.of(desk.room, self.settings.calendar(desk.room.calendar)):
            asked = self._sources.get(desk.room.calendar)
            # A change that is told from here on may be missing in what this poll reads.
            desk.heard = False
            desk.polled_at = self._clock.monotonic()
            found = await self._read(desk)
            if self._desks.get(name) is not desk:
                # The configuration names another calendar by now, or none.
                return
            again: timedelta | None = AT_A_RELOAD
            # A source that a reload has closed under its poll says nothing of the calendar.
            if isinstance(found, Reading) or self._sources.get(desk.room.calendar) is asked:
                again = await self._take_up(name, desk, found)
                desk.tried = True
        desk.under_way = False
        if self._desks.get(name) is desk:
            seconds = (again or self._interval(name)).total_seconds()
            if desk.heard and name not in self._failing:
                seconds = min(seconds, desk.calm)
            self._schedule(name, seconds)
            self._wake.set()

    async def _read(self, desk: RoomDesk) -> Reading | CalendarError:
        now = self._clock.now()
        window = Timespan(now - BACKWARD, now + self.settings.daemon.booking_window)
        try:
            source = self._sources[desk.room.calendar]
            limit = self.settings.calendar(desk.room.calendar).timeout
            reading = await ask(source, desk.room, desk.as_read, window, limit)
        except CalendarError as error:
            return error
        except Exception as error:
            # The edge of a poll: a fault of one adapter must not stop the other rooms.
            if desk.is_new(error):
                log.exception("calendar.fault", room=desk.room.name, calendar=desk.room.calendar)
            return CalendarError("unreadable", repr(error))
        self.polls += 1
        self.requests += reading.requests
        return reading

    async def _take_up(
        self, name: str, desk: RoomDesk, found: Reading | CalendarError
    ) -> timedelta | None:
        """Take up what a poll found; return how soon it wants to be asked again."""
        believed = found if isinstance(found, CalendarError) else self._believe(name, desk, found)
        if isinstance(believed, CalendarError):
            await self._failed(name, desk, believed)
            return believed.after and max(believed.after, self._interval(name))
        await self._accept(name, believed)
        return believed.again

    def _believe(self, name: str, desk: RoomDesk, reading: Reading) -> _Believed | CalendarError:
        """Put what is believed of a good reading in place of the one before."""
        before = desk.reading
        try:
            kept, again = desk.judged(reading, self.settings.daemon.poll_interval)
            same = reading.unchanged and before is not None and _alike(before, kept)
            now = self._clock.now()
            keys = self._copies.read_again(name, now) if same else self._copy(name, desk, kept)
        except Exception as error:
            # The edge of a reading: what is strange in one calendar must not stop the other rooms.
            desk.reading = before
            if desk.is_new(error):
                log.exception("calendar.fault", room=desk.room.name, calendar=desk.room.calendar)
            return CalendarError("unreadable", repr(error))
        return _Believed(kept=kept, keys=keys, again=again, first=before is None, same=same)

    async def _accept(self, name: str, believed: _Believed) -> None:
        """Store a good reading and tell whom it concerns."""
        self._failing.pop(name, None)
        self._unread.pop(name, None)
        if believed.same:
            if believed.keys:
                self._on_change(believed.keys)
            return
        changed = set(believed.keys)
        await self._save(name, believed.kept)
        if believed.first:
            # What is booked with this room and stands in no calendar any more is seen now.
            changed.update(self._booked_before(name))
        self._on_change(sorted(changed))

    def _copy(self, name: str, desk: RoomDesk, reading: Reading) -> Sequence[Key]:
        now = self._clock.now()
        accepted = self._booked_before(name)
        return self._copies.update(name, desk.room.calendar, reading, now, accepted)

    async def _save(self, name: str, reading: Reading) -> None:
        # The edge of a snapshot: one that cannot be stored must not stop the other rooms.
        with self._edges.of("calendar.fault", room=name):
            try:
                await self._store.save_reading(name, reading)
            except StoreUnusable as error:
                log.warning("store.failing", room=name, reason=str(error))

    def _interval(self, name: str) -> timedelta:
        """Return how soon the room is polled again."""
        now = self._clock.now()
        spans = self._copies.starts_near(name, now)
        return pace(spans, now, self.settings.daemon.poll_interval)

    async def _failed(self, name: str, desk: RoomDesk, error: CalendarError) -> None:
        self._failing[name] = None
        first = desk.failed(error, self.settings.daemon)
        if first and desk.reading is not None:
            # Since when it fails is to be known after a restart.
            await self._save(name, desk.reading)


def _alike(before: Reading, after: Reading) -> bool:
    """Whether two readings of one calendar differ in nothing that is stored or followed."""
    return (before.covered, before.standing) == (after.covered, after.standing)
