"""Builders of iCalendar text, and one short way to work it out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cospaced.calendars.job import Expansion, Job, work_out
from cospaced.domain.timespan import Timespan


BERLIN = ZoneInfo("Europe/Berlin")


def event(*lines: str, uid: str = "u1", stamp: str = "20261101T000000Z") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", f"DTSTAMP:{stamp}", *lines, "END:VEVENT"])


def calendar(*components: str, head: Iterable[str] = ()) -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN", *head, *components]
    return ("\n".join([*lines, "END:VCALENDAR"]) + "\n").replace("\n", "\r\n").encode()


def vtimezone(tzid: str, standard: str = "+0100", daylight: str = "+0200") -> str:
    """A zone with the European days of change, as Outlook writes it."""
    return "\n".join([
        "BEGIN:VTIMEZONE",
        f"TZID:{tzid}",
        "BEGIN:STANDARD",
        "DTSTART:16010101T030000",
        f"TZOFFSETFROM:{daylight}",
        f"TZOFFSETTO:{standard}",
        "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10",
        "END:STANDARD",
        "BEGIN:DAYLIGHT",
        "DTSTART:16010101T020000",
        f"TZOFFSETFROM:{standard}",
        f"TZOFFSETTO:{daylight}",
        "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3",
        "END:DAYLIGHT",
        "END:VTIMEZONE",
    ])  # fmt: skip


def window(first: str = "2026-11-23", last: str = "2026-12-23") -> Timespan:
    """From midnight to midnight in Berlin."""
    start, end = (datetime.fromisoformat(day).replace(tzinfo=BERLIN) for day in (first, last))
    return Timespan(start.astimezone(UTC), end.astimezone(UTC))


def expanded(
    data: bytes, covered: Timespan | None = None, *, address: str = "", zone: str = "Europe/Berlin"
) -> Expansion:
    job = Job(data=data, body=b"", covered=covered or window(), time_zone=zone, address=address)
    return work_out(job)


def times(result: Expansion) -> list[str]:
    """Each occurrence as `11-23T09:00/11-23T10:00`, in UTC."""
    return [f"{o.start:%m-%dT%H:%M}/{o.end:%m-%dT%H:%M}" for o in result.occurrences]


def texts(result: Expansion) -> list[str]:
    return [problem.text for problem in result.problems]


@dataclass(frozen=True)
class Case:
    """A calendar and what must come of it."""

    data: bytes
    times: list[str]
    days: tuple[str, str] = ("2026-11-23", "2026-12-23")
    problems: list[str] = field(default_factory=list)
    """A piece of each problem's text, in order."""
    zone: str = "Europe/Berlin"
    """The daemon's own."""

    def check(self) -> None:
        result = expanded(self.data, window(*self.days), zone=self.zone)
        assert times(result) == self.times
        assert len(texts(result)) == len(self.problems), texts(result)
        for text, piece in zip(texts(result), self.problems, strict=True):
            assert piece in text
