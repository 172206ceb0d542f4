"""The ical source on files, in virtual time: what is read again, worked out again, and refused."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from cospaced.calendars.files import Files
from cospaced.calendars.ical_source import IcalSource
from cospaced.calendars.job import Expansion, Job
from cospaced.calendars.workers import InlineExpander
from cospaced.domain.calendar import Occurrence, Reading
from cospaced.errors import CalendarError
from cospaced.settings import CalendarSettings, RoomSettings, SourceType
from support.ical import calendar, event, window
from support.virtual import START, InlineOffload, SeededEntropy, VirtualClock, run_virtually


T = TypeVar("T")
WINDOW = window("2026-11-23", "2026-12-23")


class CountingExpander(InlineExpander):
    """Keeps the jobs it was given."""

    def __init__(self, offload: InlineOffload) -> None:
        super().__init__(offload)
        self.jobs: list[Job] = []

    async def expand(self, job: Job, seconds: float) -> Expansion:
        self.jobs.append(job)
        return await super().expand(job, seconds)


class SleepingExpander:
    """Never ends a job."""

    def __init__(self, clock: VirtualClock) -> None:
        self._clock = clock

    async def expand(self, job: Job, seconds: float) -> Expansion:
        await self._clock.sleep(10**6)
        raise AssertionError(job, seconds)

    async def close(self) -> None: ...


class Desk:
    """A source on one file, and what a test does to it."""

    def __init__(self, clock: VirtualClock, path: Path, timeout: float = 30) -> None:
        self.clock = clock
        self.path = path
        offload = InlineOffload(SeededEntropy(1))
        self.expander = CountingExpander(offload)
        self.source = IcalSource(
            CalendarSettings(name="hq", type=SourceType.ICAL, timeout=timedelta(seconds=timeout)),
            time_zone="Europe/Berlin",
            web=None,
            expander=self.expander,
            offload=offload,
            clock=clock,
        )
        self.room = RoomSettings(name="aula", calendar="hq", path=path)

    def write(self, *starts: str, age: float = 60) -> None:
        """Write one event for each start, into a file that is so many seconds old."""
        events = [event(f"DTSTART:{start}", "DURATION:PT1H", uid=start) for start in starts]
        self.path.write_bytes(calendar(*events))
        at = self.clock.now().timestamp() - age
        os.utime(self.path, (at, at))

    async def poll(self, previous: Reading | None = None) -> Reading:
        return await self.source.poll(self.room, previous, WINDOW)


def on_a_file(tmp_path: Path, test: Callable[[Desk], Awaitable[None]]) -> None:
    async def main(clock: VirtualClock) -> None:
        await test(Desk(clock, tmp_path / "aula.ics"))

    run_virtually(main)


def uids(reading: Reading) -> list[str]:
    return [occurrence.uid for occurrence in reading.occurrences]


def test_an_unchanged_file_is_neither_read_nor_worked_out_again(tmp_path: Path):
    async def test(desk: Desk) -> None:
        desk.write("20261124T100000Z")
        first = await desk.poll()
        second = await desk.poll(first)
        assert (first.unchanged, second.unchanged) == (False, True)
        assert uids(second) == uids(first) == ["20261124T100000Z"]
        assert len(desk.expander.jobs) == 1
        assert second.read_at > first.read_at

    on_a_file(tmp_path, test)


def test_a_file_that_changed_this_moment_is_read_again_but_not_worked_out(tmp_path: Path):
    async def test(desk: Desk) -> None:
        desk.write("20261124T100000Z", age=0)
        first = await desk.poll()
        status = desk.path.stat()
        desk.path.write_bytes(desk.path.read_bytes().replace(b"20261124", b"20261125"))
        os.utime(desk.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        second = await desk.poll(first)
        assert uids(second) == ["20261125T100000Z"], "same size, same time, same inode"
        await desk.clock.sleep(5)
        third = await desk.poll(second)
        fourth = await desk.poll(third)
        assert (third.unchanged, fourth.unchanged) == (True, True)
        assert len(desk.expander.jobs) == 2

    on_a_file(tmp_path, test)


def test_of_a_changed_file_only_the_change_is_worked_out(tmp_path: Path):
    async def test(desk: Desk) -> None:
        desk.write("20261124T100000Z", "20261125T100000Z")
        first = await desk.poll()
        desk.write("20261125T100000Z", "20261126T100000Z", age=30)
        second = await desk.poll(first)
        assert uids(second) == ["20261125T100000Z", "20261126T100000Z"]
        assert second.occurrences[0] is first.occurrences[1]
        assert not second.unchanged
        assert second.covered == first.covered

    on_a_file(tmp_path, test)


def doubted(reading: Reading, *missed: Occurrence) -> Reading:
    """A reading as the daemon keeps it where it does not believe what it lacks."""
    return replace(reading, stamp="", occurrences=(*reading.occurrences, *missed))


def test_of_a_calendar_in_doubt_only_the_change_is_worked_out(tmp_path: Path):
    async def test(desk: Desk) -> None:
        desk.write("20261124T100000Z", "20261125T100000Z", "never")
        first = await desk.poll()
        desk.write("20261125T100000Z", "never", age=50)
        second = await desk.poll(first)
        known = doubted(second, first.occurrences[0])
        third = await desk.poll(known)
        assert len(desk.expander.jobs) == 2, "the text is as it was read"
        assert (uids(third), third.unchanged) == (["20261125T100000Z"], False)
        assert (third.problems, bool(third.stamp)) == (second.problems, True)
        desk.write("20261124T100000Z", "20261125T100000Z", "20261126T100000Z", age=40)
        fourth = await desk.poll(known)
        assert uids(fourth) == ["20261124T100000Z", "20261125T100000Z", "20261126T100000Z"]
        assert fourth.occurrences[1] is second.occurrences[0], "it was not worked out again"
        await desk.poll(fourth)
        assert desk.source._last == {}, "what is believed is kept but once"

    on_a_file(tmp_path, test)


def test_a_calendar_in_doubt_whose_last_reading_was_refused_is_worked_out_whole(tmp_path: Path):
    async def test(desk: Desk) -> None:
        desk.write("20261124T100000Z", "20261125T100000Z")
        first = await desk.poll()
        desk.write("20261125T100000Z", age=50)
        await desk.poll(first)
        again = await desk.poll(doubted(first))
        assert uids(again) == ["20261125T100000Z"]
        assert not desk.expander.jobs[-1].reuse

    on_a_file(tmp_path, test)


def test_problems_of_events_that_did_not_change_stay(tmp_path: Path):
    async def test(desk: Desk) -> None:
        desk.write("20261124T100000Z", "never")
        first = await desk.poll()
        desk.write("20261125T100000Z", "never", age=30)
        second = await desk.poll(first)
        assert [p.uid for p in first.problems] == [p.uid for p in second.problems] == ["never"]

    on_a_file(tmp_path, test)


def test_a_window_that_rolls_on_is_worked_out_again_only_every_day_or_two(tmp_path: Path):
    async def test(desk: Desk) -> None:
        desk.write("20261124T100000Z")
        reading = await desk.poll()
        for hours in range(1, 8 * 24):
            rolled = replace_window(hours)
            reading = await desk.source.poll(desk.room, reading, rolled)
            assert reading.covered.start <= rolled.start
            assert rolled.end <= reading.covered.end
        assert 4 <= len(desk.expander.jobs) - 1 <= 7

    def replace_window(hours: int):
        by = timedelta(hours=hours)
        return replace(WINDOW, start=WINDOW.start + by, end=WINDOW.end + by)

    on_a_file(tmp_path, test)


def test_a_stamp_is_trusted_for_a_day_at_most(tmp_path: Path):
    async def test(desk: Desk) -> None:
        desk.write("20261124T100000Z")
        first = await desk.poll()
        status = desk.path.stat()
        desk.path.write_bytes(desk.path.read_bytes().replace(b"20261124", b"20261125"))
        os.utime(desk.path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert (await desk.poll(first)).unchanged, "its times say so"
        await desk.clock.sleep(24 * 3600)
        assert uids(await desk.poll(first)) == ["20261125T100000Z"]

    on_a_file(tmp_path, test)


def test_a_reading_of_another_program_version_is_read_anew(tmp_path: Path):
    async def test(desk: Desk) -> None:
        desk.write("20261124T100000Z")
        first = await desk.poll()
        for stamp in ("", "x", "[]", '{"v":9}', '{"meant":"x"}'):
            again = await desk.poll(replace(first, stamp=stamp))
            assert (again.unchanged, again.occurrences) == (False, first.occurrences)

    on_a_file(tmp_path, test)


def test_files_that_cannot_be_read_are_told_by_kind(tmp_path: Path):
    async def test(desk: Desk) -> None:
        found = [await kind_of(desk)]
        desk.path.mkdir()
        found.append(await kind_of(desk))
        desk.path.rmdir()
        os.mkfifo(desk.path)
        found.append(await kind_of(desk))
        desk.path.unlink()
        desk.path.write_bytes(b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n")
        found.append(await kind_of(desk))
        with desk.path.open("wb") as file:
            file.truncate(60_000_000)
        found.append(await kind_of(desk))
        assert found == ["not_found", "unreadable", "unreadable", "truncated", "too_large"]

    on_a_file(tmp_path, test)


async def kind_of(desk: Desk) -> str:
    with pytest.raises(CalendarError) as caught:
        await desk.poll()
    return caught.value.kind


class DeadShare(InlineOffload):
    """Never reads what stands on a share that is gone, and holds a thread for each such try."""

    def __init__(self, gone: Path) -> None:
        super().__init__(SeededEntropy(1))
        self.gone = gone
        self.held = 0

    async def run(self, work: Callable[[], T]) -> T:
        if isinstance(work, partial) and self.gone in work.args:
            self.held += 1
            await asyncio.Event().wait()
        return await super().run(work)


def test_a_file_on_a_share_that_is_gone_costs_its_own_room_alone(tmp_path: Path):
    async def main(clock: VirtualClock) -> None:
        desk = Desk(clock, tmp_path / "aula.ics", timeout=7)
        desk.write("20261124T100000Z")
        share = DeadShare(desk.path)
        desk.source._files = Files(share)
        other = replace(desk.room, name="other", path=tmp_path / "other.ics")
        other.path.write_bytes(desk.path.read_bytes())
        for _ in range(3):
            gone, read = await asyncio.gather(
                desk.poll(), desk.source.poll(other, None, WINDOW), return_exceptions=True
            )
            assert isinstance(gone, CalendarError)
            assert (gone.kind, "share" in str(gone)) == ("timeout", True)
            assert isinstance(read, Reading)
        assert share.held == 1, "the first one holds its thread still"
        await desk.source.close()

    run_virtually(main)


def test_polls_whose_source_a_reload_closes_are_told_so_and_begin_nothing(tmp_path: Path):
    async def main(clock: VirtualClock) -> None:
        desk = Desk(clock, tmp_path / "aula.ics")
        desk.write("20261124T100000Z")
        share = DeadShare(desk.path)
        desk.source._files = Files(share)
        polls = [asyncio.create_task(kind_of(desk)) for _ in range(2)]
        await clock.sleep(1)
        await desk.source.close()
        # One that ended as cancelled would leave its room without a next poll.
        assert await asyncio.gather(*polls, kind_of(desk)) == ["unreadable"] * 3
        assert share.held == 1

    run_virtually(main)


def test_a_file_that_is_polled_twice_at_once_is_read_twice(tmp_path: Path):
    async def test(desk: Desk) -> None:
        desk.write("20261124T100000Z")
        first, second = await asyncio.gather(desk.poll(), desk.poll())
        assert uids(first) == uids(second) == ["20261124T100000Z"]

    on_a_file(tmp_path, test)


def test_a_poll_ends_within_the_calendars_timeout(tmp_path: Path):
    async def main(clock: VirtualClock) -> datetime:
        desk = Desk(clock, tmp_path / "aula.ics", timeout=7)
        desk.write("20261124T100000Z")
        desk.source._expander = SleepingExpander(clock)
        assert await kind_of(desk) == "timeout"
        return clock.now()

    assert run_virtually(main) - START <= timedelta(seconds=7.1)
