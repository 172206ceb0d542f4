"""Carrying plans out: store the intention, send, look; each answer is folded as it comes.

What fails stays *under way* for a moment longer, so that nobody asks again and again at a wall.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

import structlog

from cospaced.domain import answers, sightings
from cospaced.domain.booking import Booking
from cospaced.domain.draft import Look, LookAt, Mark, Send, Surroundings, Told
from cospaced.domain.story import Line
from cospaced.domain.view import View
from cospaced.domain.writes import DropLeg, Outcome, Result
from cospaced.engine.bridges import Bridges
from cospaced.engine.dialogue import Dialogue
from cospaced.engine.ledger import Ledger
from cospaced.engine.scene import Scene
from cospaced.engine.telling import lines_of
from cospaced.ports import Clock


log = structlog.get_logger()

PAUSE = 1.0
"""Seconds before what failed, or told nothing, is asked again."""


@dataclass(slots=True)
class Desk:
    """What is known of one booking beside its row."""

    view: View = field(default_factory=View)
    dialogue: Dialogue = field(default_factory=Dialogue)
    busy: set[Mark] = field(default_factory=set)
    due: datetime | None = None
    fault: str = ""
    """The last fault of the program that was told of it."""


class Planner(Protocol):
    """What carrying out asks of the timing loop."""

    def desk(self, booking: str) -> Desk | None:
        """Return a booking's desk; None once it is finished."""

    def around(self, row: Booking, now: datetime) -> Surroundings:
        """Return the surroundings of a booking."""

    def put(
        self, before: Booking, after: Booking, told: tuple[Told, ...], lines: Sequence[Line]
    ) -> None:
        """Take up a changed row, and lines of its story."""

    def touch(self, bookings: Iterable[str]) -> None:
        """Plan bookings at the next turn."""


