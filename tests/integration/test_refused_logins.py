"""How often a wrong login reaches each kind of server, counted there; 40 rooms are polled at once.

Accounts are locked after five or ten.
"""

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from cospaced.calendars.caldav import source as caldav_source
from cospaced.calendars.caldav.source import CaldavSource
from cospaced.calendars.exchange.source import MODULE, ExchangeSource
from cospaced.calendars.ical_source import IcalSource
from cospaced.calendars.login_gate import FIRST_PAUSE, LATER
from cospaced.calendars.workers import InlineExpander, WorkerPool
from cospaced.errors import CalendarError
from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.faults import Fault as ExchangeFault
from cospaced.exchange_simulator.graph.faults import Fault
from cospaced.host.offload import ThreadOffload
from cospaced.host.web import Web
from cospaced.ports import CalendarSource
from cospaced.settings import CalendarSettings, RoomSettings, Secret, SourceType
from support.exchange_calendars import SERVICE, exchange_source, server
from support.graph_calendars import graph_source, tenant
from support.ical import calendar, event
from support.scripted_caldav import multistatus, response
from support.situations import NOW, WINDOW
from support.source_writers import SetClock
from support.web_server import Reply, Seen, WebServer, web_server


WRONG, RIGHT = Secret("wrong"), Secret("right")
ALL_REFUSED, ALL_READ = {"login": 40}, {"read": 40}


async def together(source: CalendarSource, rooms: Sequence[RoomSettings]) -> Counter[str]:
    """Poll all rooms at once; return how many were read, and how many failed by what."""

    async def one(room: RoomSettings) -> str:
        try:
            await source.poll(room, None, WINDOW)
        except CalendarError as error:
            return error.kind
        return "read"

    return Counter(await asyncio.gather(*map(one, rooms)))


# --- Exchange -----------------------------------------------------------------------------------


def refused(exchange: Exchange) -> int:
    """Return how many logins an Exchange refused since this was asked last."""
    count = sum(1 for one in exchange.requests if one.status == 401)
    exchange.requests.clear()
    return count


async def tried_once_after_each_pause(
    source: CalendarSource,
    rooms: Sequence[RoomSettings],
    clock: SetClock,
    exchange: Exchange,
    *,
    at_first: int = 1,
) -> None:
    """Poll all rooms together at the beginning and the end of pauses that double."""
    pause = FIRST_PAUSE
    for tries in (at_first, 1, 1):
        assert await together(source, rooms) == ALL_REFUSED
        assert refused(exchange) == tries
        clock.leap(pause - 10)
        assert await together(source, rooms) == ALL_REFUSED
        assert refused(exchange) == 0
        clock.leap(10)
        pause *= 2


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
async def test_a_wrong_password_reaches_exchange_twice_and_once_after_each_pause(
    tmp_path: Path, auth: str
) -> None:
    clock = SetClock(NOW)
    async with server(tmp_path, clock) as running:
        rooms = [running.add_room(f"room{n}") for n in range(40)]
        wrong = {"password": WRONG, "auth": auth}
        async with exchange_source(running, clock, **wrong) as source:
            # The first mailbox may be refused for a reason of its own: a second one decides.
            await tried_once_after_each_pause(source, rooms, clock, running.exchange, at_first=2)
            running.exchange.grant(replace(SERVICE, password=WRONG.reveal()))
            assert await together(source, rooms) == ALL_READ
            assert refused(running.exchange) == 0


async def test_workers_that_could_log_in_at_once_do_not_while_the_login_is_not_proven(
    tmp_path: Path,
) -> None:
    clock = SetClock(NOW)
    async with server(tmp_path, clock) as running:
        rooms = [running.add_room(f"room{n}") for n in range(40)]
        # However long a worker takes to start here, it is not taken for one that hangs.
        patient = timedelta(minutes=2)
        settings = replace(running.settings, password=WRONG, timeout=patient)
        pool = WorkerPool(size=settings.at_once, module=MODULE)
        source = ExchangeSource(settings, time_zone="Europe/Berlin", pool=pool, clock=clock)
        assert await together(source, rooms) == ALL_REFUSED
        await source.close()
        assert refused(running.exchange) == 2


