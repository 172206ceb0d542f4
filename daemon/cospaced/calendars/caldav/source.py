"""The `caldav` source: rooms whose calendars are collections on a CalDAV server (RFC 4791).

An unchanged calendar costs one small request and no parsing; of a changed one only the members
that changed are read and worked out. All of it happens in worker processes that can be killed:
the library blocks, and what it reads may be anything.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from cospaced.calendars import rolling, stamps
from cospaced.calendars.caldav.jobs import Account, CaldavStamp, Fetch, Fetched, Look, Looked
from cospaced.calendars.login_gate import ServerGates
from cospaced.calendars.time_limit import time_limit
from cospaced.calendars.workers import WorkerPool
from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from cospaced.ports import Clock
from cospaced.settings import CalendarSettings, RoomSettings


MODULE = "cospaced.calendars.caldav.worker"
_BROKEN_AGAIN = 600.0
"""Seconds after which members that could not be read are asked for again."""
_MARGIN = 0.3
"""Seconds by which a request ends before its worker is killed, so that the error tells more."""
_GRACE = 1.0
"""Seconds that the end of a worker may take beyond that, before nobody tells any more what hung."""
_OVERTIME = 5.0
"""Seconds by which a poll that waited for the login may miss the timeout: the engine gives up after
10, and the worker's start and end take some."""
_TOO_LITTLE = 1 / 3
"""Of the timeout; with less no reading is begun: a healthy server would be told as a slow one."""


class CaldavSource:
    """CalendarSource of one `[calendar:NAME]` of type `caldav`.

    `time_zone` is the IANA name of floating times. `workers` makes the workers for one server, so
    that one that hangs does not hold up the rooms of another; they are closed with this source.
    """

    def __init__(
        self,
        settings: CalendarSettings,
        *,
        time_zone: str,
        workers: Callable[[], WorkerPool],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._time_zone = time_zone
        self._workers = workers
        self._pools: dict[str, WorkerPool] = {}
        self._closed = False
        self._clock = clock
        self._gates = ServerGates(settings, clock)
        self._account = Account(
            url=settings.url,
            username=settings.username,
            password=settings.password,
            ca_file=settings.ca_file,
            verify=settings.verify,
        )

    async def poll(self, room: RoomSettings, previous: Reading | None, window: Timespan) -> Reading:
        """Read one room's calendar over the window; see CalendarSource."""
        seconds = self._settings.timeout.total_seconds()
        end = self._clock.monotonic() + seconds + _OVERTIME

        async def work() -> Reading:
            # A poll's time begins when it is let in: the wait was not the server's fault.
            begun = self._clock.monotonic()
            left = min(seconds, end - begun)
            if left < seconds * _TOO_LITTLE:
                raise CalendarError("timeout", "it waited too long for the login of another room")
            async with time_limit(left + _GRACE):
                return await self._poll(room, previous, window, begun + left)

        return await self._gates.first(room.url, work)

    async def close(self) -> None:
        """End its workers; a poll that is still under way starts none."""
        self._closed = True
        for pool in self._pools.values():
            await pool.close()

    async def _poll(
        self, room: RoomSettings, previous: Reading | None, window: Timespan, deadline: float
    ) -> Reading:
        meant = stamps.meant(
            room.url, room.address.lower(), self._time_zone, self._settings.username
        )
        stamp = stamps.read(previous, meant, CaldavStamp)
        if stamp is None or previous is None:
            return await self._read(room, None, None, window, meant, deadline)
        looked: Looked | None = None
        if self._holds(stamp, room) and rolling.within(window, previous.covered):
            looked = await self._look(stamp, previous.covered, deadline)
            if looked.changes == ():
                return replace(
                    previous,
                    stamp=looked.stamp.written(),
                    read_at=self._clock.now(),
                    requests=looked.requests,
                    unchanged=True,
                )
        looked = looked or Looked(stamp=stamp, changes=None, requests=0)
        return await self._read(room, previous, looked, window, meant, deadline)

    def _holds(self, stamp: CaldavStamp, room: RoomSettings) -> bool:
        now = self._clock.now()
        hurry = stamp.broken and stamp.age(now) > _BROKEN_AGAIN
        return rolling.trusted(stamp, room, now) and not hurry

    async def _look(self, stamp: CaldavStamp, covered: Timespan, deadline: float) -> Looked:
        look = Look(
            account=self._account,
            stamp=stamp,
            covered=covered,
            deadline=deadline - _MARGIN,
            now=self._clock.now(),
        )
        looked: Looked = await self._do(look, stamp.collection, deadline)
        return looked

    async def _read(
        self,
        room: RoomSettings,
        previous: Reading | None,
        looked: Looked | None,
        window: Timespan,
        meant: str,
        deadline: float,
    ) -> Reading:
        """Read what changed, or all where it is not known what did."""
        reuse = previous is not None and rolling.within(window, previous.covered)
        covered = previous.covered if reuse and previous else rolling.covered(room, window)
        fetch = Fetch(
            account=self._account,
            url=room.url,
            looked=looked,
            login=looked.stamp.login if looked else "",
            body=previous.body if previous else b"",
            reuse=reuse,
            covered=covered,
            time_zone=self._time_zone,
            address=room.address,
            deadline=deadline - _MARGIN,
            now=self._clock.now(),
            meant=meant,
        )
        fetched: Fetched = await self._do(fetch, room.url, deadline)
        reading = Reading(
            occurrences=fetched.occurrences,
            covered=covered,
            stamp=fetched.stamp.written(),
            body=fetched.body,
            problems=fetched.problems,
            read_at=self._clock.now(),
            requests=fetched.requests + (looked.requests if looked else 0),
        )
        return rolling.merged(reading, previous, fetched.kept) if reuse and previous else reading

    async def _do(self, job: Look | Fetch, url: str, deadline: float) -> Any:
        """Have a worker for the url's server do a job."""
        if self._closed:
            raise CalendarError("unreadable", "the workers have been stopped")
        server = urlsplit(url).netloc
        if server not in self._pools:
            self._pools[server] = self._workers()
        left = max(0.1, round(deadline - self._clock.monotonic(), 1))
        return await self._pools[server].do(job, left)
