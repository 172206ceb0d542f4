"""Knobs: what differs from one Exchange to the next, and what an operator may set.

They may be replaced at any time (`exchange.knobs = dataclasses.replace(exchange.knobs, …)`).
"""

from dataclasses import dataclass


SCHEMAS = (
    *("Exchange2007", "Exchange2007_SP1", "Exchange2010", "Exchange2010_SP1", "Exchange2010_SP2"),
    *("Exchange2013", "Exchange2013_SP1", "Exchange2015", "Exchange2016"),
)
"""RequestServerVersion, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """Durations are seconds, rates are probabilities from 0 to 1."""

    build: tuple[int, int, int, int] = (15, 2, 1544, 4)
    schema: str = "V2017_07_11"
    versions: tuple[str, ...] = SCHEMAS
    """What RequestServerVersion may say; anything else is ErrorInvalidServerVersion."""

    schemes: tuple[str, ...] = ("Basic", "NTLM", "Bearer")
    """The ways of logging in that are offered."""
    token_seconds: float = 3599.0
    """How long an access token holds."""
    ews_enabled: bool = True
    """False: every request is forbidden (403), as in a tenant whose EWSEnabled is false."""
    autodiscover: bool = True
    """False: nothing is at the path of Autodiscover."""

    find_limit: int = 1000
    """A calendar view of more without MaxEntriesReturned is ErrorExceededFindCountLimit."""
    page_limit: int = 1000
    """Most items on a page of an indexed view."""
    bare_sync_error: bool = False
    """Leave SyncState and IncludesLastItemInRange out of a SyncFolderItems error."""
    dated_orphan_uid: bool = False
    """The UID of an occurrence that came without its series carries its date, as in 2007."""

    request_limit: int = 27
    """Requests under way at once for one budget (EWSMaxConcurrency): an impersonated mailbox's, or
    the account's own."""
    stream_limit: int = 10
    """Streams that an account may hold open (HangingConnectionLimit: 3 in 2013, 10 online)."""
    stream_minute: float = 60.0
    """How long a minute of a stream's ConnectionTimeout takes."""
    heartbeat: float = 45.0
    """A stream without events says that it lives this often."""
    subscription_seconds: float = 1800.0
    """A subscription that nobody listens to is forgotten after."""

    corrupt_subjects: frozenset[str] = frozenset()
    """Items with such a subject are listed, and their details cannot be told."""
    corrupt_code: str = "ErrorItemCorrupt"
    """What is told of them instead."""

    cancelled_prefix: str = "Canceled: "
    """What a cancelled event's subject starts with, in the mailbox's language."""

    latency: tuple[float, float] = (0.0, 0.0)
    """Drawn from low to high for each request, before its effect."""
    busy_rate: float = 0.0
    """Requests answered with ErrorServerBusy, without effect."""
    reset_rate: float = 0.0
    """Connections reset between the effect and the answer."""
