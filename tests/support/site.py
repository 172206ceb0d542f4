"""A whole site in virtual time: a simulated cluster, calendars on disk, and the daemon's engine.

Every port is the real one but for the sockets: .ics files are read, parsed and expanded, CMS is
spoken to through the API client, rows go to a store. `kill` stops the engine as `kill -9` does:
from that moment nothing of it reaches the store, CMS or the log.
"""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import structlog

from cospaced.calendars.ical_source import LIMIT, IcalSource
from cospaced.calendars.workers import InlineExpander
from cospaced.cms.bridge import CmsBridge
from cospaced.cms.peers import Peers
from cospaced.domain.booking import Booking
from cospaced.engine.machine import Machine, Ports
from cospaced.host.web import Web
from cospaced.ports import Bridge, CalendarSource
from cospaced.settings import (
    CalendarSettings,
    CmsSettings,
    ConferenceSettings,
    DaemonSettings,
    PoolSettings,
    RoomSettings,
    Secret,
    Settings,
    SourceType,
)
from cospaced.simulator.cluster import Cluster
from cospaced.simulator.endpoints import Endpoint
from cospaced.simulator.knobs import Knobs
from cospaced.store.memory import MemoryStore
from support.virtual import InlineOffload, SeededEntropy, VirtualClock


SITE_KEY = bytes(range(32))
SITE_ID = "5eed5eed"
ROOMS = ("aula", "boardroom", "cellar")


def endpoint_of(room: str) -> str:
    """Return the SIP URI of a room."""
    return f"{room}@rooms.example.org"


@dataclass
class Invitation:
    """One event in some room calendars, as a person would write it."""

    uid: str
    start: datetime
    end: datetime
    rooms: tuple[str, ...] = ROOMS[:2]
    title: str = "Planning"
    sequence: int = 0
    lines: tuple[str, ...] = ()
    organizer: str = "ada@example.org"

    def text(self) -> str:
        """Write it as a VEVENT."""
        rows = [
            "BEGIN:VEVENT",
            f"UID:{self.uid}",
            "DTSTAMP:20261101T000000Z",
            f"DTSTART:{self.start:%Y%m%dT%H%M%SZ}",
            f"DTEND:{self.end:%Y%m%dT%H%M%SZ}",
            f"SUMMARY:{self.title}",
            f"SEQUENCE:{self.sequence}",
            *([f"ORGANIZER:mailto:{self.organizer}"] if self.organizer else []),
            *self.lines,
            "END:VEVENT",
        ]
        return "".join(row + "\r\n" for row in rows)


class _Doom:
    """Counts the crossings of ports, and stops everything at one of them."""

    def __init__(self, at: int | None) -> None:
        self.at = at
        self.crossings = 0
        self.fallen = asyncio.Event()
        self.when: Callable[[str, str, Any], bool] = lambda _side, _what, _subject: False
        """Asked at each crossing (`before` or `after`, what, its subject) whether to fall there."""

    async def cross(self, side: str, what: str, subject: Any = None) -> None:
        """Pass a point at which the process may be killed."""
        if not self.fallen.is_set():
            self.crossings += 1
            if self.crossings == self.at or self.when(side, what, subject):
                self.fallen.set()
        if self.fallen.is_set():
            # Killed: what asked never goes on, whatever its `finally` tries.
            await asyncio.Event().wait()


class _DoomedTransport(httpx.AsyncBaseTransport):
    def __init__(self, inner: httpx.AsyncBaseTransport, doom: _Doom) -> None:
        self._inner = inner
        self._doom = doom

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self._doom.cross("before", request.method, request.url.path)
        response = await self._inner.handle_async_request(request)
        await self._doom.cross("after", request.method, request.url.path)
        return response


class _DoomedStore:
    """A store whose calls are points at which the process may be killed."""

    def __init__(self, inner: Any, doom: _Doom) -> None:
        self._inner = inner
        self._doom = doom

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._inner, name)

        async def call(*args: Any, **keys: Any) -> Any:
            await self._doom.cross("before", name, args)
            result = await method(*args, **keys)
            await self._doom.cross("after", name, args)
            return result

        return call


