"""A booking: one conference to be held, as it is stored.

A row is never changed, only replaced (`dataclasses.replace`); `version` is the store's
compare-and-set counter. Everything that must survive a crash between two requests is here, and is
stored before the request that it speaks of.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cospaced.domain.timespan import Timespan
from cospaced.settings import ConferenceSettings


class State(StrEnum):
    """Where a booking is in its life; `domain.lifecycle` says what may follow what."""

    PLANNED = "planned"
    OPEN = "open"
    CLOSED = "closed"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    MISSED = "missed"


class DialState(StrEnum):
    """Where the dialling of one endpoint is."""

    DUE = "due"
    """Waits for its moment (`not_before`)."""
    INTENDED = "intended"
    """Stored before the request; met after a restart it is a doubt."""
    DOUBT = "doubt"
    """The request may or may not have taken effect; only a look after `not_before` tells."""
    PLACED = "placed"
    """CMS has a call leg."""
    CONNECTED = "connected"
    LEFT = "left"
    """Was connected and hung up: left in peace."""
    GAVE_UP = "gave_up"
    """Attempts or time are used up; `reason` says why."""
    DROPPED = "dropped"
    """We hung up, because its room left the booking."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An endpoint to dial, with what its room's settings said when the booking opened."""

    endpoint: str
    room: str
    dtmf: str = ""
    bandwidth: int | None = None
    call_bridge_group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """The dialling of one target; attempts are numbered over the booking's life from 1."""

    target: Target
    state: DialState = DialState.DUE
    attempt: int = 0
    base: int = 0
    """Attempts made in calls that a Call Bridge lost, or before its room left; limits count from
    here."""
    owner_id: str = ""
    """UUIDv5(booking, endpoint, attempt): how a look recognises the leg as ours."""
    due: datetime
    """From when it is due: the booking's start, or when its room was added; lateness counts."""
    at: datetime | None = None
    """When this attempt was intended."""
    since: datetime | None = None
    """When the present state was entered."""
    not_before: datetime | None = None
    freed_at: datetime | None = None
    """When we hung up on it elsewhere for this call: a busy just after that is no attempt."""
    bridge: str = ""
    call: str = ""
    leg: str = ""
    reason: str = ""

    @property
    def live(self) -> bool:
        """Whether a leg of ours is, or may be, in a call."""
        return self.state in _LIVE


_LIVE = (DialState.INTENDED, DialState.DOUBT, DialState.PLACED, DialState.CONNECTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceForm:
    """What an open space is told: the fields of the PUT that opens and extends it."""

    name: str
    passcode: str
    secret: str
    cdr_tag: str
    scheduler: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Booking:
    """One row.

    `id` = UUIDv5(uid, recurrence_id[, generation]); `generation` counts earlier rows of the same
    occurrence that had run before it was moved. `start`, `end`, `title`, `rooms` follow the
    calendars. `number` is the slot, None while none was free. `terms` and `dials` are
    fixed when the space opens, so that a reload does not touch a running conference.
    """

    id: str
    uid: str
    recurrence_id: str = ""
    generation: int = 0
    organizer: str = ""
    organizer_name: str = ""
    title: str = ""
    private: bool = False
    start: datetime
    end: datetime
    rooms: tuple[str, ...] = ()
    state: State = State.PLANNED
    reason: str = ""
    number: int | None = None
    early: bool = True
    """Opens `early_join` before the start; given up where the slot is needed by another."""
    held_until: datetime | None = None
    """When a conference ended for which it waited, because that held its rooms."""
    passcode: str = ""
    secret: str = ""
    terms: ConferenceSettings = field(default_factory=ConferenceSettings)
    form: SpaceForm | None = None
    """The last form that CMS was told *and* confirmed; differs from the wanted one: PUT again."""
    refused_texts: tuple[str, ...] = ()
    """A name or scheduler for its space that CMS refused; see `domain.decoration`."""
    opened_at: datetime | None = None
    call_asked_at: datetime | None = None
    """When POST /calls was intended; None once a look or an answer has shown the call."""
    call_seen_at: datetime | None = None
    """When a call for the space was last known to exist."""
    call_bridge: str = ""
    """The Call Bridge that holds it: restarted since then, it lost the call."""
    ended_by_people: bool = False
    """Its call vanished while the bridge kept running: nothing is dialled again."""
    adopted_at: datetime | None = None
    """Found open on CMS without a row (state lost)."""
    dials: tuple[Dial, ...] = ()
    extensions: int = 0
    extended_to: datetime | None = None
    warned: tuple[int, ...] = ()
    """Seconds before the end in force whose warning has been shown."""
    closing: str = ""
    """Why it is being closed; stored before the close, cleared by nothing."""
    locked_at: datetime | None = None
    """When the PUT that closes the space was confirmed; its calls are ended after that."""
    edited: bool = False
    """An operator's edit of the open space was seen and told; it stands until close."""
    cancelled_at: datetime | None = None
    """Its event vanished or was cancelled while it was open: one warning, then close."""
    detached: bool = False
    """Runs on without its event (moved, edited as a series): calendars no longer speak to it."""
    not_before: datetime | None = None
    """Back-off after a refusal or an unreachable bridge."""
    created_at: datetime
    version: int = 0

    @property
    def span(self) -> Timespan:
        """When the calendars say it takes place."""
        return Timespan(self.start, self.end)

    @property
    def ends_at(self) -> datetime:
        """The end in force: the calendars', or later where it was extended."""
        return self.end if self.extended_to is None else max(self.end, self.extended_to)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoryEntry:
    """One line of a booking's story: what was seen, decided, asked or answered, and when."""

    booking: str
    at: datetime
    event: str
    """`seen`, `decided`, `asked`, `answered`, `looked`."""
    text: str
