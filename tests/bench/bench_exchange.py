"""A poll of 200 rooms in Exchange, by EWS and by Graph, beside bare reading of the same calendars.

The server is simulated, in a process of its own. Bare is what exchangelib does for a calendar view
as its documentation shows, and a GET of calendarView by httpx with its JSON read: both learn what
stands there and not whether it changed. Ours has what the daemon spends and what its workers do;
the first reading by EWS has the start of the workers in it.
All figures are for one room; requests are those that the server counted.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import exchangelib
import httpx
import requests.adapters
from exchange_server import BOOKINGS, PASSWORD, ROOMS, USER, address
from report import cpu_seconds, ratio, table, tell

from cospaced.calendars.exchange.source import MODULE, ExchangeSource
from cospaced.calendars.graph.source import GraphSource
from cospaced.calendars.workers import WorkerPool
from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.host.clock import SystemClock
from cospaced.host.offload import ThreadOffload
from cospaced.host.tls import tls_context
from cospaced.host.web import Web
from cospaced.ports import CalendarSource
from cospaced.settings import CalendarSettings, RoomSettings, Secret, SourceType


TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
WINDOW = Timespan(TODAY, TODAY + timedelta(days=30))
AT_ONCE = 8
"""Rooms that are polled at once."""
CHANGES = 20


class Server:
    """The simulated Exchange, as a process."""

    def __init__(self, folder: Path) -> None:
        script = Path(__file__).with_name("exchange_server.py")
        self._process = subprocess.Popen(
            [sys.executable, str(script), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.ca_file = folder / "ca.pem"
        self.at: dict[str, str] = self._answer()

    def say(self, line: str) -> int:
        """Say `change` or `count`; return how many requests there were so far."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return int(self._answer())

    def close(self) -> None:
        """End it."""
        self._process.kill()
        self._process.communicate()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What some polls cost."""

    polls: int
    wall: float
    here: float
    workers: float
    requests: int

    def row(self, what: str, bare: "Cost | None") -> list[object]:
        """Return its line, for one poll."""
        cpu = (self.here + self.workers) / self.polls
        beside = "1 x" if bare is None else ratio(cpu, (bare.here + bare.workers) / bare.polls)
        each = 1e3 / self.polls
        return [
            *(what, self.polls, self.requests / self.polls),
            *(self.wall * each, self.here * each, self.workers * each, beside),
        ]


class Meter:
    """Measures work against the server; `pool` holds the workers, if there are any."""

    def __init__(self, server: Server, pool: WorkerPool | None = None) -> None:
        self._server = server
        self._pool = pool

    async def of(self, polls: int, work: Callable[[], Awaitable[object]]) -> Cost:
        """Do the work once; it is so many polls."""
        asked = self._server.say("count")
        began, here, workers = perf_counter(), process_time(), self._of_workers()
        await work()
        wall, spent = perf_counter() - began, process_time() - here
        return Cost(
            polls=polls,
            wall=wall,
            here=spent,
            workers=self._of_workers() - workers,
            requests=self._server.say("count") - asked,
        )

    def _of_workers(self) -> float:
        workers = self._pool._all if self._pool is not None else []
        return sum(cpu_seconds(worker._process.pid) for worker in workers)


def room(n: int) -> RoomSettings:
    """Return a room's settings."""
    return RoomSettings(name=f"room{n}", calendar="exchange", mailbox=address(n))


async def measured(
    server: Server, source: CalendarSource, pool: WorkerPool | None, bare: Cost
) -> list[list[object]]:
    """Measure a source: all rooms as they are, and one in which a booking changes."""
    meter = Meter(server, pool)
    readings: list[Reading | None] = [None] * ROOMS
    turns = asyncio.Semaphore(AT_ONCE)

    async def poll(n: int) -> None:
        async with turns:
            readings[n] = await source.poll(room(n), readings[n], WINDOW)

    async def all_rooms() -> None:
        await asyncio.gather(*(poll(n) for n in range(ROOMS)))

    first = await meter.of(ROOMS, all_rooms)
    unchanged = await meter.of(ROOMS, all_rooms)
    assert all(one is not None and one.unchanged for one in readings)
    assert all(one is not None and len(one.occurrences) == BOOKINGS for one in readings)

    async def changing() -> None:
        for _ in range(CHANGES):
            server.say("change")
            await poll(0)
            assert readings[0] is not None
            assert not readings[0].unchanged

    changed = await meter.of(CHANGES, changing)
    return [
        bare.row("bare view", None),
        first.row("first reading", bare),
        unchanged.row("unchanged", bare),
        changed.row("one booking changed", bare),
    ]