@dataclass
class Site:
    """The site; make it inside the virtual loop."""

    clock: VirtualClock
    folder: Path
    seed: int = 0
    rooms: tuple[str, ...] = ROOMS
    bridges: tuple[str, ...] = ("core1",)
    knobs: Knobs = field(
        default_factory=lambda: Knobs(latency_before=(0.005, 0.03), latency_after=(0.0, 0.02))
    )
    terms: ConferenceSettings = field(default_factory=ConferenceSettings)
    quantity: int = 5
    daemon: DaemonSettings = field(default_factory=DaemonSettings)

    def __post_init__(self) -> None:
        self.entropy = SeededEntropy(self.seed)
        self.cluster = Cluster(
            self.clock, SeededEntropy(self.seed + 1000), bridges=self.bridges, knobs=self.knobs
        )
        self.store: Any = MemoryStore()
        self.events: list[tuple[datetime, str, dict[str, Any]]] = []
        self.machine: Machine | None = None
        self.password = "simulated"
        self.searched = False
        self.wrap_bridge: Callable[[Bridge], Bridge] = lambda bridge: bridge
        self._invitations: dict[str, Invitation] = {}
        self.settings = self._settings()
        self.write_calendars()

    def _settings(self) -> Settings:
        return Settings(
            file=self.folder / "cospaced.ini",
            daemon=replace(self.daemon, state_dir=self.folder),
            cms=CmsSettings(
                address=self.cluster.bridges[0].address,
                username="admin",
                password=Secret("simulated"),
                timeout=timedelta(seconds=2),
            ),
            pool=PoolSettings(
                domain="cms.example.org",
                numeric_id_base=8001,
                numeric_id_quantity=self.quantity,
            ),
            conferences=self.terms,
            calendars=(CalendarSettings(name="files", type=SourceType.ICAL),),
            rooms=tuple(self.room(name) for name in self.rooms),
        )

    def room(self, name: str) -> RoomSettings:
        """Return a room's settings."""
        return RoomSettings(
            name=name,
            calendar="files",
            path=self.folder / f"{name}.ics",
            endpoints=(endpoint_of(name),),
        )

    # --- calendars ---------------------------------------------------------------------------

    def invite(self, invitation: Invitation) -> None:
        """Put an event into its rooms' calendars, in place of one with its UID."""
        self._invitations[invitation.uid] = invitation
        self.write_calendars()

    def uninvite(self, uid: str) -> None:
        """Take an event out of every calendar."""
        del self._invitations[uid]
        self.write_calendars()

    def write_calendars(self) -> None:
        """Write every room's calendar."""
        for room in self.rooms:
            events = [i.text() for i in self._invitations.values() if room in i.rooms]
            head = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//cospaced//tests//EN\r\n"
            text = head + "".join(events) + "END:VCALENDAR\r\n"
            (self.folder / f"{room}.ics").write_text(text, newline="")

    # --- the daemon --------------------------------------------------------------------------

    def _bridge(self, name: str, address: str, doom: _Doom) -> Bridge:
        bridge = CmsBridge(
            name,
            address,
            "admin",
            Secret(self.password),
            web=Web(transport=_DoomedTransport(self.cluster.transport(), doom)),
            clock=self.clock,
            concurrency=8,
            timeout=self.settings.cms.timeout.total_seconds(),
        )
        return self.wrap_bridge(bridge)

    def _machine(self, doom: _Doom) -> Machine:
        offload = InlineOffload(self.entropy)
        bridges = [
            self._bridge(bridge.name, bridge.address, doom) for bridge in self.cluster.bridges
        ]
        search = None
        if self.searched:
            # The daemon is told the first bridge alone and finds the others by itself.
            bridges = bridges[:1]
            make = partial(self._bridge, doom=doom)
            search = Peers(make, self.store, bridges, self.cluster.bridges[0].address).find
        ports = Ports(
            clock=self.clock,
            entropy=self.entropy,
            store=_DoomedStore(self.store, doom),
            bridges=bridges,
            sources=self.sources(offload),
            search=search,
        )
        return Machine(self.settings, ports, site_key=SITE_KEY, site_id=SITE_ID)

    def sources(self, offload: InlineOffload) -> dict[str, CalendarSource]:
        """Return what reads the calendars, by their names."""
        return {"files": self.source(offload)}

    def source(
        self, offload: InlineOffload, web: Web | None = None, limit: int = LIMIT
    ) -> IcalSource:
        """Return what reads the calendars."""
        return IcalSource(
            self.settings.calendars[0],
            time_zone="Europe/Berlin",
            web=web,
            expander=InlineExpander(offload),
            offload=offload,
            clock=self.clock,
            limit=limit,
        )

    def _record(self, alive: Callable[[], bool]) -> None:
        def record(_: Any, level: str, event: dict[str, Any]) -> dict[str, Any]:
            if alive():
                keys = {k: v for k, v in event.items() if k != "event"} | {"level": level}
                self.events.append((self.clock.now(), event["event"], keys))
            raise structlog.DropEvent

        structlog.configure(
            processors=[structlog.processors.format_exc_info, record],
            cache_logger_on_first_use=False,
        )

    @asynccontextmanager
    async def running(self, kill_at: int | None = None) -> AsyncIterator[_Doom]:
        """Run the daemon; leave to stop it in good order, or kill it at a crossing."""
        doom = _Doom(kill_at)
        self._record(lambda: not doom.fallen.is_set())
        self.machine = machine = self._machine(doom)
        task = asyncio.get_running_loop().create_task(machine.run(), name="daemon")
        try:
            yield doom
        finally:
            if doom.fallen.is_set():
                task.cancel()
                await asyncio.wait([task])
            else:
                machine.stop()
                await task
            await machine.bridges.close()
            structlog.reset_defaults()

    async def kill(self, doom: _Doom) -> None:
        """Kill the daemon here and now."""
        doom.fallen.set()

    def lose_state(self) -> None:
        """Lose the state file; the calendars and CMS are all that is left (and the site key)."""
        self.store = MemoryStore()

    def assert_all_closed(self) -> None:
        """Check that every slot is closed, none is missing or doubled, and no call is left."""
        spaces = list(self.cluster.state.database.spaces.values())
        numbers = sorted(space.fields.get("uri", "") for space in spaces)
        assert numbers == [str(n) for n in self.settings.pool.numbers], numbers
        still_open = [space.fields for space in spaces if space.open]
        assert not still_open, f"open: {still_open}"
        calls = [c for space in spaces for c in self.cluster.scenarios.calls_of(space.id)]
        assert not calls, f"calls left: {calls}"

    # --- what tests ask ----------------------------------------------------------------------

    def endpoint(self, room: str) -> Endpoint:
        """Return a room's endpoint."""
        return self.cluster.endpoint(endpoint_of(room))

    def happened(self, event: str) -> list[dict[str, Any]]:
        """Return the keys of every log line of one event."""
        return [keys for _, name, keys in self.events if name == event]

    def bookings(self) -> list[Booking]:
        """Return the daemon's rows."""
        assert self.machine is not None
        return self.machine.ledger.all()

    def reload(self, settings: Settings) -> None:
        """Go on with other settings, as a reload of the service does."""
        assert self.machine is not None
        self.settings = settings
        self.machine.reload(settings, self.machine.polling._sources)

    async def until(self, moment: datetime) -> None:
        """Let time pass to a moment."""
        left = (moment - self.clock.now()).total_seconds()
        assert left >= 0, f"{moment} has passed"
        await self.clock.sleep(left)

    async def eventually(self, holds: Callable[[], bool], within: float = 60.0) -> None:
        """Let time pass until something holds; fail if it does not in time."""
        deadline = self.clock.monotonic() + within
        while not holds():
            assert self.clock.monotonic() < deadline, "did not come true in time"
            await self.clock.sleep(0.05)

    def writes(self) -> list[str]:
        """Return the writes that CMS answered, as `METHOD path` with ids left out."""
        return [
            f"{entry.method} {entry.path.split('/')[3]}"
            for entry in self.cluster.requests
            if entry.method != "GET"
        ]


def shuffled(items: list[Any], seed: int) -> list[Any]:
    """Return the items in an order drawn from a seed."""
    copy = list(items)
    random.Random(seed).shuffle(copy)
    return copy
