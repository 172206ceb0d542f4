"""The settings of one daemon: frozen values, made from the INI file and used everywhere.

This module knows nothing of INI or of validation (`cospaced.configuration` does) and imports only
pure parts of the standard library, so that the domain may take settings as arguments. Defaults
stand here and nowhere else.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit


STATE_FILE = "state.db"
"""Its name in state_dir."""
_EXCHANGE_ONLINE = (".office365.com", ".office365.us", "outlook.office.com")
_ENTRA = (".microsoftonline.com", ".microsoftonline.us")


class Secret:
    """A password or token that no `repr`, `str` or format ever shows."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value; call it only where it goes on the wire."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __repr__(self) -> str:
        return "********"


class SourceType(StrEnum):
    """Where calendars are read."""

    ICAL = "ical"
    CALDAV = "caldav"
    EXCHANGE = "exchange"
    GRAPH = "graph"


class NumberChoice(StrEnum):
    """How a booking finds its number."""

    STABLE = "stable"
    LOWEST = "lowest"


class PasscodeMode(StrEnum):
    """Whether a conference asks for a passcode."""

    NONE = "none"
    RANDOM = "random"
    FIXED = "fixed"


class ExtendMode(StrEnum):
    """Whether a conference in use goes on past its end."""

    NONE = "none"
    AUTOMATIC = "automatic"


class TitleMode(StrEnum):
    """What a conference is called on screen."""

    SUBJECT = "subject"
    ORGANIZER = "organizer"
    ROOM = "room"


class PrivateMode(StrEnum):
    """What is done with a private event."""

    HIDE = "hide"
    SHOW = "show"
    SKIP = "skip"


class Choice(StrEnum):
    """Whether a kind of event becomes a booking."""

    SKIP = "skip"
    BOOK = "book"


@dataclass(frozen=True, slots=True, kw_only=True)
class DaemonSettings:
    """`[daemon]`."""

    state_dir: Path = Path("/var/lib/cospaced")
    poll_interval: timedelta = timedelta(seconds=60)
    booking_window: timedelta = timedelta(days=30)
    time_zone: str = "UTC"
    """IANA name; the reader puts the machine's zone here when the file names none."""
    include: str = ""
    stale_after: timedelta = timedelta(minutes=15)
    stale_limit: timedelta = timedelta(hours=24)
    log_level: str = "info"
    """`debug`, `info`, `warning` or `error`."""
    log_format: str = "journal"
    """`journal`, `json` or `console`."""
    log_titles: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSettings:
    """`[bridge:NAME]`: where one Call Bridge differs from `[cms]`; None: as there."""

    name: str
    address: str | None = None
    username: str | None = None
    password: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CmsSettings:
    """`[cms]`."""

    address: str
    """Base URL without a path: `https://host[:port]`."""
    username: str
    password: Secret
    ca_file: Path | None = None
    verify: bool = True
    call_bridges: tuple[str, ...] | None = None
    """None: `auto`; empty: `none`; else base URLs."""
    concurrency: int = 8
    timeout: timedelta = timedelta(seconds=10)
    dial_rate: float | None = None
    """Call legs started in a second, over all Call Bridges; None: no limit."""
    web_bridge: str = ""
    bridges: tuple[BridgeSettings, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSettings:
    """`[pool]`: the numbers base … base + quantity - 1."""

    domain: str
    numeric_id_base: int
    numeric_id_quantity: int
    numeric_id_choice: NumberChoice = NumberChoice.STABLE
    space_name_prefix: str = "cospaced_"
    adopt_prefix: str = ""
    call_profile: str = ""
    """Empty: made by us."""
    call_leg_profile: str = ""

    @property
    def numbers(self) -> range:
        """Every number of the pool."""
        return range(self.numeric_id_base, self.numeric_id_base + self.numeric_id_quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConferenceSettings:
    """`[conferences]`."""

    early_join: timedelta = timedelta(minutes=5)
    close_after: timedelta = timedelta(0)
    passcode: PasscodeMode = PasscodeMode.NONE
    passcode_digits: str = ""
    """The passcode itself where the mode is `fixed`."""
    passcode_length: int = 6
    """How many digits where the mode is `random`."""
    extend_mode: ExtendMode = ExtendMode.NONE
    extend_step: timedelta = timedelta(minutes=15)
    extend_times: int = 16
    end_warnings: tuple[timedelta, ...] = (timedelta(minutes=5), timedelta(minutes=1))
    """Longest first."""
    title: TitleMode = TitleMode.SUBJECT
    private: PrivateMode = PrivateMode.HIDE
    tentative: Choice = Choice.SKIP
    all_day: Choice = Choice.SKIP
    other_video: Choice = Choice.SKIP
    min_rooms: int = 2
    max_duration: timedelta = timedelta(hours=12)
    dial_attempts: int = 3
    dial_interval: timedelta = timedelta(seconds=30)
    dial_late: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarSettings:
    """`[calendar:NAME]`."""

    name: str
    type: SourceType
    timeout: timedelta = timedelta(seconds=30)
    url: str = ""
    username: str = ""
    password: Secret | None = None
    ca_file: Path | None = None
    verify: bool = True
    server: str = ""
    auth: str = "ntlm"
    access: str = "impersonation"
    tenant_id: str = ""
    client_id: str = ""
    client_secret: Secret | None = None
    max_connections: int = 4
    notifications: str = "streaming"
    organizer_copies: bool = False
    authority: str = "https://login.microsoftonline.com"
    graph_url: str = "https://graph.microsoft.com"

    @property
    def at_once(self) -> int:
        """How many rooms of one server are read at once.

        Where worker processes read them, as many as there are: a poll that waits for a worker would
        use up its time.
        """
        match self.type:
            case SourceType.EXCHANGE:
                return self.max_connections
            case SourceType.CALDAV:
                return 4
            case _:
                return 16

    @property
    def in_exchange_online(self) -> bool:
        """Whether a calendar of type exchange is in Microsoft's cloud.

        The server says so, not OAuth, nor Entra as the authority: an Exchange Server with (hybrid)
        modern authentication has both. Only before Autodiscover has found the server they must do.
        """
        if self.server == "autodiscover":
            return self.auth == "oauth" and _host(self.authority).endswith(_ENTRA)
        return _host(self.server).endswith(_EXCHANGE_ONLINE)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoomSettings:
    """`[room:NAME]`; exactly one of `path`, `url` and `mailbox` is set."""

    name: str
    calendar: str
    path: Path | None = None
    url: str = ""
    """Absolute: the reader has joined it to the calendar's own `url`."""
    mailbox: str = ""
    endpoints: tuple[str, ...] = ()
    address: str = ""
    dial: bool = True
    always: bool = False
    dtmf: str = ""
    bandwidth: int | None = None
    """Bits per second."""
    call_bridge_group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything one daemon is told."""

    file: Path
    daemon: DaemonSettings
    cms: CmsSettings
    pool: PoolSettings
    conferences: ConferenceSettings
    calendars: tuple[CalendarSettings, ...] = ()
    rooms: tuple[RoomSettings, ...] = ()
    warnings: tuple[str, ...] = field(default=(), compare=False)
    """Sentences that every start logs (secrets others can read, verify = no)."""

    def calendar(self, name: str) -> CalendarSettings:
        """Return a calendar by name; KeyError where there is none."""
        for calendar in self.calendars:
            if calendar.name == name:
                return calendar
        raise KeyError(name)

    def room(self, name: str) -> RoomSettings | None:
        """Return a room by name, or None."""
        return next((r for r in self.rooms if r.name == name), None)
