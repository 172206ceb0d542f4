"""The state of a whole cluster: one database, several Call Bridges, the endpoints around it."""

import base64
from collections import deque
from dataclasses import dataclass, field

from cospaced.ports import Entropy
from cospaced.simulator.agenda import Agenda
from cospaced.simulator.database import Database
from cospaced.simulator.endpoints import Behaviour, Endpoints
from cospaced.simulator.knobs import Knobs
from cospaced.simulator.records import (
    BridgeState,
    Conference,
    EndedLeg,
    Leg,
    Participant,
    ShownMessage,
)


_REMEMBERED = 100_000


@dataclass(slots=True, kw_only=True, eq=False)
class State:
    """What the service answers from and the scenarios change."""

    agenda: Agenda
    entropy: Entropy
    knobs: Knobs
    database: Database = field(default_factory=Database)
    bridges: dict[str, BridgeState] = field(default_factory=dict)
    conferences: dict[str, Conference] = field(default_factory=dict)
    """By space."""
    participants: dict[str, Participant] = field(default_factory=dict)
    endpoints: Endpoints = field(default_factory=lambda: Endpoints(Behaviour()))
    ended_legs: deque[EndedLeg] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    """Distribution links are not among them."""
    messages: deque[ShownMessage] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def secret(self) -> str:
        """Return a new secret of a space: 22 characters of base64url."""
        return base64.urlsafe_b64encode(self.entropy.token(16)).decode().rstrip("=")

    def call_id(self) -> str:
        """Return an unused call id of nine digits; it may start with 0."""
        while True:
            number = f"{int.from_bytes(self.entropy.token(8), 'big') % 10**9:09d}"
            if self.database.by_call_id(number) is None:
                return number

    def load(self, bridge: BridgeState) -> int:
        """Return a bridge's mediaProcessingLoad."""
        return bridge.base_load + bridge.legs_active * self.knobs.load_per_leg

    def setting(self, leg: Leg, name: str) -> str:
        """Return a call leg setting: the leg's own, its profile's, the space's profile's."""
        own = leg.fields.get(name)
        if own is not None:
            return own
        profiles = self.database.tables["callLegProfiles"]
        space = self.database.spaces.get(leg.call.conference.space)
        at_space = space.fields.get("callLegProfile", "") if space else ""
        at_system = self.database.system_profiles.get("callLegProfile", "")
        for identity in (leg.fields.get("callLegProfile", ""), at_space, at_system):
            profile = profiles.get(identity)
            if profile is not None and name in profile.fields:
                return profile.fields[name]
        return ""

    def call_setting(self, conference: Conference, name: str) -> str:
        """Return a call profile setting: the space's profile's, or the system's."""
        profiles = self.database.tables["callProfiles"]
        space = self.database.spaces.get(conference.space)
        at_space = space.fields.get("callProfile", "") if space else ""
        for identity in (at_space, self.database.system_profiles.get("callProfile", "")):
            profile = profiles.get(identity)
            if profile is not None and name in profile.fields:
                return profile.fields[name]
        return ""