class Carrier:
    """Carries out what was planned; several plans at once, each write once."""

    def __init__(
        self, *, ledger: Ledger, bridges: Bridges, clock: Clock, scene: Scene, planner: Planner
    ) -> None:
        self._ledger = ledger
        self._bridges = bridges
        self._clock = clock
        self._scene = scene
        self._planner = planner
        self.stopping = False
        self.on_gone: Callable[[], None] = lambda: None
        """Called when the space of a slot turns out to be gone from CMS."""

    def asking(self, desk: Desk, sends: tuple[Send, ...]) -> list[Line]:
        """Return the lines of requests that are about to be sent; stored before they are."""
        return [
            line
            for send in sends
            for line in desk.dialogue.asked(send, self._bridges.describe(send))
        ]

    async def carry(self, booking: str, sends: tuple[Send, ...]) -> None:
        """Store the intention, then send."""
        await self._ledger.persisted(booking)
        if self.stopping:
            return
        async with asyncio.TaskGroup() as tasks:
            for send in sends:
                tasks.create_task(self._send(booking, send))

    async def _send(self, booking: str, send: Send) -> None:
        began = self._clock.monotonic()
        bridge, outcome = await self._written(booking, send)
        took = round((self._clock.monotonic() - began) * 1000)
        done = outcome.result is Result.DONE
        try:
            self._answered(booking, replace(send, bridge=bridge), outcome, took)
        except Exception as error:
            # The edge of an answer: a fault in one booking must not stop the others.
            if self._is_new(booking, error):
                log.exception("booking.fault", booking=booking)
            done = False
        if not done:
            self._planner.touch([booking])
            await self._clock.sleep(PAUSE)
        self._done(booking, send.mark)
        await self._ledger.persisted(booking)

    async def _written(self, booking: str, send: Send) -> tuple[str, Outcome]:
        try:
            return await self._bridges.write(send)
        except Exception as error:
            # The edge of a request: a fault in one must not stop the others. It may have been sent.
            if self._is_new(booking, error):
                log.exception("booking.fault", booking=booking)
            reason = _named(error)
            return send.bridge, Outcome(result=Result.UNKNOWN, reason=reason)

    def _is_new(self, booking: str, error: Exception) -> bool:
        """Whether a fault was not told of a booking yet; it may be met again each second."""
        desk = self._planner.desk(booking)
        if desk is None or desk.fault == _named(error):
            return False
        desk.fault = _named(error)
        return True

    def _answered(self, booking: str, sent: Send, outcome: Outcome, took: int) -> None:
        now = self._clock.now()
        desk, row = self._planner.desk(booking), self._ledger.get(booking)
        if desk is None or row is None:
            return
        around = self._planner.around(row, now)
        folded = answers.settle(row, desk.view, around, sent, outcome, now)
        desk.view = folded.view
        lines = desk.dialogue.answered(sent, self._bridges.describe(sent), outcome, took)
        lines += lines_of("decided", booking, folded.told)
        self._planner.put(row, folded.booking, folded.told, lines)
        if isinstance(sent.write, DropLeg) and outcome.result is Result.DONE:
            self._hung_up(sent.mark[1], sent.write.leg)
        if outcome.result is Result.REFUSED and outcome.reason == "coSpaceDoesNotExist":
            self.on_gone()

    def _done(self, booking: str, mark: Mark) -> None:
        desk = self._planner.desk(booking)
        if desk is not None:
            desk.busy.discard(mark)
            self._planner.touch([booking])

    def _hung_up(self, endpoint: str, leg: str) -> None:
        """Strike a leg that we dropped from whatever view shows it."""
        for booking in self._scene.sharing(endpoint):
            desk = self._planner.desk(booking)
            if desk is not None:
                legs = tuple(one for one in desk.view.legs if one.id != leg)
                desk.view = replace(desk.view, legs=legs)

    async def look(self, booking: str, look: LookAt) -> None:
        """Look, and fold what was seen."""
        row, desk = self._ledger.get(booking), self._planner.desk(booking)
        if row is None or desk is None:
            return
        seen, stored = None, False
        try:
            seen = await self._seen(row, desk.view, look)
            stored = seen is not None and self._saw(booking, seen)
        except Exception as error:
            # The edge of a look, as above.
            if self._is_new(booking, error):
                log.exception("booking.fault", booking=booking)
            seen = None
        if seen is None or seen.blind:
            self._planner.touch([booking])
            await self._clock.sleep(PAUSE)
        self._done(booking, ("look", look.look))
        if stored:
            await self._ledger.persisted(booking)

    def _saw(self, booking: str, seen: sightings.Seen) -> bool:
        """Fold a look; return whether the row has changed in more than when it was looked at."""
        now = self._clock.now()
        row, desk = self._ledger.get(booking), self._planner.desk(booking)
        if row is None or desk is None:
            return False
        around = self._planner.around(row, now)
        folded = sightings.observe(row, desk.view, around, seen, now)
        desk.view = folded.view
        after = folded.booking
        if isinstance(seen, sightings.SpaceSeen) and seen.space is None:
            self.on_gone()
        if replace(after, call_seen_at=row.call_seen_at) == row and not folded.told:
            # When its call was last seen is worth remembering, not worth a write of its own.
            self._ledger.note(after)
            return False
        self._planner.put(row, after, folded.told, lines_of("looked", booking, folded.told))
        return True

    async def _seen(self, row: Booking, view: View, look: LookAt) -> sightings.Seen | None:
        space = self._scene.space(row)
        match look.look:
            case Look.LEGS:
                return await self._bridges.legs(view.calls, view.legs, audit=look.audit)
            case Look.CALLS if space:
                return await self._calls(row, space, audit=look.audit)
            case Look.SPACE if space:
                return await self._bridges.space(space, audit=look.audit)
            case _:
                return None

    async def _calls(self, row: Booking, space: str, *, audit: bool) -> sightings.CallsSeen:
        aged = row.adopted_at is not None
        seen = await self._bridges.calls(space, aged=aged, audit=audit)
        holder = row.call_bridge
        vanished = row.call_seen_at is not None and not seen.calls and not row.closing
        if not vanished or holder in seen.blind or await self._bridges.probe(holder):
            return seen
        # Whether people ended the call or a restart did: only the bridge's uptime tells.
        return replace(seen, blind=(*seen.blind, holder))


def _named(error: Exception) -> str:
    return f"a fault of the program ({type(error).__name__})"
