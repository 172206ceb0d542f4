"""Rooms whose server is slow are read a few at once, and wait for their turn outside their time."""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from cospaced.calendars.time_limit import time_limit
from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.engine.agenda import read_rooms
from cospaced.ports import CalendarSource
from cospaced.settings import CalendarSettings, RoomSettings, SourceType
from support.site import Site
from support.stories import play_on
from support.virtual import InlineOffload, VirtualClock


TIMEOUT = 30.0
WORKERS = 3
ROOMS = 12


@dataclass
class Workers:
    """A source that takes `seconds` for a room, and has WORKERS workers."""

    clock: VirtualClock
    seconds: float
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(WORKERS))
    read: set[str] = field(default_factory=set)

    async def poll(self, room: RoomSettings, _: Reading | None, window: Timespan) -> Reading:
        async with self.turns, time_limit(TIMEOUT):
            await self.clock.sleep(self.seconds)
        self.read.add(room.name)
        return Reading(occurrences=(), covered=window, read_at=self.clock.now())

    async def close(self) -> None:
        """Nothing is held."""


class SlowSite(Site):
    seconds = 0.0
    workers: Workers

    def sources(self, offload: InlineOffload) -> dict[str, CalendarSource]:
        self.workers = Workers(self.clock, self.seconds)
        return {"exchange": self.workers}

    def slow(self, seconds: float) -> None:
        """Have a dozen mailboxes on a server that takes this long for each."""
        self.seconds = seconds
        calendar = CalendarSettings(
            name="exchange",
            type=SourceType.EXCHANGE,
            timeout=timedelta(seconds=TIMEOUT),
            max_connections=WORKERS,
        )
        rooms = (
            RoomSettings(name=f"room{n}", calendar="exchange", mailbox=f"room{n}@example.org")
            for n in range(ROOMS)
        )
        self.settings = replace(self.settings, calendars=(calendar,), rooms=tuple(rooms))


def test_a_slow_server_is_read_whole(tmp_path: Path) -> None:
    async def story(site: SlowSite) -> None:
        site.slow(TIMEOUT - 1)
        async with site.running():
            await site.clock.sleep(ROOMS / WORKERS * TIMEOUT + 60)
            assert len(site.workers.read) == ROOMS

    assert play_on(SlowSite, tmp_path, story).happened("calendar.failed") == []


def test_a_server_that_hangs_is_told_as_such_and_never_as_a_fault_of_the_program(
    tmp_path: Path,
) -> None:
    async def story(site: SlowSite) -> None:
        site.slow(2 * TIMEOUT)
        async with site.running():
            await site.clock.sleep(ROOMS / WORKERS * TIMEOUT + 60)

    told = play_on(SlowSite, tmp_path, story).happened("calendar.failed")
    assert {line["kind"] for line in told} == {"timeout"}
    assert len({line["room"] for line in told}) == ROOMS


def test_a_poll_whose_calendar_a_reload_took_away_before_its_first_step_does_nothing(
    tmp_path: Path,
) -> None:
    async def story(site: SlowSite) -> None:
        site.slow(1)
        async with site.running():
            await site.clock.sleep(60)
            assert site.machine is not None
            polling = site.machine.polling
            poll = asyncio.create_task(polling._poll("room1", polling._desks["room1"]))
            polling.reload(replace(site.settings, rooms=(), calendars=()), {})
            await poll

    play_on(SlowSite, tmp_path, story)


def test_a_question_to_all_calendars_waits_outside_their_time_too(tmp_path: Path) -> None:
    async def story(site: SlowSite) -> None:
        site.slow(TIMEOUT - 1)
        workers = Workers(site.clock, site.seconds)
        span = Timespan(site.clock.now(), site.clock.now() + timedelta(days=1))
        found = await read_rooms(site.settings, {"exchange": workers}, span)
        assert all(isinstance(reading, Reading) for reading in found.values())
        assert len(found) == ROOMS

    play_on(SlowSite, tmp_path, story)
