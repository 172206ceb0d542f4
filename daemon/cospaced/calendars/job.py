"""What a worker is asked for one calendar, and what it answers; also the work itself, pure.

A feed mostly changes in one event. So a job carries the calendar as it was read before, and only
the UIDs whose text differs are worked out again; the others are answered by name. Nothing is kept
in the worker: it may be killed at any moment.
"""

import zlib
from collections.abc import Iterable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime

from cospaced.calendars import icalendar_text
from cospaced.calendars.expand import Guard, expand_group
from cospaced.calendars.quirks import download_stamp
from cospaced.calendars.zones import ZoneBook
from cospaced.domain.calendar import EventProblem, Occurrence
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError


MOST_OCCURRENCES = 100_000
_FAST = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A calendar to work out over a window.

    `data` is what was read; None: nothing was, and `body` is worked out over a new window.
    `body` is that of the reading before (empty: there is none). `reuse` says that UIDs whose text
    is as in `body` may be left as they are: window and settings are the same.
    """

    data: bytes | None
    body: bytes
    covered: Timespan
    time_zone: str
    """IANA name for floating times and days."""
    address: str = ""
    """The room's own mail address."""
    reuse: bool = False
    read_at: datetime | None = None
    """When `data` was downloaded; None where its DTSTAMPs cannot be those of the download."""
    room: str = ""
    """The room's name, by which its jobs are known from those of others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expansion:
    """A calendar worked out. `body` goes into the reading; `kept` are the UIDs left as they were.

    Occurrences and problems are those of all other UIDs.
    """

    body: bytes
    occurrences: tuple[Occurrence, ...] = ()
    problems: tuple[EventProblem, ...] = ()
    kept: frozenset[str] = frozenset()


def work_out(job: Job, guard: Guard = nullcontext) -> Expansion:
    """Do a job.

    Raises CalendarError (`not_a_calendar`, `truncated`, `too_large`; `unreadable` where there is
    nothing but a damaged `body`).
    """
    before = _kept_text(job)
    calendar = icalendar_text.read(before if job.data is None else job.data, job.address)
    if job.data is not None and job.read_at is not None:
        calendar = download_stamp.without(calendar, job.read_at)
    kept = _unchanged(calendar, before, job.address) if job.reuse and before else frozenset[str]()
    occurrences, problems = expanded(
        calendar,
        [uid for uid in calendar.groups if uid not in kept],
        job.covered,
        time_zone=job.time_zone,
        address=job.address,
        guard=guard,
    )
    return Expansion(
        body=job.body if job.data is None else zlib.compress(calendar.reduced(), _FAST),
        occurrences=occurrences,
        problems=(*calendar.problems, *problems),
        kept=kept,
    )


def expanded(
    calendar: icalendar_text.CalendarText,
    uids: Iterable[str],
    covered: Timespan,
    *,
    time_zone: str,
    address: str,
    guard: Guard,
) -> tuple[tuple[Occurrence, ...], tuple[EventProblem, ...]]:
    """Return the occurrences of some UIDs in order, and what of them was not understood.

    Raises CalendarError(`too_large`).
    """
    books = [ZoneBook(scope, time_zone) for scope in calendar.scopes]
    occurrences: list[Occurrence] = []
    problems: list[EventProblem] = []
    for uid in uids:
        found, told = expand_group(calendar, uid, covered, books, address=address, guard=guard)
        occurrences += found
        problems += told
        if len(occurrences) > MOST_OCCURRENCES:
            raise CalendarError(
                "too_large",
                f"it has more than {MOST_OCCURRENCES} occurrences from {covered.start:%Y-%m-%d}"
                f" to {covered.end:%Y-%m-%d}",
            )
    return tuple(sorted(occurrences, key=lambda o: (o.start, o.key))), tuple(problems)


def _kept_text(job: Job) -> bytes:
    try:
        return zlib.decompress(job.body) if job.body else b""
    except zlib.error as error:
        if job.data is not None:
            return b""
        raise CalendarError("unreadable", f"its stored text is damaged ({error})") from error


def _unchanged(
    calendar: icalendar_text.CalendarText, before: bytes, address: str
) -> frozenset[str]:
    old = icalendar_text.read(before, address).digests()
    return frozenset(uid for uid, digest in calendar.digests().items() if old.get(uid) == digest)
