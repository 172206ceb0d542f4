"""A CMS in memory that knows spaces, profiles and bulk making; and a life of a daemon on it.

`Cms` outlives daemons. A `Life` is one of them: its bridge and its store share one count of
*checkpoints* (before and after each effect), and a life may be ended at any of them: from then on
nothing gets out of it, and what still tries is counted in `leaks`.
"""

import asyncio
import itertools
from collections import Counter
from dataclasses import replace
from typing import Any

from cospaced.domain.seen import ParameterSet, Profile, SeenCall, SeenSpace, SpaceSummary
from cospaced.domain.writes import (
    CloseSpace,
    CreateCallLegProfile,
    CreateCallProfile,
    CreateParameterSet,
    CreateSpace,
    Outcome,
    Result,
    StartSync,
    Write,
)
from cospaced.errors import ApiError, StoreUnusable


def _now() -> float:
    return asyncio.get_running_loop().time()


class Cms:
    """What CMS holds."""

    def __init__(self, *, sync_seconds: float = 1.5) -> None:
        self.spaces: dict[str, SeenSpace] = {}
        self.members: set[str] = set()
        self.calls: list[SeenCall] = []
        self.call_profiles: list[str] = []
        self.leg_profiles: dict[str, str] = {}
        self.sets: dict[str, ParameterSet] = {}
        self.syncs: dict[str, str] = {}
        self.taken: set[str] = set()
        """uris of access methods, which no list of spaces shows."""
        self.sync_seconds = sync_seconds
        self.sync_fails = ""
        self.requests: Counter[str] = Counter()
        self.deleted: list[str] = []
        self.synced: Counter[str] = Counter()
        self._made_by: dict[str, list[str]] = {}
        self._due: list[tuple[float, Any]] = []
        self._ids = itertools.count(1)

    def new_id(self) -> str:
        return f"00000000-0000-4000-8000-{next(self._ids):012d}"

    def put_space(self, number: object, name: str, **fields: Any) -> SeenSpace:
        """Let a space stand on a number, as somebody else made it."""
        fields = {"uri": str(number), "call_id": str(number), **fields}
        space = SeenSpace(id=self.new_id(), name=name, **fields)
        self.spaces[space.id] = space
        return space

    def put_leg_profile(self, name: str) -> str:
        profile = self.new_id()
        self.leg_profiles[profile] = name
        return profile

    def on(self, number: int) -> list[SeenSpace]:
        return [space for space in self.spaces.values() if space.uri == str(number)]

    def change(self, space: SeenSpace, **fields: Any) -> SeenSpace:
        self.spaces[space.id] = changed = replace(self.spaces[space.id], **fields)
        return changed

    def later(self, seconds: float, effect: Any) -> None:
        self._due.append((_now() + seconds, effect))

    def catch_up(self) -> None:
        """Let happen what has fallen due."""
        for entry in sorted(self._due, key=lambda entry: entry[0]):
            if entry[0] <= _now():
                self._due.remove(entry)
                entry[1]()

    def apply(self, write: Write) -> Outcome:
        match write:
            case CreateCallProfile():
                made = self.new_id()
                self.call_profiles.append(made)
            case CreateCallLegProfile(name=name):
                made = self.put_leg_profile(name)
            case CreateParameterSet():
                made = self.new_id()
                self.sets[made] = ParameterSet(
                    id=made,
                    start=write.start,
                    end=write.end,
                    uri_mapping="$index$",
                    name_mapping=f"{write.name_prefix}$index$",
                    call_id_mapping="$index$",
                    call_profile=write.call_profile,
                    call_leg_profile=write.call_leg_profile,
                )
            case StartSync(parameter_set=parameters):
                if parameters not in self.sets:
                    return Outcome(result=Result.REFUSED, reason="noSuchParameterSet")
                made = self._start_sync(parameters)
            case CreateSpace():
                if self._is_taken(write.number):
                    return Outcome(result=Result.REFUSED, reason="duplicateCoSpaceUri")
                made = self._make_space(
                    write.number, write.name, write.call_profile, write.call_leg_profile
                )
            case CloseSpace(space=made, name=name):
                if made not in self.spaces:
                    return Outcome(result=Result.REFUSED, reason="coSpaceDoesNotExist")
                self.change(
                    self.spaces[made], name=name, non_member_access=False, cdr_tag="", scheduler=""
                )
            case _:
                raise AssertionError(f"the pool never writes {write}")
        return Outcome(result=Result.DONE, id=made)

    def _make_space(self, number: int, name: str, call: str, leg: str) -> str:
        space = self.put_space(
            number, name, non_member_access=False, call_profile=call, call_leg_profile=leg
        )
        return space.id

    def _is_taken(self, number: int) -> bool:
        text = str(number)
        spaces = self.spaces.values()
        return text in self.taken or any(text in (s.uri, s.call_id) for s in spaces)

    def _start_sync(self, parameters: str) -> str:
        sync = self.new_id()
        self.syncs[sync] = "pending"
        self.synced[parameters] += 1
        self.later(self.sync_seconds, lambda: self._run_sync(sync, self.sets[parameters]))
        return sync

    def _run_sync(self, sync: str, made: ParameterSet) -> None:
        for space in self._made_by.pop(made.id, []):
            if self.spaces.pop(space, None) is not None:
                self.deleted.append(space)
        numbers = range(made.start, made.end + 1)
        if self.sync_fails or any(self._is_taken(number) for number in numbers):
            self.syncs[sync] = self.sync_fails or "failedCoSpaceUriConflict"
            return
        prefix = made.name_mapping.removesuffix("$index$")
        self._made_by[made.id] = [
            self._make_space(n, f"{prefix}{n}", made.call_profile, made.call_leg_profile)
            for n in numbers
        ]
        self.syncs[sync] = "complete"


