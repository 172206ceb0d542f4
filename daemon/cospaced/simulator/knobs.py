"""Knobs: every behaviour that Cisco leaves unsaid, and every fault that comes by chance.

The defaults are what public clients of CMS bear witness to. A cluster's knobs may be replaced at
any time (`cluster.knobs = dataclasses.replace(cluster.knobs, …)`).
"""

import re
from dataclasses import dataclass
from enum import StrEnum


class ActiveSpace(StrEnum):
    """What POST /calls does for a space that already has a call on this bridge."""

    EXISTING = "existing"
    NEW = "new"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """Durations are seconds, rates are probabilities from 0 to 1."""

    software_version: str = "2.9.4"
    """Decides which elements are shown (hostId from 2.6, originalRemoteParty from 2.3, …)."""
    clustered: bool = True
    """False: /callBridges is empty and clusterEnabled is false, as on a standalone server."""

    lacking: tuple[str, ...] = ()
    """Nodes (`system/licensing`, `callBridgeGroups/*`) that this release does not have."""
    missing_status: int = 400
    """HTTP status of …DoesNotExist."""
    unknown_path_status: int = 404
    unrecognised: str = "unrecognisedObject"
    """The failure reason's spelling; Cisco's document has `unrecognizedObject`."""
    basic_without_space: bool = True
    """Accept `Authorization: Basic<base64>`."""
    keep_alive: bool = True
    """False: every answer carries `Connection: close`."""
    space_page: int = 20
    """Most coSpaces (and everything else but calls and legs) on a page."""
    call_page: int = 10
    """Most calls or call legs on a page."""
    bulk_range_max: int = 1000
    bulk_pending_seconds: float = 0.5
    bulk_running_seconds: float = 0.5
    name_max_length: int | None = None
    sip_domain: str = ""
    """Domain that meetingEntryDetail adds to a space's uri."""
    database_down_status: int = 503
    """Status of a write without a writable database; 400 comes with databaseNotReady."""

    active_space: ActiveSpace = ActiveSpace.EXISTING
    idle_timeout: float | None = None
    """An API-created call that stays empty this long ends; None: never."""
    enforce_dial_plan: bool = False
    """A leg whose domain no outbound rule matches fails with unknownDestination."""
    setup_seconds: float = 0.2
    """From a leg's creation to its ringing (or to busy, or to unknown destination)."""
    ringing_timeout: float = 60.0
    """A leg that nobody answers vanishes after."""
    party_suffix: str = ""
    """Added to remoteParty once connected, such as `;x-cisco-number=12001`."""
    load_per_leg: int = 700
    """mediaProcessingLoad of one call leg."""
    load_limit: int | None = 96000
    alarm_after: float = 5.0
    """A dead bridge is reported by the others (callBridgeConnectionFailure) after."""
    cdr_time_behind: float = 4.0

    latency_before: tuple[float, float] = (0.0, 0.0)
    """Drawn from low to high for each request, before its effect."""
    latency_after: tuple[float, float] = (0.0, 0.0)
    """As above, between the effect and the answer."""
    busy_rate: float = 0.0
    """Requests answered 503, without effect."""
    lost_before_rate: float = 0.0
    """Connections closed before the effect."""
    lost_after_rate: float = 0.0
    """Connections closed between the effect and the answer."""
    silent_rate: float = 0.0
    """Requests that take effect and are never answered."""
    effect_survives_disconnect: bool = True
    """A request whose client gave up while it waited still takes effect at its time."""

    @property
    def version(self) -> tuple[int, int]:
        """Return major and minor of the software version."""
        found = re.match(r"(\d+)\.(\d+)", self.software_version)
        return (int(found[1]), int(found[2])) if found else (0, 0)
