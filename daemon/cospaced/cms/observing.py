"""A bridge that is looked at and never written to: `run --observe`, for a pilot beside TMS.

Every write is answered *done* and kept in a shadow, and looks show the shadow over what CMS really
holds, so that whoever plans goes on as if it had been done. Dialled legs are connected at once.
"""

from urllib.parse import unquote_plus

import structlog

from cospaced.cms.codec import encode_form
from cospaced.cms.requests import ApiRequest, to_request
from cospaced.cms.shadow import Shadow
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
from cospaced.domain.writes import DialEndpoint, OpenSpace, Outcome, Result, Write
from cospaced.ports import Bridge


log = structlog.get_logger()

_WHY = "taken as done, for the daemon only observes"
_SECRET = ("passcode", "secret")
_PERSONAL = ("name", "meetingScheduler")
"""Of an open space: title and organizer. Whether the booking is private is not known here."""


class ObservingBridge:
    """The Bridge port over another one, of which it only looks; `shadow` is the cluster's."""

    def __init__(self, bridge: Bridge, shadow: Shadow) -> None:
        self._bridge = bridge
        self._shadow = shadow

    @property
    def name(self) -> str:
        """The name of the bridge that is looked at."""
        return self._bridge.name

    @property
    def auditing(self) -> Bridge:
        """The same, for looks that may wait behind everything else."""
        return ObservingBridge(self._bridge.auditing, self._shadow)

    async def status(self) -> BridgeStatus:
        """As the bridge tells it."""
        return await self._bridge.status()

    async def peers(self) -> tuple[PeerBridge, ...]:
        """As the bridge tells them."""
        return await self._bridge.peers()

    async def unique_name(self) -> str:
        """As the bridge tells it."""
        return await self._bridge.unique_name()

    async def spaces(self, name_filter: str = "") -> tuple[SpaceSummary, ...]:
        """Real spaces under the names they would have, and those that would have been made."""
        real = await self._bridge.spaces(name_filter)
        return self._shadow.spaces(real, name_filter)

    async def space(self, space: str) -> SeenSpace | None:
        """Return a space with what it would have been told."""
        real = None
        if not self._shadow.knows_space(space):
            real = await self._bridge.space(space)
        return self._shadow.space(space, real)

    async def has_members(self, space: str) -> bool:
        """As the bridge tells; a space that would have been made has none."""
        if self._shadow.knows_space(space):
            return False
        return await self._bridge.has_members(space)

    async def calls(self, space: str = "") -> tuple[SeenCall, ...]:
        """Real calls but those that would have been ended, and those that would be there."""
        real = () if self._shadow.knows_space(space) else await self._bridge.calls(space)
        return self._shadow.calls(self.name, real, space)

    async def call_age(self, call: str) -> int | None:
        """As the bridge tells; of a call that would be there, the time since."""
        if self._shadow.knows_call(self.name, call):
            return self._shadow.call_age(self.name, call)
        return await self._bridge.call_age(call)

    async def legs(self, call: str) -> tuple[LegSummary, ...]:
        """Real legs but those that would have been dropped, and those that would be there."""
        real: tuple[LegSummary, ...] = ()
        if not self._shadow.knows_call(self.name, call):
            real = await self._bridge.legs(call)
        made = (
            LegSummary(bridge=leg.bridge, id=leg.id, call=leg.call, remote_party=leg.remote_party)
            for leg in self._shadow.legs(self.name, call)
        )
        return (*(leg for leg in real if not self._shadow.ended(self.name, leg.id)), *made)

    async def leg(self, leg: str) -> SeenLeg | None:
        """Return a leg, real or not, that would still be there."""
        if self._shadow.knows_leg(self.name, leg):
            return self._shadow.leg(self.name, leg)
        real = await self._bridge.leg(leg)
        if real is not None and self._shadow.ended(self.name, real.call):
            return None
        return real

    async def call_profiles(self) -> tuple[Profile, ...]:
        """Real ones and those that would have been made."""
        return (*await self._bridge.call_profiles(), *self._shadow.call_profiles)

    async def call_leg_profiles(self) -> tuple[Profile, ...]:
        """Real ones and those that would have been made."""
        return (*await self._bridge.call_leg_profiles(), *self._shadow.call_leg_profiles)

    async def parameter_sets(self) -> tuple[ParameterSet, ...]:
        """Real ones and those that would have been made."""
        return (*await self._bridge.parameter_sets(), *self._shadow.sets())

    async def sync_status(self, sync: str) -> str:
        """As the bridge tells; what would have been started is complete."""
        if self._shadow.synced(sync):
            return "complete"
        return await self._bridge.sync_status(sync)

    def describe(self, write: Write) -> str:
        """Say what is withheld, as the bridge would have sent it."""
        return f"withheld: {self._bridge.describe(write)}"

    async def write(self, write: Write) -> Outcome:
        """Withhold the write, say so, and answer as if it had been done."""
        try:
            request = to_request(write)
        except ValueError as error:
            return Outcome(result=Result.REFUSED, reason=str(error), sent=False)
        identity = self._shadow.apply(self.name, write)
        log.info("observe.withheld", bridge=self.name, url=_told(write, request), **_keys(write))
        return Outcome(result=Result.DONE, id=identity, reason=_WHY, sent=False)

    async def close(self) -> None:
        """Close the bridge that is looked at."""
        await self._bridge.close()


def _keys(write: Write) -> dict[str, str]:
    """Return the keys by which the journal finds a withheld write."""
    keys = {}
    for key in ("space", "call", "leg", "endpoint"):
        if value := getattr(write, key, ""):
            keys[key] = str(value)
    if isinstance(write, OpenSpace):
        keys["booking"] = write.form.cdr_tag
    if isinstance(write, DialEndpoint):
        keys["endpoint"] = write.endpoint
    return keys


def _told(write: Write, request: ApiRequest) -> str:
    """Return the request as one line, without what nobody may read in a log."""
    hidden = (*_SECRET, *_PERSONAL) if isinstance(write, OpenSpace) else _SECRET
    shown = [(key, "***" if key in hidden and value else value) for key, value in request.form]
    form = unquote_plus(encode_form(shown).decode("ascii"))
    return f"{request.method} {request.path} {form}".rstrip()
