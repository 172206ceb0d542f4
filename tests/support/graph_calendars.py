"""Room calendars in a simulated tenant of Exchange Online, over real sockets and TLS."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from cospaced.calendars.graph.source import GraphSource
from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.graph.faults import Fault
from cospaced.exchange_simulator.rights import EVERYBODY, Account
from cospaced.exchange_simulator.serve import Identity, serve
from cospaced.exchange_simulator.state import Processing
from cospaced.host.offload import ThreadOffload
from cospaced.host.web import Web
from cospaced.ports import CalendarSource, Clock
from cospaced.settings import CalendarSettings, RoomSettings, Secret, SourceType
from cospaced.simulator.certificates import LOOPBACK, Certificates, make_certificates
from support import exchange_items
from support.events import Event
from support.icalendar_writer import address_of
from support.situations import ROOMS
from support.virtual import SeededEntropy


CLIENT_ID = "66666666-7777-8888-9999-000000000000"
ALL = frozenset({EVERYBODY})


class Tenant:
    """A running tenant, and the settings of a daemon that reads it."""

    def __init__(self, clock: Clock, entropy: SeededEntropy) -> None:
        self.exchange = Exchange(clock, entropy)
        self.state = self.exchange.state
        self.graph = self.exchange.graph
        self.grant()
        self.settings = CalendarSettings(name="cloud", type=SourceType.GRAPH)

    def grant(self, secret: str = "simulated", reads: frozenset[str] = ALL) -> None:
        """Let the daemon's application log in, with this secret, and read these mailboxes."""
        self.exchange.grant(Account(name=CLIENT_ID, password=secret, impersonates=reads))

    def at(self, url: str, ca_file: Path) -> None:
        """Note where it listens."""
        self.settings = CalendarSettings(
            name="cloud",
            type=SourceType.GRAPH,
            timeout=timedelta(seconds=5),
            tenant_id=self.graph.tenant_id,
            client_id=CLIENT_ID,
            client_secret=Secret("simulated"),
            authority=url,
            graph_url=url,
            ca_file=ca_file,
        )

    def add_room(self, name: str) -> RoomSettings:
        """Open a room's mailbox."""
        address = address_of(name)
        self.state.add_mailbox(address, name, is_room=True, processing=Processing())
        return self.room(name)

    def room(self, name: str) -> RoomSettings:
        """Return a room's settings."""
        address = address_of(name)
        return RoomSettings(name=name, calendar="cloud", mailbox=address, address=address)


@asynccontextmanager
async def tenant(clock: Clock) -> AsyncIterator[Tenant]:
    """Run a tenant until the block is left."""
    made = Tenant(clock, SeededEntropy(1))
    trust = _certificates()
    shown = Identity(certificate=trust.file, key=trust.key)
    async with serve(made.exchange, folder=trust.file.parent, identity=shown) as served:
        made.at(served.root, trust.ca_file)
        yield made


@cache
def _certificates() -> Certificates:
    """Return what every tenant of this process shows; valid now, whatever its clock says."""
    return make_certificates(Path(mkdtemp()), LOOPBACK, datetime.now(UTC))


@asynccontextmanager
async def graph_source(
    running: Tenant, clock: Clock, **changes: object
) -> AsyncIterator[GraphSource]:
    """Make a source that reads a tenant, with some of its settings changed."""
    settings = replace(running.settings, **changes)  # type: ignore[arg-type] # fields by name
    offload, login = ThreadOffload("graph tests"), ThreadOffload("tokens")
    web = Web(verify=settings.verify, ca_file=settings.ca_file)
    source = GraphSource(
        settings,
        time_zone="Europe/Berlin",
        web=web,
        offload=offload,
        login=login,
        clock=clock,
    )
    try:
        yield source
    finally:
        await source.close()
        offload.close()


class GraphCalendars:
    """Room mailboxes of Exchange Online, written as Exchange holds what people send."""

    lacks: Mapping[str, str] = exchange_items.LACKS

    def __init__(self, running: Tenant, source: CalendarSource) -> None:
        self._running = running
        self._source = source

    def source(self) -> CalendarSource:
        return self._source

    def room(self, name: str) -> RoomSettings:
        return self._running.room(name)

    async def put(self, room: str, *events: Event) -> None:
        state = self._running.state
        for event in events:
            exchange_items.put(state, state.mailbox(address_of(room)), event)

    async def remove(self, room: str, event_id: str) -> None:
        state = self._running.state
        box = state.mailbox(address_of(room))
        item = exchange_items.held(box, event_id)
        assert item is not None
        state.remove(box, item)

    async def fail(self) -> None:
        self._running.graph.faults.always = Fault.UNAVAILABLE

    async def mend(self) -> None:
        self._running.graph.faults.always = None


@asynccontextmanager
async def graph_calendars(_: Path, clock: Clock) -> AsyncIterator[GraphCalendars]:
    """Calendars in Exchange Online."""
    async with tenant(clock) as running, graph_source(running, clock) as source:
        for room in ROOMS:
            running.add_room(room)
        yield GraphCalendars(running, source)
