"""Room calendars in a simulated Exchange Server, read by a worker process over real sockets."""

import asyncio
import atexit
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from cospaced.calendars import frames
from cospaced.calendars.exchange.listening import Pace
from cospaced.calendars.exchange.source import MODULE, ExchangeSource
from cospaced.calendars.workers import WorkerPool
from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.faults import Fault, Rule
from cospaced.exchange_simulator.rights import EVERYBODY, Account
from cospaced.exchange_simulator.serve import Identity, Served, serve
from cospaced.exchange_simulator.state import Processing
from cospaced.ports import CalendarSource, Clock
from cospaced.settings import CalendarSettings, RoomSettings, Secret, SourceType
from support import ews_schema, exchange_items
from support.events import Event
from support.icalendar_writer import address_of
from support.situations import ROOMS
from support.virtual import SeededEntropy


class SharedWorker(WorkerPool):
    """One worker process for a whole run of tests: starting it takes longer than most of them."""

    async def do(self, job: object, seconds: float) -> Any:
        return await asyncio.to_thread(_done, job)

    async def close(self) -> None:
        """It lives on."""


@cache
def _worker() -> subprocess.Popen[bytes]:
    argv = (sys.executable, "-m", MODULE, str(1 << 30))
    process = subprocess.Popen(
        argv,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )
    atexit.register(process.kill)
    return process


_TURN = threading.Lock()


def _done(job: object) -> Any:
    with _TURN:
        return _answered(_worker(), job)


def _answered(process: subprocess.Popen[bytes], job: object) -> Any:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(frames.frame(job))
    process.stdin.flush()

    class Reader:
        async def readexactly(self, size: int) -> bytes:
            assert process.stdout is not None
            return process.stdout.read(size)

    return asyncio.run(frames.read_answer(Reader()))  # type: ignore[arg-type] # reads as a stream


SERVICE = Account(name="svc", password="pass;word%#", impersonates=frozenset({EVERYBODY}))


class Server:
    """A running Exchange, and the settings of a daemon that reads it."""

    def __init__(self, clock: Clock) -> None:
        self.exchange = Exchange(clock, SeededEntropy(1))
        self.exchange.grant(SERVICE)
        self.settings = CalendarSettings(name="hq", type=SourceType.EXCHANGE)

    def at(self, served: Served) -> None:
        """Note where it listens."""
        self.served = served
        self.settings = CalendarSettings(
            name="hq",
            type=SourceType.EXCHANGE,
            timeout=timedelta(seconds=10),
            server=served.url,
            auth="basic",
            username=SERVICE.name,
            password=Secret(SERVICE.password),
        )

    def add_room(self, name: str) -> RoomSettings:
        """Open a room's mailbox."""
        address = address_of(name)
        self.exchange.state.add_mailbox(address, name, is_room=True, processing=Processing())
        return self.room(name)

    def room(self, name: str) -> RoomSettings:
        """Return a room's settings."""
        address = address_of(name)
        return RoomSettings(name=name, calendar="hq", mailbox=address, address=address)


@asynccontextmanager
async def server(
    folder: Path, clock: Clock, identity: Identity | None = None, *, spoilt: bool = False
) -> AsyncIterator[Server]:
    """Run an Exchange until the block is left; with an identity, over TLS.

    Every answer is judged by Microsoft's schemas, if present, unless a test spoils some.
    """
    made = Server(clock)
    with nullcontext() if spoilt else ews_schema.judged(made.exchange):
        async with serve(made.exchange, folder=folder, identity=identity) as served:
            made.at(served)
            yield made


@asynccontextmanager
async def exchange_source(
    running: Server, clock: Clock, pace: Pace | None = None, **changes: object
) -> AsyncIterator[ExchangeSource]:
    """Make a source that reads an Exchange, with some of its settings changed."""
    settings = replace(running.settings, **changes)  # type: ignore[arg-type] # fields by name
    pool = SharedWorker()
    source = ExchangeSource(settings, time_zone="Europe/Berlin", pool=pool, clock=clock, pace=pace)
    try:
        yield source
    finally:
        await source.close()


class ExchangeCalendars:
    """Room mailboxes of an Exchange Server, written as Exchange holds what people send."""

    lacks: Mapping[str, str] = exchange_items.LACKS

    def __init__(self, running: Server, source: CalendarSource) -> None:
        self._running = running
        self._source = source
        self._failing: Rule | None = None

    def source(self) -> CalendarSource:
        return self._source

    def room(self, name: str) -> RoomSettings:
        return self._running.room(name)

    async def put(self, room: str, *events: Event) -> None:
        state = self._running.exchange.state
        for event in events:
            exchange_items.put(state, state.mailbox(address_of(room)), event)

    async def remove(self, room: str, event_id: str) -> None:
        state = self._running.exchange.state
        box = state.mailbox(address_of(room))
        item = exchange_items.held(box, event_id)
        assert item is not None
        state.remove(box, item)

    async def fail(self) -> None:
        self._failing = self._running.exchange.strike(
            Fault.MESSAGE, times=None, code="ErrorMailboxStoreUnavailable"
        )

    async def mend(self) -> None:
        assert self._failing is not None
        self._failing.cancel()


@asynccontextmanager
async def exchange_calendars(folder: Path, clock: Clock) -> AsyncIterator[ExchangeCalendars]:
    """Calendars in an Exchange Server."""
    async with server(folder, clock) as running, exchange_source(running, clock) as source:
        for room in ROOMS:
            running.add_room(room)
        yield ExchangeCalendars(running, source)
