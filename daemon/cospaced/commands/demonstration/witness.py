"""What really happened at the simulated CMS: each write by conference, each room by the second.

It never asks the daemon: what the summary claims is checked against this.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cospaced.commands.demonstration.site import ROOM_DOMAIN
from cospaced.simulator.cluster import Cluster
from cospaced.simulator.endpoints import Endpoint
from cospaced.simulator.request_log import Logged


_API = "/api/v1/"
_ID = 36
"""Characters of an id."""


class Kind(StrEnum):
    """What a write does."""

    OPEN = "open"
    """Also extends: it is the same PUT."""
    CALL = "call"
    DIAL = "dial"
    MESSAGE = "message"
    CLOSE = "close"
    END = "end"
    DROP = "drop"
    POOL = "pool"


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """One write; `space` is the conference's, empty for the pool. `text` is for the screen."""

    at: datetime
    kind: Kind
    space: str
    text: str
    status: int
    name: str = ""
    """The conference's, where it is written."""


class Presence(StrEnum):
    """Where a room is, seen from one conference."""

    OUT = "waiting"
    CALLED = "is called"
    BUSY = "busy, again soon"
    RINGING = "rings"
    IN = "connected"
    LEFT = "left"


class Witness:
    """Listens at the cluster's request log; ask it about spaces by their number."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._space_of: dict[str, str] = {}
        """Calls and legs to their space: both are gone when the requests that end them are told."""
        self.writes: list[Written] = []
        cluster.requests.listeners.append(self)

    def __call__(self, logged: Logged) -> None:
        """Take one request."""
        self._learn()
        if logged.method == "GET":
            return
        node, path = logged.node.lower(), logged.path.removeprefix(_API)
        form = logged.form
        parent = path.split("/")[1] if "/" in path else ""
        space = self._space_of.get(parent, parent if node == "cospaces/*" else "")
        kind = _kind(logged.method, node, form)
        if kind is Kind.CALL:
            space = form.get("coSpace", "")
        if kind is Kind.CALL:
            path = f"{path}  coSpace={self._name(space)}"
        text = f"{logged.method:<6} {self._shown(path)}{_said(kind, form)}"
        name = form.get("name", "") if kind is Kind.OPEN else ""
        self.writes.append(
            Written(
                at=logged.at, kind=kind, space=space, text=text, status=logged.status, name=name
            )
        )

    def space(self, number: int) -> str:
        """Return the id of the space with this number."""
        return self._cluster.scenarios.space(str(number)).id

    def endpoint(self, uri: str) -> Endpoint:
        """Return an endpoint as it is now."""
        return self._cluster.endpoint(uri)

    def presence(self, uri: str, number: int) -> Presence:
        """Return where an endpoint is, as seen from the space with this number."""
        space, endpoint = self.space(number), self.endpoint(uri)
        if any(one.space == space for one in endpoint.hang_ups):
            return Presence.LEFT
        if endpoint.connected and endpoint.connects[-1].space == space:
            return Presence.IN
        invites = [one for one in endpoint.invites if one.space == space]
        if invites and endpoint.leg == invites[-1].leg:
            return Presence.RINGING
        if self._leg_of(uri, space):
            return Presence.CALLED
        if invites:
            return Presence.BUSY
        return Presence.OUT

    def legs(self, number: int) -> frozenset[str]:
        """Return the ids of the call legs that are connected in a space."""
        legs = self._cluster.scenarios.legs_in(str(number))
        return frozenset(leg.id for leg in legs if leg.state == "connected")

    def count(self, space: str, kind: Kind) -> int:
        """Return how many writes of a kind there were for a space."""
        return sum(one.kind is kind and one.space == space for one in self.writes)

    def names(self, space: str) -> tuple[str, ...]:
        """Return every name that a space was given."""
        names = (one.name for one in self.writes if one.space == space and one.name)
        return tuple(dict.fromkeys(names))

    def _leg_of(self, uri: str, space: str) -> bool:
        legs = self._cluster.scenarios.legs_in(space)
        return any(leg.endpoint is not None and leg.endpoint.uri == uri for leg in legs)

    def _learn(self) -> None:
        for conference in self._cluster.state.conferences.values():
            for call in conference.calls.values():
                self._space_of[call.id] = conference.space
                self._space_of.update(dict.fromkeys(call.legs, conference.space))

    def _shown(self, path: str) -> str:
        """Return the path with ids a person can read: a space's number, the head of others."""
        return "/".join(self._name(part) for part in path.split("/"))

    def _name(self, part: str) -> str:
        space = self._cluster.state.database.spaces.get(part)
        if space is not None:
            return space.fields.get("uri", "")
        return f"{part[:4]}…" if len(part) == _ID else part


def _kind(method: str, node: str, form: dict[str, str]) -> Kind:
    match method, node:
        case "PUT", "cospaces/*":
            return Kind.OPEN if form.get("nonMemberAccess") == "true" else Kind.CLOSE
        case "POST", "calls":
            return Kind.CALL
        case "POST", "calls/*/calllegs" | "calls/*/participants":
            return Kind.DIAL
        case "PUT", "calls/*":
            return Kind.MESSAGE
        case "DELETE", "calls/*":
            return Kind.END
        case "DELETE", "calllegs/*":
            return Kind.DROP
        case _:
            return Kind.POOL


def _said(kind: Kind, form: dict[str, str]) -> str:
    match kind:
        case Kind.OPEN:
            return f"  name={form.get('name', '')}"
        case Kind.CLOSE:
            return "  nonMemberAccess=false"
        case Kind.DIAL:
            return f"  {form.get('remoteParty', '')}".replace(f"@{ROOM_DOMAIN}", "@…")
        case Kind.MESSAGE:
            return f"  {form.get('messageText', '')}"
        case _:
            return ""
