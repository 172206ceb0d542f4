"""What a worker or a listener is asked, and what it answers; known to both processes."""

import json
import zlib
from dataclasses import asdict, dataclass, field

from cospaced.calendars.organizer_copies import Version
from cospaced.domain.calendar import EventProblem, Occurrence
from cospaced.domain.spoilt_title import Event
from cospaced.domain.timespan import Timespan
from cospaced.settings import CalendarSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """What of an item only GetItem tells; an item with the same change key has the same."""

    change_key: str
    uid: str = ""
    organizer: str = ""
    organizer_name: str = ""
    sequence: int = 0
    stamp: str = ""
    """PidLidOwnerCriticalChange, ISO 8601, or empty."""
    replaces: str = ""
    """PidLidExceptionReplaceTime, likewise."""
    other_video: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Read one mailbox.

    `state` is the SyncState of the reading before, `body` its details. `fresh`: the calendar view
    is wanted even if nothing changed since. `login`: log in anew.
    """

    settings: CalendarSettings
    mailbox: str
    covered: Timespan
    time_zone: str
    state: str = ""
    body: bytes = b""
    fresh: bool = True
    login: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a mailbox said; `unchanged`: nothing since `state`, and no view was made.

    `lacking`: the details of something that it shows could not be told.
    """

    state: str
    requests: int
    unchanged: bool = False
    lacking: bool = False
    body: bytes = b""
    occurrences: tuple[Occurrence, ...] = ()
    versions: tuple[Version, ...] = ()
    """One for each occurrence."""
    problems: tuple[EventProblem, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class LookAtOrganizers:
    """Look at the organizers' own copies of events; the answer is `organizer_looks.Answers`.

    `mailbox` is the room's. After `seconds` no further one is begun, and none takes longer.
    `login`: log in anew.
    """

    settings: CalendarSettings
    mailbox: str
    events: tuple[Event, ...]
    seconds: float
    login: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """Listen to mailboxes, 200 at most, for as long as one stream lasts.

    The stream has failed when it was silent for `patience` seconds: signs of life are due on it.
    """

    settings: CalendarSettings
    mailboxes: tuple[str, ...]
    patience: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """One of many answers: mailboxes in which something changed, or that the listener lives."""

    changed: tuple[str, ...] = ()
    streaming: bool = False
    """The stream has begun; `refused` says of which mailboxes nothing will be heard, and why."""
    refused: tuple[tuple[str, str], ...] = ()
    over: bool = False
    """The stream has ended in its time; this is the last answer."""


def packed(details: dict[str, Details]) -> bytes:
    """Return details by item id as they are stored."""
    rows = {key: list(asdict(one).values()) for key, one in details.items()}
    return zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)


def unpacked(body: bytes) -> dict[str, Details]:
    """Return stored details; none where they are damaged, and then they are read again."""
    names = Details.__dataclass_fields__
    try:
        rows = json.loads(zlib.decompress(body)) if body else {}
        return {key: Details(**dict(zip(names, row, strict=True))) for key, row in rows.items()}
    except (zlib.error, ValueError, TypeError, AttributeError):
        return {}
