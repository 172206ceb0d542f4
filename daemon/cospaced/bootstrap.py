"""From settings to a running daemon: every object is made here, by hand, and closed in order.

Nothing else knows both the engine and its adapters.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path

import structlog

from cospaced.bootstrap_calendars import Sources
from cospaced.cms.bridge import CmsBridge
from cospaced.cms.dial_rate import DialRate
from cospaced.cms.observing import ObservingBridge
from cospaced.cms.peers import Peers
from cospaced.cms.shadow import Shadow
from cospaced.domain.booking import Booking
from cospaced.engine.bridges import Bridges, Search
from cospaced.engine.closing_all import ClosingAll
from cospaced.engine.machine import Machine, Ports
from cospaced.engine.pool import Pool
from cospaced.errors import StoreUnusable
from cospaced.host.clock import SystemClock
from cospaced.host.entropy import SystemEntropy
from cospaced.host.offload import ThreadOffload
from cospaced.host.web import Web
from cospaced.ports import Bridge, Clock, Store
from cospaced.settings import STATE_FILE, CmsSettings, Settings
from cospaced.store.memory import MemoryStore
from cospaced.store.site_key import has_key, load_or_make, site_id
from cospaced.store.sqlite import SqliteStore


log = structlog.get_logger()


@asynccontextmanager
async def daemon(settings: Settings, *, observe: bool = False) -> AsyncIterator["Daemon"]:
    """Make a daemon, not yet running; everything it holds is closed at the end.

    With `observe`, nothing is ever written to CMS, and nothing to the state: a pilot must leave
    no trace for the daemon that takes over. Raises CospacedError with a sentence for the
    administrator.
    """
    clock, entropy = SystemClock(), SystemEntropy()
    async with AsyncExitStack() as stack:
        key = load_or_make(settings.daemon.state_dir, entropy)
        store = await _store(settings, clock, stack, observe=observe)
        bridges, search = await _bridges(settings, clock, store, observe=observe)
        sources = Sources(clock, stack)
        ports = Ports(
            clock=clock,
            entropy=entropy,
            store=store,
            bridges=bridges,
            sources=await sources.of(settings),
            search=search,
        )
        machine = Machine(settings, ports, site_key=key, site_id=site_id(key))
        stack.push_async_callback(machine.bridges.close)
        yield Daemon(machine=machine, store=store, sources=sources, clock=clock)


@asynccontextmanager
async def closing_all(settings: Settings) -> AsyncIterator[ClosingAll]:
    """Make what closes the whole pool, every Call Bridge asked once; the state lock must be held.

    Raises StoreUnusable where this state_dir never held a daemon, Unreachable and ApiError where
    it cannot be learnt which Call Bridges there are.
    """
    clock, entropy = SystemClock(), SystemEntropy()
    if not has_key(settings.daemon.state_dir):
        raise StoreUnusable(
            f"no daemon ever ran with state_dir {settings.daemon.state_dir} (it holds no site.key),"
            " so nothing on CMS is known to be its own"
        )
    async with AsyncExitStack() as stack:
        key = load_or_make(settings.daemon.state_dir, entropy)
        # Without a state file nothing is made here: root's file would be closed to the daemon.
        lost = not state_file(settings).exists()
        store = await _store(settings, clock, stack, observe=lost)
        made, search = await _bridges(settings, clock, store, observe=False)
        bridges = Bridges(made, clock, search)
        stack.push_async_callback(bridges.close)
        known = frozenset(row.id for row in await store.bookings())
        pool = Pool(
            settings=settings.pool,
            site_id=site_id(key),
            store=store,
            clock=clock,
            ours=known.__contains__,
        )
        await bridges.meet()
        yield ClosingAll(
            bridges=bridges,
            pool=pool,
            store=store,
            clock=clock,
            prefix=settings.pool.space_name_prefix,
            remembers=not lost,
        )


class Daemon:
    """A machine with what belongs to its process."""

    def __init__(self, *, machine: Machine, store: Store, sources: Sources, clock: Clock) -> None:
        self.machine = machine
        self.store = store
        self.clock = clock
        self._sources = sources

    async def reload(self, settings: Settings) -> None:
        """Go on with other settings; calendars whose settings did not change keep their source."""
        sources = await self._sources.of(settings)
        self.machine.reload(settings, sources)
        await self._sources.drop_unused()


async def _store(
    settings: Settings, clock: Clock, stack: AsyncExitStack, *, observe: bool
) -> Store:
    if observe:
        return MemoryStore()
    offload = ThreadOffload("store")
    stack.callback(offload.close)
    path = settings.daemon.state_dir / STATE_FILE
    store = await SqliteStore.open(path, offload=offload, clock=clock)
    stack.push_async_callback(store.close)
    return store


async def _bridges(
    settings: Settings, clock: Clock, store: Store, *, observe: bool
) -> tuple[list[Bridge], Search | None]:
    """Return the bridges to speak to, the configured one first, and what finds the others."""
    cms, shadow = settings.cms, Shadow(clock)
    real = bridge_maker(cms, clock)

    def make(name: str, address: str) -> Bridge:
        bridge = real(name, address)
        return ObservingBridge(bridge, shadow) if observe else bridge

    made = [make(host_of(address), address) for address in addresses(cms)]
    if cms.call_bridges is not None:
        return made, None
    if not cms.verify:
        # The password goes to no address that only the network has told.
        log.warning("bridge.others_unused", reason="verify = no; list them in call_bridges")
        return made, None
    peers = Peers(make, store, made, cms.address)
    return [*made, *await peers.remembered()], peers.find


def bridge_maker(cms: CmsSettings, clock: Clock) -> Callable[[str, str], CmsBridge]:
    """Return what makes a bridge of its CMS name and address; all share one dial rate."""
    rate = DialRate(cms.dial_rate, clock)

    def make(name: str, address: str) -> CmsBridge:
        differs = next((b for b in cms.bridges if b.name == name), None)
        return CmsBridge(
            name,
            (differs and differs.address) or address,
            (differs and differs.username) or cms.username,
            (differs and differs.password) or cms.password,
            web=Web(verify=cms.verify, ca_file=cms.ca_file, connections=cms.concurrency),
            clock=clock,
            concurrency=cms.concurrency,
            timeout=cms.timeout.total_seconds(),
            dial_rate=rate,
        )

    return make


def addresses(cms: CmsSettings) -> list[str]:
    """Return the addresses that the file names, the first one to be asked first."""
    return list(dict.fromkeys((cms.address, *(cms.call_bridges or ()))))


def host_of(address: str) -> str:
    """Return `host[:port]`, the name of a bridge whose own name is not known."""
    return address.removeprefix("https://")


def state_file(settings: Settings) -> Path:
    """Return where the state is kept."""
    return settings.daemon.state_dir / STATE_FILE


@asynccontextmanager
async def stored(settings: Settings) -> AsyncIterator[Store]:
    """Open the state file to look into; raises StoreUnusable where it cannot be read."""
    offload = ThreadOffload("state")
    try:
        store = await SqliteStore.open_read_only(state_file(settings), offload=offload)
        try:
            yield store
        finally:
            await store.close()
    finally:
        offload.close()


async def stored_bookings(settings: Settings) -> Mapping[str, Booking]:
    """Return the rows of the state file by id, without writing to it; none where there is none."""
    with suppress(OSError):
        if not state_file(settings).exists():
            return {}
    # Where the directory may not be entered, the opening says so.
    async with stored(settings) as store:
        return {booking.id: booking for booking in await store.bookings()}
