"""A CalDAV source that is closed under a poll: no worker is left, nor started."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from cospaced.calendars.caldav.source import MODULE, CaldavSource
from cospaced.calendars.workers import WorkerPool
from cospaced.errors import CalendarError
from cospaced.host.clock import SystemClock
from cospaced.settings import CalendarSettings, SourceType
from support.caldav_rooms import Desk


pytestmark = pytest.mark.asyncio
NOBODY = "http://127.0.0.1:9/aula/"


def source(workers: Callable[[], WorkerPool]) -> CaldavSource:
    settings = CalendarSettings(
        name="dav", type=SourceType.CALDAV, url=NOBODY, timeout=timedelta(seconds=20)
    )
    return CaldavSource(settings, time_zone="Europe/Berlin", workers=workers, clock=SystemClock())


async def test_a_poll_that_goes_on_after_the_close_makes_no_workers() -> None:
    made: list[WorkerPool] = []

    def workers() -> WorkerPool:
        made.append(WorkerPool(size=1, module=MODULE))
        return made[-1]

    closed = source(workers)
    await closed.close()
    with pytest.raises(CalendarError, match="stopped"):
        await Desk(closed, NOBODY).poll()
    assert made == []


async def test_a_worker_that_was_starting_at_the_close_does_nothing() -> None:
    closed = source(lambda: WorkerPool(size=1, module=MODULE))
    poll = asyncio.create_task(Desk(closed, NOBODY).poll())
    # One round of the loop: its worker is being started.
    await asyncio.sleep(0)
    await closed.close()
    with pytest.raises(CalendarError, match="stopped"):
        await poll
