"""Whatever Exchange or Graph answers: nothing is lost, one line tells it, one more its end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cospaced.calendars.login_gate import FIRST_PAUSE, LATER
from cospaced.domain.calendar import Occurrence
from cospaced.engine.copies import Copies
from cospaced.engine.polling import Polling
from cospaced.exchange_simulator.graph.faults import Fault as GraphFault
from cospaced.exchange_simulator.state import State
from cospaced.ports import CalendarSource
from cospaced.settings import (
    CalendarSettings,
    CmsSettings,
    ConferenceSettings,
    DaemonSettings,
    PoolSettings,
    RoomSettings,
    Secret,
    Settings,
)
from cospaced.store.memory import MemoryStore
from support import exchange_fault_rows, exchange_items
from support.events import Event
from support.exchange_calendars import exchange_source, server
from support.graph_calendars import graph_source, tenant
from support.icalendar_writer import address_of
from support.situations import NOW, PLAIN, WEEKLY
from support.source_writers import SetClock
from support.virtual import SeededEntropy


ROOM = "aula"
NEW = replace(PLAIN, id="two@example.org")


class Poller:
    """The daemon's polling of one room, when it is told to."""

    def __init__(
        self, calendar: CalendarSettings, room: RoomSettings, source: CalendarSource
    ) -> None:
        self.changed: set[str] = set()
        """UIDs that the engine was told of since this was last cleared."""
        clock = SetClock(NOW)
        settings = Settings(
            file=Path("cospaced.ini"),
            daemon=DaemonSettings(),
            cms=CmsSettings(address="https://cms.example.org", username="x", password=Secret("x")),
            pool=PoolSettings(domain="x", numeric_id_base=1, numeric_id_quantity=1),
            conferences=ConferenceSettings(),
            calendars=(calendar,),
            rooms=(room,),
        )
        self.polling = Polling(
            sources={calendar.name: source},
            copies=Copies(),
            store=MemoryStore(),
            clock=clock,
            entropy=SeededEntropy(1),
            settings=settings,
            on_change=lambda keys: self.changed.update(uid for uid, _ in keys),
            booked_before=lambda _: [],
        )

    @property
    def occurrences(self) -> tuple[Occurrence, ...]:
        return self.polling.readings()[ROOM].occurrences

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Poll from now on, having read the room once."""
        await self.polling.load()
        task = asyncio.create_task(self.polling.run())
        try:
            await self.poll()
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def poll(self) -> None:
        """Have the room polled once, and wait for what came of it."""
        desk = self.polling._desks[ROOM]
        self.polling.hurry([ROOM])
        async with asyncio.timeout(20):
            while not desk.under_way:
                await asyncio.sleep(0)
            while desk.under_way:
                await asyncio.sleep(0.005)


def put(state: State, *events: Event) -> None:
    for event in events:
        exchange_items.put(state, state.mailbox(address_of(ROOM)), event)


async def story(
    poller: Poller, state: State, spoil: Callable[[], object], mend: Callable[[], object]
) -> list[str]:
    """Read, fail three times, and read again; return what was told of the calendar."""
    put(state, PLAIN, replace(WEEKLY, id="weekly@example.org"))
    with capture_logs() as lines:
        async with poller.running():
            before = poller.occurrences
            assert len({one.uid for one in before}) == 2
            poller.changed.clear()
            put(state, NEW)
            spoil()
            for _ in range(3):
                await poller.poll()
                assert ROOM in poller.polling.failing()
            assert poller.occurrences == before
            assert not poller.changed
            mend()
            await poller.poll()
            assert not poller.polling.failing()
            assert set(before) < set(poller.occurrences)
            assert poller.changed == {NEW.id}
    told = [line for line in lines if str(line["event"]).startswith("calendar.")]
    assert all(line.get("reason") or line["log_level"] == "info" for line in told)
    return [str(line["event"]) for line in told]


TOLD = ["calendar.failed", "calendar.recovered"]


@pytest.mark.parametrize("name", exchange_fault_rows.EXCHANGE)
async def test_a_fault_of_exchange_costs_nothing_and_is_told_once(
    tmp_path: Path, name: str
) -> None:
    fault, how, _, _ = exchange_fault_rows.EXCHANGE[name]
    clock = SetClock(NOW)
    async with server(tmp_path, clock) as running, exchange_source(running, clock) as source:
        exchange = running.exchange
        poller = Poller(running.settings, running.add_room(ROOM), source)
        told = await story(
            poller,
            exchange.state,
            lambda: exchange.strike(fault, "*", times=None, **how),
            lambda: _over(exchange.faults.clear, clock),
        )
    assert told == TOLD


def _over(cancel: Callable[[], object], clock: SetClock) -> None:
    """End a fault, and the pause that a refused login leaves."""
    cancel()
    clock.leap(FIRST_PAUSE + LATER)


@pytest.mark.parametrize("fault", exchange_fault_rows.GRAPH)
async def test_a_fault_of_graph_costs_nothing_and_is_told_once(fault: GraphFault) -> None:
    clock = SetClock(NOW)
    async with tenant(clock) as running, graph_source(running, clock) as source:
        faults = running.graph.faults
        poller = Poller(running.settings, running.add_room(ROOM), source)
        told = await story(
            poller,
            running.state,
            lambda: setattr(faults, "always", fault),
            lambda: setattr(faults, "always", None),
        )
    assert told == TOLD
