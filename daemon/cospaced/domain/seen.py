"""What Call Bridges show: frozen records as the looks return them.

Ids are GUIDs of CMS as text. The lists of the API show little: a space's access, passcode and
cdrTag, a leg's ownerId and state stand only in the single GET (API nodes /coSpaces/<id> and
/callLegs/<id>).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeStatus:
    """GET /system/status, and GET /system/configuration/cluster where it answers."""

    version: str
    uptime: int
    """Seconds; smaller than before: the bridge was restarted and its calls are gone."""
    cdr_time: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerBridge:
    """One entry of /callBridges."""

    id: str
    name: str
    address: str
    """`https://host[:port]` as CMS says it."""
    group: str = ""
    """callBridgeGroup."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSummary:
    """One entry of the /coSpaces list; `uri` and `call_id` are empty where unset."""

    id: str
    name: str
    uri: str = ""
    call_id: str = ""
    secondary_uri: str = ""
    auto_generated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenSpace:
    """GET /coSpaces/<id>; absent elements are empty, numbers 0."""

    id: str
    name: str
    uri: str = ""
    call_id: str = ""
    secondary_uri: str = ""
    auto_generated: bool = False
    non_member_access: bool = True
    passcode: str = ""
    secret: str = ""
    cdr_tag: str = ""
    scheduler: str = ""
    """meetingScheduler."""
    owner: str = ""
    """ownerId or ownerJid."""
    access_methods: int = 0
    call_profile: str = ""
    call_leg_profile: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCall:
    """One entry of /calls on one Call Bridge."""

    bridge: str
    id: str
    space: str
    correlator: str = ""
    name: str = ""


class LegState(StrEnum):
    """`status/state` of a call leg; there is no disconnected: a leg that ended is gone."""

    INITIAL = "initial"
    RINGING = "ringing"
    CONNECTED = "connected"
    ON_HOLD = "onHold"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegSummary:
    """One entry of /calls/<id>/callLegs."""

    bridge: str
    id: str
    call: str
    remote_party: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenLeg:
    """GET /callLegs/<id>; `state` None where CMS shows none."""

    bridge: str
    id: str
    call: str
    remote_party: str = ""
    incoming: bool = False
    state: LegState | None = None
    owner_id: str = ""
    subtype: str = ""
    """`distributionLink` is a link between Call Bridges, no participant."""

    @property
    def subtype_is_link(self) -> bool:
        """Whether it is no participant: a link between bridges, a recorder or a streamer."""
        return self.subtype in _NO_PARTICIPANTS


_NO_PARTICIPANTS = ("distributionLink", "recording", "streaming")


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One call profile or call leg profile; `name` empty where it has none."""

    id: str
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterSet:
    """One /cospaceBulkParameterSets/<id>; mappings as CMS returns them (`$index$` raw)."""

    id: str
    start: int
    end: int
    uri_mapping: str = ""
    name_mapping: str = ""
    call_id_mapping: str = ""
    call_profile: str = ""
    call_leg_profile: str = ""
