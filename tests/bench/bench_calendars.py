"""A large Outlook calendar worked out by the worker pool, beside bare icalendar and its expander.

1,000 UIDs as Outlook writes them (own time zone, attendees, HTML body), three in ten a weekly
series with two moved occurrences and one cancelled. Cold is a new worker's first calendar; the
others find a worker that runs. Bare is icalendar and recurring-ical-events over the same window in
this process, which has no worker, no limit on time, and tells no problems. Medians of three; the
ratio is one of CPU time.
"""

import asyncio
import statistics
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time

import icalendar
import recurring_ical_events
from report import cpu_seconds, ratio, rss_mib, table, tell

from cospaced.calendars.job import Expansion, Job
from cospaced.calendars.workers import WorkerPool
from cospaced.domain.timespan import Timespan
from support.ical import calendar, event, vtimezone


UIDS = 1000
TIMES = 3
MONDAY = datetime(2026, 9, 7, tzinfo=UTC)
COVERED = Timespan(datetime(2026, 11, 22, tzinfo=UTC), datetime(2026, 12, 24, 12, tzinfo=UTC))
ZONE = "Customized Time Zone"
BODY = "<html><body>" + "<p>What was agreed last time; what is to be settled now.</p>" * 12


def outlook(changed: bool = False) -> bytes:
    """Write the calendar; where `changed`, one series begins half an hour later."""
    parts = [vtimezone(ZONE)]
    for n in range(UIDS):
        parts += _series(n, late=changed and n == 0) if n % 10 < 3 else [_single(n)]
    return calendar(*parts, head=("METHOD:PUBLISH", "X-WR-CALNAME:Boardroom"))


def _uid(n: int) -> str:
    return f"040000008200E00074C5B7101A82E008{0:08X}{n:024X}{n * 7919:032X}"


def _single(n: int) -> str:
    return _event(n, MONDAY + timedelta(days=n % 180, hours=n % 9))


def _series(n: int, *, late: bool) -> list[str]:
    start = MONDAY + timedelta(days=n % 5, hours=n % 9, minutes=30 * late)
    weeks = [start + timedelta(weeks=week) for week in (11, 12, 13)]
    rule = ("RRULE:FREQ=WEEKLY;UNTIL=20270630T000000Z;INTERVAL=1;WKST=MO", _at("EXDATE", weeks[0]))
    moved = [_event(n, week + timedelta(hours=1), _at("RECURRENCE-ID", week)) for week in weeks[1:]]
    return [_event(n, start, *rule), *moved]


def _at(name: str, moment: datetime) -> str:
    return f'{name};TZID="{ZONE}":{moment:%Y%m%dT%H%M%S}'


def _event(n: int, start: datetime, *lines: str) -> str:
    people = [
        f'ATTENDEE;CN="Person {n} {m}";ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;RSVP=TRUE:'
        f"\n mailto:person{m}@example.org"
        for m in range(6)
    ]
    return event(
        _at("DTSTART", start),
        _at("DTEND", start + timedelta(minutes=45)),
        f"SUMMARY:Planning {n}",
        'ORGANIZER;CN="Ada":mailto:ada@example.org',
        *people,
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "X-MICROSOFT-CDO-IMPORTANCE:1",
        "CLASS:PUBLIC",
        "TRANSP:OPAQUE",
        f"X-ALT-DESC;FMTTYPE=text/html:{BODY}",
        *lines,
        uid=_uid(n),
    )


def bare(data: bytes) -> int:
    """Work it out with the libraries alone."""
    read = icalendar.Calendar.from_ical(data)
    return len(recurring_ical_events.of(read).between(COVERED.start, COVERED.end))


class Measured:
    """Runs jobs on a pool and keeps what they cost."""

    def __init__(self) -> None:
        self.rows: list[list[object]] = []
        self.bare = 0.0

    def in_process(self, what: str, work: Callable[[], int]) -> None:
        """Measure a function."""
        took, used, found = [], [], 0
        for _ in range(TIMES):
            began, cpu = perf_counter(), process_time()
            found = work()
            used.append((process_time() - cpu) * 1e3)
            took.append((perf_counter() - began) * 1e3)
        self.bare = statistics.median(used)
        wall = statistics.median(took)
        self.rows.append([what, wall, "1 x", self.bare, None, found, None])

    async def cold(self, what: str, job: Job) -> Expansion:
        """Measure the first job of new pools; return the last answer."""
        took, result = [], None
        for _ in range(TIMES):
            pool = WorkerPool(size=1)
            took.append(await self._once(pool, job))
            result = await pool.expand(job, 60)
            await pool.close()
        assert result is not None
        self._tell(what, took, result)
        return result

    async def warm(self, what: str, pool: WorkerPool, job: Job) -> Expansion:
        """Measure jobs on a worker that runs."""
        took = [await self._once(pool, job) for _ in range(TIMES)]
        result = await pool.expand(job, 60)
        self._tell(what, took, result)
        return result

    async def _once(self, pool: WorkerPool, job: Job) -> tuple[float, float, float]:
        before = _worker_cpu(pool)
        began, cpu = perf_counter(), process_time()
        await pool.expand(job, 60)
        ours = process_time() - cpu
        return perf_counter() - began, ours, _worker_cpu(pool) - before

    def _tell(self, what: str, took: list[tuple[float, float, float]], result: Expansion) -> None:
        wall, ours, theirs = (statistics.median(part) * 1e3 for part in zip(*took, strict=True))
        worked = [len(result.occurrences), len(result.kept)]
        self.rows.append([what, wall, ratio(ours + theirs, self.bare), ours, theirs, *worked])


def _worker_cpu(pool: WorkerPool) -> float:
    return sum(cpu_seconds(worker._process.pid) for worker in pool._all)


async def main() -> None:
    """Measure everything once and print."""
    data, other = outlook(), outlook(changed=True)
    measured = Measured()
    measured.in_process("bare libraries, in this process", lambda: bare(data))
    job = Job(data=data, body=b"", covered=COVERED, time_zone="Europe/Berlin")
    first = await measured.cold("a new worker", job)
    assert not first.problems, first.problems[:3]
    pool = WorkerPool(size=1)
    await pool.expand(job, 60)
    await measured.warm("all of it", pool, job)
    again = replace(job, body=first.body, reuse=True)
    await measured.warm("unchanged, yet sent anew", pool, again)
    await measured.warm("one event changed", pool, replace(again, data=other))
    kept = replace(job, data=None, body=first.body)
    await measured.warm("another window, from the kept text", pool, kept)
    memory = sum(rss_mib(worker._process.pid) for worker in pool._all)
    await pool.close()
    tell(f"{UIDS} UIDs, {len(data) / 1e6:.2f} MB; kept compressed: {len(first.body) / 1e3:.0f} kB;")
    tell(f"{len(first.occurrences)} occurrences in {(COVERED.end - COVERED.start).days} days;")
    tell(f"memory of the worker afterwards {memory:.0f} MiB\n")
    head = (
        "worked out",
        "ms",
        "CPU ÷ bare",
        "CPU ms here",
        "of worker",
        "occurrences",
        "UIDs kept",
    )
    table(head, measured.rows)


if __name__ == "__main__":
    asyncio.run(main())
