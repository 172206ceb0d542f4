"""The looks of one Call Bridge: API nodes as records, lists whole.

A look knows its turn (`Priority`), not why it is taken.
"""

from collections.abc import Callable
from functools import partial
from typing import TypeVar
from xml.etree.ElementTree import Element

from cospaced.cms import records
from cospaced.cms.channel import Channel, Missing
from cospaced.cms.codec import Fields, MalformedAnswer, number, quoted, text
from cospaced.cms.gate import Priority
from cospaced.domain.seen import (
    BridgeStatus,
    LegSummary,
    ParameterSet,
    PeerBridge,
    Profile,
    SeenCall,
    SeenLeg,
    SeenSpace,
    SpaceSummary,
)
from cospaced.errors import ApiError


PAGE = 50
"""Asked for at once; CMS has caps of its own (10 or 20), and gives what it likes."""
MOST = 200_000
"""Entries of a list beyond which it is no list of CMS."""
READINGS = 3
"""How often a list is read that shifts while it is read."""

T = TypeVar("T")


class Looks:
    """Every look of the Bridge port, at one priority."""

    def __init__(self, channel: Channel, priority: Priority) -> None:
        self._channel = channel
        self._priority = priority

    @property
    def name(self) -> str:
        """Its name as told at construction."""
        return self._channel.name

    async def status(self) -> BridgeStatus:
        """GET /system/status."""
        root = await self._read("system/status", "status")
        try:
            return records.status(root)
        except MalformedAnswer as error:
            raise self._channel.nonsense(str(error)) from error

    async def peers(self) -> tuple[PeerBridge, ...]:
        """GET /callBridges and each of its entries; one that vanished meanwhile is left out."""
        return await self._each("callBridges", "callBridge", records.peer)

    async def unique_name(self) -> str:
        """Return uniqueName of GET /system/configuration/cluster; empty where it is not told."""
        try:
            root = await self._channel.read("system/configuration/cluster", self._priority)
        except ApiError:
            return ""
        return text(root, "uniqueName")

    async def spaces(self, name_filter: str = "") -> tuple[SpaceSummary, ...]:
        """GET /coSpaces[?filter=…]; the filter hits uri and callId too."""
        query: Fields = (("filter", name_filter),) if name_filter else ()
        found = await self._list("coSpaces", "coSpaces", "coSpace", query)
        return tuple(records.space_summary(element) for element in found)

    async def space(self, space: str) -> SeenSpace | None:
        """GET /coSpaces/<id>."""
        return await self._one("coSpaces", space, "coSpace", records.space)

    async def has_members(self, space: str) -> bool:
        """Whether GET /coSpaces/<id>/coSpaceUsers lists anybody; a missing space has none."""
        try:
            root = await self._read(f"{_at('coSpaces', space)}/coSpaceUsers", "coSpaceUsers")
        except Missing:
            return False
        return bool(number(root.get("total")) or len(root))

    async def calls(self, space: str = "") -> tuple[SeenCall, ...]:
        """GET /calls[?coSpaceFilter=…]."""
        query: Fields = (("coSpaceFilter", space),) if space else ()
        found = await self._list("calls", "calls", "call", query)
        return tuple(records.call(self.name, element) for element in found)

    async def call_age(self, call: str) -> int | None:
        """Return durationSeconds of GET /calls/<id>."""
        return await self._one("calls", call, "call", _duration)

    async def legs(self, call: str) -> tuple[LegSummary, ...]:
        """GET /calls/<id>/callLegs; empty where the call does not exist."""
        try:
            found = await self._list(f"{_at('calls', call)}/callLegs", "callLegs", "callLeg")
        except Missing:
            return ()
        return tuple(records.leg_summary(self.name, call, element) for element in found)

    async def leg(self, leg: str) -> SeenLeg | None:
        """GET /callLegs/<id>."""
        return await self._one("callLegs", leg, "callLeg", partial(records.leg, self.name))

    async def call_profiles(self) -> tuple[Profile, ...]:
        """GET /callProfiles."""
        found = await self._list("callProfiles", "callProfiles", "callProfile")
        return tuple(records.profile(element) for element in found)

    async def call_leg_profiles(self) -> tuple[Profile, ...]:
        """GET /callLegProfiles; `name` is read singly where the list lacks it."""
        profiles = []
        for element in await self._list("callLegProfiles", "callLegProfiles", "callLegProfile"):
            profile: Profile | None = records.profile(element)
            if profile is not None and not profile.name:
                profile = await self._one(
                    "callLegProfiles", profile.id, "callLegProfile", records.profile
                )
            if profile is not None:
                profiles.append(profile)
        return tuple(profiles)

    async def parameter_sets(self) -> tuple[ParameterSet, ...]:
        """GET /cospaceBulkParameterSets and each of its entries."""
        return await self._each(
            "cospaceBulkParameterSets", "cospaceBulkParameterSet", records.parameter_set
        )

    async def sync_status(self, sync: str) -> str:
        """Return `status` of GET /cospaceBulkSyncs/<id>; ApiError where it does not exist."""
        root = await self._read(_at("cospaceBulkSyncs", sync), "cospaceBulkSync")
        return text(root, "status")

    async def _read(self, path: str, tag: str, query: Fields = ()) -> Element:
        root = await self._channel.read(path, self._priority, query)
        if root.tag.lower() != tag.lower():
            raise self._channel.nonsense(f"/{path}: <{root.tag}> in place of <{tag}>")
        return root

    async def _one(
        self, node: str, identity: str, tag: str, record: Callable[[Element], T]
    ) -> T | None:
        try:
            root = await self._read(_at(node, identity), tag)
        except Missing:
            return None
        return record(root)

    async def _each(self, node: str, tag: str, record: Callable[[Element], T]) -> tuple[T, ...]:
        found = []
        for element in await self._list(node, node, tag):
            one = await self._one(node, records.identity(element), tag, record)
            if one is not None:
                found.append(one)
        return tuple(found)

    async def _list(
        self, path: str, root: str, tag: str, query: Fields = ()
    ) -> tuple[Element, ...]:
        """Read all pages of a list; each object once.

        A list is no snapshot: what goes while it is read moves the rest up, and one entry slips
        between two pages. The total tells, so such a list is read again. A going and a coming
        between two pages cancel out and hide one entry for one look; what must not be missed (the
        calls of a space, the legs of a call) is asked for by filter and stands on one page.
        """
        found: dict[str, Element] = {}
        for _ in range(READINGS):
            found, steady = await self._pages(path, root, tag, query)
            if steady:
                break
        return tuple(found.values())

    async def _pages(
        self, path: str, root: str, tag: str, query: Fields
    ) -> tuple[dict[str, Element], bool]:
        """Read a list once; say whether its total stood still and was reached."""
        found: dict[str, Element] = {}
        received, first, steady = 0, None, True
        while received <= MOST:
            place: Fields = (("offset", str(received)),) if received else ()
            page = await self._read(path, root, (*query, *place, ("limit", str(PAGE))))
            total = number(page.get("total"))
            first = total if first is None else first
            steady = steady and total == first
            entries = [entry for entry in page if entry.tag == tag and records.identity(entry)]
            known = len(found)
            found.update((records.identity(entry), entry) for entry in entries)
            received += len(entries)
            if total is not None and received >= total:
                return found, steady
            if not entries or (total is None and len(found) == known):
                return found, steady and total is None
        raise self._channel.nonsense(f"/{path}: a list of more than {MOST} entries")


def _at(node: str, identity: str) -> str:
    """Return the path of one object; what is no id is the id of nothing."""
    try:
        return f"{node}/{quoted(identity)}"
    except ValueError as error:
        raise Missing("unrecognisedObject", f"/{node}: {error}") from error


def _duration(element: Element) -> int | None:
    return number(text(element, "durationSeconds"))
