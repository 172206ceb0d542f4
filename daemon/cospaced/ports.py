"""Ports: what the engine asks of the world; each docstring is a contract for its adapters.

`tests/contract` runs one suite on every implementation of a port.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol, TypeVar, runtime_checkable

from cospaced.domain.booking import Booking, StoryEntry
from cospaced.domain.calendar import Reading
from cospaced.domain.installation import (
    Alarm,
    BridgeGroup,
    Database,
    InboundRule,
    Licence,
    Load,
    OutboundRule,
)
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
from cospaced.domain.timespan import Timespan
from cospaced.domain.writes import Outcome, Write
from cospaced.settings import RoomSettings


T = TypeVar("T")


class Clock(Protocol):
    """The only source of time."""

    def now(self) -> datetime:
        """Return the wall clock's time, aware, in UTC; it may step."""

    def monotonic(self) -> float:
        """Return seconds that never step; equal to the running loop's time."""

    async def sleep(self, seconds: float) -> None:
        """Sleep; zero and less yield once."""


class Entropy(Protocol):
    """The only source of chance."""

    def uuid(self) -> str:
        """Return a random UUID, 36 lower-case characters."""

    def uniform(self, low: float, high: float) -> float:
        """Return a number from low to high (jitter)."""

    def token(self, length: int) -> bytes:
        """Return bytes fit for a key."""


class Offload(Protocol):
    """Everything that would block the loop: files, SQLite, blocking libraries."""

    async def run(self, work: Callable[[], T]) -> T:
        """Run `work` off the loop, in the order of the calls; raise what it raises."""


class CalendarSource(Protocol):
    """Reads the calendars of rooms of one `[calendar:NAME]`."""

    async def poll(self, room: RoomSettings, previous: Reading | None, window: Timespan) -> Reading:
        """Read one room's calendar over the window.

        `previous` is the last reading of this room that was accepted, or None; one without a stamp
        holds what is in doubt, and the calendar is read whole. Where the source says that nothing
        changed, the answer has `unchanged` set and the occurrences of `previous` (expanded anew
        where `window` goes past what it covered). An occurrence belongs to the window if it
        overlaps it; one of no length belongs to it if it starts in it. Raises CalendarError
        for anything that is not a whole, trusted calendar: never a shorter list. Ends within the
        calendar's timeout. May be called for several rooms at once.
        """

    async def close(self) -> None:
        """Free what it holds (connections, child processes), within a second."""


@runtime_checkable
class TellingSource(CalendarSource, Protocol):
    """A CalendarSource whose server tells of changes."""

    async def watch(
        self, rooms: Sequence[RoomSettings], on_change: Callable[[Sequence[str]], None]
    ) -> None:
        """Call `on_change` with the names of rooms that changed, within seconds, until cancelled.

        A trigger and no more: what changed is for a poll to see, a change may be missed, and one
        may be told that is none. Returns where the settings want none told; raises nothing.
        """


