"""The timing loop: plans each booking when it is due and hands the plan to be carried out.

It sleeps until the next due moment, never longer than a second, and wakes early when an answer or
a calendar changes something. A turn decides only; requests run beside it, so that a storm of them,
or a bridge that does not answer, never delays the next decision.
"""

import asyncio
import heapq
from collections.abc import Callable, Coroutine, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from cospaced.domain.booking import Booking, State
from cospaced.domain.draft import Plan, Surroundings, Told
from cospaced.domain.lifecycle import FINISHED
from cospaced.domain.plan import plan
from cospaced.domain.pool import Slots
from cospaced.domain.stepped import stepped_booking, stepped_view
from cospaced.domain.story import Line
from cospaced.domain.view import View
from cospaced.engine.bridges import Bridges
from cospaced.engine.carrying import Carrier, Desk
from cospaced.engine.clock_watch import ClockWatch
from cospaced.engine.copies import Copies, Key
from cospaced.engine.lateness import Lateness, Start
from cospaced.engine.ledger import Ledger, entries
from cospaced.engine.placing import Placing
from cospaced.engine.scene import Scene
from cospaced.engine.telling import lines_of, tell
from cospaced.ports import Clock
from cospaced.settings import Settings


log = structlog.get_logger()

LONGEST_SLEEP = 1.0
"""Seconds; also how soon a step of the clock is noticed."""
FAULT_PAUSE = timedelta(seconds=10)
"""How long a booking whose planning raised is left alone."""
SOONEST = timedelta(milliseconds=10)
"""A plan that wants to be made again at once is made again after this."""


