"""Memory and CPU of the installed daemon with 500 rooms, beside a bare Python with its libraries.

`cospaced run` as a process, a simulated CMS over HTTPS as another, 500 .ics files of 20 events each
(half of them weekly or fortnightly series), every event in the calendars of two rooms. Read from
/proc: what is resident once every calendar was read, and after two more rounds of polls in which
nothing changed; and the CPU time that such a round costs. No conference runs meanwhile.
Usage: python tests/bench/bench_memory.py [ROOMS]
"""

import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, sleep

from real_site import Cms, Daemon, a_file, configuration, simulator
from report import children, children_cpu_seconds, cpu_seconds, ratio, rss_mib, table, tell

from support.ical import calendar, event, vtimezone


ROOMS = 500
EVENTS = 20
ROUND = 15
"""Seconds between two polls of a room."""
ROUNDS = 2
LIBRARIES = "aiohttp, asyncio, click, httpx, httpx_aiohttp, icalendar, pydantic, sqlite3, structlog"
ZONE = "W. Europe Standard Time"


def events(pair: int, now: datetime) -> list[str]:
    """Return the events of two neighbouring rooms; none is within three hours of the hour it is."""
    monday = now.date() - timedelta(days=now.weekday())
    found = []
    for n in range(EVENTS):
        hour = (now.hour + 5 + n % 14) % 24
        day = monday + timedelta(days=n % 5 + 7 * (n // 10))
        lines = [
            f"DTSTART;TZID={ZONE}:{day:%Y%m%d}T{hour:02}0000",
            f"DTEND;TZID={ZONE}:{day:%Y%m%d}T{hour:02}3000",
            f"SUMMARY:Planning {pair}-{n}",
            f"ORGANIZER;CN=Ada:mailto:ada{n}@example.org",
            f"ATTENDEE;PARTSTAT=ACCEPTED;CUTYPE=RESOURCE:mailto:room{pair}@example.org",
            f"DESCRIPTION:{'What was agreed last time and is to be settled now. ' * 4}",
        ]
        if n < EVENTS // 2:
            lines.append(f"RRULE:FREQ=WEEKLY;INTERVAL={1 + n % 2}")
        found.append(event(*lines, uid=f"{pair}-{n}@example.org"))
    return found


def write_calendars(folder: Path, count: int) -> list[str]:
    """Write every room's calendar; return the rooms."""
    now = datetime.now(UTC)
    rooms = [f"r{n:03}" for n in range(count)]
    for n, room in enumerate(rooms):
        content = calendar(vtimezone(ZONE), *events(n // 2, now))
        a_file(folder / f"{room}.ics", content)
    return rooms


def bare() -> tuple[float, float]:
    """Return the memory of a Python that does nothing, and of one that imported the libraries."""
    found = []
    for imports in ("sys", LIBRARIES):
        program = f"import {imports}\nprint(flush=True)\ninput()"
        with subprocess.Popen(
            [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            process.stdout.readline()
            found.append(rss_mib(process.pid))
            process.communicate(b"\n")
    return found[0], found[1]


class Watched:
    """The daemon's process and its workers, looked at now and then."""

    def __init__(self, daemon: Daemon, cms: Cms, cms_before: float = 0.0) -> None:
        self._daemon = daemon
        self._cms = cms
        self._cpu = (0.0, 0.0, cms_before)
        self._at = perf_counter() - daemon.ready_after
        self.rows: list[list[object]] = []

    def look(self, what: str, libraries: float) -> None:
        """Note what is resident, and the CPU time used since the last look."""
        workers = children(self._daemon.pid)
        own = rss_mib(self._daemon.pid)
        now = (
            cpu_seconds(self._daemon.pid),
            children_cpu_seconds(self._daemon.pid),
            cpu_seconds(self._cms.pid),
        )
        spent = [after - before for after, before in zip(now, self._cpu, strict=True)]
        self._cpu, began, self._at = now, self._at, perf_counter()
        memory = [own, ratio(own, libraries), sum(rss_mib(pid) for pid in workers)]
        self.rows.append([what, *memory, self._at - began, *spent])


def until_all_are_read(daemon: Daemon, count: int) -> int:
    """Wait until the state file has a reading of every room; return how many bookings it has."""
    with closing(sqlite3.connect(f"file:{daemon.state}?mode=ro", uri=True)) as state:
        for _ in range(600):
            if state.execute("SELECT count(*) FROM readings").fetchone()[0] == count:
                break
            sleep(0.1)
        else:
            raise AssertionError("not every calendar was read within a minute")
        return int(state.execute("SELECT count(*) FROM bookings").fetchone()[0])


def first_start(daemon: Daemon, cms: Cms, libraries: float, count: int) -> list[list[object]]:
    """Watch a daemon that begins without any state; print what it made of the calendars."""
    watched = Watched(daemon, cms)
    watched.look("at READY", libraries)
    until_all_are_read(daemon, count)
    # Bookings are stored beside the readings; let that, and the spread polls, end.
    sleep(ROUND)
    watched.look("every calendar read", libraries)
    for n in range(ROUNDS):
        sleep(ROUND)
        watched.look(f"unchanged round {n + 1}", libraries)
    stored = until_all_are_read(daemon, count)
    planned, refused = (len(daemon.told(f"booking.{what}")) for what in ("planned", "refused"))
    tell(f"{planned:,} bookings planned and {refused:,} refused, {stored:,} of them stored;")
    tell(f"state file {daemon.state.stat().st_size / 1e6:.1f} MB;")
    tell(f"READY after {daemon.ready_after:.1f} s (limit: 30 s)")
    return watched.rows


def main(count: int) -> None:
    """Measure once and print."""
    nothing, libraries = bare()
    with tempfile.TemporaryDirectory() as name, simulator(Path(name)) as cms:
        folder = Path(name)
        rooms = write_calendars(folder, count)
        size = sum(file.stat().st_size for file in folder.glob("*.ics"))
        tell(f"{count} rooms, {count * EVENTS:,} events in {size / 1e6:.1f} MB of .ics files,")
        # Half as many numbers as rooms are in use at most; some rest.
        numbers, keys = count * 6 // 10, f"poll_interval = {ROUND}s\nbooking_window = 30d"
        file = configuration(folder, cms, rooms, numbers=numbers, daemon=keys)
        with Daemon(file) as daemon:
            rows = first_start(daemon, cms, libraries, count)
        before = cpu_seconds(cms.pid)
        with Daemon(file) as daemon:
            again = Watched(daemon, cms, before)
            again.look("restarted, at READY", libraries)
            tell(f"and, restarted with its state, after {daemon.ready_after:.1f} s;")
    tell(f"bare Python {nothing:.0f} MiB, with the daemon's libraries {libraries:.0f} MiB\n")
    head = ("", "MiB", "÷ libraries", "workers MiB", "over s", "CPU s", "workers", "simulator")
    table(head, rows + again.rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROOMS)
