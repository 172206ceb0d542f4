"""What checks look at: the settings, the machine, the calendars, the Call Bridges, the state.

`bootstrap` makes it of the daemon's own adapters, so the doctor sees what the daemon would. What
costs requests and several checks need (calendars, the state of each bridge, the pool) is looked at
once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from cospaced.doctor.shared import Shared
from cospaced.domain.booking import Booking
from cospaced.domain.calendar import Reading
from cospaced.domain.fold import Skipped
from cospaced.domain.seen import BridgeStatus, PeerBridge
from cospaced.domain.timespan import Timespan
from cospaced.engine.agenda import folded, read_rooms
from cospaced.errors import ApiError, CalendarError, StoreUnusable, Unreachable
from cospaced.host import access, journal, kernel_clock, lock, urllib3_shadow
from cospaced.host import unit as systemd
from cospaced.host.control import ControlRefused, ControlUnavailable, ask, control_path
from cospaced.ports import Bridge, CalendarSource, Clock, Installation, Offload, Store
from cospaced.settings import Settings


T = TypeVar("T")

DAYS = timedelta(days=30)
"""How far ahead calendars are read."""
ASKING = 5.0
"""Seconds for the running daemon's answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallBridge:
    """One Call Bridge, by the name and address that the daemon would use."""

    name: str
    address: str
    bridge: Bridge
    installation: Installation


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A Call Bridge and what its status was, or why there was none."""

    at: CallBridge
    status: BridgeStatus | None = None
    fault: Unreachable | ApiError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """The bridges that are configured, and those that one of them lists besides.

    `own` names the bridge that told (uniqueName); `listed` is None where none did. `strangers`
    are listed ones that the daemon may not or cannot use, with the reason where it was tried.
    """

    configured: tuple[Met, ...]
    listed: tuple[PeerBridge, ...] | None = None
    own: str = ""
    found: tuple[Met, ...] = ()
    strangers: tuple[PeerBridge, ...] = ()

    @property
    def answering(self) -> tuple[Met, ...]:
        """Every bridge that answers, the configured ones first."""
        return tuple(met for met in (*self.configured, *self.found) if met.status is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendars:
    """Every room's reading or fault, and what follows from all of them."""

    readings: Mapping[str, Reading | CalendarError]
    bookings: tuple[Booking, ...]
    skipped: tuple[Skipped, ...]
    span: Timespan


@dataclass(frozen=True, slots=True, kw_only=True)
class HostLooks:
    """How this machine is asked; all of it blocks."""

    unit: Callable[[], systemd.Unit | None] = systemd.unit
    synchronised: Callable[[], bool | None] = kernel_clock.synchronised
    shadow: Callable[[], str] = urllib3_shadow.shadow
    journal_kept: Callable[[], bool | None] = journal.kept
    lock_holder: Callable[[Path], int | None] = lock.holder
    account: Callable[[str], access.Account | None] = access.account
    owner: Callable[[Path], access.Account | None] = access.owner
    current: Callable[[], access.Account] = access.current
    allowed: Callable[..., Mapping[Path, bool] | None] = access.allowed


