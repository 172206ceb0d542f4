"""One `Writer` for each kind of calendar: how a person's event comes into a room's calendar there.

A kind is an async context manager over (folder, clock) that yields a Writer whose servers run and
whose calendars are empty. Another source joins with one such function and one entry in `KINDS`.
"""

import os
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from cospaced.calendars.ical_source import IcalSource
from cospaced.calendars.workers import InlineExpander
from cospaced.host.clock import SystemClock
from cospaced.host.offload import ThreadOffload
from cospaced.host.web import Web
from cospaced.ports import CalendarSource, Clock
from cospaced.settings import CalendarSettings, RoomSettings, SourceType
from support import caldav_writers, icalendar_writer
from support.events import Event
from support.exchange_calendars import exchange_calendars
from support.graph_calendars import graph_calendars
from support.icalendar_writer import address_of
from support.situations import ROOMS
from support.web_server import Reply, Seen, WebServer, web_server


BERLIN = "Europe/Berlin"
"""The zone of the daemon."""
NOTHING: Mapping[str, str] = MappingProxyType({})


class Writer(Protocol):
    """Room calendars of one kind, written as people and their programs write them."""

    lacks: Mapping[str, str]
    """Names of situations that cannot be brought about in this kind of calendar, and why not."""

    def source(self) -> CalendarSource:
        """Return the source under test, the same at each call; the kind closes it."""

    def room(self, name: str) -> RoomSettings:
        """Return the settings of one room of `situations.ROOMS`; its `calendar` tells the kind."""

    async def put(self, room: str, *events: Event) -> None:
        """Put events into a room's calendar, each in place of one with its `id`."""

    async def remove(self, room: str, event_id: str) -> None:
        """Take an event out of a room's calendar."""

    async def fail(self) -> None:
        """Make every calendar unreadable until `mend`."""

    async def mend(self) -> None:
        """Make them readable again."""


Kind = Callable[[Path, Clock], AbstractAsyncContextManager[Writer]]


class SetClock(SystemClock):
    """A clock that goes on from any moment, and can be set; `leap` lets time itself pass."""

    def __init__(self, now: datetime) -> None:
        self._ahead = now - super().now()
        self._leapt = 0.0

    def now(self) -> datetime:
        return super().now() + self._ahead

    def monotonic(self) -> float:
        return super().monotonic() + self._leapt

    def advance(self, by: timedelta) -> None:
        self._ahead += by

    def leap(self, seconds: float) -> None:
        self._leapt += seconds
        self.advance(timedelta(seconds=seconds))


@dataclass
class Shelf:
    """The events of each room, for kinds whose calendars are written whole."""

    events: dict[str, dict[str, Event]] = field(default_factory=dict)

    def put(self, room: str, event: Event) -> None:
        self.events.setdefault(room, {})[event.id] = event

    def text(self, room: str) -> bytes:
        return icalendar_writer.calendar(self.events.get(room, {}).values(), room)


@asynccontextmanager
async def _ical_source(name: str, clock: Clock, web: Web | None) -> AsyncIterator[IcalSource]:
    offload = ThreadOffload(f"{name} tests")
    source = IcalSource(
        CalendarSettings(name=name, type=SourceType.ICAL, timeout=timedelta(seconds=5)),
        time_zone=BERLIN,
        web=web,
        expander=InlineExpander(offload),
        offload=offload,
        clock=clock,
    )
    try:
        yield source
    finally:
        await source.close()
        offload.close()


class IcalFiles:
    """Rooms whose calendars are .ics files, each written anew and renamed over the old one."""

    lacks = NOTHING

    def __init__(self, folder: Path, source: CalendarSource, now: datetime) -> None:
        self._folder = folder
        self._source = source
        self._shelf = Shelf()
        # Files written long ago, a second apart: their times tell them apart, however fast it goes.
        self._written = now.timestamp() - 86_400

    def source(self) -> CalendarSource:
        return self._source

    def room(self, name: str) -> RoomSettings:
        path = self._folder / f"{name}.ics"
        return RoomSettings(name=name, calendar="files", path=path, address=address_of(name))

    async def put(self, room: str, *events: Event) -> None:
        for event in events:
            self._shelf.put(room, event)
        self.write(room)

    async def remove(self, room: str, event_id: str) -> None:
        del self._shelf.events[room][event_id]
        self.write(room)

    def write(self, room: str) -> None:
        new = self._folder / f"{room}.new"
        new.write_bytes(self._shelf.text(room))
        self._written += 1
        os.utime(new, (self._written, self._written))
        new.rename(self._folder / f"{room}.ics")

    async def fail(self) -> None:
        for path in self._folder.glob("*.ics"):
            path.rename(path.with_suffix(".away"))

    async def mend(self) -> None:
        for path in self._folder.glob("*.away"):
            path.rename(path.with_suffix(".ics"))


@asynccontextmanager
async def ical_files(folder: Path, clock: Clock) -> AsyncIterator[Writer]:
    """Calendars in files."""
    async with _ical_source("files", clock, None) as source:
        writer = IcalFiles(folder, source, clock.now())
        for room in ROOMS:
            writer.write(room)
        yield writer


class IcalFeed:
    """Rooms whose calendars are published by a web server, with ETags."""

    lacks = NOTHING

    def __init__(self, source: CalendarSource) -> None:
        self._source = source
        self._shelf = Shelf()
        self._failing = False
        self.server: WebServer | None = None

    def source(self) -> CalendarSource:
        return self._source

    def room(self, name: str) -> RoomSettings:
        assert self.server is not None
        url = self.server.url(f"/{name}.ics")
        return RoomSettings(name=name, calendar="feed", url=url, address=address_of(name))

    async def put(self, room: str, *events: Event) -> None:
        for event in events:
            self._shelf.put(room, event)

    async def remove(self, room: str, event_id: str) -> None:
        del self._shelf.events[room][event_id]

    async def fail(self) -> None:
        self._failing = True

    async def mend(self) -> None:
        self._failing = False

    def answer(self, seen: Seen) -> Reply:
        if self._failing:
            return Reply(503)
        text = self._shelf.text(Path(seen.path).stem)
        etag = f'"{blake2b(text, digest_size=8).hexdigest()}"'
        if seen.headers.get("if-none-match") == etag:
            return Reply(304)
        return Reply(headers={"ETag": etag, "Content-Type": "text/calendar"}, body=text)


@asynccontextmanager
async def ical_feed(_: Path, clock: Clock) -> AsyncIterator[Writer]:
    """Calendars over http."""
    async with _ical_source("feed", clock, Web()) as source:
        writer = IcalFeed(source)
        async with web_server(writer.answer) as writer.server:
            yield writer


KINDS: Mapping[str, Kind] = {
    "ical file": ical_files,
    "ical feed": ical_feed,
    "caldav on radicale": caldav_writers.radicale,
    "caldav on xandikos": caldav_writers.xandikos,
    "exchange": exchange_calendars,
    "graph": graph_calendars,
}
