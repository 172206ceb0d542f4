"""What a cluster holds: mutable records, each the one truth about its object.

`fields` holds what is set, by API name and as text; an unset parameter is absent. The records are
compared by identity.
"""

from dataclasses import dataclass, field
from datetime import datetime

from cospaced.simulator.endpoints import Endpoint


@dataclass(slots=True, kw_only=True, eq=False)
class Record:
    """An object of a plain collection (profiles, groups, dial plan rules, parameter sets)."""

    id: str
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Space(Record):
    """A coSpace."""

    auto_generated: bool = False
    """From an LDAP synchronisation: the API cannot delete it."""
    made_by: str = ""
    """The bulk parameter set whose synchronisation made it."""
    access_methods: dict[str, Record] = field(default_factory=dict)
    members: dict[str, Record] = field(default_factory=dict)
    haystack: str = ""
    """What `filter` searches: name, uris and call id in lower case."""

    @property
    def name(self) -> str:
        """Display name."""
        return self.fields.get("name", "")

    @property
    def open(self) -> bool:
        """Whether people who are no members may join."""
        return self.fields.get("nonMemberAccess", "true") == "true"


@dataclass(slots=True, kw_only=True, eq=False)
class Sync(Record):
    """A cospaceBulkSync; `status` as the API shows it."""

    parameter_set: str
    remove_all: bool = False
    status: str = "pending"


@dataclass(slots=True, kw_only=True, eq=False)
class BridgeState:
    """One Call Bridge: what it alone holds."""

    name: str
    id: str
    host_id: str
    authorization: str
    """The base64 of its username and password."""
    username: str
    started_at: float
    """Monotonic."""
    calls: "dict[str, Call]" = field(default_factory=dict)
    legs: "dict[str, Leg]" = field(default_factory=dict)
    legs_active: int = 0
    """Without distribution links."""
    legs_max: int = 0
    legs_completed: int = 0
    base_load: int = 0
    """mediaProcessingLoad that is there without our legs."""
    dead_since: float | None = None
    """Its calls are gone and it takes no part in the cluster; None: alive."""
    alarm_id: str = ""
    silent: bool = False
    """How it fails while nobody can reach it: never answering, or refusing to connect."""
    cut_off: bool = False
    """The API cannot be reached while the calls go on."""
    busy_until: float = 0.0
    """Answers 503 until then (it is starting)."""
    boots: int = 0
    """Raised at each death: what was under way then is never answered."""
    cluster_settings: dict[str, str] = field(default_factory=dict)
    """What /system/configuration/cluster was told."""
    database: str = "ok"
    """`ok`, `read_only` or `unreachable`."""
    database_since: float = 0.0
    """When that began, monotonic."""
    sync_behind: int = 0
    """Bytes by which its database node is behind the primary; -1: unknown."""
    alarms: "dict[str, Alarm]" = field(default_factory=dict)
    """Those raised beside what the simulator notices by itself, by id."""
    licences: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Feature -> status and expiry, where they differ from `activated` for decades."""

    @property
    def alive(self) -> bool:
        """Whether it takes part in the cluster."""
        return self.dead_since is None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """One fault condition; `details` are its further elements by name."""

    type: str
    since: float
    """Monotonic."""
    details: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True, eq=False)
class Conference:
    """What is one call for people: one correlator, a call on each bridge that takes part."""

    correlator: str
    space: str = ""
    name: str = ""
    """Of a call without a space."""
    calls: "dict[str, Call]" = field(default_factory=dict)

    def on(self, bridge: "BridgeState") -> "Call | None":
        """Return its call on one bridge."""
        return next((call for call in self.calls.values() if call.bridge is bridge), None)


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """A call on one bridge."""

    id: str
    bridge: BridgeState
    conference: Conference
    created_at: float
    api_created: bool = False
    """Lives until it is deleted; others end with their last leg."""
    fields: dict[str, str] = field(default_factory=dict)
    legs: "dict[str, Leg]" = field(default_factory=dict)
    legs_max: int = 0
    idle_since: float | None = None
    """When it last became empty, monotonic; only kept where there is an idle timeout."""
    ended: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Leg:
    """A call leg; `ended` makes timers that still name it pass without effect."""

    id: str
    call: Call
    remote_party: str
    created_at: float
    incoming: bool = False
    subtype: str = ""
    state: str = "initial"
    connected_at: float | None = None
    fields: dict[str, str] = field(default_factory=dict)
    endpoint: Endpoint | None = None
    participant: str = ""
    peer: "Leg | None" = None
    """The other end of a distribution link."""
    ended: bool = False


@dataclass(slots=True, kw_only=True, eq=False)
class Participant:
    """A participant; known to the whole cluster, hosted by its leg's bridge."""

    id: str
    leg: Leg
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedLeg:
    """How a call leg ended; `reason` is a callLegEnd reason of the CDR guide."""

    at: datetime
    bridge: str
    leg: str
    call: str
    space: str
    remote_party: str
    reason: str
    connected_seconds: float | None
    """None: it never connected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMessage:
    """An on-screen message put to a call."""

    at: datetime
    bridge: str
    call: str
    space: str
    text: str
    duration: str
