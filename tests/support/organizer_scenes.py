"""A room whose mailbox spoils titles, organizers with copies of their own, and a source."""

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.exchange_simulator import faults
from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.graph.faults import Fault as GraphFault
from cospaced.exchange_simulator.records import Item, Person
from cospaced.exchange_simulator.recurrence import Recurrence
from cospaced.exchange_simulator.rights import EVERYBODY, Account
from cospaced.exchange_simulator.scenarios import Wording
from cospaced.ports import CalendarSource
from cospaced.settings import RoomSettings
from support.exchange_calendars import SERVICE, exchange_source, server
from support.graph_calendars import graph_source, tenant
from support.icalendar_writer import address_of
from support.situations import NOW, WINDOW
from support.source_writers import SetClock


ADA = Person(address="ada@example.org", name="Ada Lovelace")
GRACE = Person(address="grace@example.org", name="Grace Hopper")
STRANGER = Person(address="eve@elsewhere.example", name="Eve Elsewhere")
AULA = address_of("aula")
DAY = timedelta(days=1)


class Scene(ABC):
    """Rooms and their last `readings`, by name. What is asked differs from kind to kind."""

    def __init__(self, exchange: Exchange, source: CalendarSource, clock: SetClock) -> None:
        self.exchange = exchange
        self.source = source
        self.clock = clock
        self.room = self.add_room("aula")
        self.readings: dict[str, Reading] = {}
        self.window = WINDOW
        for person in (ADA, GRACE):
            exchange.scenarios.add_person(person.address, person.name)

    def add_room(self, name: str) -> RoomSettings:
        """Open a room that spoils whatever it can, as is the default."""
        self.exchange.scenarios.add_room(address_of(name), name)
        address = address_of(name)
        return RoomSettings(name=name, calendar="hq", mailbox=address, address=address)

    def invite(
        self,
        day: float,
        subject: str = "Planning",
        *,
        by: Person = ADA,
        recurrence: Recurrence | None = None,
        room: str = AULA,
        uid: str = "",
        **wording: object,
    ) -> Item:
        """Invite the room for an hour, so many days from now."""
        return self.exchange.scenarios.invite(
            by if by is STRANGER else by.address,
            [room],
            NOW + day * DAY,
            wording=Wording(subject=subject, **wording),  # type: ignore[arg-type] # by name
            recurrence=recurrence,
            uid=uid,
        )

    async def poll(self, room: RoomSettings | None = None) -> Reading:
        """Poll the room, or another one."""
        room = room or self.room
        self.forget()
        before = self.readings.get(room.name)
        self.readings[room.name] = found = await self.source.poll(room, before, self.window)
        return found

    async def titles(self) -> list[str]:
        """Poll the room and return what its events are called, by their starts."""
        return [one.title for one in (await self.poll()).occurrences]

    def roll(self, by: timedelta) -> None:
        """Let time go by, and the window with it."""
        self.clock.leap(by.total_seconds())
        self.window = Timespan(self.window.start + by, self.window.end + by)

    @abstractmethod
    def forget(self) -> None:
        """Forget what was asked."""

    @property
    @abstractmethod
    def requests(self) -> int:
        """How many requests the last poll took."""

    @property
    @abstractmethod
    def looks(self) -> list[str]:
        """Whose own copies were looked at in the last poll, one entry for each request."""

    @abstractmethod
    def allow(self, *mailboxes: str) -> None:
        """Let the daemon read these mailboxes alone."""

    @abstractmethod
    def throttled(self, seconds: int) -> None:
        """Let the next look meet a server that asks for so many seconds of rest."""

    @abstractmethod
    def broken(self) -> None:
        """Let the next look get an answer cut short."""

    @abstractmethod
    def refused(self) -> None:
        """Let the login be refused at the next look."""

    @abstractmethod
    def silent(self) -> None:
        """Let the next look get no answer."""


class EwsScene(Scene):
    """The room is in an Exchange Server."""

    def forget(self) -> None:
        self.exchange.requests.clear()

    @property
    def requests(self) -> int:
        return self.exchange.requests.count()

    @property
    def looks(self) -> list[str]:
        sought = (one for one in self.exchange.requests if b"Restriction" in one.request)
        return [one.mailbox for one in sought]

    def allow(self, *mailboxes: str) -> None:
        self.exchange.grant(replace(SERVICE, impersonates=frozenset(mailboxes or (EVERYBODY,))))

    def _strike(self, fault: faults.Fault, **how: object) -> None:
        self.exchange.strike(fault, "FindItem", mailbox="*@example.org", **how)

    def throttled(self, seconds: int) -> None:
        self._strike(faults.Fault.SOAP_FAULT, back_off=seconds * 1000)

    def broken(self) -> None:
        self._strike(faults.Fault.TRUNCATED)

    def refused(self) -> None:
        self._strike(faults.Fault.UNAUTHORIZED)

    def silent(self) -> None:
        self._strike(faults.Fault.HANG)


class GraphScene(Scene):
    """The room is in Exchange Online."""

    def forget(self) -> None:
        self.exchange.graph.seen.clear()

    @property
    def requests(self) -> int:
        return len(self.exchange.graph.seen)

    @property
    def looks(self) -> list[str]:
        paths = (
            re.fullmatch(r".*/users/(.*)/events", one.path) for one in self.exchange.graph.seen
        )
        return [found[1] for found in paths if found]

    def allow(self, *mailboxes: str) -> None:
        reads = frozenset(mailboxes or (EVERYBODY,))
        name = self.exchange.rights.accounts[0].name
        self.exchange.grant(Account(name=name, password="simulated", impersonates=reads))

    def throttled(self, seconds: int) -> None:
        assert seconds == 120
        self.exchange.graph.faults.next(GraphFault.THROTTLED, path="/events")

    def broken(self) -> None:
        self.exchange.graph.faults.next(GraphFault.CUT, path="/events")

    def refused(self) -> None:
        refusals = [GraphFault.TOKEN_REFUSED] * 2
        self.exchange.graph.faults.next(*refusals, path="/events")

    def silent(self) -> None:
        self.exchange.graph.faults.next(GraphFault.SILENT, path="/events")


Kind = Callable[..., AbstractAsyncContextManager[Scene]]


@asynccontextmanager
async def on_premises(folder: Path, **changes: object) -> AsyncIterator[Scene]:
    """A room in an Exchange Server; `changes` are those of the calendar's settings."""
    clock, settings = SetClock(NOW), {"organizer_copies": True, **changes}
    async with (
        server(folder, clock) as running,
        exchange_source(running, clock, **settings) as source,
    ):
        yield EwsScene(running.exchange, source, clock)


@asynccontextmanager
async def in_the_cloud(_: Path, **changes: object) -> AsyncIterator[Scene]:
    """A room in Exchange Online; likewise."""
    clock, settings = SetClock(NOW), {"organizer_copies": True, **changes}
    async with tenant(clock) as running, graph_source(running, clock, **settings) as source:
        yield GraphScene(running.exchange, source, clock)