class Bridge(Protocol):
    """One Call Bridge, spoken to with one keep-alive client.

    Looks raise Unreachable (what it holds is unknown) or ApiError (it refused to tell). Lists are
    whole: all pages are read. Looks at single objects return None where CMS says DoesNotExist.
    Anything may be called concurrently; at most `concurrency` requests are under way, and dials
    go before closes before opens before looks.
    """

    @property
    def name(self) -> str:
        """Its name as told at construction: unique among the bridges of one daemon."""

    @property
    def auditing(self) -> "Bridge":
        """The same bridge for looks that may wait behind everything else."""

    async def status(self) -> BridgeStatus:
        """GET /system/status."""

    async def peers(self) -> tuple[PeerBridge, ...]:
        """GET /callBridges and each of its entries; empty on a standalone server."""

    async def unique_name(self) -> str:
        """Return uniqueName of GET /system/configuration/cluster; empty where it is not told."""

    async def spaces(self, name_filter: str = "") -> tuple[SpaceSummary, ...]:
        """GET /coSpaces[?filter=…], all pages."""

    async def space(self, space: str) -> SeenSpace | None:
        """GET /coSpaces/<id>."""

    async def has_members(self, space: str) -> bool:
        """Whether GET /coSpaces/<id>/coSpaceUsers lists anybody."""

    async def calls(self, space: str = "") -> tuple[SeenCall, ...]:
        """GET /calls[?coSpaceFilter=…], all pages."""

    async def call_age(self, call: str) -> int | None:
        """Return durationSeconds of GET /calls/<id>."""

    async def legs(self, call: str) -> tuple[LegSummary, ...]:
        """GET /calls/<id>/callLegs, all pages; empty where the call does not exist."""

    async def leg(self, leg: str) -> SeenLeg | None:
        """GET /callLegs/<id>."""

    async def call_profiles(self) -> tuple[Profile, ...]:
        """GET /callProfiles, all pages."""

    async def call_leg_profiles(self) -> tuple[Profile, ...]:
        """GET /callLegProfiles, all pages; `name` is read singly where the list lacks it."""

    async def parameter_sets(self) -> tuple[ParameterSet, ...]:
        """GET /cospaceBulkParameterSets, and each of its entries."""

    async def sync_status(self, sync: str) -> str:
        """Return `status` of GET /cospaceBulkSyncs/<id>: `pending`, `complete`, `failed…`."""

    def describe(self, write: Write) -> str:
        """Return the request that `write` would send: method, path, form; no secret, no title."""

    async def write(self, write: Write) -> Outcome:
        """Carry out one write, once. Never raises for anything the bridge does or fails to do."""

    async def close(self) -> None:
        """Free its connections."""


class Installation(Protocol):
    """What an administrator set up on one Call Bridge; only the doctor asks.

    None where the bridge does not know the node (an older version) or gives no right to read it.
    Raises Unreachable as the looks of `Bridge` do.
    """

    async def alarms(self) -> tuple[Alarm, ...] | None:
        """GET /system/alarms."""

    async def database(self) -> Database | None:
        """GET /system/database."""

    async def licences(self) -> tuple[Licence, ...] | None:
        """GET /system/licensing."""

    async def load(self) -> Load | None:
        """GET /system/load, with the bridge's own loadLimit."""

    async def groups(self) -> tuple[BridgeGroup, ...] | None:
        """GET /callBridgeGroups, and each of its entries."""

    async def inbound_rules(self) -> tuple[InboundRule, ...] | None:
        """GET /inboundDialPlanRules, and each of its entries."""

    async def outbound_rules(self) -> tuple[OutboundRule, ...] | None:
        """GET /outboundDialPlanRules, and each of its entries."""


class Store(Protocol):
    """What outlives the process. One transaction a method; everything or nothing.

    Raises StoreUnusable where the disk or the file fails: the caller carries on from memory.
    """

    async def bookings(self) -> tuple[Booking, ...]:
        """Return every row that `forget` has not removed, by id."""

    async def save(self, booking: Booking, story: Sequence[StoryEntry] = ()) -> Booking:
        """Store a row whose `version` is the one loaded (0: new), and lines of its story.

        Returns the row with its new version. Raises StoreConflict if the stored version differs,
        or if another row that is *open* (state open: from the intention to open until the close
        was verified) holds the same number and this one is open too.
        """

    async def tell(self, story: Sequence[StoryEntry]) -> None:
        """Append lines to the stories of bookings."""

    async def story(self, booking: str) -> tuple[StoryEntry, ...]:
        """Return a booking's story in the order in which it happened."""

    async def readings(self) -> dict[str, Reading]:
        """Return the last good snapshot of each room by name."""

    async def save_reading(self, room: str, reading: Reading | None) -> None:
        """Store a room's snapshot in place of the one before; None removes it."""

    async def fact(self, key: str) -> str:
        """Return a small fact (made profile ids, the last site); empty where there is none."""

    async def save_fact(self, key: str, value: str) -> None:
        """Store a small fact."""

    async def forget(self, before: datetime) -> int:
        """Remove rows (and stories) neither planned nor open that ended before; say how many."""

    async def close(self) -> None:
        """Close within a second; what `save` returned for is on disk."""
