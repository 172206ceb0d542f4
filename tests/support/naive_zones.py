"""Time zones as an oracle for tests sees them: how they are written, and what wall times mean."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from support.ical import vtimezone


@dataclass(frozen=True, kw_only=True)
class NaiveZone:
    """A zone under the name that a calendar gives it; `iana` is what it means.

    Without `iana` it is one with European days of change and these offsets in minutes, which only
    its VTIMEZONE tells. Without `tzid` times are written in UTC or floating.
    """

    tzid: str = ""
    iana: str = ""
    standard: int = 0
    daylight: int = 0

    def to_utc(self, wall: datetime) -> datetime:
        """Return the moment of a wall time: the first of two, in a gap by the offset before."""
        if self.iana:
            return wall.replace(tzinfo=ZoneInfo(self.iana), fold=0).astimezone(UTC)
        gap = timedelta(minutes=self.daylight - self.standard)
        spring = _last_sunday(wall.year, 3).replace(hour=2) + gap
        autumn = _last_sunday(wall.year, 10).replace(hour=3)
        offset = self.daylight if spring <= wall < autumn else self.standard
        return (wall - timedelta(minutes=offset)).replace(tzinfo=UTC)

    def steady(self, wall: datetime) -> bool:
        """Whether no change of clocks is near."""
        day = timedelta(days=1)
        return self.to_utc(wall + day) - self.to_utc(wall - day) == 2 * day

    @property
    def component(self) -> str:
        """Its VTIMEZONE, or nothing."""
        if self.iana:
            return ""
        return vtimezone(self.tzid, _offset(self.standard), _offset(self.daylight))

    def written(self, name: str, wall: datetime, parameters: str = "") -> str:
        """Write a property that holds a time of this zone."""
        if self.tzid:
            quoted = f'"{self.tzid}"' if any(c in self.tzid for c in ":;,") else self.tzid
            parameters += f";TZID={quoted}"
        return f"{name}{parameters}:{self.value(wall)}"

    def value(self, wall: datetime) -> str:
        """Write a time of it as it stands in a list."""
        return f"{wall:%Y%m%dT%H%M%S}{'Z' if self == UTC_TIMES else ''}"


def _last_sunday(year: int, month: int) -> datetime:
    day = datetime(year, month, 31)  # noqa: DTZ001 - wall times are naive
    return day - timedelta(days=(day.weekday() + 1) % 7)


def _offset(minutes: int) -> str:
    return f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02}{abs(minutes) % 60:02}"


UTC_TIMES = NaiveZone(iana="UTC")
FLOATING = NaiveZone(iana="Europe/Berlin")
"""Read as by a daemon whose `time_zone` is that of Berlin."""
ZONES = (
    UTC_TIMES,
    FLOATING,
    NaiveZone(tzid="Europe/Berlin", iana="Europe/Berlin"),
    NaiveZone(tzid="America/New_York", iana="America/New_York"),
    NaiveZone(tzid="Asia/Kathmandu", iana="Asia/Kathmandu"),
    NaiveZone(tzid="Australia/Lord_Howe", iana="Australia/Lord_Howe"),
    NaiveZone(tzid="/vendor.example/Europe/London", iana="Europe/London"),
    NaiveZone(tzid="W. Europe Standard Time", iana="Europe/Berlin"),
    NaiveZone(tzid="Eastern Standard Time", iana="America/New_York"),
    NaiveZone(tzid="(UTC+05:30) Chennai, Kolkata, Mumbai, New Delhi", iana="Asia/Kolkata"),
    NaiveZone(tzid="Customized Time Zone", standard=60, daylight=120),
    NaiveZone(tzid="(UTC-03:30) Nowhere, Elsewhere", standard=-210, daylight=-150),
    NaiveZone(tzid="Mine: by half", standard=330, daylight=360),
)