@dataclass(slots=True, kw_only=True)
class Site:
    """One installation. `aside` runs blocking work; the rest are values or looks."""

    settings: Settings
    clock: Clock
    sources: Mapping[str, CalendarSource]
    bridges: tuple[CallBridge, ...]
    make_bridge: Callable[[str, str], CallBridge]
    """Makes one more of a CMS name and address."""
    open_store: Callable[[], Awaitable[Store]]
    """Opens the state for reading, an empty one where there is none. Raises StoreUnusable."""
    empty_store: Store
    state_file: Path
    site_key: Path
    site_id: Callable[[], str]
    """Blocks; empty without a key. Raises StoreUnusable."""
    offload: Callable[[str], Offload]
    """Makes a thread; the maker closes it."""
    shared: Shared
    files: tuple[Path, ...] = ()
    """Every file that the configuration was read from, the main one first."""
    secrets: tuple[Path, ...] = ()
    """Files that the configuration names as holding a secret each."""
    processing: Path | None = None
    """What Exchange says of its room mailboxes (Get-CalendarProcessing), exported to a file."""
    host: HostLooks = field(default_factory=HostLooks)

    async def aside(self, name: str, work: Callable[[], T]) -> T:
        """Run blocking work in a thread of its own: one that hangs holds nobody else up."""
        return await self.offload(name).run(work)

    async def unit(self) -> systemd.Unit | None:
        """Return the daemon's unit; None where systemd does not run."""
        return await self.shared.look("unit", lambda: self.aside("unit", self.host.unit))

    async def account(self) -> access.Account:
        """Return the user that the daemon runs as.

        What the unit says, else the user `cospaced`, else the owner of the state, else whoever
        asks.
        """
        found = await self.unit()
        name = (found.user or "root") if found is not None and found.installed else _USER

        def look() -> access.Account:
            folder = self.settings.daemon.state_dir
            return self.host.account(name) or self.host.owner(folder) or self.host.current()

        return await self.shared.look("account", lambda: self.aside("account", look))

    async def told(self) -> Mapping[str, Any] | ControlUnavailable | ControlRefused:
        """Return what the running daemon answers to `status`, or why there is no answer."""
        path = control_path(self.settings.daemon.state_dir)

        def look() -> Mapping[str, Any] | ControlUnavailable | ControlRefused:
            try:
                return ask(path, {"command": "status"}, timeout=ASKING)
            except (ControlUnavailable, ControlRefused) as error:
                return error

        return await self.shared.look("told", lambda: self.aside("told", look))

    async def store(self) -> Store:
        """Return the state for reading, an empty one where there is none. Raises StoreUnusable."""
        return await self.shared.look("store", self.open_store)

    async def memory(self) -> Store:
        """Return the state, or an empty one where it cannot be read: that is told elsewhere."""
        try:
            return await self.store()
        except StoreUnusable:
            return self.empty_store

    async def rows(self) -> Mapping[str, Booking]:
        """Return the stored bookings by id; none where the state cannot be read."""
        try:
            rows = await (await self.memory()).bookings()
        except StoreUnusable:
            rows = ()
        return {row.id: row for row in rows}

    async def calendars(self) -> Calendars:
        """Read every calendar from today on."""
        return await self.shared.look("calendars", self._read_calendars)

    async def cluster(self) -> Cluster:
        """Ask every bridge how it is, and one of them for the others."""
        return await self.shared.look("cluster", self._meet_bridges)

    async def _read_calendars(self) -> Calendars:
        now = self.clock.now()
        span = Timespan(now, now + DAYS)
        readings = await read_rooms(self.settings, self.sources, span)
        bookings, skipped = folded(self.settings, readings, span, now, await self.rows())
        return Calendars(readings=readings, bookings=bookings, skipped=skipped, span=span)

    async def _meet_bridges(self) -> Cluster:
        met = tuple(await asyncio.gather(*map(_met, self.bridges)))
        cluster = Cluster(configured=met)
        for one in cluster.answering:
            try:
                listed = await one.at.bridge.peers()
                own = await one.at.bridge.unique_name()
            except (Unreachable, ApiError):
                continue
            return await self._with_peers(met, listed, own)
        return cluster

    async def _with_peers(
        self, met: tuple[Met, ...], listed: tuple[PeerBridge, ...], own: str
    ) -> Cluster:
        known = {address(one.at.address) for one in met}
        others = [p for p in listed if p.name != own and address(p.address) not in known]
        cms = self.settings.cms
        found: tuple[Met, ...] = ()
        # The password goes to no address that only the network has told, unless TLS proves it.
        if cms.call_bridges is None and cms.verify:
            usable = [peer for peer in others if peer.address]
            made = [self.make_bridge(peer.name, peer.address) for peer in usable]
            found = tuple(await asyncio.gather(*map(_met, made)))
            others = [peer for peer in others if not peer.address]
        return Cluster(configured=met, listed=listed, own=own, found=found, strangers=tuple(others))


_USER = "cospaced"


async def _met(at: CallBridge) -> Met:
    try:
        return Met(at=at, status=await at.bridge.status())
    except (Unreachable, ApiError) as error:
        return Met(at=at, fault=error)


def address(url: str) -> str:
    """Return an address of a Call Bridge as it can be compared."""
    return url.removeprefix("https://").rstrip("/").removesuffix(":443").lower()


def local(moment: datetime, settings: Settings) -> str:
    """Return a moment as the administrator's wall clock shows it."""
    return f"{moment.astimezone(ZoneInfo(settings.daemon.time_zone)):%a %Y-%m-%d %H:%M}"
