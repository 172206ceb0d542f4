"""Making what the pool lacks, one by one: profiles, spaces, adoptions.

CMS gives a uri away only once, so that a POST repeated after a look makes no second space. That
makes this the way out of every doubt (`cospaced.engine.pool_bulk` is the quick way).
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from cospaced.domain.pool import Slot, site_profile_name
from cospaced.domain.seen import SeenSpace
from cospaced.domain.writes import (
    CloseSpace,
    CreateCallLegProfile,
    CreateCallProfile,
    CreateSpace,
    Outcome,
    Result,
)
from cospaced.engine.pool_memory import ASKED, CALL_LEG_PROFILE, CALL_PROFILE, Memory
from cospaced.errors import PoolUnsettled, Unreachable
from cospaced.ports import Bridge, Clock
from cospaced.settings import PoolSettings


AT_ONCE = 64
"""Requests handed to the bridge in one go; it paces them by its own concurrency."""

SETTLE = 10.0
"""Seconds after which a write without an answer has most likely taken effect, or never will."""

T = TypeVar("T")
K = TypeVar("K")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profiles:
    """The profiles that new slots get; `new`: the call leg profile was made just now."""

    call: str
    leg: str
    new: bool


async def each(items: Iterable[K], work: Callable[[K], Awaitable[T]]) -> dict[K, T]:
    """Do the work for every item, some at once; raises the first error as it is."""
    queue = list(items)
    answers: dict[K, T] = {}

    async def one(item: K) -> None:
        answers[item] = await work(item)

    for begin in range(0, len(queue), AT_ONCE):
        try:
            async with asyncio.TaskGroup() as group:
                for item in queue[begin : begin + AT_ONCE]:
                    group.create_task(one(item))
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
    return answers


class Maker:
    """Makes what a look has shown to be missing; every method may be cut short and begun again."""

    def __init__(
        self, *, settings: PoolSettings, site_id: str, memory: Memory, clock: Clock
    ) -> None:
        self._settings = settings
        self._profile_name = site_profile_name(site_id)
        self._memory = memory
        self._clock = clock

    async def profiles(
        self, bridge: Bridge, leg_profiles: Mapping[str, str], made_here: Sequence[SeenSpace]
    ) -> Profiles:
        """Find the profiles for new slots, or make them.

        The call leg profile is known by its stored id or its name (`leg_profiles`: id to name);
        the call profile, which has no name in CMS 2, by its stored id or from a slot of ours.
        """
        call = self._settings.call_profile or await self._call_profile(bridge, made_here)
        if given := self._settings.call_leg_profile:
            return Profiles(call=call, leg=given, new=False)
        leg = await self._memory.get(CALL_LEG_PROFILE)
        if leg not in leg_profiles:
            leg = self._named(leg_profiles)
        new = not leg
        if new:
            leg = await self._make_leg_profile(bridge)
        await self._memory.put(CALL_LEG_PROFILE, leg)
        return Profiles(call=call, leg=leg, new=new)

    async def singly(
        self, bridge: Bridge, numbers: Sequence[int], profiles: Profiles
    ) -> dict[int, str]:
        """POST one space for each number; return those that CMS calls taken, and its reason.

        Stops where answers stay out; look again afterwards. Raises PoolUnsettled where CMS
        refuses for any other reason.
        """

        async def make(number: int) -> Outcome:
            return await bridge.write(
                CreateSpace(
                    number=number,
                    name=f"{self._settings.space_name_prefix}{number}",
                    call_profile=profiles.call,
                    call_leg_profile=profiles.leg,
                )
            )

        taken: dict[int, str] = {}
        for begin in range(0, len(numbers), AT_ONCE):
            outcomes = await each(numbers[begin : begin + AT_ONCE], make)
            for number, outcome in outcomes.items():
                if outcome.reason.startswith("duplicateCoSpace"):
                    taken[number] = (
                        f"CMS calls it taken ({outcome.reason}), maybe by an access method"
                    )
                else:
                    _answered(outcome, f"the space {number}")
            if any(outcome.result is Result.UNKNOWN for outcome in outcomes.values()):
                await self._clock.sleep(SETTLE)
                break
        return taken

    async def adopt(self, bridge: Bridge, slots: Sequence[Slot]) -> dict[int, str]:
        """Take spaces over by closing them under our name; return those refused, and why.

        The PUT is safe twice; look again afterwards.
        """

        async def take(slot: Slot) -> Outcome:
            name = f"{self._settings.space_name_prefix}{slot.number}"
            return await bridge.write(CloseSpace(space=slot.space, name=name))

        outcomes = await each(slots, take)
        if any(outcome.result is Result.UNKNOWN for outcome in outcomes.values()):
            await self._clock.sleep(SETTLE)
        return {
            slot.number: f"space {slot.space} cannot be taken over: {outcome.reason}"
            for slot, outcome in outcomes.items()
            if outcome.result is Result.REFUSED
        }

    async def _call_profile(self, bridge: Bridge, made_here: Sequence[SeenSpace]) -> str:
        before = {profile.id for profile in await bridge.call_profiles()}
        known = [await self._memory.get(CALL_PROFILE), *(s.call_profile for s in made_here)]
        found = next((profile for profile in known if profile in before), "")
        if not found:
            outcome = await bridge.write(CreateCallProfile())
            found = _answered(outcome, "a call profile")
        if not found:
            await self._clock.sleep(SETTLE)
            later = [p.id for p in await bridge.call_profiles() if p.id not in before]
            if len(later) != 1:
                raise Unreachable("timeout", "no answer to the POST of a call profile")
            found = later[0]
        await self._memory.put(CALL_PROFILE, found)
        return found

    def _named(self, leg_profiles: Mapping[str, str]) -> str:
        found = (p for p, name in sorted(leg_profiles.items()) if name == self._profile_name)
        return next(found, "")

    async def _listed(self, bridge: Bridge) -> str:
        return self._named({p.id: p.name for p in await bridge.call_leg_profiles()})

    async def _make_leg_profile(self, bridge: Bridge) -> str:
        if await self._memory.get(ASKED):
            # An earlier life asked for it and may not have been served yet.
            await self._clock.sleep(SETTLE)
            if made := await self._listed(bridge):
                return made
        await self._memory.put(ASKED, self._profile_name)
        outcome = await bridge.write(CreateCallLegProfile(name=self._profile_name))
        if made := _answered(outcome, "a call leg profile"):
            return made
        await self._clock.sleep(SETTLE)
        made = await self._listed(bridge)
        if not made:
            raise Unreachable("timeout", "no answer to the POST of a call leg profile")
        return made


def raise_unsent(outcome: Outcome, what: str) -> None:
    """Raise Unreachable for a write that certainly never left."""
    if outcome.result is Result.UNKNOWN and not outcome.sent:
        raise Unreachable("connection", f"{what} could not be asked for: {outcome.reason}")


def _answered(outcome: Outcome, what: str) -> str:
    """Return the made object's id; empty: unknown. Raises for what was refused or not sent."""
    raise_unsent(outcome, what)
    if outcome.result is Result.REFUSED:
        raise PoolUnsettled(
            f"CMS refuses to make {what}: {outcome.reason}; see that the API user may write and "
            "that the database of CMS is ready"
        )
    return outcome.id if outcome.result is Result.DONE else ""