async def test_a_connection_that_was_let_in_long_ago_does_not_prove_a_wrong_password(
    tmp_path: Path,
) -> None:
    clock = SetClock(NOW)
    async with server(tmp_path, clock) as running:
        rooms = [running.add_room(f"room{n}") for n in range(15)]
        settings = replace(running.settings, auth="ntlm", timeout=timedelta(minutes=2))
        pool = WorkerPool(size=2, module=MODULE)
        source = ExchangeSource(settings, time_zone="Europe/Berlin", pool=pool, clock=clock)
        # Both workers have work at once, and then one of them loses its connection.
        assert await together(source, rooms[:1]) == {"read": 1}
        running.exchange.strike(ExchangeFault.SLOW, "SyncFolderItems", seconds=0.1, times=None)
        assert await together(source, rooms[:2]) == {"read": 2}
        running.exchange.strike(ExchangeFault.RESET)
        assert await together(source, rooms[:2]) == {"read": 1, "unreachable": 1}
        running.exchange.grant(replace(SERVICE, password="changed"))
        assert await together(source, rooms[:2]) == {"read": 1, "login": 1}
        for room in rooms[2:]:
            assert await together(source, [room]) == {"login": 1}
        await source.close()
        assert refused(running.exchange) == 2


@pytest.mark.parametrize("fault", [ExchangeFault.FORBIDDEN, ExchangeFault.UNAUTHORIZED])
@pytest.mark.parametrize("begun", [False, True])
async def test_what_one_mailbox_is_refused_keeps_no_other_room_unread(
    tmp_path: Path, fault: ExchangeFault, begun: bool
) -> None:
    clock = SetClock(NOW)
    async with server(tmp_path, clock) as running, exchange_source(running, clock) as source:
        rooms = [running.add_room(f"room{n}") for n in range(10)]
        if begun:
            assert await together(source, rooms) == {"read": 10}
        rule = running.exchange.strike(fault, mailbox=rooms[0].mailbox, times=None)
        for _ in range(10):
            assert await together(source, rooms) == {"login": 1, "read": 9}
            clock.leap(60)
        # EWS is not hammered by that one either.
        assert rule.hits == 2
        rule.cancel()
        clock.leap(2 * FIRST_PAUSE + LATER)
        assert await together(source, rooms) == {"read": 10}


# --- Graph --------------------------------------------------------------------------------------


async def test_one_token_is_fetched_for_all_rooms_and_one_where_it_is_refused() -> None:
    clock = SetClock(NOW)
    async with tenant(clock) as running, graph_source(running, clock) as source:
        rooms = [running.add_room(f"room{n}") for n in range(40)]
        assert await together(source, rooms) == ALL_READ
        assert running.exchange.requests.count("token") == 1
        running.exchange.tokens.expire()
        assert await together(source, rooms) == ALL_READ
        assert running.exchange.requests.count("token") == 2


@pytest.mark.parametrize("begun", [False, True])
async def test_a_wrong_secret_reaches_entra_once_and_once_after_each_pause(begun: bool) -> None:
    clock = SetClock(NOW)
    async with tenant(clock) as running, graph_source(running, clock) as source:
        rooms = [running.add_room(f"room{n}") for n in range(40)]
        if begun:
            assert await together(source, rooms) == ALL_READ
        running.grant(secret="changed")
        running.exchange.tokens.expire()
        await tried_once_after_each_pause(source, rooms, clock, running.exchange)
        running.grant()
        assert await together(source, rooms) == ALL_READ


async def test_graph_that_refuses_every_token_costs_one_more_and_is_left_alone() -> None:
    clock = SetClock(NOW)
    async with tenant(clock) as running, graph_source(running, clock) as source:
        rooms = [running.add_room(f"room{n}") for n in range(40)]
        running.graph.faults.always = Fault.TOKEN_REFUSED
        assert await together(source, rooms) == ALL_REFUSED
        assert running.exchange.requests.count("token") == 2
        running.graph.seen.clear()
        assert await together(source, rooms) == ALL_REFUSED
        assert running.graph.seen == []
        assert running.exchange.requests.count("token") == 2


async def test_a_mailbox_for_which_graph_refuses_the_token_costs_itself_alone() -> None:
    clock = SetClock(NOW)
    async with tenant(clock) as running, graph_source(running, clock) as source:
        rooms = [running.add_room(f"room{n}") for n in range(10)]
        faults = running.graph.faults
        faults.always = Fault.TOKEN_REFUSED
        faults.where = f"{rooms[7].mailbox}/calendarView/delta"
        for _ in range(3):
            told = await asyncio.gather(
                *(source.poll(room, None, WINDOW) for room in rooms), return_exceptions=True
            )
            (error,) = (one for one in told if isinstance(one, CalendarError))
            assert told[7] is error
            assert (error.kind, error.shared) == ("login", False)
            assert "premises" in str(error)
        assert running.exchange.requests.count("token") == 2
        faults.always = None
        clock.leap(FIRST_PAUSE + LATER)
        assert await together(source, rooms) == {"read": 10}


