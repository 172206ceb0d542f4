"""The running machine: calendars in, a pool of spaces, the timing loop; ports all around.

It knows no systemd and no signals (`bootstrap` and `commands.run` do), so that whole days of it
run in virtual time.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from cospaced.engine.bridges import Bridges, Search
from cospaced.engine.copies import Copies, Key
from cospaced.engine.edges import Edges
from cospaced.engine.following import Following
from cospaced.engine.ledger import Ledger
from cospaced.engine.polling import Polling
from cospaced.engine.pool import Pool
from cospaced.engine.recovery import Recovery
from cospaced.engine.timing import TimingLoop
from cospaced.engine.watching import Watching
from cospaced.errors import ApiError, PoolUnsettled, Unreachable
from cospaced.ports import Bridge, CalendarSource, Clock, Entropy, Store
from cospaced.settings import Settings


log = structlog.get_logger()

POOL_RETRY = 1.0
"""Seconds before the pool is tried again when a Call Bridge gave no answer."""
POOL_UNSETTLED_RETRY = 10.0
KEEPING = 1.0
"""Seconds between rounds of small housekeeping."""
FORGET_EVERY = 3600.0
KEPT = timedelta(days=30)
"""How long rows and stories of ended bookings are kept."""
STOPPING = 3.0
"""Seconds that requests under way are waited for when the daemon stops."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """Everything that a machine stands on."""

    clock: Clock
    entropy: Entropy
    store: Store
    bridges: Sequence[Bridge]
    sources: Mapping[str, CalendarSource]
    search: Search | None = None
    """Finds further Call Bridges; None: there are no others."""


class Machine:
    """One daemon's engine; `run` returns after `stop`, and raises what no part of it expected."""

    def __init__(self, settings: Settings, ports: Ports, *, site_key: bytes, site_id: str) -> None:
        self.settings = settings
        self._ports = ports
        clock = ports.clock
        self._clock = clock
        self._site_id = site_id
        self._stop_asked = asyncio.Event()
        self._pool_wanted = asyncio.Event()
        self._edges = Edges()
        self.pool_problem = ""
        self._pool = self._new_pool()
        self.copies = Copies()
        self.bridges = Bridges(ports.bridges, clock, ports.search)
        self.ledger = Ledger(ports.store, clock)
        self.following = Following(
            ledger=self.ledger,
            copies=self.copies,
            clock=clock,
            settings=settings,
            site_key=site_key,
        )
        self.timing = TimingLoop(
            ledger=self.ledger,
            placing=self.following.placing,
            copies=self.copies,
            bridges=self.bridges,
            clock=clock,
            settings=settings,
        )
        self.polling = Polling(
            sources=ports.sources,
            copies=self.copies,
            store=ports.store,
            clock=clock,
            entropy=ports.entropy,
            settings=settings,
            on_change=self._calendars_changed,
            booked_before=self._booked_with,
        )
        self.watching = Watching(
            sources=ports.sources, settings=settings, on_change=self.polling.heard
        )
        self.recovery = Recovery(
            ledger=self.ledger,
            timing=self.timing,
            copies=self.copies,
            bridges=self.bridges,
            clock=clock,
            calendars_known=self._calendars_known,
        )
        self.bridges.on_change = self.timing.touch_all
        self.timing.on_waiting = lambda key: self._calendars_changed([key])
        self.following.hearing.hides = self.polling.hides
        self.following.hearing.leavers.doubted = self.polling.doubts
        self.following.hearing.leavers.hurry = self.polling.hurry
        self.timing.carrier.on_gone = self.recovery.on_gone = self._pool_wanted.set

    @property
    def ready(self) -> bool:
        """Whether CMS answered (or is known to be down) and every room was tried once."""
        return self.bridges.known and self.polling.all_tried

    async def run(self) -> None:
        """Run until `stop`; closes nothing on CMS when it ends."""
        await self.ledger.load()
        await self.polling.load()
        self.following.give_up_superseded()
        self.timing.take_up_stored()
        async with asyncio.TaskGroup() as tasks:
            timing = tasks.create_task(self.timing.run(), name="timing")
            others = [
                tasks.create_task(work, name=name)
                for name, work in (
                    ("bridges", self.bridges.watch()),
                    ("polling", self.polling.run()),
                    ("watching", self.watching.run()),
                    ("pool", self._keep_pool()),
                    ("audit", self.recovery.audit()),
                    ("housekeeping", self._keep_house()),
                )
            ]
            await self._stop_asked.wait()
            self.timing.stop()
            await asyncio.wait([timing], timeout=STOPPING)
            for task in (timing, *others):
                task.cancel()
        await self.ledger.persist_all()

    def stop(self) -> None:
        """End `run`: no new writes, a short wait for those under way."""
        self._stop_asked.set()

    def reload(self, settings: Settings, sources: Mapping[str, CalendarSource]) -> None:
        """Go on with other settings; open bookings keep the terms they were opened with."""
        old = self.settings
        self.settings = settings
        self.following.settings = settings
        self.timing.settings = settings
        if old.pool != settings.pool:
            self._pool = self._new_pool()
        self.polling.reload(settings, sources)
        self.watching.reload(settings, sources)
        self._calendars_changed(self.copies.keys())
        self.timing.touch_all()
        self._pool_wanted.set()

    # --- parts that hold the others together ------------------------------------------------

    def _calendars_changed(self, keys: Sequence[Key]) -> None:
        self.following.hearing.unread = self.polling.unread
        touched = self.following.changed(keys)
        self.recovery.settle()
        self.timing.touch(touched)

    def _booked_with(self, room: str) -> list[Key]:
        """Return the occurrences that are booked with a room, to our knowledge."""
        return [(row.uid, row.recurrence_id) for row in self.ledger.with_room(room)]

    def _new_pool(self) -> Pool:
        """Return a pool of the settings in force; it remembers what it has told."""
        return Pool(
            settings=self.settings.pool,
            site_id=self._site_id,
            store=self._ports.store,
            clock=self._clock,
            ours=lambda tag: self.ledger.get(tag) is not None,
        )

    def _calendars_known(self) -> bool:
        return self.polling.all_tried and not self.polling.unread

    async def _keep_pool(self) -> None:
        """Make or find the pool, again whenever that is wanted, until cancelled."""
        while True:
            self._pool_wanted.clear()
            pause = await self._prepare_pool()
            try:
                async with asyncio.timeout(pause):
                    await self._pool_wanted.wait()
            except TimeoutError:
                continue

    async def _prepare_pool(self) -> float | None:
        """Prepare once; return after how many seconds to try again, None where all is well."""
        bridge = self.bridges.serving()
        if bridge is None:
            return POOL_RETRY
        try:
            slots = await self._pool.prepare(bridge)
        except PoolUnsettled as problem:
            self.pool_problem = str(problem)
            return POOL_UNSETTLED_RETRY
        except (Unreachable, ApiError) as problem:
            self.pool_problem = str(problem)
            return POOL_RETRY
        except Exception as fault:
            # The edge of the pool: a fault in it must not end the conferences that are held.
            unknown = f"a fault of the program ({type(fault).__name__})"
            if self.pool_problem != unknown:
                log.exception("pool.fault")
            self.pool_problem = unknown
            return POOL_UNSETTLED_RETRY
        self.pool_problem = ""
        self.following.placing.numbers = slots.usable
        self.recovery.found(slots)
        self.following.placing.replace_unusable()
        self.timing.touch_all()
        return None

    async def _keep_house(self) -> None:
        forgot_at = self._clock.monotonic()
        while True:
            await self._clock.sleep(KEEPING)
            with self._edges.of("audit.fault", part="tidying"):
                self._tidy()
            with self._edges.of("audit.fault", part="storing"):
                await self.ledger.persist_all()
            if self._clock.monotonic() - forgot_at >= FORGET_EVERY:
                forgot_at = self._clock.monotonic()
                with self._edges.of("audit.fault", part="forgetting"):
                    await self.ledger.forget(KEPT)
                    self.following.storyteller.forget_gone()

    def _tidy(self) -> None:
        self.timing.scene.mute_rooms = self.polling.mute
        self.following.hearing.unread = self.polling.unread
        self.recovery.settle()
        if leaving := self.following.hearing.leavers.keys:
            self._calendars_changed(leaving)
