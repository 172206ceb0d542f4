"""Threads for what would block the loop."""

import threading
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

from cospaced.bootstrap_calendars import Sources
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


async def test_a_file_that_hangs_holds_no_other_up(tmp_path: Path):
    path = tmp_path / "aula.ics"
    path.write_bytes(calendar(event("DTSTART:20261124T100000Z", "DURATION:PT1H")))
    hq = CalendarSettings(name="hq", type=SourceType.ICAL)
    async with AsyncExitStack() as stack:
        sources = Sources(SystemClock(), stack)
        source = (await sources.of(replace(SETTINGS, calendars=(hq,))))["hq"]
        share = threading.Event()
        hung = sources._files._pool.submit(share.wait)
        try:
            room = RoomSettings(name="aula", calendar="hq", path=path)
            reading = await source.poll(room, None, window())
            assert (len(reading.occurrences), hung.done()) == (1, False)
        finally:
            share.set()
