"""What a CalDAV worker is asked, and what it answers.

A poll is one `Look`, which costs one small request, and where that found something a `Fetch`, to
which alone the calendar as it was read before goes along. Nothing is kept in the worker but
connections.
"""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cospaced.calendars.job import Expansion
from cospaced.calendars.stamps import Stamp
from cospaced.domain.timespan import Timespan
from cospaced.settings import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Who asks, and whom he trusts."""

    url: str = ""
    """The calendar's base URL; may be empty."""
    username: str = ""
    password: Secret | None = None
    ca_file: Path | None = None
    verify: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CaldavStamp(Stamp):
    """What a reading remembers of a collection; all tokens are the server's own words."""

    collection: str
    """Its absolute URL, which discovery may have found."""
    token: str = ""
    """The sync-token to ask with next; empty: the server has none that can be used."""
    young: str = ""
    """The newest sync-token, while it is too young to be asked with (quirks.py)."""
    refused: int = 0
    """How many sync-tokens in a row the server did not take, though they were its own."""
    ctag: str = ""
    members: str = ""
    """Digest of the members' hrefs and ETags, where there is neither token nor CTag."""
    broken: int = 0
    """How many members could not be read."""
    login: str = ""
    """The scheme of the login that the server takes: `basic`, `digest`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A resource of a collection as an answer names it; `href` as the server writes it."""

    href: str
    key: str
    """Its path in one fixed spelling: what it is known by."""
    etag: str = ""
    """Empty where none was told."""
    gone: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Whether a collection changed since its stamp.

    `deadline` is on the monotonic clock, which the daemon and its workers share; `now` is the
    daemon's clock, for servers that do not tell theirs.
    """

    account: Account
    stamp: CaldavStamp
    covered: Timespan
    deadline: float
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a look found. `stamp` is what to go on with.

    `changes` are the members that changed or went: none where nothing did, None where only reading
    the whole collection can tell.
    """

    stamp: CaldavStamp
    changes: tuple[Member, ...] | None = ()
    requests: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """Read a room's calendar: what `looked` says has changed, or, where that is None, all of it.

    `url` is the room's. `body` is that of the reading before (empty: there is none), `reuse` says
    that events as in `body` may be left as they are: window and settings are the same.
    """

    account: Account
    url: str
    looked: Looked | None
    login: str = ""
    body: bytes = b""
    reuse: bool = False
    covered: Timespan
    time_zone: str
    """IANA name for floating times and days."""
    address: str = ""
    """The room's own mail address."""
    deadline: float
    now: datetime
    meant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched(Expansion):
    """A calendar read and worked out; see Expansion."""

    stamp: CaldavStamp
    requests: int
