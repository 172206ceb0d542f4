"""Spaces found open that no booking of ours holds: claimed by their booking, or closed.

After the state was lost, an open space says by its cdrTag whose it is; it waits here, closed by
nobody, until the calendars have been read. What no calendar knows then is an orphan: people in it
are warned, then it is closed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from cospaced.domain.adoption import (
    ADOPTABLE,
    adopted,
    heir_of_space,
    may_continue,
    orphan,
    overtaken,
    renewed,
)
from cospaced.domain.booking import Booking
from cospaced.domain.identity import booking_id
from cospaced.domain.lifecycle import Step, step
from cospaced.domain.pool import Slots
from cospaced.domain.seen import SeenSpace
from cospaced.engine.bridges import Bridges
from cospaced.engine.copies import Copies
from cospaced.engine.edges import Edges
from cospaced.engine.ledger import Ledger
from cospaced.engine.timing import TimingLoop
from cospaced.ports import Clock


log = structlog.get_logger()

ROUND = 60.0
"""Seconds in which every closed slot is looked at once."""
SPREAD = 50.0
"""Over how many of these the looks are spread."""
IDLE = 1.0
"""Seconds after which what was found open is looked at once more."""
AT_ONCE = 4
"""Slots that are looked at at once."""


class Recovery:
    """Holds what is unclaimed, and looks at the closed slots in turn."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        timing: TimingLoop,
        copies: Copies,
        bridges: Bridges,
        clock: Clock,
        calendars_known: Callable[[], bool],
    ) -> None:
        self._ledger = ledger
        self._timing = timing
        self._copies = copies
        self._bridges = bridges
        self._clock = clock
        self._calendars_known = calendars_known
        self._edges = Edges()
        self._unclaimed: dict[int, SeenSpace] = {}
        timing.scene.unclaimed = self._unclaimed
        self.on_gone: Callable[[], None] = lambda: None
        """Called when a slot's space turns out to be gone from CMS."""

    def found(self, slots: Slots) -> None:
        """Take up a pool that was just surveyed."""
        first = self._timing.scene.slots is None
        self._timing.scene.slots = slots
        by_space = {slot.space: number for number, slot in slots.by_number.items()}
        for space in slots.open:
            number = by_space[space.id]
            with self._edges.of("slot.fault", number=number):
                if first:
                    # Later on, a slot may have changed hands since it was surveyed.
                    self._give_way(number, space)
                self._found_open(number, space)
        self.settle()

    def _give_way(self, number: int, space: SeenSpace) -> None:
        """End a row whose space is another booking's by now, without a word to CMS."""
        row = self._ledger.get(self._ledger.holder(number))
        if row is not None and overtaken(row, space):
            reason = "its space is another booking's by now"
            log.warning("booking.overtaken", booking=row.id, number=number, reason=reason)
            self._timing.put(row, step(row, Step.CLOSE, reason), (), [("looked", reason)])

    def _found_open(self, number: int, space: SeenSpace) -> None:
        holder = self._ledger.holder(number)
        row = self._ledger.get(space.cdr_tag)
        if holder:
            # Its row knows; the plan compares and puts right.
            return
        if row is not None and row.state in ADOPTABLE:
            self._adopt(number, space)
            return
        log.warning("space.found_open", number=number, space=space.id)
        self._unclaimed[number] = space

    def _adopt(self, number: int, space: SeenSpace) -> None:
        row = self._ledger.get(space.cdr_tag)
        if row is None:
            raise KeyError(space.cdr_tag)
        after = self._adopted(number, space, row)
        log.info("booking.adopted", booking=row.id, number=number)
        self._timing.adopt(row, after)

    def _adopted(self, number: int, space: SeenSpace, row: Booking) -> Booking:
        self._unclaimed.pop(number, None)
        settings = self._timing.settings
        return adopted(
            row,
            space,
            number,
            now=self._clock.now(),
            terms=settings.conferences,
            rooms={room.name: room for room in settings.rooms},
            timeout=settings.cms.timeout,
        )

    def settle(self) -> None:
        """Let bookings that the calendars brought claim their spaces; close what nobody claims."""
        for number, space in sorted(self._unclaimed.items()):
            with self._edges.of("slot.fault", number=number):
                self._settle_one(number, space)

    def _settle_one(self, number: int, space: SeenSpace) -> None:
        row = self._ledger.get(space.cdr_tag)
        if row is not None and row.state in ADOPTABLE:
            self._adopt(number, space)
        elif self._calendars_known() and not self._hoped_for(space):
            self._close(number, space, taken=row is not None)

    def _hoped_for(self, space: SeenSpace) -> bool:
        """Whether somebody may yet go on in an open space that no booking speaks for.

        Where its event stands in some calendar and is no booking, calendars may be changing.
        """
        if self._claimants(space):
            return True
        settings, now = self._timing.settings, self._clock.now()
        rooms = [room.name for room in settings.rooms]
        running = self._copies.covering(rooms, now, now + settings.conferences.early_join)
        return any(booking_id(*key) == space.cdr_tag for key in running)

    def _claimants(self, space: SeenSpace) -> list[Booking]:
        """Return the bookings that may continue an open space whose own no calendar knows."""
        if not space.cdr_tag or self._ledger.get(space.cdr_tag) is not None:
            return []
        now = self._clock.now()
        rows = [row for row in self._ledger.in_state(*ADOPTABLE) if may_continue(row, space, now)]
        # An event that the calendars hold, though it be over, has not become another one.
        keys = {key for row in rows for room in row.rooms for key in self._copies.of_room(room)}
        known = any(booking_id(*key) == space.cdr_tag for key in keys)
        return [] if known else rows

    async def _settle_claims(self) -> None:
        """Look who is in the spaces that somebody may continue, and let him, or nobody."""
        edges = Edges()
        while True:
            await self._clock.sleep(IDLE)
            if not self._calendars_known():
                continue
            for number, space in sorted(self._unclaimed.items()):
                with edges.of("slot.fault", number=number):
                    if self._claimants(space):
                        await self._settle_claim(number, space)

    async def _settle_claim(self, number: int, space: SeenSpace) -> None:
        calls = await self._bridges.calls(space.id, aged=False, audit=False)
        legs = await self._bridges.legs(calls.calls, (), audit=False)
        if calls.blind or legs.blind or self._unclaimed.get(number) != space:
            return
        rooms = {room.name: room for room in self._timing.settings.rooms}
        row = heir_of_space(self._claimants(space), legs.legs, rooms)
        if row is None:
            self._close(number, space, taken=False)
        else:
            self._go_on(number, space, row)

    def _go_on(self, number: int, space: SeenSpace, row: Booking) -> None:
        """Let a booking go on in a space found open, under the id that the space carries."""
        after = renewed(self._adopted(number, space, row), space)
        reason = f"its event goes on in booking {after.id}"
        # Its number is free from here on, for whoever the space is in the way of; who was refused
        # comes last: until the space is taken up, its number looks free to him.
        given_up = step(row, Step.CANCEL, reason)
        self._ledger.tell(given_up, reason)
        why = "found open on CMS: of the same organizer, with its rooms in the call, it goes on"
        log.info("booking.inherited", booking=after.id, number=number, reason=why)
        self._timing.adopt(None, after, why)
        self._timing.freed(given_up)

    def _close(self, number: int, space: SeenSpace, *, taken: bool) -> None:
        self._unclaimed.pop(number, None)
        now, terms = self._clock.now(), self._timing.settings.conferences
        row = orphan(space, number, now=now, terms=terms, taken=taken)
        log.warning("booking.orphaned", booking=row.id, number=number)
        self._timing.adopt(None, row)

    async def audit(self) -> None:
        """Look at calls, and at every slot that no booking holds, in turn until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._repeat(self._audit_calls))
            tasks.create_task(self._repeat(self._audit_slots))
            tasks.create_task(self._settle_claims())

    async def _repeat(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it once a round, however long it takes."""
        edges = Edges()
        while True:
            if self._timing.slots is None:
                await self._clock.sleep(IDLE)
                continue
            began = self._clock.monotonic()
            with edges.of("audit.fault"):
                await work()
            left = began + ROUND - self._clock.monotonic()
            await self._clock.sleep(max(left, IDLE))

    async def _audit_slots(self) -> None:
        """Look at every idle slot, spread over most of the round and a few at once."""
        numbers = self._idle_numbers()
        shares = [numbers[first::AT_ONCE] for first in range(AT_ONCE)]
        async with asyncio.TaskGroup() as tasks:
            for share in shares:
                if share:
                    tasks.create_task(self._audit_share(share))

    async def _audit_share(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            began = self._clock.monotonic()
            with self._edges.of("slot.fault", number=number):
                await self._audit_one(number)
            left = began + SPREAD / len(numbers) - self._clock.monotonic()
            await self._clock.sleep(max(left, 0))

    def _idle_numbers(self) -> list[int]:
        slots = self._timing.slots
        return [] if slots is None else [n for n in slots.usable if not self._ledger.holder(n)]

    async def _audit_calls(self) -> None:
        """Find calls in slots that no booking holds: locked, but left behind by a crash."""
        slots = self._timing.slots
        if slots is None:
            return
        by_space = {slot.space: number for number, slot in slots.by_number.items() if slot.space}
        seen = await self._bridges.calls("", aged=False, audit=True)
        for number in sorted({by_space[c.space] for c in seen.calls if c.space in by_space}):
            space = slots.by_number[number].space
            if self._busy(number):
                continue
            again = await self._bridges.calls(space, aged=False, audit=True)
            found = await self._bridges.space(space, audit=True)
            if again.calls and found and found.space and not self._busy(number):
                log.warning("call.left_behind", number=number, call=again.calls[0].id)
                self._close(number, found.space, taken=True)

    async def _audit_one(self, number: int) -> None:
        first = await self._look(number)
        if first is None:
            return
        # A booking may have opened or closed while the look was under way: look once more.
        await self._clock.sleep(IDLE)
        again = await self._look(number)
        if again is not None and again.cdr_tag == first.cdr_tag:
            self._found_open(number, again)
            self.settle()

    async def _look(self, number: int) -> SeenSpace | None:
        """Return an idle slot's space where it stands open."""
        slots = self._timing.slots
        if slots is None or number not in slots.by_number or self._busy(number):
            return None
        asked = slots.by_number[number].space
        seen = await self._bridges.space(asked, audit=True)
        if seen is None or self._busy(number):
            return None
        space = seen.space
        if space is None:
            log.warning("space.missing", number=number, space=asked)
            self.on_gone()
            return None
        return space if space.non_member_access or space.cdr_tag else None

    def _busy(self, number: int) -> bool:
        return bool(self._ledger.holder(number)) or number in self._unclaimed
