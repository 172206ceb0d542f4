"""Threads for what would block the loop."""

import asyncio
import threading
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from cospaced.bootstrap_calendars import Sources
from cospaced.calendars.files import AT_ONCE
from cospaced.calendars.ical_source import IcalSource
from cospaced.host.clock import SystemClock
from cospaced.host.offload import ThreadOffload
from cospaced.settings import CalendarSettings, RoomSettings, SourceType
from support.ical import calendar, event, window
from support.pages import SETTINGS


async def test_work_is_done_in_the_order_of_the_calls():
    offload = ThreadOffload("tests")
    done: list[int] = []
    try:
        for number in range(3):
            await offload.run(lambda number=number: done.append(number))
    finally:
        offload.close()
    assert done == [0, 1, 2]


async def test_work_that_had_not_begun_when_it_was_closed_is_told_so():
    offload = ThreadOffload("tests")
    going_on = threading.Event()
    first = asyncio.create_task(offload.run(going_on.wait))
    second = asyncio.create_task(offload.run(going_on.is_set))
    third = asyncio.create_task(offload.run(going_on.is_set))
    try:
        await asyncio.sleep(0)
        third.cancel()
        offload.close()
        found = await asyncio.gather(second, third, return_exceptions=True)
        assert [type(one) for one in found] == [RuntimeError, asyncio.CancelledError]
    finally:
        going_on.set()
    assert await first


async def test_files_that_hang_hold_no_other_up_whatever_was_reloaded(tmp_path: Path):
    path = tmp_path / "aula.ics"
    path.write_bytes(calendar(event("DTSTART:20261124T100000Z", "DURATION:PT1H")))
    room = RoomSettings(name="aula", calendar="hq", path=path)
    share = threading.Event()
    async with AsyncExitStack() as stack:
        sources = Sources(SystemClock(), stack)
        try:
            for minutes in range(1, 8):
                timeout = timedelta(minutes=minutes)
                hq = CalendarSettings(name="hq", type=SourceType.ICAL, timeout=timeout)
                source = (await sources.of(replace(SETTINGS, calendars=(hq,))))["hq"]
                await sources.drop_unused()
                assert isinstance(source, IcalSource)
                reading = await source.poll(room, None, window())
                assert len(reading.occurrences) == 1
                assert source._threads is not None
                hung = [source._threads._pool.submit(share.wait) for _ in range(AT_ONCE - 1)]
                reading = await source.poll(room, None, window())
                assert (len(reading.occurrences), any(f.done() for f in hung)) == (1, False)
        finally:
            share.set()
