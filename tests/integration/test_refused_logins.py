"""How often a wrong login reaches each kind of server, counted there; 40 rooms are polled at once.

Accounts are locked after five or ten.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from cospaced.calendars.exchange.source import MODULE, ExchangeSource
from cospaced.calendars.login_gate import FIRST_PAUSE
from cospaced.calendars.workers import WorkerPool
from cospaced.errors import CalendarError
from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.graph.faults import Fault
from cospaced.ports import CalendarSource
from cospaced.settings import RoomSettings, Secret
from support.exchange_calendars import SERVICE, exchange_source, server
from support.graph_calendars import graph_source, tenant
from support.situations import NOW, WINDOW
from support.source_writers import SetClock


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


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
async def test_a_wrong_password_reaches_exchange_once_and_once_after_each_pause(
    tmp_path: Path, auth: str
) -> None:
    clock = SetClock(NOW)
    async with server(tmp_path, clock) as running:
        rooms = [running.add_room(f"room{n}") for n in range(40)]
        wrong = {"password": WRONG, "auth": auth}
        async with exchange_source(running, clock, **wrong) as source:
            pause = FIRST_PAUSE
            for _ in range(3):
                assert await together(source, rooms) == ALL_REFUSED
                assert refused(running.exchange) == 1
                clock.leap(pause - 10)
                assert await together(source, rooms) == ALL_REFUSED
                assert refused(running.exchange) == 0
                clock.leap(10)
                pause *= 2
            running.exchange.grant(replace(SERVICE, password=WRONG.reveal()))
            assert await together(source, rooms) == ALL_READ
            assert refused(running.exchange) == 0


async def test_workers_that_could_log_in_at_once_do_not_while_the_login_is_not_proven(
    tmp_path: Path,
) -> None:
    clock = SetClock(NOW)
    async with server(tmp_path, clock) as running:
        rooms = [running.add_room(f"room{n}") for n in range(40)]
        settings = replace(running.settings, password=WRONG)
        pool = WorkerPool(size=settings.at_once, module=MODULE)
        source = ExchangeSource(settings, time_zone="Europe/Berlin", pool=pool, clock=clock)
        assert await together(source, rooms) == ALL_REFUSED
        await source.close()
        assert refused(running.exchange) == 1


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
        pause = FIRST_PAUSE
        for _ in range(3):
            assert await together(source, rooms) == ALL_REFUSED
            assert refused(running.exchange) == 1
            clock.leap(pause - 10)
            assert await together(source, rooms) == ALL_REFUSED
            assert refused(running.exchange) == 0
            clock.leap(10)
            pause *= 2
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
