"""Room calendars on real CalDAV servers, for the contract of calendar sources.

One server of each kind serves a whole run of tests; each test has calendars of its own, which all
belong to one user, as rooms' calendars do that a service account reads.
"""

import atexit
import functools
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, nullcontext
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Any

from cospaced.calendars.caldav.client import LIMIT
from cospaced.calendars.caldav.source import CaldavSource
from cospaced.calendars.caldav.worker import Clients
from cospaced.calendars.workers import WorkerPool
from cospaced.host.offload import ThreadOffload
from cospaced.ports import CalendarSource, Clock
from cospaced.settings import CalendarSettings, RoomSettings, Secret, SourceType
from support import caldav_servers, icalendar_writer
from support.caldav_servers import MKCALENDAR, PASSWORD, CaldavServer, Calendar
from support.events import Event
from support.icalendar_writer import address_of
from support.situations import ROOMS


USER = "rooms"
_BUSY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
_NUMBERS = itertools.count()


class InlinePool(WorkerPool):
    """Does the jobs of CalDAV workers in a thread of this process, without a deadline."""

    def __init__(self, limit: int = LIMIT) -> None:
        super().__init__()
        self._thread = ThreadOffload("caldav tests")
        self._clients = Clients(limit)

    async def do(self, job: object, seconds: float) -> Any:
        return await self._thread.run(lambda: self._clients.do(job, nullcontext))

    async def close(self) -> None:
        await self._thread.run(self._clients.close)
        self._thread.close()


class CaldavRooms:
    """Rooms whose calendars are collections, an event to a resource."""

    lacks: Mapping[str, str] = MappingProxyType({})

    def __init__(self, name: str, source: CalendarSource, its: Calendar) -> None:
        self._name = name
        self._source = source
        self._its = its
        self._folder = f"{its.home}t{next(_NUMBERS)}-"

    async def make(self) -> None:
        """Make the rooms' calendars."""
        for room in ROOMS:
            made = await self._its.ask("MKCALENDAR", self._path(room), MKCALENDAR)
            assert made.status_code == 201, made.text

    def source(self) -> CalendarSource:
        return self._source

    def room(self, name: str) -> RoomSettings:
        url = self._its.base[:-1] + self._path(name)
        return RoomSettings(name=name, calendar=self._name, url=url, address=address_of(name))

    async def put(self, room: str, *events: Event) -> None:
        for event in events:
            text = icalendar_writer.calendar([event], room)
            answer = await self._its.ask("PUT", self._member(room, event.id), text)
            assert answer.status_code in (201, 204), answer.text

    async def remove(self, room: str, event_id: str) -> None:
        answer = await self._its.ask("DELETE", self._member(room, event_id))
        assert answer.status_code in (200, 204), answer.text

    async def fail(self) -> None:
        self._its.front.change = lambda _request: _BUSY

    async def mend(self) -> None:
        self._its.front.change = lambda request: request

    def _path(self, room: str) -> str:
        return f"{self._folder}{room}/"

    def _member(self, room: str, event_id: str) -> str:
        return f"{self._path(room)}{blake2b(event_id.encode(), digest_size=8).hexdigest()}.ics"


@asynccontextmanager
async def radicale(_: Path, clock: Clock) -> AsyncIterator[CaldavRooms]:
    """Calendars on Radicale."""
    async with _rooms(caldav_servers.radicale, clock) as rooms:
        yield rooms


@asynccontextmanager
async def xandikos(_: Path, clock: Clock) -> AsyncIterator[CaldavRooms]:
    """Calendars on Xandikos."""
    async with _rooms(caldav_servers.xandikos, clock) as rooms:
        yield rooms


Run = Callable[[tuple[str, ...]], AbstractContextManager[CaldavServer]]


@functools.cache
def _server(run: Run) -> CaldavServer:
    """Run a server until this process ends."""
    stack = ExitStack()
    atexit.register(stack.close)
    return stack.enter_context(run((USER,)))


@asynccontextmanager
async def _rooms(run: Run, clock: Clock) -> AsyncIterator[CaldavRooms]:
    async with _server(run).calendar(USER) as its:
        settings = CalendarSettings(
            name=run.__name__,
            type=SourceType.CALDAV,
            url=its.base,
            username=USER,
            password=Secret(PASSWORD),
            timeout=timedelta(seconds=20),
        )
        source = CaldavSource(settings, time_zone="Europe/Berlin", workers=InlinePool, clock=clock)
        rooms = CaldavRooms(run.__name__, source, its)
        await rooms.make()
        try:
            yield rooms
        finally:
            await source.close()
