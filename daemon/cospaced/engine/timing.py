"""The timing loop: plans each booking when it is due and hands the plan to be carried out.

It sleeps until the next due moment, never longer than a second, and wakes early when an answer or
a calendar changes something. A turn decides only; requests run beside it, so that a storm of them,
or a bridge that does not answer, never delays the next decision.
"""

import asyncio
import heapq
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog

from cospaced.domain import answers
from cospaced.domain.booking import Booking, State
from cospaced.domain.display import placeholder
from cospaced.domain.draft import Elsewhere, LookAt, Mark, Plan, Send, Surroundings, Told
from cospaced.domain.identity import normal_endpoint
from cospaced.domain.lifecycle import FINISHED
from cospaced.domain.plan import plan
from cospaced.domain.pool import Slots
from cospaced.domain.seen import LegState
from cospaced.domain.view import View
from cospaced.domain.writes import DropLeg, Outcome, Result
from cospaced.engine.bridges import Bridges
from cospaced.engine.clock_watch import ClockWatch
from cospaced.engine.copies import Copies
from cospaced.engine.following import Following
from cospaced.engine.ledger import Ledger, entries
from cospaced.engine.telling import tell, told_text
from cospaced.ports import Clock
from cospaced.settings import ExtendMode, Settings


log = structlog.get_logger()

LONGEST_SLEEP = 1.0
"""Seconds; also how soon a step of the clock is noticed."""
LATE = timedelta(seconds=1)
"""A turn this much behind its moment is told."""
FAULT_PAUSE = timedelta(seconds=10)
"""How long a booking whose planning raised is left alone."""
LOOK_PAUSE = 1.0
"""Seconds before a look that got no answer is made again."""


@dataclass(slots=True)
class _Desk:
    """What is known of one booking beside its row."""

    view: View = field(default_factory=View)
    busy: set[Mark] = field(default_factory=set)
    due: datetime | None = None


