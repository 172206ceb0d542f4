"""Closing every space of the pool at once, for the day the daemon is taken out of service.

The same rules hold as for the daemon: what the pool's look does not call ours is never written, a
space is locked before its call ends, and only a look that shows neither proves that it is done.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from cospaced.domain.booking import Booking, State, StoryEntry
from cospaced.domain.display import placeholder
from cospaced.domain.draft import Send
from cospaced.domain.lifecycle import Step, step
from cospaced.domain.pool import Slots
from cospaced.domain.seen import SeenCall
from cospaced.domain.story import answer_text, purpose
from cospaced.domain.view import View
from cospaced.domain.writes import CloseSpace, EndCall, Outcome, Result
from cospaced.engine.bridges import Bridges
from cospaced.engine.ledger import entries
from cospaced.engine.pool import Pool
from cospaced.engine.pool_making import each
from cospaced.errors import Unreachable
from cospaced.ports import Clock, Store


ROUNDS = 3
"""How often what a look still shows open is closed once more."""
PAUSE = 1.0
"""Seconds between two rounds."""
REASON = "closed by close-all"


@dataclass(frozen=True, slots=True, kw_only=True)
class ToClose:
    """One slot that is not at rest: open, or locked with calls that were left behind."""

    number: int
    space: str
    open: bool
    booking: str = ""
    """Its cdrTag."""
    calls: tuple[SeenCall, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What there is to close; what the `blind` Call Bridges hold is unknown.

    `untouched` are numbers with an open booking whose space is not ours to write, and why: somebody
    gave it an owner, say.
    """

    slots: tuple[ToClose, ...]
    people: int = 0
    blind: tuple[str, ...] = ()
    untouched: Mapping[int, str] = field(default_factory=dict)

    @property
    def calls(self) -> tuple[SeenCall, ...]:
        """Every call in these slots."""
        return tuple(call for slot in self.slots for call in slot.calls)

    @property
    def doubtful(self) -> bool:
        """Whether something may be open besides these slots."""
        return bool(self.blind or self.untouched)


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """What became of it: `left` is what a last look still showed, `reasons` why, by number."""

    left: Found
    reasons: dict[int, str]


def to_close(slots: Slots, calls: Sequence[SeenCall]) -> tuple[ToClose, ...]:
    """Return the slots of ours that are open or have calls, by number."""
    opened = {space.id: space for space in slots.open}
    found = []
    for number, slot in slots.by_number.items():
        inside = tuple(call for call in calls if call.space == slot.space)
        space = opened.get(slot.space)
        if space is not None or inside:
            found.append(
                ToClose(
                    number=number,
                    space=slot.space,
                    open=space is not None,
                    booking=space.cdr_tag if space else "",
                    calls=inside,
                )
            )
    return tuple(found)


class ClosingAll:
    """Looks at what is open, closes it, and proves it.

    `remembers`: the store outlives this process, so that a later start knows of it.
    """

    def __init__(
        self,
        *,
        bridges: Bridges,
        pool: Pool,
        store: Store,
        clock: Clock,
        prefix: str,
        remembers: bool,
    ) -> None:
        self.remembers = remembers
        self._bridges = bridges
        self._pool = pool
        self._store = store
        self._clock = clock
        self._prefix = prefix
        self._stories: dict[int, list[StoryEntry]] = {}
        """What was asked and answered, by number; stored for its booking when all is done."""

    async def look(self) -> Found:
        """Return what is open or has calls. Raises PoolUnsettled, Unreachable or ApiError."""
        bridge = self._bridges.serving()
        if bridge is None:
            raise Unreachable("connection", "no Call Bridge answers")
        slots = await self._pool.look(bridge)
        seen = await self._bridges.calls("", aged=False, audit=False)
        found = to_close(slots, seen.calls)
        calls = tuple(call for slot in found for call in slot.calls)
        legs = await self._bridges.legs(calls, (), audit=False)
        return Found(
            slots=found,
            people=len(View(legs=legs.legs).people),
            blind=tuple(sorted({*seen.blind, *legs.blind})),
            untouched=await self._untouched(slots),
        )

    async def _untouched(self, slots: Slots) -> dict[int, str]:
        why = {clash.number: clash.why for clash in slots.clashes}
        return {
            row.number: why[row.number]
            for row in await self._store.bookings()
            if row.state is State.OPEN and row.number in why
        }

    async def close(self, found: Found) -> Closed:
        """Close what was found, and what a later look still shows; raises as `look` does."""
        reasons: dict[int, str] = {}
        for _ in range(ROUNDS):
            reasons = {
                slot.number: reason
                for slot, reason in (await each(found.slots, self._close_one)).items()
                if reason
            }
            found = await self.look()
            if not found.slots:
                break
            await self._clock.sleep(PAUSE)
        await self._keep(found)
        return Closed(left=found, reasons=reasons)

    async def _close_one(self, slot: ToClose) -> str:
        """Lock a space, then end its calls; return what stood in the way."""
        if slot.open:
            name = placeholder(self._prefix, slot.number)
            send = Send(mark=("close",), write=CloseSpace(space=slot.space, name=name))
            outcome = await self._write(slot, send)
            if outcome.result is not Result.DONE:
                return f"not locked: {outcome.reason}"
        for call in slot.calls:
            mark, write = ("end", call.id), EndCall(call=call.id)
            outcome = await self._write(slot, Send(mark=mark, write=write, bridge=call.bridge))
            if outcome.result is not Result.DONE:
                return f"call {call.id} on {call.bridge} not ended: {outcome.reason}"
        return ""

    async def _write(self, slot: ToClose, send: Send) -> Outcome:
        what = self._bridges.describe(send)
        self._tell(slot, "asked", f"{purpose(send.mark)}: {what}")
        bridge, outcome = await self._bridges.write(send)
        self._tell(slot, "answered", f"{purpose(send.mark)}: {answer_text(outcome, bridge)}")
        return outcome

    def _tell(self, slot: ToClose, event: str, text: str) -> None:
        story = self._stories.setdefault(slot.number, [])
        story += entries("", self._clock.now(), [(event, text)])

    async def _keep(self, left: Found) -> None:
        """Store as closed what is proven to be, so that a later start does not open it again.

        What was tried stands in the story of either.
        """
        numbers = {slot.number for slot in left.slots} | left.untouched.keys()
        for row in await self._store.bookings():
            if row.state is not State.OPEN:
                continue
            told = [replace(one, booking=row.id) for one in self._stories.get(row.number or 0, ())]
            if row.number not in numbers and row.call_bridge not in left.blind:
                told += entries(row.id, self._clock.now(), [("decided", REASON)])
                await self._store.save(self._closed(row), told)
            elif told:
                await self._store.save(row, told)

    def _closed(self, row: Booking) -> Booking:
        closing = replace(row, closing=REASON, locked_at=row.locked_at or self._clock.now())
        return step(closing, Step.CLOSE, REASON)
