"""250 conferences of three rooms start in one second; CMS takes 50 ms for each answer.

How late the last room is dialled, beside the time that the writes alone take at eight at once (the
limit: 1.25 times that). First in virtual time, simulator and daemon in this process, also with
answers that take twice as long: a look that is too old by then must not tip it over. Then for real:
the installed daemon and the simulator as processes, HTTPS between them, and beside it a bare
client that sends as many writes to the same simulator.
"""

import asyncio
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from time import perf_counter, process_time, sleep

import aiohttp
from real_site import Daemon, a_file, configuration, simulator
from report import cpu_seconds, ratio, table, tell

from cospaced.host.tls import tls_context
from cospaced.simulator.knobs import Knobs
from support.ical import calendar
from support.site import Invitation, Site
from support.virtual import VirtualClock, run_virtually


CONFERENCES = 250
IN_EACH = 3
LATENCY = 0.05
AT_ONCE = 8
LIMIT = 1.25
DIALS = CONFERENCES * IN_EACH
WRITES = CONFERENCES + DIALS
"""To start the calls and to dial; the spaces were opened before."""
PURE = WRITES * LATENCY / AT_ONCE
"""Seconds that they take, served as fast as CMS does."""
SOON = timedelta(seconds=30)
"""From the real daemon's start to the conferences'."""
EARLY = timedelta(seconds=12)


def invitations(start: datetime) -> list[Invitation]:
    """Return the conferences; each has rooms of its own."""
    end = start + timedelta(minutes=30)
    return [
        Invitation(
            f"c{n}@example.org", start, end, rooms=tuple(f"r{n}-{m}" for m in range(IN_EACH))
        )
        for n in range(CONFERENCES)
    ]


async def virtually(clock: VirtualClock, folder: Path, latency: float) -> list[object]:
    """Hold the storm in virtual time."""
    start = clock.now() + timedelta(minutes=10)
    invited = invitations(start)
    site = Site(
        clock,
        folder,
        rooms=tuple(room for one in invited for room in one.rooms),
        quantity=CONFERENCES + 50,
        knobs=Knobs(latency_before=(latency, latency)),
    )
    site._invitations = {one.uid: one for one in invited}
    site.write_calendars()
    async with site.running():
        await site.until(start - timedelta(seconds=0.5))
        cpu = process_time()
        await site.eventually(lambda: len(site.happened("leg.dialled")) >= DIALS, within=120)
        cpu = process_time() - cpu
        last = max(at for at, event, _ in site.events if event == "leg.dialled") - start
    looks = [r for r in site.cluster.requests if r.method == "GET" and start <= r.at < start + last]
    what = f"virtual time, {latency * 1000:g} ms, with the simulator"
    pure = WRITES * latency / AT_ONCE
    return _row(what, last.total_seconds(), pure, cpu, len(looks))


def really(folder: Path) -> list[list[object]]:
    """Hold the storm with processes over HTTPS."""
    start = datetime.now(UTC).replace(microsecond=0) + SOON
    for one in invitations(start):
        for room in one.rooms:
            a_file(folder / f"{room}.ics", calendar(one.text().rstrip().replace("\r\n", "\n")))
    rooms = [room for one in invitations(start) for room in one.rooms]
    with simulator(folder, latency=f"{LATENCY * 1000:g}ms") as cms:
        file = configuration(
            folder,
            cms,
            rooms,
            numbers=CONFERENCES + 50,
            conferences=f"early_join = {EARLY.seconds}s",
        )
        with Daemon(file) as daemon:
            _sleep_until(start - timedelta(seconds=0.5))
            cpu, cpu_cms = cpu_seconds(daemon.pid), cpu_seconds(cms.pid)
            delays = _dialled(daemon, start)
            cpu, cpu_cms = cpu_seconds(daemon.pid) - cpu, cpu_seconds(cms.pid) - cpu_cms
            opened = daemon.told("booking.opened")
        bare, cpu_bare = asyncio.run(_bare(cms.url, cms.ca_file))
    opening = max(one["late_ms"] for one in opened) / 1000
    tell(f"for real: {len(opened)} of {CONFERENCES} opened before, the last {opening:.2f} s late;")
    tell(f"{len(delays)} of {DIALS} dialled; CPU of the simulator meanwhile {cpu_cms:.1f} s\n")
    return [
        ["HTTPS, a bare aiohttp client", bare, PURE, ratio(bare, PURE), None, cpu_bare, None],
        _row("HTTPS, the daemon, beside the bare client", max(delays, default=0.0), bare, cpu),
    ]


def _row(
    what: str, late: float, floor: float, cpu: float, looks: int | None = None
) -> list[object]:
    return [what, late, floor, ratio(late, floor), f"{LIMIT:.2f} x", cpu, looks]


def _sleep_until(moment: datetime) -> None:
    sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))


def _dialled(daemon: Daemon, start: datetime) -> list[float]:
    """Wait until all are dialled, or half a minute has passed; return how late each was."""
    while datetime.now(UTC) < start + timedelta(seconds=30):
        sleep(0.5)
        delays = [line["late_ms"] / 1000 for line in daemon.told("leg.dialled")]
        if len(delays) >= DIALS:
            break
    return delays


async def _bare(url: str, ca_file: Path) -> tuple[float, float]:
    """Send as many writes as the storm has, so many at once; return seconds and CPU seconds."""
    connector = aiohttp.TCPConnector(
        ssl=tls_context(verify=True, ca_file=ca_file), limit=AT_ONCE, keepalive_timeout=4
    )
    login = {"Authorization": aiohttp.encode_basic_auth("admin", "simulated")}
    left = iter(range(WRITES))

    async def worker() -> None:
        for _ in left:
            async with session.post(f"{url}/api/v1/coSpaces", data=b"name=x") as answer:
                await answer.read()

    async with aiohttp.ClientSession(connector=connector, headers=login) as session:
        began, cpu = perf_counter(), process_time()
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(worker())
        return perf_counter() - began, process_time() - cpu


def main(real: bool) -> None:
    """Hold both storms."""
    tell(f"{CONFERENCES} conferences of {IN_EACH} rooms, {WRITES} writes, {AT_ONCE} at once")
    rows = []
    for latency in (LATENCY, 2 * LATENCY):
        with tempfile.TemporaryDirectory() as folder:
            work = partial(virtually, folder=Path(folder), latency=latency)
            rows.append(run_virtually(work))
    if real:
        with tempfile.TemporaryDirectory() as folder:
            rows += really(Path(folder))
    head = ("last dial", "late s", "writes ÷ at once", "ratio", "limit", "CPU s", "looks")
    table(head, rows)


if __name__ == "__main__":
    main(real="virtual" not in sys.argv[1:])
