"""What people write into room calendars, in words of no protocol.

A writer of `source_writers.py` says each of these in the way of one kind of calendar. Times are
wall times in the event's own zone, as the person had them before their eyes.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from cospaced.domain.calendar import Answer, Busy


HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whoever invites; `mail` in any case."""

    mail: str
    name: str = ""


ADA = Person(mail="ada@example.org", name="Ada Lovelace")


@dataclass(frozen=True, kw_only=True)
class OwnZone:
    """A zone that a calendar program made up, with Europe's days of change."""

    name: str
    standard: timedelta
    daylight: timedelta


@dataclass(frozen=True, kw_only=True)
class UnknownZone:
    """A zone that the calendar names and nobody can know: the event cannot be understood."""

    name: str = "Middle-earth/Shire"


Zone = str | OwnZone | UnknownZone
"""An IANA name, or what a calendar program says instead."""


class Every(StrEnum):
    """What a series repeats by."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """How a series goes on: without end, `times` in all, or up to the day `until` (included).

    `on` are weekdays (0: Monday); empty: that of the start. `nth` takes the nth of them in a month,
    -1 the last.
    """

    every: Every
    interval: int = 1
    times: int | None = None
    until: date | None = None
    on: tuple[int, ...] = ()
    nth: int = 0


@dataclass(frozen=True, kw_only=True)
class Changed:
    """An occurrence of a series that differs from it; what is None is as in the series.

    `of` is its original start. `removed`: taken out of the series.
    """

    of: datetime
    start: datetime | None = None
    length: timedelta | None = None
    title: str | None = None
    removed: bool = False


@dataclass(frozen=True, kw_only=True)
class Event:
    """An event as it stands in one room's calendar.

    `length` is that on the clock on the wall: from 23:00 to 7:00 are eight hours, in every night.
    `rooms` are all the rooms that are invited, `answer` is that of the room whose copy this is (the
    others accepted); NONE: the copy says nothing of answers. `revision` counts the organizer's
    updates. `part_of`: this is one occurrence of a series, with that original start, and the
    room was invited to it alone. All-day events last whole days from the start's date.
    """

    id: str = "one@example.org"
    start: datetime
    length: timedelta = HOUR
    zone: Zone = "Europe/Berlin"
    all_day: bool = False
    title: str = "Planning"
    organizer: Person | None = ADA
    rooms: tuple[str, ...] = ("aula",)
    repeats: Repeats | None = None
    changed: tuple[Changed, ...] = ()
    part_of: datetime | None = None
    busy: Busy = Busy.BUSY
    answer: Answer = Answer.ACCEPTED
    cancelled: bool = False
    private: bool = False
    link: str = ""
    """Of a video conference elsewhere."""
    revision: int = 0