async def test_graph_that_goes_on_refusing_tokens_is_asked_ever_more_rarely() -> None:
    clock = SetClock(NOW)
    async with tenant(clock) as running, graph_source(running, clock) as source:
        rooms = [running.add_room(f"room{n}") for n in range(4)]
        running.graph.faults.always = Fault.TOKEN_REFUSED
        pause = FIRST_PAUSE
        for _ in range(3):
            running.graph.seen.clear()
            assert await together(source, rooms) == {"login": 4}
            assert running.graph.seen
            running.graph.seen.clear()
            clock.leap(pause - 10)
            assert await together(source, rooms) == {"login": 4}
            assert running.graph.seen == []
            clock.leap(10)
            pause *= 2


# --- CalDAV and feeds ---------------------------------------------------------------------------


class Site:
    """A web server that asks for a login; `own` are paths that want another one than the rest."""

    def __init__(self) -> None:
        self.own: set[str] = set()
        self.forbidden: set[str] = set()
        self.refused = 0
        self.server: WebServer | None = None

    def rooms(self) -> list[RoomSettings]:
        assert self.server is not None
        urls = [self.server.url(f"/rooms/{n}/") for n in range(40)]
        return [
            RoomSettings(name=f"room{n}", calendar="web", url=url) for n, url in enumerate(urls)
        ]

    def answer(self, seen: Seen) -> Reply:
        said = seen.headers.get("authorization", "")
        wanted = base64.b64encode(f"svc:{RIGHT.reveal()}".encode()).decode()
        if said != f"Basic {wanted}" or seen.path in self.own:
            self.refused += bool(said)
            return Reply(401, {"WWW-Authenticate": 'Basic realm="rooms"'})
        if seen.path in self.forbidden:
            return Reply(403)
        if seen.method == "GET":
            return Reply(200, {"Content-Type": "text/calendar"}, calendar(event(uid="one")))
        kind = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
        token = "<D:sync-token>token-1</D:sync-token>"
        return multistatus(*([response(seen.path, kind + token)] * (seen.method == "PROPFIND")))


@asynccontextmanager
async def web_source(
    kind: SourceType, password: Secret, clock: SetClock
) -> AsyncIterator[CalendarSource]:
    """Make a source of CalDAV calendars or of feeds."""
    settings = CalendarSettings(
        name="web", type=kind, username="svc", password=password, timeout=timedelta(seconds=20)
    )
    offload, zone = ThreadOffload("refused logins"), "Europe/Berlin"
    source: CalendarSource = (
        CaldavSource(
            settings,
            time_zone=zone,
            workers=partial(WorkerPool, size=2, module=caldav_source.MODULE),
            clock=clock,
        )
        if kind is SourceType.CALDAV
        else IcalSource(
            settings,
            time_zone=zone,
            web=Web(connections=settings.at_once),
            expander=InlineExpander(offload),
            offload=offload,
            clock=clock,
        )
    )
    try:
        yield source
    finally:
        await source.close()
        offload.close()


WEB = pytest.mark.parametrize("kind", [SourceType.CALDAV, SourceType.ICAL])


@WEB
async def test_a_wrong_password_reaches_a_web_server_twice_and_once_after_each_pause(
    kind: SourceType,
) -> None:
    clock, site = SetClock(NOW), Site()
    async with web_server(site.answer) as site.server, web_source(kind, WRONG, clock) as source:
        rooms, pause = site.rooms(), FIRST_PAUSE
        # The first room may be refused for a reason of its own: a second one decides.
        for n in range(2, 5):
            assert await together(source, rooms) == ALL_REFUSED
            assert site.refused == n
            clock.leap(pause - 10)
            assert await together(source, rooms) == ALL_REFUSED
            assert site.refused == n
            clock.leap(10)
            pause *= 2


@WEB
async def test_a_room_that_is_refused_first_keeps_no_other_room_unread(kind: SourceType) -> None:
    clock, site = SetClock(NOW), Site()
    async with web_server(site.answer) as site.server, web_source(kind, RIGHT, clock) as source:
        site.own.add("/rooms/0/")
        assert await together(source, site.rooms()) == {"login": 1, "read": 39}
        assert site.refused == 1


@WEB
async def test_what_one_room_is_refused_keeps_no_other_room_unread(kind: SourceType) -> None:
    clock, site = SetClock(NOW), Site()
    async with web_server(site.answer) as site.server, web_source(kind, RIGHT, clock) as source:
        rooms = site.rooms()
        site.own.add("/rooms/0/")
        site.forbidden.add("/rooms/1/")
        assert await together(source, rooms[1:]) == {"login": 1, "read": 38}
        for _ in range(3):
            assert await together(source, rooms) == {"login": 2, "read": 38}
        assert site.refused == 1
        site.forbidden.clear()
        assert await together(source, rooms) == {"login": 1, "read": 39}
        site.own.clear()
        clock.leap(FIRST_PAUSE + LATER)
        assert await together(source, rooms) == ALL_READ
