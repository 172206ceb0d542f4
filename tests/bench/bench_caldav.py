"""A poll of a calendar of 500 events on CalDAV servers, beside a bare search by the library.

Three in ten are weekly series. The bare search is what the caldav library does for the same window
in this process, login known: one calendar-query, and every event parsed. Ours has what the daemon
spends, and what its worker does. Medians, after one poll that starts the worker.
"""

import asyncio
import statistics
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time

import httpx
from caldav import aio
from report import cpu_seconds, ratio, rss_mib, table, tell

from cospaced.calendars.caldav.source import MODULE, CaldavSource
from cospaced.calendars.workers import WorkerPool
from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.host.clock import SystemClock
from cospaced.settings import CalendarSettings, RoomSettings, Secret, SourceType
from support import caldav_servers
from support.caldav_servers import PASSWORD, CaldavServer
from support.ical import calendar, event


EVENTS = 500
TIMES = 9
MONDAY = datetime(2026, 11, 23, tzinfo=UTC)
WINDOW = Timespan(MONDAY, MONDAY + timedelta(days=30))


def one(n: int, minutes: int = 45) -> bytes:
    """Write an event as its own resource."""
    start = MONDAY + timedelta(days=n % 28, hours=n % 9)
    people = [
        f"ATTENDEE;PARTSTAT=ACCEPTED;RSVP=TRUE:mailto:person{m}@example.org" for m in range(5)
    ]
    rule = ["RRULE:FREQ=WEEKLY;COUNT=40"] if n % 10 < 3 else []
    return calendar(
        event(
            f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
            f"DURATION:PT{minutes}M",
            f"SUMMARY:Planning {n}",
            "ORGANIZER:mailto:ada@example.org",
            "DESCRIPTION:" + "What was agreed last time. " * 12,
            *people,
            *rule,
            uid=f"n{n}",
        )
    )


@dataclass
class Measured:
    """The costs of one way, each time it was gone."""

    pool: WorkerPool
    wall: list[float] = field(default_factory=list)
    here: list[float] = field(default_factory=list)
    worker: list[float] = field(default_factory=list)

    async def add(self, work: Callable[[], Awaitable[object]]) -> None:
        """Go it once."""
        before = self._of_workers()
        began, cpu = perf_counter(), process_time()
        await work()
        self.wall.append(perf_counter() - began)
        self.here.append(process_time() - cpu)
        self.worker.append(self._of_workers() - before)

    def row(self, what: str, requests: int, bare: "Measured | None") -> list[object]:
        """Return its line; ratios are of all the client's CPU, and of the time that passed."""
        wall, here = statistics.median(self.wall), statistics.median(self.here)
        # A worker's CPU is told in hundredths of a second: only its mean means something.
        worker = statistics.mean(self.worker)
        of_wall = of_cpu = "1 x"
        if bare is not None:
            of_wall = ratio(wall, statistics.median(bare.wall))
            of_cpu = ratio(here + worker, statistics.median(bare.here))
        return [what, requests, wall * 1e3, of_wall, here * 1e3, worker * 1e3, of_cpu]

    def _of_workers(self) -> float:
        return sum(cpu_seconds(worker._process.pid) for worker in self.pool._all)


async def measure(server: CaldavServer) -> None:
    """Measure one server and print its table."""
    scheme = "https" if server.secure else "http"
    base = f"{scheme}://127.0.0.1:{server.process.port}"
    async with server.calendar() as its:
        its.fill({f"n{n}": one(n) for n in range(EVENTS)})
        pool = WorkerPool(size=1, module=MODULE)
        settings = CalendarSettings(
            name="dav",
            type=SourceType.CALDAV,
            username="aula",
            password=Secret(PASSWORD),
            verify=False,
            timeout=timedelta(seconds=60),
        )
        source = CaldavSource(settings, time_zone="UTC", workers=lambda: pool, clock=SystemClock())
        room = RoomSettings(name="aula", calendar="dav", url=base + its.path)
        bare, asked = await _bare(base, base + its.path, pool)
        whole, same, changed = Measured(pool), Measured(pool), Measured(pool)
        reading: Reading = await source.poll(room, None, WINDOW)
        rows = [bare.row("bare search", asked, None)]

        async def poll(previous: Reading | None) -> None:
            nonlocal reading
            reading = await source.poll(room, previous, WINDOW)

        for _ in range(3):
            await whole.add(lambda: poll(None))
        rows.append(whole.row("a first reading", reading.requests, bare))
        for n in range(TIMES):
            await its.put("n5", one(5, minutes=30 + n))
            await changed.add(lambda: poll(reading))
        rows.append(changed.row("one event changed", reading.requests, bare))
        for _ in range(5 * TIMES):
            await same.add(lambda: poll(reading))
        assert reading.unchanged
        rows.append(same.row("unchanged", reading.requests, bare))
        memory = sum(rss_mib(worker._process.pid) for worker in pool._all)
        await source.close()
    tell(f"{len(reading.occurrences)} occurrences; kept: {len(reading.body) / 1e3:.0f} kB;")
    tell(f"memory of the worker afterwards {memory:.0f} MiB\n")
    head = ("polled", "requests", "ms", "÷ bare", "CPU ms here", "of worker", "CPU ÷ bare")
    table(head, rows)


async def _bare(base: str, url: str, pool: WorkerPool) -> tuple[Measured, int]:
    """Measure a search by the library alone, and count its requests."""
    measured, sent = Measured(pool), 0

    async def count(_: httpx.Request) -> None:
        nonlocal sent
        sent += 1

    async with aio.AsyncDAVClient(
        base, username="aula", password=PASSWORD, auth_type="basic", ssl_verify_cert=False,
        timeout=60,
    ) as client:  # fmt: skip
        client.session.event_hooks["request"].append(count)
        found = aio.Calendar(client=client, url=url)

        async def search() -> None:
            events = await found.search(event=True, start=WINDOW.start, end=WINDOW.end)
            for one in events:
                one.icalendar_instance  # noqa: B018 - this parses it

        for _ in range(TIMES):
            sent = 0
            await measured.add(search)
    return measured, sent


async def main() -> None:
    """Measure both servers."""
    for run in (caldav_servers.radicale, caldav_servers.xandikos):
        with run(("aula",)) as server:
            tell(f"{run.__name__}, {EVENTS} events:")
            await measure(server)


if __name__ == "__main__":
    asyncio.run(main())