class TimingLoop:
    """Plans and carries out; everything it does to CMS goes through `Bridges`."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        placing: Placing,
        copies: Copies,
        bridges: Bridges,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._ledger = ledger
        self._placing = placing
        self._bridges = bridges
        self._clock = clock
        self._desks: dict[str, Desk] = {}
        self._agenda: list[tuple[datetime, str]] = []
        self._wake = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._watch = ClockWatch(clock)
        self.scene = Scene(
            ledger=ledger, placing=placing, copies=copies, bridges=bridges, settings=settings
        )
        self.carrier = Carrier(
            ledger=ledger, bridges=bridges, clock=clock, scene=self.scene, planner=self
        )
        self.beat_at = clock.monotonic()
        self.lateness = Lateness()
        self.on_waiting: Callable[[Key], None] = lambda _key: None
        """Called at each turn of one that waits for another: time alone may have settled it."""

    # --- what others call -------------------------------------------------------------------

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.scene.settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self.scene.settings = settings

    @property
    def slots(self) -> Slots | None:
        """The pool as it was last surveyed; None before."""
        return self.scene.slots

    def touch(self, bookings: Iterable[str]) -> None:
        """Plan these bookings at the next turn, which is now."""
        now = self._clock.now()
        for booking in bookings:
            self._schedule(booking, now)
        self._wake.set()

    def touch_all(self) -> None:
        """Plan every booking that is not finished at the next turn."""
        self.touch(self._ledger.unfinished())

    def desk(self, booking: str) -> Desk | None:
        """Return what is known of a booking beside its row; None once it is finished."""
        return self._desks.get(booking)

    def view(self, booking: str) -> View:
        """Return what was last seen of a booking."""
        desk = self._desks.get(booking)
        return View() if desk is None else desk.view

    def next_due(self) -> list[tuple[datetime, str]]:
        """Return the next due moments and their bookings, soonest first."""
        due = [(desk.due, key) for key, desk in self._desks.items() if desk.due is not None]
        return sorted(due)

    async def run(self) -> None:
        """Take turns until `stop`; then return when what is under way has ended."""
        async with asyncio.TaskGroup() as tasks:
            self._tasks = tasks
            while not self.carrier.stopping:
                await self._sleep()
                if not self.carrier.stopping:
                    self._turn()
        self._tasks = None

    def stop(self) -> None:
        """Take no further turn; requests under way go on."""
        self.carrier.stopping = True
        self._wake.set()

    # --- a turn -----------------------------------------------------------------------------

    async def _sleep(self) -> None:
        pause = LONGEST_SLEEP
        if self._agenda:
            pause = min(pause, (self._agenda[0][0] - self._clock.now()).total_seconds())
        if pause > 0 and not self._wake.is_set():
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
            except TimeoutError:
                pass
        else:
            await self._clock.sleep(0)
        self._wake.clear()

    def _turn(self) -> None:
        now = self._clock.now()
        step = self._watch.look()
        if step:
            self._clock_stepped(step)
        while self._agenda and self._agenda[0][0] <= now:
            due, booking = heapq.heappop(self._agenda)
            desk = self._desks.get(booking)
            if desk is None or desk.due != due:
                continue
            desk.due = None
            self.lateness.note_turn(now - due)
            self._plan_one(booking, desk, now)
        self.beat_at = self._clock.monotonic()

    def _clock_stepped(self, by: timedelta) -> None:
        """Go on with the ages that everything had, and plan everything by the new time."""
        self._bridges.clock_stepped(by)
        for desk in self._desks.values():
            desk.view = stepped_view(desk.view, by)
            desk.due = None
        self._agenda.clear()
        for row in self._ledger.in_state(State.OPEN):
            self._ledger.put(stepped_booking(row, by))
        self.touch_all()

    def _schedule(self, booking: str, moment: datetime) -> None:
        desk = self._desks.setdefault(booking, Desk())
        if desk.due is None or moment < desk.due:
            desk.due = moment
            heapq.heappush(self._agenda, (moment, booking))

    def _plan_one(self, booking: str, desk: Desk, now: datetime) -> None:
        try:
            self._take_turn(booking, desk, now)
        except Exception:
            # The edge of a booking's turn: a fault in one must not stop the others.
            log.exception("booking.fault", booking=booking)
            self._schedule(booking, now + FAULT_PAUSE)

    def _take_turn(self, booking: str, desk: Desk, now: datetime) -> None:
        row = self._ledger.get(booking)
        if row is not None and row.state is State.PLANNED and now >= row.start:
            row = self._elsewhere_if_held(row)
        if row is None or row.state in FINISHED:
            del self._desks[booking]
            return
        around = self.around(row, now)
        decided = plan(
            row,
            desk.view,
            around,
            now=now,
            terms=self.settings.conferences,
            rooms=self.scene.rooms,
            busy=frozenset(desk.busy),
        )
        self._take_up(row, decided, desk, now)
        if around.awaits:
            self.on_waiting((row.uid, row.recurrence_id))

    def _elsewhere_if_held(self, row: Booking) -> Booking:
        """Give a booking whose rooms are waiting another number where its own is still held.

        So it is where a conference before cannot be seen to have ended: better another number than
        dark rooms.
        """
        return row if self.scene.free(row) else self._placing.moved_away(row)

    def _take_up(self, row: Booking, decided: Plan, desk: Desk, now: datetime) -> None:
        lines = lines_of("decided", row.id, decided.told)
        lines += self.carrier.asking(desk, decided.sends)
        if decided.booking != row or lines:
            self.put(row, decided.booking, decided.told, lines)
        if decided.wake is not None:
            self._schedule(row.id, max(decided.wake, now + SOONEST))
        for send in decided.sends:
            desk.busy.add(send.mark)
        for look in decided.looks:
            desk.busy.add(("look", look.look))
        if decided.sends or decided.booking != row:
            self._spawn(self.carrier.carry(row.id, decided.sends))
        for look in decided.looks:
            self._spawn(self.carrier.look(row.id, look))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        if self._tasks is None:
            raise RuntimeError("the timing loop is not running")
        self._tasks.create_task(work)

    # --- rows -------------------------------------------------------------------------------

    def around(self, row: Booking, now: datetime) -> Surroundings:
        """Return the surroundings of a booking."""
        return self.scene.around(row, now, self.view, hold_closes=self._watch.unsettled)

    def put(
        self,
        before: Booking,
        after: Booking,
        told: tuple[Told, ...],
        lines: Sequence[Line],
    ) -> None:
        """Take up a changed row: remember it, tell of it, wake whom it concerns."""
        if after != before or lines:
            self._ledger.put(after, entries(after.id, self._clock.now(), lines))
            self.scene.index(before, after)
        for one in told:
            tell(after, one, self.settings)
            if (late := one.keys.get("late_ms")) is not None:
                start = Start(at=self._clock.now(), booking=after.id, event=one.event, late_ms=late)
                self.lateness.starts.append(start)
        if after.ends_at > before.ends_at and after.state is State.OPEN:
            self._placing.make_way(after, after.ends_at)
        if after.state is not before.state and after.state in FINISHED:
            self.freed(after)

    def freed(self, row: Booking) -> None:
        """Let those go on who waited for the number or for an endpoint of a finished booking."""
        waiting = [hold.booking for hold in self._ledger.windows.holds(row.number or 0)]
        for dial in row.dials:
            waiting += self.scene.sharing(dial.target.endpoint)
        self.touch([*waiting, *self._placing.retry_refused()])

    def take_up_stored(self) -> None:
        """Index and plan what the store held at the start."""
        for row in self._ledger.in_state(State.OPEN):
            self.scene.index(replace(row, dials=()), row)
            self._ledger.add(row.id, [("looked", "the daemon was started again: looking")])
        self.touch_all()

    def adopt(self, before: Booking | None, after: Booking, story: str = "") -> None:
        """Take up a booking that was found open on CMS; `story` tells more of it."""
        known = before or replace(after, dials=(), state=State.PLANNED)
        told = story or f"its space {after.number} was found open on CMS"
        self.put(known, after, (), [("looked", told)])
        displaced = self._placing.displaced(after)
        self.touch([after.id, *displaced])
