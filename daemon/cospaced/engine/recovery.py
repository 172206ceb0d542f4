"""Spaces found open that no booking of ours holds: claimed by their booking, or closed.

After the state was lost, an open space says by its cdrTag whose it is; it waits here, closed by
nobody, until the calendars have been read. What no calendar knows then is an orphan: people in it
are warned, then it is closed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from cospaced.domain.adoption import ADOPTABLE, adopted, orphan, overtaken
from cospaced.domain.lifecycle import Step, step
from cospaced.domain.pool import Slots
from cospaced.domain.seen import SeenSpace
from cospaced.engine.bridges import Bridges
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
        bridges: Bridges,
        clock: Clock,
        calendars_known: Callable[[], bool],
    ) -> None:
        self._ledger = ledger
        self._timing = timing
        self._bridges = bridges
        self._clock = clock
        self._calendars_known = calendars_known
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
            if first:
                # Later on, a slot may have changed hands since it was surveyed.
                self._give_way(by_space[space.id], space)
            self._found_open(by_space[space.id], space)
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
        settings = self._timing.settings
        after = adopted(
            row,
            space,
            number,
            now=self._clock.now(),
            terms=settings.conferences,
            rooms={room.name: room for room in settings.rooms},
            timeout=settings.cms.timeout,
        )
        self._unclaimed.pop(number, None)
        log.info("booking.adopted", booking=row.id, number=number)
        self._timing.adopt(row, after)

    def settle(self) -> None:
        """Let bookings that the calendars brought claim their spaces; close what nobody claims."""
        for number, space in sorted(self._unclaimed.items()):
            row = self._ledger.get(space.cdr_tag)
            if row is not None and row.state in ADOPTABLE:
                self._adopt(number, space)
            elif self._calendars_known():
                self._close(number, space, taken=row is not None)

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

    async def _repeat(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do it once a round, however long it takes."""
        while True:
            if self._timing.slots is None:
                await self._clock.sleep(IDLE)
                continue
            began = self._clock.monotonic()
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
