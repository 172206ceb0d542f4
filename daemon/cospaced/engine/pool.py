"""The pool of spaces on CMS: found again, or made, or made larger; never over what is not ours.

Looking and making take turns until nothing is missing: each look is judged afresh
(`cospaced.domain.pool_survey`), so that a daemon killed anywhere goes on from what stands on CMS.
Nothing is written before a look has found the range settled.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace

import structlog

from cospaced.domain.pool import Slot, Slots, Standing, bulk_runs, spans
from cospaced.engine.pool_bulk import BulkMaker
from cospaced.engine.pool_look import Looker, View
from cospaced.engine.pool_making import Maker
from cospaced.engine.pool_memory import Memory
from cospaced.errors import PoolUnsettled, Unreachable
from cospaced.ports import Bridge, Clock, Store
from cospaced.settings import PoolSettings


log = structlog.get_logger()

_ROUNDS = 4

_TOLD_SINGLY = 5


class Pool:
    """Prepares the pool.

    `site_id` is the short digest of site.key; `ours` says of a cdrTag whether it is the id of one
    of our bookings, and is asked anew in every look.
    """

    def __init__(
        self,
        *,
        settings: PoolSettings,
        site_id: str,
        store: Store,
        clock: Clock,
        ours: Callable[[str], bool],
    ) -> None:
        # CMS writes its ids in lower case; people paste them as they come.
        self._settings = settings = replace(
            settings,
            call_profile=settings.call_profile.lower(),
            call_leg_profile=settings.call_leg_profile.lower(),
        )
        self._memory = memory = Memory(store)
        self._clock = clock
        self._looker = Looker(settings=settings, site_id=site_id, memory=memory, ours=ours)
        self._maker = Maker(settings=settings, site_id=site_id, memory=memory, clock=clock)
        self._bulk = BulkMaker(prefix=settings.space_name_prefix, memory=memory, clock=clock)
        self._told: tuple[object, ...] = ()

    async def look(self, bridge: Bridge) -> Slots:
        """Return the pool as it stands, and write nothing.

        `missing` are the numbers that `prepare` would make or adopt. Raises as `prepare` does.
        """
        view = await self._looker.look(bridge)
        return _slots(view, found=_present(view), refused={})

    async def prepare(self, bridge: Bridge) -> Slots:
        """Make the pool whole and return it; doing it again changes nothing.

        May be cut short anywhere and begun again, in this life or the next, with the state kept
        or lost, through this bridge or another of the cluster. Raises PoolUnsettled (a person
        must settle it; nothing is written until then), Unreachable and ApiError (try again).
        """
        try:
            return await self._prepare(bridge)
        except PoolUnsettled as unsettled:
            self._tell_once("pool.unsettled", str(unsettled))
            raise

    async def _prepare(self, bridge: Bridge) -> Slots:
        began = self._clock.monotonic()
        await self._bulk.finish_sync(bridge)
        view = await self._looker.look(bridge)
        found = _present(view)
        adopted = len(view.inside.of(Standing.ADOPTABLE))
        await self._remember_range(view)
        view, refused = await self._make(bridge, view)
        await self._bulk.finished()
        slots = _slots(view, found=found, refused=refused)
        if not slots.usable:
            clashes = "; ".join(f"{clash.number}: {clash.why}" for clash in slots.clashes[:3])
            raise PoolUnsettled(
                f"No number of the pool is usable ({clashes}); free these numbers on CMS or give "
                "[pool] numeric_id_base and numeric_id_quantity another range"
            )
        self._tell(bridge, slots, adopted, self._clock.monotonic() - began)
        return slots

    async def _make(self, bridge: Bridge, view: View) -> tuple[View, dict[int, str]]:
        """Make what is missing; return the look that shows it, and what CMS refused, and why."""
        refused: dict[int, str] = {}
        if gaps := bulk_runs(self._settings.numbers, view.inside.missing):
            profiles = await self._maker.profiles(bridge, view.claims.leg_profiles, view.made_here)
            for gap in gaps:
                await self._bulk.make(bridge, gap, profiles)
            view = await self._looker.look(bridge, view)
        for _ in range(_ROUNDS):
            missing, adoptable = _left(view, refused)
            if not missing and not adoptable:
                break
            refused |= await self._maker.adopt(bridge, adoptable)
            if missing:
                profiles = await self._maker.profiles(
                    bridge, view.claims.leg_profiles, view.made_here
                )
                refused |= await self._maker.singly(bridge, missing, profiles)
            # Who holds a refused number carries a name that we do not know.
            view = await self._looker.look(bridge, None if refused else view)
        missing, adoptable = _left(view, refused)
        if numbers := (*missing, *(slot.number for slot in adoptable)):
            raise Unreachable("nonsense", f"CMS does not show what was written on {spans(numbers)}")
        return view, refused

    async def _remember_range(self, view: View) -> None:
        """Remember where slots of ours may stand, before any is made."""
        numbers = self._settings.numbers
        known = await self._memory.numbers()
        if view.outside:
            # Both ranges and what lies between them: slots are recognised by more than that.
            numbers = range(min(known.start, numbers.start), max(known.stop, numbers.stop))
        await self._memory.keep_numbers(numbers)

    def _tell(self, bridge: Bridge, slots: Slots, adopted: int, seconds: float) -> None:
        told = log.bind(bridge=bridge.name, seconds=round(seconds, 1))
        if slots.made:
            told.info("pool.enlarged" if slots.found else "pool.made", count=slots.made)
        if adopted:
            told.info("pool.adopted", count=adopted)
        now = ("pool.found", slots.usable, slots.clashes)
        if now == self._told:
            return
        self._told = now
        if slots.found:
            told.info("pool.found", count=slots.found)
        if len(slots.clashes) <= _TOLD_SINGLY:
            for clash in slots.clashes:
                log.warning("pool.clash", number=clash.number, reason=clash.why)
            return
        log.warning(
            "pool.clash",
            number=spans(clash.number for clash in slots.clashes),
            count=len(slots.clashes),
            reason=f"for one, {slots.clashes[0].number}: {slots.clashes[0].why}",
        )

    def _tell_once(self, event: str, reason: str) -> None:
        if self._told != (event, reason):
            self._told = (event, reason)
            log.error(event, reason=reason)


def _present(view: View) -> int:
    return len(view.inside.held) + len(view.inside.of(Standing.ADOPTABLE))


def _left(view: View, refused: Mapping[int, str]) -> tuple[list[int], list[Slot]]:
    """Return the numbers still to be made, and the spaces still to be adopted."""
    missing = [number for number in view.inside.missing if number not in refused]
    adoptable = [
        Slot(number=v.number, space=v.space.id)
        for v in view.inside.of(Standing.ADOPTABLE)
        if v.space is not None and v.number not in refused
    ]
    return missing, adoptable


def _slots(view: View, *, found: int, refused: Mapping[int, str]) -> Slots:
    held = [(v.number, v.space) for v in view.inside.held if v.space is not None]
    outside = [(v.number, v.space) for v in view.outside if v.space is not None]
    open_inside = [v.space for v in view.inside.of(Standing.OPEN) if v.space is not None]
    by_number = {number: Slot(number=number, space=space.id) for number, space in held}
    by_number |= {
        number: Slot(number=number, space=space.id, usable=False, why="outside the range")
        for number, space in outside
    }
    clashes: list[Slot] = []
    missing: list[int] = []
    for v in view.inside.of(Standing.CLASH, Standing.MISSING, Standing.ADOPTABLE):
        why = v.why
        if v.standing is not Standing.CLASH:
            why = refused.get(v.number, "")
        if not why:
            missing.append(v.number)
            continue
        space = "" if v.space is None else v.space.id
        clashes.append(Slot(number=v.number, space=space, usable=False, why=why))
    return Slots(
        by_number=dict(sorted(by_number.items())),
        open=(*open_inside, *(space for _, space in outside)),
        usable=tuple(number for number, _ in held),
        call_leg_profile=view.leg_profile,
        made=max(0, len(held) - found),
        found=found,
        clashes=tuple(clashes),
        missing=tuple(missing),
    )
