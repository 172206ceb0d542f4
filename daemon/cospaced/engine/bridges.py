"""The Call Bridges together: which of them answer, and looks that span them all.

A bridge that gives no answer is *blind*: what it holds is unknown. The first one that answers
serves writes that may go to any.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import structlog

from cospaced.domain.draft import Send
from cospaced.domain.seen import LegState, SeenCall, SeenLeg
from cospaced.domain.sightings import CallsSeen, LegsSeen, SpaceSeen
from cospaced.domain.writes import Outcome, Result
from cospaced.engine.edges import Edges
from cospaced.errors import ApiError, Unreachable
from cospaced.ports import Bridge, Clock


log = structlog.get_logger()

WATCH_UP = 10.0
"""Seconds between looks at the status of a bridge that answers."""
WATCH_DOWN = 1.0
"""Likewise of one that does not."""
SEARCH_AGAIN = 300.0
"""Seconds between searches for further bridges of the cluster."""

_NO_ANSWER = (Unreachable, ApiError)

Search = Callable[[Bridge], Awaitable[Sequence[Bridge]]]
"""Asks a bridge for others that are not spoken to yet; raises Unreachable or ApiError."""


class Bridges:
    """All Call Bridges that are spoken to, in the order in which they serve."""

    def __init__(
        self, bridges: Sequence[Bridge], clock: Clock, search: Search | None = None
    ) -> None:
        self._bridges = {bridge.name: bridge for bridge in bridges}
        self._clock = clock
        self._search = search
        self._down_since: dict[str, datetime | None] = dict.fromkeys(self._bridges)
        self._up: set[str] = set()
        self._tried: set[str] = set()
        self._uptime: dict[str, int] = {}
        self._doubted = {name: asyncio.Event() for name in self._bridges}
        self._edges = Edges()
        self.booted: dict[str, datetime] = {}
        self.on_change: Callable[[], None] = lambda: None

    @property
    def reachable(self) -> tuple[str, ...]:
        """Names of the bridges that answer."""
        return tuple(name for name in self._bridges if name in self._up)

    @property
    def known(self) -> bool:
        """Whether every bridge has answered, or failed to, at least once."""
        return len(self._tried) == len(self._bridges)

    def serving(self) -> Bridge | None:
        """Return the bridge that new calls and spaces go to, None where none answers."""
        return next((self._bridges[name] for name in self.reachable), None)

    def states(self) -> Mapping[str, datetime | None]:
        """Return each bridge's name and since when it is down; None: it answers."""
        return {
            name: None if name in self._up else self._down_since[name] for name in self._bridges
        }

    async def watch(self) -> None:
        """Follow the health of every bridge until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for name in self._bridges:
                tasks.create_task(self._watch_one(name), name=f"watch {name}")
            if self._search is not None:
                await self._find_others(self._search, tasks)

    async def _find_others(self, search: Search, tasks: asyncio.TaskGroup) -> None:
        """Ask for the other bridges of the cluster now and then, and speak to new ones too."""
        edges = Edges()
        while True:
            bridge = self.serving()
            pause = WATCH_DOWN
            if bridge is not None:
                pause = WATCH_UP
                # The watch of a bridge tells that it does not answer; the next one may know.
                with edges.of("bridge.fault", bridge=bridge.name), suppress(*_NO_ANSWER):
                    for one in await search(bridge):
                        self._add(one)
                        tasks.create_task(self._watch_one(one.name), name=f"watch {one.name}")
                    pause = SEARCH_AGAIN
            await self._clock.sleep(pause)

    def _add(self, bridge: Bridge) -> None:
        self._bridges[bridge.name] = bridge
        self._down_since[bridge.name] = None
        self._doubted[bridge.name] = asyncio.Event()

    async def meet(self) -> None:
        """Ask every bridge once how it is, those that the cluster lists besides included.

        For who works once and does not `watch`. Raises Unreachable or ApiError where a bridge that
        answers does not tell of the others.
        """
        for name in tuple(self._bridges):
            await self.probe(name)
        bridge = self.serving()
        if bridge is None or self._search is None:
            return
        for one in await self._search(bridge):
            self._add(one)
            await self.probe(one.name)

    async def _watch_one(self, name: str) -> None:
        while True:
            with self._edges.of("bridge.fault", bridge=name):
                await self.probe(name)
            pause = WATCH_UP if name in self._up else WATCH_DOWN
            await self._pause(name, pause)

    async def _pause(self, name: str, seconds: float) -> None:
        doubted = self._doubted[name]
        try:
            async with asyncio.timeout(seconds):
                await doubted.wait()
            # However many requests fail at once, the bridge is asked once a second.
            await self._clock.sleep(WATCH_DOWN)
        except TimeoutError:
            pass
        doubted.clear()

    async def probe(self, name: str) -> bool:
        """Ask one bridge for its status and note what that says of it; say whether it answered."""
        if name not in self._bridges:
            return False
        try:
            status = await self._bridges[name].status()
        except (Unreachable, ApiError) as error:
            self._note_down(name, str(error))
            return False
        now = self._clock.now()
        before = self._uptime.get(name)
        if before is None or status.uptime < before:
            self.booted[name] = now - timedelta(seconds=status.uptime)
            if before is not None:
                log.warning("bridge.restarted", bridge=name, seconds=status.uptime)
        self._uptime[name] = status.uptime
        self._note_up(name, now)
        return True

    def clock_stepped(self, by: timedelta) -> None:
        """Move the moments at which bridges started along with the clock."""
        self.booted = {name: at + by for name, at in self.booted.items()}

    def _note_up(self, name: str, now: datetime) -> None:
        first = name not in self._tried
        self._tried.add(name)
        if name in self._up:
            return
        self._up.add(name)
        since = self._down_since[name]
        self._down_since[name] = None
        if since is not None:
            log.info("bridge.recovered", bridge=name, seconds=int((now - since).total_seconds()))
        elif first:
            log.info("bridge.reached", bridge=name)
        self.on_change()

    def _note_down(self, name: str, reason: str) -> None:
        first = name not in self._tried
        self._tried.add(name)
        if name not in self._up and not first:
            return
        self._up.discard(name)
        self._down_since[name] = self._clock.now()
        log.error("bridge.unreachable", bridge=name, reason=reason)
        self.on_change()

    def _doubt(self, name: str) -> None:
        self._doubted[name].set()

    def describe(self, send: Send) -> str:
        """Return the request that a write is, for a person who compares it with a trace."""
        bridge = self._bridges.get(send.bridge) or next(iter(self._bridges.values()))
        return bridge.describe(send.write)

    async def write(self, send: Send) -> tuple[str, Outcome]:
        """Send a write to the bridge it names, or to the serving one; return which it was."""
        bridge = self._bridges.get(send.bridge) if send.bridge else self.serving()
        if bridge is None:
            reason = "no Call Bridge answers"
            return send.bridge, Outcome(result=Result.UNKNOWN, reason=reason, sent=False)
        outcome = await bridge.write(send.write)
        if outcome.result is Result.UNKNOWN:
            self._doubt(bridge.name)
        return bridge.name, outcome

    async def calls(self, space: str, *, aged: bool, audit: bool) -> CallsSeen:
        """Look at the calls of a space on every bridge; with `aged`, at how old the first is."""
        asked_at = self._clock.now()
        found: dict[str, tuple[SeenCall, ...] | None] = {}

        async def ask(bridge: Bridge) -> None:
            try:
                found[bridge.name] = await _view(bridge, audit=audit).calls(space)
            except (Unreachable, ApiError):
                found[bridge.name] = None
                self._doubt(bridge.name)

        async with asyncio.TaskGroup() as tasks:
            # A bridge that is found while this look is under way is asked by the next one.
            asked = list(self._bridges.values())
            for bridge in asked:
                tasks.create_task(ask(bridge))
        calls = tuple(call for bridge in asked for call in found[bridge.name] or ())
        blind = tuple(bridge.name for bridge in asked if found[bridge.name] is None)
        age = await self._age(calls) if aged else None
        return CallsSeen(asked_at=asked_at, calls=calls, blind=blind, age=age)

    async def _age(self, calls: Sequence[SeenCall]) -> int | None:
        ages = []
        for call in calls:
            try:
                ages.append(await self._bridges[call.bridge].call_age(call.id))
            except (Unreachable, ApiError):
                self._doubt(call.bridge)
        return max((age for age in ages if age is not None), default=None)

    async def legs(
        self, calls: Sequence[SeenCall], known: Sequence[SeenLeg], *, audit: bool
    ) -> LegsSeen:
        """Look at the legs of calls; those known as connected are not read singly again."""
        asked_at = self._clock.now()
        settled = {leg.id: leg for leg in known if leg.state is LegState.CONNECTED}
        legs: dict[str, list[SeenLeg]] = {}
        blind: list[str] = []

        async def ask(call: SeenCall) -> None:
            bridge = _view(self._bridges[call.bridge], audit=audit)
            try:
                legs[call.id] = await _legs_of(bridge, call, settled)
            except* (Unreachable, ApiError):
                blind.append(call.bridge)
                self._doubt(call.bridge)

        async with asyncio.TaskGroup() as tasks:
            for call in calls:
                tasks.create_task(ask(call))
        seen = tuple(leg for call in calls for leg in legs.get(call.id, ()))
        return LegsSeen(asked_at=asked_at, legs=seen, blind=tuple(blind))

    async def space(self, space: str, *, audit: bool) -> SpaceSeen | None:
        """Look at one space on the serving bridge; None where no answer came."""
        asked_at = self._clock.now()
        bridge = self.serving()
        if bridge is None:
            return None
        try:
            seen = await _view(bridge, audit=audit).space(space)
        except (Unreachable, ApiError):
            self._doubt(bridge.name)
            return None
        return SpaceSeen(asked_at=asked_at, space=seen)

    async def close(self) -> None:
        """Close the connections of every bridge."""
        for bridge in self._bridges.values():
            await bridge.close()


async def _legs_of(bridge: Bridge, call: SeenCall, settled: Mapping[str, SeenLeg]) -> list[SeenLeg]:
    """Read the legs of a call, each singly but those in `settled`; raises in an exception group."""
    found: dict[str, SeenLeg | None] = {}

    async def read(leg: str) -> None:
        found[leg] = await bridge.leg(leg)

    async with asyncio.TaskGroup() as tasks:
        listed = [leg.id for leg in await bridge.legs(call.id)]
        for one in listed:
            if one in settled:
                found[one] = settled[one]
            else:
                tasks.create_task(read(one))
    return [leg for name in listed if (leg := found[name]) is not None]


def _view(bridge: Bridge, *, audit: bool) -> Bridge:
    """Return the bridge as audits use it: behind everything else."""
    return bridge.auditing if audit else bridge
