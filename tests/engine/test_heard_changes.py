"""Calendars whose servers tell of changes: what is told brings a poll forward, and nothing more."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cospaced.calendars.ical_source import IcalSource
from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from cospaced.ports import CalendarSource, Clock
from cospaced.settings import ConferenceSettings, RoomSettings
from support.site import Site
from support.stories import MINUTE, booked, moved, play_on
from support.virtual import InlineOffload


@dataclass
class Telling:
    """A source that is told of changes; `after` seconds pass between its look and its answer."""

    inner: IcalSource
    clock: Clock
    after: float = 0.0
    error: CalendarError | None = None
    fault: Exception | None = None
    polls: Counter[str] = field(default_factory=Counter)
    watched: list[tuple[str, ...]] = field(default_factory=list)
    ended: int = 0

    async def poll(self, room: RoomSettings, previous: Reading | None, window: Timespan) -> Reading:
        self.polls[room.name] += 1
        if self.error is not None:
            raise self.error
        reading = await self.inner.poll(room, previous, window)
        await self.clock.sleep(self.after)
        return reading

    async def watch(
        self, rooms: Sequence[RoomSettings], on_change: Callable[[Sequence[str]], None]
    ) -> None:
        self.watched.append(tuple(room.name for room in rooms))
        self.tell = on_change
        if self.fault is not None:
            raise self.fault
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1

    async def close(self) -> None:
        await self.inner.close()


class TellingSite(Site):
    telling: Telling
    fault: Exception | None = None

    def sources(self, offload: InlineOffload) -> dict[str, CalendarSource]:
        self.telling = Telling(self.source(offload), self.clock, fault=self.fault)
        return {"files": self.telling}

    async def settle(self) -> None:
        """Let the daemon start, and the moment pass at which rooms are polled."""
        await self.clock.sleep(30)


def play(folder: Path, story: Callable[[TellingSite], Coroutine[None, None, None]]) -> TellingSite:
    return play_on(TellingSite, folder, story, terms=ConferenceSettings(min_rooms=0))


def test_a_change_that_is_told_is_seen_at_once_and_another_one_at_the_next_poll(
    tmp_path: Path,
) -> None:
    async def story(site: TellingSite) -> None:
        async with site.running():
            await site.settle()
            booked(site, after=60)
            await site.clock.sleep(1)
            assert site.bookings() == []
            site.telling.tell(["aula"])
            await site.clock.sleep(1)
            (row,) = site.bookings()
            assert row.rooms == ("aula",)
            await site.clock.sleep(60)
            assert site.bookings()[0].rooms == ("aula", "boardroom")

    play(tmp_path, story)


def test_a_change_that_is_told_in_the_middle_of_a_poll_is_looked_for_after_it(
    tmp_path: Path,
) -> None:
    async def story(site: TellingSite) -> None:
        async with site.running():
            await site.settle()
            site.telling.after = 5
            site.telling.tell(["aula"])
            await site.clock.sleep(1)
            # This poll has looked already.
            one = booked(site, after=60)
            site.telling.tell(["aula"])
            await site.clock.sleep(3)
            assert site.bookings() == []
            await site.clock.sleep(7)
            assert [row.start for row in site.bookings()] == [one.start]

    play(tmp_path, story)


def test_a_calendar_that_never_holds_still_is_polled_every_two_seconds_at_most(
    tmp_path: Path,
) -> None:
    async def story(site: TellingSite) -> None:
        async with site.running():
            await site.settle()
            before = site.telling.polls["aula"]
            one = booked(site, after=60)
            for minutes in range(200):
                one = moved(site, one, end=one.start + (10 + minutes) * MINUTE)
                site.telling.tell(["aula"])
                await site.clock.sleep(0.1)
            assert 8 <= site.telling.polls["aula"] - before <= 11
            await site.clock.sleep(2)
            assert site.bookings()[0].end == one.end

    play(tmp_path, story)


def test_a_calendar_that_cannot_be_read_is_not_asked_sooner_for_what_is_told(
    tmp_path: Path,
) -> None:
    async def story(site: TellingSite) -> None:
        async with site.running():
            await site.settle()
            site.telling.error = CalendarError("throttled", "less often", after=5 * MINUTE)
            await site.clock.sleep(60)
            before = site.telling.polls["aula"]
            for _ in range(10):
                site.telling.tell(["aula", "a room of yesterday"])
                await site.clock.sleep(10)
            assert site.telling.polls["aula"] == before

    play(tmp_path, story)


def test_a_reload_that_changes_the_rooms_listens_anew_and_another_one_goes_on(
    tmp_path: Path,
) -> None:
    async def story(site: TellingSite) -> None:
        async with site.running():
            assert site.machine is not None
            await site.settle()
            sources = {"files": site.telling}
            site.machine.reload(replace(site.settings), sources)
            await site.clock.sleep(1)
            assert (site.telling.watched, site.telling.ended) == ([site.rooms], 0)
            fewer = replace(site.settings, rooms=site.settings.rooms[:2])
            site.machine.reload(fewer, sources)
            await site.clock.sleep(1)
            assert (site.telling.watched, site.telling.ended) == ([site.rooms, site.rooms[:2]], 1)
            site.machine.reload(replace(fewer, rooms=(), calendars=()), {})
            await site.clock.sleep(1)
            assert site.telling.ended == 2

    play(tmp_path, story)


def test_a_fault_of_a_source_that_listens_is_told_and_the_polls_go_on(tmp_path: Path) -> None:
    class FaultySite(TellingSite):
        fault = RuntimeError("nobody thought of this")

    async def story(site: TellingSite) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + MINUTE)
            assert len(site.happened("calendar.watch_fault")) == 1
            assert site.endpoint("aula").connected

    play_on(FaultySite, tmp_path, story)