class TimingLoop:
    """Plans and carries out; everything it does to CMS goes through `Bridges`."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        following: Following,
        copies: Copies,
        bridges: Bridges,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._ledger = ledger
        self._following = following
        self._copies = copies
        self._bridges = bridges
        self._clock = clock
        self._desks: dict[str, _Desk] = {}
        self._agenda: list[tuple[datetime, str]] = []
        self._sitting: dict[str, dict[str, None]] = {}
        self._wake = asyncio.Event()
        self._tasks: asyncio.TaskGroup | None = None
        self._stopping = False
        self._under_way = 0
        self._watch = ClockWatch(clock)
        self.settings = settings
        self.slots: Slots | None = None
        self.mute_rooms: tuple[str, ...] = ()
        self.unclaimed: Mapping[int, object] = {}
        self.beat_at = clock.monotonic()
        self.latest_late = timedelta(0)

    # --- what others call -------------------------------------------------------------------

    def touch(self, bookings: Iterable[str]) -> None:
        """Plan these bookings at the next turn, which is now."""
        now = self._clock.now()
        for booking in bookings:
            self._schedule(booking, now)
        self._wake.set()

    def touch_all(self) -> None:
        """Plan every booking that is not finished at the next turn."""
        self.touch(row.id for row in self._ledger.all() if row.state not in FINISHED)

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
            while not self._stopping:
                await self._sleep()
                if not self._stopping:
                    self._turn()
        self._tasks = None

    def stop(self) -> None:
        """Take no further turn; requests under way go on."""
        self._stopping = True
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
        self._watch.look()
        while self._agenda and self._agenda[0][0] <= now:
            due, booking = heapq.heappop(self._agenda)
            desk = self._desks.get(booking)
            if desk is None or desk.due != due:
                continue
            desk.due = None
            self._note_lateness(now - due)
            self._plan_one(booking, desk, now)
        self.beat_at = self._clock.monotonic()

    def _note_lateness(self, late: timedelta) -> None:
        self.latest_late = late
        if late > LATE:
            log.warning("daemon.late", late_ms=round(late.total_seconds() * 1000))

    def _schedule(self, booking: str, moment: datetime) -> None:
        desk = self._desks.setdefault(booking, _Desk())
        if desk.due is None or moment < desk.due:
            desk.due = moment
            heapq.heappush(self._agenda, (moment, booking))

    def _plan_one(self, booking: str, desk: _Desk, now: datetime) -> None:
        row = self._ledger.get(booking)
        if row is None or row.state in FINISHED:
            del self._desks[booking]
            return
        try:
            decided = plan(
                row,
                desk.view,
                self._surroundings(row, now),
                now=now,
                terms=self.settings.conferences,
                rooms={room.name: room for room in self.settings.rooms},
                busy=frozenset(desk.busy),
            )
        except Exception:
            # The edge of a booking's turn: a fault in one must not stop the others.
            log.exception("booking.fault", booking=booking)
            self._schedule(booking, now + FAULT_PAUSE)
            return
        self._take_up(row, decided, desk, now)

    def _take_up(self, row: Booking, decided: Plan, desk: _Desk, now: datetime) -> None:
        if decided.booking != row or decided.told:
            self._put(row, decided.booking, decided.told, now)
        if decided.wake is not None:
            self._schedule(row.id, max(decided.wake, now))
        for send in decided.sends:
            desk.busy.add(send.mark)
        for look in decided.looks:
            desk.busy.add(("look", look.look))
        if decided.sends or decided.booking != row:
            self._spawn(self._carry(row.id, decided.sends))
        for look in decided.looks:
            self._spawn(self._look(row.id, look))

    def _spawn(self, work: Any) -> None:
        if self._tasks is None:
            raise RuntimeError("the timing loop is not running")
        self._tasks.create_task(self._guarded(work))

    async def _guarded(self, work: Any) -> None:
        self._under_way += 1
        try:
            await work
        finally:
            self._under_way -= 1

    # --- carrying out -----------------------------------------------------------------------

    async def _carry(self, booking: str, sends: tuple[Send, ...]) -> None:
        """Store the intention, then send; each answer is folded as it comes."""
        await self._ledger.persisted(booking)
        if self._stopping:
            return
        async with asyncio.TaskGroup() as tasks:
            for send in sends:
                tasks.create_task(self._send(booking, send))

    async def _send(self, booking: str, send: Send) -> None:
        bridge, outcome = await self._bridges.write(send)
        sent = replace(send, bridge=bridge)
        now = self._clock.now()
        desk, row = self._desks.get(booking), self._ledger.get(booking)
        if desk is None or row is None:
            return
        desk.busy.discard(send.mark)
        around = self._surroundings(row, now)
        folded = answers.settle(row, desk.view, around, sent, outcome, now)
        desk.view = folded.view
        self._put(row, folded.booking, folded.told, now, _answer(sent, outcome))
        if isinstance(sent.write, DropLeg) and outcome.result is Result.DONE:
            self._hung_up(sent.write.leg)
        self.touch([booking])
        await self._ledger.persisted(booking)

    def _hung_up(self, leg: str) -> None:
        """Strike a leg that we dropped from whatever view shows it."""
        for desk in self._desks.values():
            if any(one.id == leg for one in desk.view.legs):
                legs = tuple(one for one in desk.view.legs if one.id != leg)
                desk.view = replace(desk.view, legs=legs)

    async def _look(self, booking: str, look: LookAt) -> None:
        row, desk = self._ledger.get(booking), self._desks.get(booking)
        if row is None or desk is None:
            return
        seen = await self._seen(row, desk.view, look)
        now = self._clock.now()
        row, desk = self._ledger.get(booking), self._desks.get(booking)
        if row is None or desk is None:
            return
        if seen is None:
            # Its mark stays for a moment, so that nobody looks again and again at a wall.
            await self._clock.sleep(LOOK_PAUSE)
        else:
            folded = answers.observe(row, desk.view, self._surroundings(row, now), seen, now)
            desk.view = folded.view
            self._put(row, folded.booking, folded.told, now)
        desk.busy.discard(("look", look.look))
        self.touch([booking])

    async def _seen(self, row: Booking, view: View, look: LookAt) -> answers.Answered | None:
        space = self._space(row)
        match look.look:
            case look.look.CALLS:
                if not space:
                    return None
                aged = row.adopted_at is not None
                return await self._bridges.calls(space, aged=aged, audit=look.audit)
            case look.look.LEGS:
                return await self._bridges.legs(view.calls, view.legs, audit=look.audit)
            case look.look.SPACE:
                return await self._bridges.space(space, audit=look.audit) if space else None

    # --- rows and surroundings --------------------------------------------------------------

    def _put(
        self,
        before: Booking,
        after: Booking,
        told: tuple[Told, ...],
        now: datetime,
        lines: list[tuple[str, str]] | None = None,
    ) -> None:
        story = [("decided", told_text(one)) for one in told] + (lines or [])
        if after != before or story:
            self._ledger.put(after, entries(after.id, now, story))
            self._index(before, after)
        for one in told:
            tell(after, one, self.settings)
        if after.ends_at > before.ends_at and after.state is State.OPEN:
            self._following.make_way(after, after.ends_at)
        if after.state is not before.state and after.state in FINISHED:
            self._freed(after)

    def _freed(self, row: Booking) -> None:
        """Let those go on who waited for the number or for an endpoint of a finished booking."""
        waiting = [hold.booking for hold in self._ledger.windows.holds(row.number or 0)]
        self.touch([*waiting, *self._following.retry_refused()])

    def _index(self, before: Booking, after: Booking) -> None:
        """Keep track of which open bookings have which endpoints."""
        if before.dials == after.dials and before.state is after.state:
            return
        for dial in before.dials:
            self._sitting.get(normal_endpoint(dial.target.endpoint), {}).pop(before.id, None)
        if after.state is State.OPEN:
            for dial in after.dials:
                sitting = self._sitting.setdefault(normal_endpoint(dial.target.endpoint), {})
                sitting[after.id] = None

    def take_up_stored(self) -> None:
        """Index and plan what the store held at the start."""
        for row in self._ledger.all():
            if row.state is State.OPEN:
                self._index(replace(row, dials=()), row)
        self.touch_all()

    def adopt(self, before: Booking | None, after: Booking) -> None:
        """Take up a booking that was found open on CMS."""
        known = before or replace(after, dials=(), state=State.PLANNED)
        self._put(known, after, (), self._clock.now(), [("looked", "found open on CMS")])
        self._index(known, after)
        self.touch([after.id])

    def _space(self, row: Booking) -> str:
        if self.slots is None or row.number is None:
            return ""
        slot = self.slots.by_number.get(row.number)
        if slot is None or not (slot.usable or row.state is State.OPEN):
            return ""
        return slot.space

    def _surroundings(self, row: Booking, now: datetime) -> Surroundings:
        number = row.number or 0
        holder = self._ledger.holder(number)
        return Surroundings(
            space=self._space(row),
            space_free=holder in ("", row.id) and number not in self.unclaimed,
            closed_name=placeholder(self.settings.pool.space_name_prefix, number),
            reachable=self._bridges.reachable,
            booted=self._bridges.booted,
            elsewhere=self._elsewhere(row, now),
            mute_rooms=self.mute_rooms,
            hold_closes=self._watch.unsettled,
            timeout=self.settings.cms.timeout,
            **self._bounds(row, now),
        )

    def _bounds(self, row: Booking, now: datetime) -> dict[str, Any]:
        """Return what bounds an extension, where one may be decided."""
        terms = row.terms
        near = max(terms.end_warnings, default=timedelta(minutes=1))
        automatic = terms.extend_mode is ExtendMode.AUTOMATIC and row.state is State.OPEN
        if not automatic or now < row.ends_at - near:
            return {}
        wanted = row.ends_at + terms.extend_step
        latest = self._following.latest_end(row, wanted)
        busy_from = self._copies.busy_from(row.rooms, row.end)
        needed = latest + terms.close_after if latest < wanted else None
        return {"rooms_busy_from": busy_from, "slot_busy_from": needed}

    def _elsewhere(self, row: Booking, now: datetime) -> dict[str, Elsewhere]:
        """Return the endpoints of a booking that sit in another call of ours."""
        found: dict[str, Elsewhere] = {}
        for dial in row.dials:
            others = self._sitting.get(normal_endpoint(dial.target.endpoint), {})
            for other in others:
                there = self._there(other, dial.target.endpoint, now) if other != row.id else None
                if there is not None:
                    found[dial.target.endpoint] = there
        return found

    def _there(self, booking: str, endpoint: str, now: datetime) -> Elsewhere | None:
        row, view = self._ledger.get(booking), self.view(booking)
        leg = view.leg_of(endpoint)
        if row is None or row.state is not State.OPEN or leg is None:
            return None
        people = [one for one in view.legs if one.state is LegState.CONNECTED]
        return Elsewhere(
            booking=booking,
            leg=leg.id,
            bridge=leg.bridge,
            ending=bool(row.closing) or now >= row.ends_at,
            alone=all(one.id == leg.id for one in people),
        )


def _answer(sent: Send, outcome: Outcome) -> list[tuple[str, str]]:
    """Put a request and its answer into words for the story; without form fields (secrets)."""
    what = " ".join(part for part in sent.mark if part)
    where = f" on {sent.bridge}" if sent.bridge else ""
    answer = " ".join(part for part in (outcome.result, outcome.id, outcome.reason) if part)
    return [("asked", f"{type(sent.write).__name__} ({what}){where}"), ("answered", answer)]