async def ews(server: Server) -> list[list[object]]:
    """Measure EWS."""
    settings = CalendarSettings(
        name="exchange",
        type=SourceType.EXCHANGE,
        server=server.at["ews"],
        auth="basic",
        username=USER,
        password=Secret(PASSWORD),
        ca_file=server.ca_file,
    )
    pool = WorkerPool(size=settings.at_once, module=MODULE)
    source = ExchangeSource(settings, time_zone="UTC", pool=pool, clock=SystemClock())
    bare = await Meter(server).of(ROOMS, lambda: _bare_ews(server))
    try:
        return await measured(server, source, pool, bare)
    finally:
        await source.close()


async def _bare_ews(server: Server) -> None:
    """View every calendar as exchangelib's documentation says; it blocks, and nobody waits."""

    class Adapter(requests.adapters.HTTPAdapter):
        def init_poolmanager(self, *args: Any, **keys: Any) -> None:
            context = tls_context(verify=True, ca_file=server.ca_file)
            super().init_poolmanager(*args, ssl_context=context, **keys)

        def cert_verify(self, conn: Any, *_: Any) -> None:
            """The context says whom to trust."""

    exchangelib.protocol.BaseProtocol.HTTP_ADAPTER_CLS = Adapter
    configuration = exchangelib.Configuration(
        service_endpoint=server.at["ews"],
        credentials=exchangelib.Credentials(USER, PASSWORD),
        auth_type=exchangelib.BASIC,
    )
    start, end = (
        exchangelib.EWSDateTime.from_datetime(moment.replace(tzinfo=exchangelib.UTC))
        for moment in (WINDOW.start, WINDOW.end)
    )
    for n in range(ROOMS):
        account = exchangelib.Account(
            primary_smtp_address=address(n),
            config=configuration,
            access_type=exchangelib.IMPERSONATION,
            autodiscover=False,
        )
        found = list(account.calendar.view(start=start, end=end))
        assert len(found) == BOOKINGS


async def graph(server: Server) -> list[list[object]]:
    """Measure Graph."""
    root = server.at["root"]
    settings = CalendarSettings(
        name="exchange",
        type=SourceType.GRAPH,
        tenant_id=server.at["tenant"],
        client_id=USER,
        client_secret=Secret(PASSWORD),
        authority=root,
        graph_url=root,
        ca_file=server.ca_file,
    )
    offload, web = ThreadOffload("graph"), Web(ca_file=server.ca_file)
    clock = SystemClock()
    login = ThreadOffload("tokens")
    source = GraphSource(
        settings, time_zone="UTC", web=web, offload=offload, login=login, clock=clock
    )
    try:
        bare = await _bare_graph(server)
        return await measured(server, source, None, bare)
    finally:
        await source.close()
        offload.close()


async def _bare_graph(server: Server) -> Cost:
    root = server.at["root"]
    form = {
        "grant_type": "client_credentials",
        "client_id": USER,
        "client_secret": PASSWORD,
        "scope": f"{root}/.default",
    }
    context = tls_context(verify=True, ca_file=server.ca_file)
    async with httpx.AsyncClient(base_url=root, verify=context) as client:
        place = f"/{server.at['tenant']}/oauth2/v2.0/token"
        token = (await client.post(place, data=form)).json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        query = {
            "startDateTime": f"{WINDOW.start:%Y-%m-%dT%H:%M:%SZ}",
            "endDateTime": f"{WINDOW.end:%Y-%m-%dT%H:%M:%SZ}",
            "$top": "100",
        }

        async def view() -> None:
            for n in range(ROOMS):
                answer = await client.get(f"/v1.0/users/{address(n)}/calendarView", params=query)
                assert len(answer.json()["value"]) == BOOKINGS

        return await Meter(server).of(ROOMS, view)


async def main() -> None:
    """Measure both."""
    head = ("polled", "polls", "requests", "ms", "CPU ms here", "of workers", "CPU ÷ bare")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = Server(folder)
        stack.callback(server.close)
        tell(f"{ROOMS} rooms with {BOOKINGS} bookings each; by EWS (exchangelib):\n")
        table(head, await ews(server))
        tell("by Graph (httpx):\n")
        table(head, await graph(server))


if __name__ == "__main__":
    asyncio.run(main())
