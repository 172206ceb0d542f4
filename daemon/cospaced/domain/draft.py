"""What a plan is made of: steps, looks, words, and the moment to plan again.

`domain.plan` decides with these; `engine.timing` carries them out. A `Mark` names what a step or
look is for, so that the same thing is never under way twice and its answer finds its place.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from cospaced.domain.booking import Booking, Dial
from cospaced.domain.view import View
from cospaced.domain.writes import Write


Mark = tuple[str, ...]

FRESH = timedelta(seconds=5)
"""How old a listing may be on which a call or leg is started, or a warning shown."""
FOLLOW = timedelta(seconds=1)
"""How often what is being dialled, in doubt or due is looked at."""
AUDIT = timedelta(seconds=60)
"""Within which everything else is looked at again."""
RETRY = timedelta(seconds=1)
"""How soon an unanswered request of something that is due is tried again."""
SETTLING = timedelta(seconds=2)
"""Added to the request's timeout before a look can tell that a lost request had no effect."""
PREFETCH = timedelta(seconds=0.5)
"""How long before a dial is due the call is looked into, so that the dial need not wait for it."""
PREFETCH_EACH = timedelta(milliseconds=20)
"""How much longer for each booking that starts at the same moment: their looks take turns."""
PREFETCH_MOST = timedelta(seconds=2)
"""At most so long: whoever dials in between that look and the dial rings all the same."""

CANCELLED = 0
"""Stands among a booking's shown warnings (`warned`) for the one that tells of a cancellation."""


class Look(StrEnum):
    """What is to be looked at."""

    CALLS = "calls"
    LEGS = "legs"
    SPACE = "space"


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAt:
    """A look that the plan wants; `audit` ones may wait behind all others."""

    look: Look
    audit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    """A write that the plan wants; `bridge` empty: any that serves."""

    mark: Mark
    write: Write
    bridge: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A change worth a log line and a line in the booking's story."""

    event: str
    keys: Mapping[str, Any] = field(default_factory=dict)
    level: str = "info"
    """`debug`, `info`, `warning` or `error`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """Where else an endpoint is in a call of ours."""

    booking: str
    leg: str
    """Empty while it is only being called there."""
    bridge: str
    ending: bool
    """That booking is at or past its end."""
    alone: bool
    """Nobody but this endpoint is connected there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What of the rest of the world bears on one booking's plan."""

    space: str = ""
    """Id of the space that carries its number; empty while the pool has none."""
    space_free: bool = True
    """No other booking is open, or still closing, on it."""
    closed_name: str = ""
    """What the slot is called when closed."""
    reachable: tuple[str, ...] = ()
    """The Call Bridges that answer; the first one serves."""
    booted: Mapping[str, datetime] = field(default_factory=dict)
    """When each Call Bridge last started (now - uptime, at its first answer)."""
    elsewhere: Mapping[str, Elsewhere] = field(default_factory=dict)
    rooms_busy_from: Mapping[str, datetime] = field(default_factory=dict)
    """When the next event of each room begins, whatever it is."""
    slot_busy_from: datetime | None = None
    """When the next booking of this number needs it, its early join given up."""
    mute_rooms: tuple[str, ...] = ()
    """Rooms that are dialled no more: their calendars are unreadable for too long."""
    hold_closes: bool = False
    """The clock stepped: closing, missing and giving up wait until the new time is confirmed."""
    starting: int = 1
    """How many bookings start when it does."""
    awaits: str = ""
    """The open booking that a planned one may turn out to continue (`domain.inheritance`)."""
    timeout: timedelta = timedelta(seconds=10)
    """Of one request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What follows for one booking: store it, send, look, tell; plan again at `wake`."""

    booking: Booking
    sends: tuple[Send, ...] = ()
    looks: tuple[LookAt, ...] = ()
    told: tuple[Told, ...] = ()
    wake: datetime | None = None


class Draft:
    """A plan in the making; the deciding functions take it in turn."""

    def __init__(
        self,
        booking: Booking,
        view: View,
        around: Surroundings,
        now: datetime,
        busy: frozenset[Mark],
    ) -> None:
        self.booking = booking
        self.view = view
        self.around = around
        self.now = now
        self._busy = busy
        self._sends: list[Send] = []
        self._looks: dict[Look, LookAt] = {}
        self._told: list[Told] = []
        self._wake: datetime | None = None

    def change(self, **changes: Any) -> None:
        """Replace fields of the row."""
        self.booking = replace(self.booking, **changes)

    def change_dial(self, endpoint: str, **changes: Any) -> Dial:
        """Replace fields of one dial; entering another state notes when."""
        dials = []
        changed = None
        for dial in self.booking.dials:
            after = dial
            if dial.target.endpoint == endpoint:
                if changes.get("state", dial.state) is not dial.state:
                    changes.setdefault("since", self.now)
                after = changed = replace(dial, **changes)
            dials.append(after)
        if changed is None:
            raise KeyError(endpoint)
        self.change(dials=tuple(dials))
        return changed

    def under_way(self, mark: Mark) -> bool:
        """Whether a request for this purpose has not been answered yet."""
        return mark in self._busy

    def send(self, mark: Mark, write: Write, bridge: str = "") -> None:
        """Want a write; one for the same purpose must not be under way."""
        self._sends.append(Send(mark=mark, write=write, bridge=bridge))

    def look(self, what: Look, *, audit: bool = False) -> None:
        """Want a look, unless one like it is under way."""
        if ("look", what) in self._busy:
            return
        known = self._looks.get(what)
        if known is None or known.audit:
            self._looks[what] = LookAt(look=what, audit=audit)

    def tell(self, event: str, level: str = "info", **keys: Any) -> None:
        """Want a log line and a line of the story."""
        self._told.append(Told(event=event, keys=keys, level=level))

    def wake_at(self, moment: datetime) -> None:
        """Plan again at the moment, or sooner."""
        if self._wake is None or moment < self._wake:
            self._wake = moment

    def fresh(self, moment: datetime | None, age: timedelta = FRESH) -> bool:
        """Whether a look that began at the moment is young enough."""
        return moment is not None and self.now - moment <= age

    @property
    def prefetch(self) -> timedelta:
        """How long before a dial is due the call is looked into, and what was seen then counts."""
        return min(PREFETCH + self.around.starting * PREFETCH_EACH, PREFETCH_MOST)

    def done(self) -> Plan:
        """Return the plan."""
        return Plan(
            booking=self.booking,
            sends=tuple(self._sends),
            looks=tuple(self._looks.values()),
            told=tuple(self._told),
            wake=self._wake,
        )
