"""SIP endpoints as the cluster meets them: each rings, answers, is busy, hangs up as it was told.

An endpoint is known by its URI without `sip:`, up to `;`, in any case. It is in one call at a time:
dialled while it rings or talks, it is busy. It remembers every invitation, so that a test can say
"rang exactly once".
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class Answer(StrEnum):
    """What an endpoint does when it is called."""

    CONNECT = "connect"
    BUSY = "busy"
    REJECT = "reject"
    NO_ANSWER = "no-answer"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """How an endpoint meets one call; all in seconds.

    `rings` before it connects (or rejects); then it hangs up after `hangs_up`, or its line breaks
    after `drops`, or it stays until somebody else ends the call.
    """

    answer: Answer = Answer.CONNECT
    rings: float = 2.0
    hangs_up: float | None = None
    drops: float | None = None

    @classmethod
    def parse(cls, text: str) -> "Behaviour":
        """Read `connect:3`, `connect:2,hangup:600`, `connect,drop:30`, `busy`, `no-answer`, ….

        Raises ValueError with a sentence that says what may be written.
        """
        first, *rest = text.split(",")
        word, _, seconds = first.partition(":")
        try:
            behaviour = cls(answer=Answer(word), rings=float(seconds or 2))
            later = {key: float(value) for key, _, value in (item.partition(":") for item in rest)}
        except ValueError as error:
            raise ValueError(_GRAMMAR.format(text)) from error
        if set(later) - {"hangup", "drop"}:
            raise ValueError(_GRAMMAR.format(text))
        return cls(
            answer=behaviour.answer,
            rings=behaviour.rings,
            hangs_up=later.get("hangup"),
            drops=later.get("drop"),
        )


_GRAMMAR = (
    "{!r} is no behaviour: write connect[:RING][,hangup:SECONDS][,drop:SECONDS], "
    "reject[:RING], busy, no-answer or unknown"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Invite:
    """One attempt to reach an endpoint; `rang` is False where it was busy or unreachable."""

    at: datetime
    bridge: str
    call: str
    space: str
    leg: str
    rang: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Presence:
    """A moment at which an endpoint joined or left a call; `reason` is set where it left."""

    at: datetime
    call: str
    space: str
    leg: str
    reason: str = ""


@dataclass(slots=True, kw_only=True, eq=False)
class Endpoint:
    """One endpoint: how it behaves next, what it is in, what it remembers."""

    uri: str
    script: list[Behaviour] = field(default_factory=lambda: [Behaviour()])
    """One for each call to come; the last one stays."""
    leg: str = ""
    """The call leg that rings or holds it; empty: free."""
    occupied: bool = False
    """In a call that this cluster knows nothing of."""
    invites: list[Invite] = field(default_factory=list)
    connects: list[Presence] = field(default_factory=list)
    hang_ups: list[Presence] = field(default_factory=list)

    def behave(self, *behaviours: Behaviour) -> None:
        """Set what it does at the calls to come: one each, the last for all that follow."""
        if not behaviours:
            raise ValueError("an endpoint needs at least one behaviour")
        self.script = list(behaviours)

    def next_behaviour(self) -> Behaviour:
        """Return how it meets a call that reaches it now."""
        return self.script.pop(0) if len(self.script) > 1 else self.script[0]

    @property
    def busy(self) -> bool:
        """Whether it would turn a call down because it rings or talks."""
        return bool(self.leg) or self.occupied

    @property
    def rings(self) -> list[Invite]:
        """Every time it rang."""
        return [invite for invite in self.invites if invite.rang]

    @property
    def connected(self) -> bool:
        """Whether it is in a call of this cluster (not merely ringing)."""
        return bool(self.connects) and bool(self.leg) and self.connects[-1].leg == self.leg


class Endpoints:
    """Every endpoint that was ever named; one nobody described connects after two seconds."""

    def __init__(self, default: Behaviour) -> None:
        self.default = default
        self._known: dict[str, Endpoint] = {}

    def __iter__(self) -> Iterator[Endpoint]:
        return iter(self._known.values())

    def named(self, uri: str) -> Endpoint:
        """Return the endpoint with this URI, made at first sight."""
        key = canonical(uri)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = Endpoint(uri=key, script=[self.default])
        return found


def canonical(uri: str) -> str:
    """Return a SIP URI without scheme and parameters, in lower case."""
    bare = uri.strip().lower().partition(";")[0]
    for scheme in ("sips:", "sip:"):
        bare = bare.removeprefix(scheme)
    return bare