class Life:
    """One life of a daemon: its bridge and its store.

    `end_at` is the checkpoint at which it ends; `late`: a write that was on its way then still
    takes effect a second later. `unanswered` are kinds of writes whose first answer is lost, each
    with the seconds after which it takes effect (None: never); `unsent` never leave.
    """

    def __init__(
        self,
        cms: Cms,
        facts: dict[str, str] | None = None,
        *,
        end_at: int = 0,
        late: bool = False,
    ) -> None:
        self.cms = cms
        self.facts = {} if facts is None else facts
        self.checkpoints = 0
        self.end_at = end_at
        self.late = late
        self.over = asyncio.Event()
        self.buried = False
        """Set by who ends this life before cancelling its tasks: what comes then is a leak."""
        self.leaks = 0
        self.writes: list[Write] = []
        self.unanswered: dict[type[Write], float | None] = {}
        self.unsent: set[type[Write]] = set()
        self.refused: dict[type[Write], str] = {}
        self.failing_reads: dict[str, Exception] = {}
        """Errors by the name of the look that raises them."""
        self.store_fails = False
        self.bridge = PoolBridge(self)
        self.store = PoolStore(self)

    async def checkpoint(self) -> None:
        if self.buried:
            self.leaks += 1
        self.checkpoints += 1
        if self.checkpoints == self.end_at:
            self.over.set()
        if self.over.is_set():
            await asyncio.Event().wait()
        await asyncio.sleep(0.01)


class PoolBridge:
    """The part of ports.Bridge that the pool uses."""

    name = "core1"

    def __init__(self, life: Life) -> None:
        self._life = life
        self._cms = life.cms

    async def _read(self, what: str) -> None:
        await self._life.checkpoint()
        self._cms.catch_up()
        self._cms.requests[what] += 1
        if what in self._life.failing_reads:
            raise self._life.failing_reads[what]

    async def spaces(self, name_filter: str = "") -> tuple[SpaceSummary, ...]:
        await self._read("spaces")
        return tuple(
            SpaceSummary(
                id=space.id,
                name=space.name,
                uri=space.uri,
                call_id=space.call_id,
                secondary_uri=space.secondary_uri,
                auto_generated=space.auto_generated,
            )
            for space in self._cms.spaces.values()
            if name_filter in space.name
        )

    async def space(self, space: str) -> SeenSpace | None:
        await self._read("space")
        return self._cms.spaces.get(space)

    async def has_members(self, space: str) -> bool:
        await self._read("has_members")
        return space in self._cms.members

    async def calls(self, space: str = "") -> tuple[SeenCall, ...]:
        await self._read("calls")
        return tuple(call for call in self._cms.calls if space in ("", call.space))

    async def call_profiles(self) -> tuple[Profile, ...]:
        await self._read("call_profiles")
        return tuple(Profile(id=profile) for profile in self._cms.call_profiles)

    async def call_leg_profiles(self) -> tuple[Profile, ...]:
        await self._read("call_leg_profiles")
        return tuple(Profile(id=p, name=name) for p, name in self._cms.leg_profiles.items())

    async def parameter_sets(self) -> tuple[ParameterSet, ...]:
        await self._read("parameter_sets")
        return tuple(self._cms.sets.values())

    async def sync_status(self, sync: str) -> str:
        await self._read("sync_status")
        if sync not in self._cms.syncs:
            raise ApiError("cospaceBulkSyncDoesNotExist", "no such sync")
        return self._cms.syncs[sync]

    async def write(self, write: Write) -> Outcome:
        life, kind = self._life, type(write)
        life.writes.append(write)
        ending = life.checkpoints + 1 == life.end_at
        if ending and life.late:
            self._cms.later(1.0, lambda: self._cms.apply(write))
        await life.checkpoint()
        self._cms.catch_up()
        if kind in life.unsent:
            life.unsent.discard(kind)
            return Outcome(result=Result.UNKNOWN, reason="connection refused", sent=False)
        if kind in life.refused:
            return Outcome(result=Result.REFUSED, reason=life.refused[kind])
        self._cms.requests[kind.__name__] += 1
        if kind in life.unanswered:
            if (after := life.unanswered.pop(kind)) is not None:
                self._cms.later(after, lambda: self._cms.apply(write))
            return Outcome(result=Result.UNKNOWN, reason="timeout")
        outcome = self._cms.apply(write)
        await life.checkpoint()
        return outcome

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the pool does not use Bridge.{name}")


class PoolStore:
    """The part of ports.Store that the pool uses."""

    def __init__(self, life: Life) -> None:
        self._life = life

    async def fact(self, key: str) -> str:
        await self._life.checkpoint()
        if self._life.store_fails:
            raise StoreUnusable("disk full")
        return self._life.facts.get(key, "")

    async def save_fact(self, key: str, value: str) -> None:
        await self._life.checkpoint()
        if self._life.store_fails:
            raise StoreUnusable("disk full")
        self._life.facts[key] = value
        await self._life.checkpoint()

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"the pool does not use Store.{name}")
